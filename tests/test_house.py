"""The rules of the house that no type checker knows, and the pages that are made from the code."""

from __future__ import annotations

import ast
import difflib
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PROJECT

from admin_app.declaration import schemas
from admin_app.errors import error_classes
from admin_app.rest.errors_page import entries
from admin_app.rest.field_codes import FIELD_CODES
from admin_app.settings import Settings, section_models

PACKAGE = PROJECT / "admin_app"
DATABASE = PACKAGE / "database"


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.fixture(autouse=True, scope="module")
def _forgotten() -> Iterator[None]:
    """Trees of all sources are a lot to keep for the tests of other files."""
    yield
    parsed.cache_clear()


def uses(tree: ast.AST, *names: str) -> Iterator[ast.Attribute]:
    """Every use of an attribute with one of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in names:
            yield node


def found(*names: str, outside: Path | None = None) -> list[str]:
    """Where the package uses attributes of these names, as ``file:line``."""
    return [
        f"{path.relative_to(PROJECT)}:{node.lineno}"
        for path in modules()
        if outside is None or not path.is_relative_to(outside)
        for node in uses(parsed(path), *names)
    ]


def test_one_commit() -> None:
    """There is one place in the code base where writes are kept, in the room of the database."""
    # What goes past SQLAlchemy to the drivers is called by it.
    drivers = {f"admin_app/database/{each}.py" for each in ("direct", "sqlite_driver")}
    places = {each.rpartition(":")[0] for each in found("commit")} - drivers
    assert places == {"admin_app/database/core.py"}


def test_transactions_begin_in_the_database() -> None:
    """Nobody but the room of the database begins a transaction or touches an engine."""
    assert found("begin", "begin_nested", "engine", "rollback", outside=DATABASE) == []


def test_engines_are_made_in_the_database() -> None:
    """Nobody but the room of the database makes an engine or a pool."""
    makers = {"create_engine", "create_async_engine", "async_engine_from_config", "create_pool"}
    for path in modules():
        if path.is_relative_to(DATABASE):
            continue
        for node in ast.walk(parsed(path)):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "id", getattr(called, "attr", ""))
            assert name not in makers, f"{path.relative_to(PROJECT)}:{getattr(node, 'lineno', 0)}"


def test_no_sql_is_made_of_text() -> None:
    """Text that becomes SQL is a constant: never an f-string, a sum or a variable."""
    for path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "text":
                given = node.args[0]
                assert isinstance(given, ast.Constant), f"{path.name}:{node.lineno}"


def test_every_module_says_what_it_is() -> None:
    """Every module begins with a docstring that ends in a full stop, or holds nothing."""
    for path in modules():
        text = path.read_text("utf-8")
        docstring = ast.get_docstring(parsed(path)) if text.strip() else "."
        is_model = path.is_relative_to(PACKAGE / "models") and path.name != "__init__.py"
        assert docstring or is_model, path
        assert is_model or (docstring or "").rstrip("`)").endswith((".", ":", "…", "?")), path


def test_every_test_states_a_fact() -> None:
    """Every test has a docstring of one sentence."""
    for path in sorted((PROJECT / "tests").rglob("test_*.py")):
        for node in ast.walk(parsed(path)):
            is_test = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_test and node.name.startswith("test_"):  # type: ignore[attr-defined]
                assert ast.get_docstring(node), f"{path.name}:{node.name}"  # type: ignore[attr-defined, arg-type]


ERRORS = """\
# Errors

Every refusal is an `application/problem+json` document (RFC 9457) with `type`, `title`, `status`,
`detail`, `instance`, `code` and `request_id`; `errors` lists the parts of the input at fault (at
most 100), each with a JSON Pointer (RFC 6901), a code and a sentence. `code` is stable: programs
may rely on it. `detail` is for people and may change.

An error means that no record was written, but for `import_stopped` and `revert_stopped`, which name
the change set of what was. The answer's `X-Request-Id`, the document's `request_id` and the line in
the log are the same.

