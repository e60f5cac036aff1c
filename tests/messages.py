"""Every message that people may read in the panel, gathered from the sources.

Where a message is said it is a whole literal, so that it can be found here and translated.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import admin_app.access
from admin_app.declaration import Base, Registry, Resource
from admin_app.declaration.fields import words
from admin_app.panel.language import lowered

ROOT = Path(admin_app.__file__).parent
PANEL = ROOT / "panel"
REFUSING = ("access", "declaration", "desk", "errors.py", "panel", "records", "suggestions.py")
"""The floors whose refusals the panel shows, which are words of its own at times."""

_CALLS = re.compile(r"""\b_\(\s*(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""")
_COUNTED = re.compile(
    r"""\b_n\(\s*(?P<q>["'])(?P<one>(?:\\.|(?!(?P=q)).)*)(?P=q)\s*,\s*"""
    r"""(?P<r>["'])(?P<many>(?:\\.|(?!(?P=r)).)*)(?P=r)"""
)
_SAYING = {"say", "say_many", "mark", "mark_many"}
_SENTENCE = re.compile(r"[A-Z{].*[.?!]", re.DOTALL)


def said() -> dict[str, str]:
    """What the panel itself says, each message with a place where it does."""
    found: dict[str, str] = {}
    for path in sorted([*PANEL.rglob("*.html"), *PANEL.glob("static/panel.js/*.js")]):
        text = path.read_text("utf-8")
        for match in _CALLS.finditer(text):
            found.setdefault(_plain(match["text"]), _place(path, text, match.start()))
        for match in _COUNTED.finditer(text):
            found.setdefault(_plain(match["one"]), _place(path, text, match.start()))
    for path in sorted(PANEL.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node) in _SAYING:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.setdefault(first.value, f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def plurals() -> dict[str, str]:
    """Of messages that go with a count, the English plural by the singular."""
    found: dict[str, str] = {}
    for path in [*PANEL.rglob("*.html"), *PANEL.glob("static/panel.js/*.js")]:
        for match in _COUNTED.finditer(path.read_text("utf-8")):
            found[_plain(match["one"])] = _plain(match["many"])
    for path in PANEL.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node) in {"say_many", "mark_many"}:
                texts = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
                if len(texts) == 2:
                    found[str(texts[0])] = str(texts[1])
    return found | {one: many for resource in own() for one, many in [forms_of(resource)]}


def own() -> list[Resource]:
    """The application's own resources, which come with it in every language."""
    admin_app.access  # noqa: B018 - they are declared when it is imported
    every = Registry.from_base(Base, ["admin_app.models"]).values()
    return [each for each in every if each.own]


def declared(resources: Iterable[Resource]) -> dict[str, str]:
    """What resources say of themselves, each message with the resource that does."""
    found: dict[str, str] = {}
    for each in resources:
        for text in _told_by(each):
            found.setdefault(text, each.name)
        found.setdefault(forms_of(each)[0], each.name)
    found.pop("", None)
    return found


def forms_of(resource: Resource) -> tuple[str, str]:
    """The forms of a resource's name that go with a count."""
    one, many = lowered(resource.label), lowered(resource.label_plural)
    return f"{{count}} {one}", f"{{count}} {many}"


def _told_by(resource: Resource) -> Iterator[str]:
    yield from (resource.label, resource.label_plural, resource.options.menu or "")
    for field in resource.fields.values():
        yield from (field.label, field.help, field.unit)
        yield from (words(each) for each in field.shape.choices if isinstance(each, str))
    for relation in resource.relations.values():
        yield from (relation.label, relation.help)
    for action in resource.declared.values():
        yield from (action.label, action.help)
        members = getattr(action.parameters, "model_fields", {})
        yield from (words(name) for name in members)
    for part in resource.options.form:
        if not isinstance(part, str):
            yield part.title
    yield from (each.title for each in resource.options.widgets)


@functools.cache
def messages() -> Mapping[str, str]:
    """Everything that there has to be a translation of, each with a place where it is said."""
    # What one floor refuses in the words of another that the panel has as well is one message.
    actions = {name: each.name for each in own() for name in each.actions}
    return {**refusals(), **declared(own()), **actions, **said(), **dict.fromkeys(plurals(), "")}


def refusals() -> dict[str, str]:
    """The sentences of the floors below, with holes where values are put in."""
    found: dict[str, str] = {}
    for name in REFUSING:
        for path in (
            sorted((ROOT / name).rglob("*.py")) if (ROOT / name).is_dir() else [ROOT / name]
        ):
            for node in _sentences(ast.parse(path.read_text("utf-8"))):
                found.setdefault(
                    template_of(node).strip(), f"{path.relative_to(ROOT)}:{node.lineno}"
                )
    return found


def template_of(node: ast.expr) -> str:
    """A literal as a message: of what an f-string puts in, the name that it is best known by."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    parts, taken = [], dict[str, str]()
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
            continue
        assert isinstance(part, ast.FormattedValue)
        source = ast.unparse(part.value)
        known = re.findall(r"[A-Za-z_]\w*", source)
        name = next((each for each in reversed(known) if each not in _WEAK), "value")
        while taken.get(name, source) != source:
            name += "_"
        taken[name] = source
        parts.append(f"{{{name}}}")
    return "".join(parts)


_WEAK = {"lower", "r", "g", "s", "str", "len", "join", "each", "for", "in", "self", "f", "n"}


def _sentences(tree: ast.Module) -> Iterator[ast.expr]:
    documentation = {id(each) for node in ast.walk(tree) for each in _documented(node)}
    inside = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for each in ast.walk(node)
        if each is not node
    }
    # The plural of what goes with a count stands beside its singular.
    second = {
        id(node.args[1])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _name(node) in {"say_many", "mark_many"}
        and len(node.args) > 1
    }
    skipped = documentation | inside | second
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            text = template_of(node).strip()
            if _SENTENCE.fullmatch(text) and " " in text:
                yield node


def _documented(node: ast.AST) -> Iterator[ast.AST]:
    """What is said to programmers and callers of REST only: they read English."""
    if isinstance(node, ast.Expr):
        yield node.value
    elif isinstance(node, ast.keyword) and node.arg == "description":
        yield from ast.walk(node.value)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if getattr(target, "id", "") == "remedy" and node.value is not None:
            yield from ast.walk(node.value)


def _name(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _plain(text: str) -> str:
    return text.replace('\\"', '"').replace("\\'", "'")


def _place(path: Path, text: str, start: int) -> str:
    return f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, start) + 1}"
