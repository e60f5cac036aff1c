"""How a form's answers become conditions in the list's address, and back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

from starlette.datastructures import QueryParams

from admin_app.declaration import Field, Kind, Relation, Resource
from admin_app.declaration.fields import ORDERED, TEXTUAL
from admin_app.errors import BadRequestError
from admin_app.panel.display import CLOSED
from admin_app.panel.list_address import LIST, TURNING, brought, parameter
from admin_app.panel.texts import wire_of
from admin_app.records.queries.filters import operators_for
from admin_app.records.queries.operands import split
from admin_app.records.queries.operators import LISTS
from admin_app.records.queries.periods import MOMENTS, period_of

NULL, FILLED, RANGE = "null", "filled", "range"
"""Operators of forms beside those of the grammar."""
_BARE = (NULL, FILLED)

Target = Field | Relation
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Told:
    """A condition as a form has it: an operator and the texts of its values."""

    operator: str
    values: tuple[str, ...] = ()


def target_named(resource: Resource, name: str) -> Target | None:
    """The field or relation of a name, as the visitor sees the resource."""
    return resource.readable.get(name) or resource.relations.get(name)


def offered(target: Target) -> tuple[str, ...]:
    """The operators that a form offers, the usual first."""
    if isinstance(target, Relation):
        return ("in", NULL, FILLED) if target.writable else (NULL, FILLED)
    bare = _BARE if target.nullable or target.kind not in ORDERED else ()
    if target.kind not in ORDERED:
        return bare
    if target.kind in CLOSED:
        several = ("in", "nin") if target.kind is Kind.ENUM else ("in",)
        return (*several, *bare)
    if target.kind in TEXTUAL:
        return ("contains", "startswith", "eq", "ne", "in", *bare)
    if target.kind is Kind.UUID:
        return ("eq", "ne", "in", *bare)
    return (RANGE, "eq", "ne", "lt", "gt", *bare)


def known(target: Target) -> frozenset[str]:
    """Every operator that a form can be told."""
    return frozenset({*offered(target), *operators_for(target)} - {"isnull", "between"})


def told(target: Target, name: str, text: str) -> Told:
    """What a parameter of an address says, as a form would tell it."""
    operator = name.removeprefix(target.name).removeprefix("__") or "eq"
    if operator == "isnull":
        return Told(NULL if text == "true" else FILLED)
    values = several(text) if operator in LISTS else (text,)
    match operator:
        case "between":
            return Told(RANGE, values)
        case "gte":
            return Told(RANGE, (text, ""))
        case "lte":
            return Told(RANGE, ("", text))
        case "eq" if "eq" not in offered(target):
            return Told("in", values)
        case _:
            return Told(operator, values)


def several(text: str) -> tuple[str, ...]:
    """The values of a list as an address has it, or as somebody types it."""
    try:
        return tuple(each.strip() for each in split(text))
    except BadRequestError:
        return (text,)


def conditions(target: Target, answer: Told) -> list[tuple[str, str]]:
    """The parameters that say what a form was told; none where it was told nothing."""
    name, operator = target.name, answer.operator
    if operator in _BARE:
        return [(f"{name}__isnull", "true" if operator == NULL else "false")]
    typed = [_typed(target, each) for each in answer.values]
    if operator == RANGE:
        return _range(name, typed)
    values = list(dict.fromkeys(each for each in typed if each != ""))
    if operator == "in" and isinstance(target, Field) and target.kind is Kind.BOOLEAN:
        values = values if len(values) == 1 else []  # Either of two is no condition.
    if not values:
        return []
    if operator in {"eq", "in"} and len(values) == 1:
        return [(parameter(name), values[0])]
    return [(f"{name}__{operator}", joined(values) if operator in LISTS else values[0])]


def _range(name: str, values: Sequence[str]) -> list[tuple[str, str]]:
    first, last = (*values, "", "")[:2]
    if first and last:
        return [(f"{name}__between", joined([first, last]))]
    ends = [(f"{name}__gte", first), (f"{name}__lte", last)]
    return [each for each in ends if each[1]]


def joined(values: Iterable[str]) -> str:
    """Values as a list of the grammar."""
    out = StringIO()
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue()


def _typed(target: Target, text: str) -> str:
    """A control's text as the grammar has it: a moment without a zone is one in UTC."""
    text = text.strip() if not isinstance(target, Field) or target.kind not in TEXTUAL else text
    if not text or not isinstance(target, Field) or target.kind not in MOMENTS:
        return text
    try:
        periodic = period_of(target.kind, "lt", text) is not None
    except BadRequestError:
        return text
    return text if periodic or target.kind is Kind.DATE else str(wire_of(target, text))


def list_of(given: QueryParams) -> list[tuple[str, str]]:
    """The parameters of the list that a form was opened from."""
    return brought(given.get(LIST, ""))


def changed(pairs: Pairs, was: str, found: Pairs) -> list[tuple[str, str]]:
    """The list's parameters with ``found`` in the place of those called ``was``, or like one."""
    gone = {was, *(name for name, _ in found), *TURNING}
    kept = [each for each in pairs if each[0] not in gone]
    place = next((at for at, each in enumerate(pairs) if was and each[0] == was), len(kept))
    return [*kept[:place], *found, *kept[place:]]
