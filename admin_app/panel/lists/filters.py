"""The conditions of a list: as chips that can be taken away, and as controls that add them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Field, Kind, Resource
from admin_app.declaration.fields import TEXTUAL
from admin_app.panel.display import choice_words, moment
from admin_app.panel.links import GONE
from admin_app.panel.visit import Visit
from admin_app.records import Query
from admin_app.records.queries.conditions import AllOf, Comparison, Condition, KeyIn, Related
from admin_app.records.queries.grammar import PARAMETERS, parameter

Pairs = Sequence[tuple[str, str]]

OPERATOR_WORDS = {
    "eq": "is",
    "ne": "is not",
    "lt": "below",
    "lte": "up to",
    "gt": "above",
    "gte": "from",
    "in": "is one of",
    "nin": "is none of",
    "between": "between",
    "like": "matches",
    "ilike": "matches",
    "contains": "contains",
    "startswith": "starts with",
    "endswith": "ends with",
}
_INPUT_TYPES = {Kind.DATE: "date", Kind.TIME: "time", Kind.DATETIME: "datetime-local"}


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition that is in force, and the address of the list without it."""

    label: str
    operator: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Control:
    """One control that gives one list parameter."""

    name: str
    label: str
    value: str
    type: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The controls of one field."""

    label: str
    controls: tuple[Control, ...]
    lookup: tuple[str, str] | None = None
    """Of a relation: the name of its parameter, and where its records are looked up."""


async def chips(visit: Visit, resource: Resource, query: Query, pairs: Pairs) -> list[Chip]:
    """The conditions of ``query``, which was read from ``pairs``, in words."""
    given = [each for each in pairs if each[0] not in PARAMETERS]
    given += [each for each in pairs if each[0] == "filter"]
    return [
        Chip(
            *await _words(visit, found, name, text),
            visit.urls.list(resource, without(pairs, name)),
        )
        for found, (name, text) in zip(query.filters, given, strict=True)
    ]


def without(pairs: Pairs, name: str) -> list[tuple[str, str]]:
    """The parameters without one of them, from the first page on."""
    return [each for each in pairs if each[0] not in {name, "cursor", "offset"}]


async def _words(visit: Visit, found: Condition, name: str, text: str) -> tuple[str, str, str]:
    """What a condition is about, its operator and its value."""
    if name == "filter":
        return "Filter", "", text
    match found:
        case Comparison(field, "isnull", null):
            return field.label, _emptiness(null), ""
        case Comparison(field, operator, _):
            return field.label, OPERATOR_WORDS[operator], _readable(field, text)
        case Related(relation, _, KeyIn(keys)):
            target = visit.registry.target(relation)
            titles = await visit.records.titles(visit.actor, target, keys)
            known = [titles[key].text if key in titles else GONE for key in keys]
            operator = OPERATOR_WORDS["eq" if len(keys) == 1 else "in"]
            return relation.label, operator, ", ".join(known)
        case Related(relation, quantifier, AllOf(())):
            return relation.label, _emptiness(quantifier == "none"), ""
        case _:
            return name, "", text


def _emptiness(null: bool) -> str:
    return "is empty" if null else "is not empty"


def _readable(field: Field, text: str) -> str:
    match field.kind:
        case Kind.BOOLEAN:
            return {"true": "Yes", "false": "No"}.get(text, text)
        case Kind.ENUM:
            return choice_words(text)
        case Kind.DATETIME | Kind.INSTANT:
            return moment(text)
        case _:
            return text or "empty text"


def groups(visit: Visit, resource: Resource, pairs: Pairs) -> list[Group]:
    """The controls of the fields and relations declared as filters."""
    given = dict(pairs)
    found = []
    for name in resource.options.filters:
        field, relation = resource.readable.get(name), resource.relations.get(name)
        if field is not None:
            found.append(Group(field.label, tuple(_controls(field, given))))
        elif relation is not None and relation.writable and parameter(name) not in given:
            # One that is in force has its chip, with the name that a look-up would have to read.
            lookup = (parameter(name), visit.urls.lookup(resource, name))
            found.append(Group(relation.label, (), lookup))
    return [each for each in found if each.controls or each.lookup]


def _controls(field: Field, given: Mapping[str, str]) -> list[Control]:
    name = parameter(field.name)

    def control(operator: str, label: str, **more: Any) -> Control:
        full = f"{field.name}__{operator}" if operator else name
        return Control(full, label, given.get(full, ""), **more)

    if field.kind is Kind.BOOLEAN:
        yes_no = (("true", "Yes"), ("false", "No"))
        return [control("", field.label, type="select", choices=yes_no)]
    if field.kind is Kind.ENUM:
        choices = tuple((str(each), choice_words(each)) for each in field.shape.choices)
        return [control("", field.label, type="select", choices=choices)]
    if field.kind in TEXTUAL:
        return [control("contains", f"{field.label} contains")]
    if not field.sortable:
        return []
    if field.kind is Kind.UUID:
        return [control("", field.label)]
    type_ = _INPUT_TYPES.get(field.kind, "text")
    hint = "2026-01-31T14:30:00Z" if field.kind is Kind.INSTANT else ""
    return [
        control("gte", f"{field.label} from", type=type_, hint=hint),
        control("lte", f"{field.label} up to", type=type_, hint=hint),
    ]


def kept(controls: Sequence[Group], pairs: Pairs) -> list[tuple[str, str]]:
    """The parameters that the controls do not give and their form therefore carries along."""
    own = {each.name for group in controls for each in group.controls}
    return [each for each in pairs if each[0] not in own | {"cursor", "offset"}]