`type` is the address of the code's own page: a running server explains each at `/errors/<code>`, as
a page for browsers and as JSON for programs, and lists all of them at `/errors/`.

| Code | Status | Title | When | What to do |
|---|---|---|---|---|
"""
PARTS = """
## The parts of the input

The `code` of each of `errors`, stable as well. A model's own checks may add codes of theirs.

| Code | When |
|---|---|
"""
SETTINGS = """\
# Settings

Read from `settings.toml`, then `.env`, then the environment; a later source overrides an earlier
one, key by key. The variable of a key is `ADMIN_APP_<SECTION>__<KEY>`, such as
`ADMIN_APP_SERVER__PORT`; a list in a variable is JSON. An unknown key or variable of ours is an
error that names the nearest one; other lines of `.env` are left alone.
"""


def errors_page() -> str:
    rows = "".join(
        f"| `{each.code}` | {each.status} | {each.title} | {_line(each.when)} | {each.remedy} |\n"
        for each in entries()
    )
    parts = "".join(f"| `{code}` | {when} |\n" for code, when in sorted(FIELD_CODES.items()))
    return ERRORS + rows + PARTS + parts


def test_every_error_says_what_to_do() -> None:
    """Every kind of refusal has a code, a title and a remedy of its own, and says when."""
    kinds = error_classes()
    assert len({each.code for each in kinds}) == len(kinds)
    for each in kinds:
        assert {"code", "title", "remedy", "__doc__"} <= set(vars(each)), each
        assert each.remedy.endswith("."), each


WORD = re.compile(r"[a-z0-9_]+")


def codes_of_parts() -> Iterator[tuple[str, str]]:
    """The codes of parts of an input that stand in the code, with where."""
    makers = {"FieldError": 1, "_refuse": 0, "PydanticCustomError": 0}
    makers |= {"refuse": 1, "refuse_unknown": 1}
    for path in modules():
        for node in ast.walk(parsed(path)):
            called = getattr(node, "func", None)
            place = makers.get(getattr(called, "id", getattr(called, "attr", "")))
            given = node.args if isinstance(node, ast.Call) else []
            if place is not None and len(given) > place:
                code = given[place]
                if isinstance(code, ast.Constant) and WORD.fullmatch(str(code.value)):
                    yield str(code.value), f"{path.name}:{node.lineno}"  # type: ignore[attr-defined]


def test_every_code_of_a_part_is_explained() -> None:
    """Whatever code ``errors`` can hold stands in the list of codes."""
    unknown = [each for each in codes_of_parts() if each[0] not in FIELD_CODES]
    assert unknown == []
    translated = {schemas._code(each) for each in schemas._SENTENCES}
    assert translated <= set(FIELD_CODES)


def settings_page() -> str:
    page, defaults = SETTINGS, Settings()
    for section, model in section_models().items():
        page += f"\n## [{section}]\n\n{_line(inspect.getdoc(model) or '')}\n\n"
        page += "| Key | Default | Meaning |\n|---|---|---|\n"
        for key, field in model.model_fields.items():
            value = _shown(getattr(getattr(defaults, section), key))
            page += f"| `{key}` | {value} | {_line(field.description or '')} |\n"
    return page


def _line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value}`"


@pytest.mark.parametrize(
    ("name", "page"),
    [("errors.md", errors_page), ("settings.md", settings_page)],
    ids=["errors", "settings"],
)
def test_pages_made_from_the_code(name: str, page: object) -> None:
    """The page is what the code says; ``python tests/test_house.py`` writes it anew."""
    assert callable(page)
    written = (PROJECT / "docs" / name).read_text("utf-8")
    difference = difflib.unified_diff(written.splitlines(), page().splitlines(), lineterm="")
    assert list(difference) == []


def write_pages() -> None:
    (PROJECT / "docs/errors.md").write_text(errors_page(), "utf-8")
    (PROJECT / "docs/settings.md").write_text(settings_page(), "utf-8")


if __name__ == "__main__":
    write_pages()
