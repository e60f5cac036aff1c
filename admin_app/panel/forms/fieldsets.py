"""How a form is arranged: its parts in sections, sections in tabs, and when each is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from admin_app.declaration import Resource
from admin_app.declaration.forms import Section, Tab
from admin_app.declaration.values import to_text
from admin_app.panel.display import choice_words
from admin_app.panel.forms.filled import Condition, Shape
from admin_app.panel.forms.part import Part
from admin_app.panel.forms.parts import FieldPart
from admin_app.panel.language import say
from admin_app.panel.layout import covered


@dataclass(slots=True)
class Group:
    """Questions under one heading."""

    title: str = ""
    help: str = ""
    shapes: list[Shape] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """How many of its questions have something wrong with them."""
        return sum(bool(each.errors) for each in self.shapes)


@dataclass(slots=True)
class Sheet:
    """A tab, or the one sheet of a form without tabs."""

    title: str = ""
    groups: list[Group] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """How many of its questions have something wrong with them."""
        return sum(each.faults for each in self.groups)


def arranged(
    resource: Resource, shapes: Sequence[Shape], without: Collection[str] = ()
) -> list[Sheet]:
    """The questions in the order and under the headings that the declaration gives.

    Without one, those that must be answered come first. What nobody arranged comes last.
    """
    left = {name: each for each in shapes for name in _names(each.part)}
    for name in without:
        for each in [each for each in shapes if each.part.name == name]:
            _take(left, each)
    if not resource.options.form:
        first = sorted(_whole(left), key=lambda each: not _leads(resource, each.part))
        return [Sheet(groups=[Group(shapes=first)])] if first else []
    sheets = _sheets(resource, left)
    rest = _whole(left)
    if rest:
        titled = any(each.title for sheet in sheets for each in sheet.groups)
        last = Group(say("More") if titled else "", shapes=rest)
        if any(each.title for each in sheets):
            sheets.append(Sheet(say("More"), [Group(shapes=rest)]))
        elif sheets:
            sheets[-1].groups.append(last)
        else:
            sheets.append(Sheet(groups=[last]))
    return sheets


def _sheets(resource: Resource, left: dict[str, Shape]) -> list[Sheet]:
    given = resource.options.form
    tabs = [each for each in given if isinstance(each, Tab)]
    if not tabs:
        plain = [each for each in given if not isinstance(each, Tab)]
        found = [Sheet(groups=_groups(resource, plain, left))]
    else:
        found = [Sheet(tab.title, _groups(resource, tab.sections, left)) for tab in tabs]
    return [each for each in found if each.groups]


def _groups(
    resource: Resource, parts: Iterable[Section | str], left: dict[str, Shape]
) -> list[Group]:
    found: list[Group] = []
    for each in parts:
        if isinstance(each, Section):
            shapes = _picked(resource, each.fields, left)
            found.append(Group(each.title, each.help, shapes))
            continue
        if not found or found[-1].title:
            found.append(Group())
        found[-1].shapes += _picked(resource, [each], left)
    return [each for each in found if each.shapes]


def _picked(resource: Resource, names: Iterable[str], left: dict[str, Shape]) -> list[Shape]:
    stands_for = covered(resource)
    found = []
    for name in names:
        relation = stands_for.get(name)
        shape = left.get(name) or (left.get(relation.name) if relation else None)
        if shape is not None:
            _take(left, shape)
            found.append(shape)
    return found


def _take(left: dict[str, Shape], shape: Shape) -> None:
    for name in _names(shape.part):
        left.pop(name, None)


def _names(part: Part) -> tuple[str, ...]:
    return tuple(dict.fromkeys((part.name, *part.names)))


def _whole(left: Mapping[str, Shape]) -> list[Shape]:
    return list({id(each): each for each in left.values()}.values())


def _leads(resource: Resource, part: Part) -> bool:
    """Whether a question stands at the top where nothing is declared."""
    field = resource.fields.get(part.name)
    needed = part.required if field is None else field.required
    return needed or part.name == resource.title


def conditions(resource: Resource, parts: Sequence[Part]) -> dict[str, Condition]:
    """By part, when it is asked for; nothing about a field that the form does not have."""
    asked = {each.name: each for each in parts if isinstance(each, FieldPart)}
    found = {}
    for name, when in resource.options.shown_when.items():
        other = asked.get(when.field)
        if other is None:
            continue
        texts = tuple(map(to_text, when.values))
        words = say(
            "Only where {field} is {values}.",
            field=other.label,
            values=f" {say('or')} ".join(map(choice_words, when.values)),
        )
        found[name] = Condition(other.control, texts, words)
    return found
