"""``Aggregation``: groups of a list and what is computed of each; and its grammar.

``group=language,added_at.year&count=*&sum=pages&having={"count": {"gte": 2}}&sort=-count``. What is
grouped by or computed of is a field of the record or, through to-one relations, of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args

from admin_app.access.policies import Trash
from admin_app.database.exact import DIGITS, PLACES, UTC_NAME, Unit
from admin_app.declaration import Field, Kind, Registry, Relation, Resource
from admin_app.declaration.fields import INT64, ORDERED, Shape
from admin_app.errors import BadRequestError
from admin_app.records.queries.conditions import Condition
from admin_app.records.queries.filters import MAX_RELATIONS
from admin_app.records.queries.grammar import filters_of, read_json, split_pairs
from admin_app.records.queries.operands import json_compared
from admin_app.records.queries.ordering import number_of, words_of
from admin_app.records.queries.periods import (
    MOMENTS,
    in_zone,
    settled_all,
    zone_of,
)
from admin_app.records.queries.query import NULLS_FIRST
from admin_app.records.queries.reading import MAX_NAME, Path, Reading

FUNCTIONS = ("count", "distinct", "sum", "avg", "min", "max")
PARAMETERS = ("group", *FUNCTIONS, "having", "sort", "limit", "search", "filter", "tz")
"""Parameters of an aggregate; every other one filters, as in a list."""
MAX_GROUPS = 5
MAX_MEASURES = 20
MAX_LIMIT = 1_000
USUAL_LIMIT = 100
UNITS: tuple[Unit, ...] = get_args(Unit)
HAVING = ("eq", "ne", "lt", "lte", "gt", "gte", "between", "in", "nin", "isnull")

NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT})
EXTREMES = NUMBERS | MOMENTS | {Kind.STRING, Kind.TEXT, Kind.TIME, Kind.INTERVAL}
KINDS: dict[str, frozenset[Kind]] = {
    "count": frozenset(Kind),
    "distinct": ORDERED,
    "sum": NUMBERS,
    "avg": NUMBERS,
    "min": EXTREMES,
    "max": EXTREMES,
}
"""The kinds of value that each function takes."""
COUNT = Shape(kind=Kind.INTEGER, minimum=0, maximum=INT64 - 1)
_TOTAL = Shape(kind=Kind.DECIMAL, precision=DIGITS, scale=PLACES)


@dataclass(frozen=True, slots=True)
class Place:
    """A field of the record, or of a record that to-one relations lead to."""

    steps: tuple[Relation, ...]
    field: Field


@dataclass(frozen=True, slots=True)
class Group:
    """A field, or a part of its dates, that records are grouped by."""

    name: str
    place: Place
    unit: Unit | None


@dataclass(frozen=True, slots=True)
class Measure:
    """A function computed for each group, of a field or of the records themselves."""

    function: str
    of: str
    place: Place | None

    @property
    def name(self) -> str:
        return f"{self.function}.{self.of}" if self.place else self.function

    @property
    def shape(self) -> Shape:
        """The shape of its values."""
        if self.place is None or self.function in {"count", "distinct"}:
            return COUNT
        shape = self.place.field.shape
        if self.function in {"min", "max"} or shape.kind is Kind.FLOAT:
            return shape
        return _TOTAL


COUNT_ALL = Measure("count", "*", None)


@dataclass(frozen=True, slots=True)
class Having:
    """A condition on a measure of a group."""

    measure: Measure
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Order:
    """A term of the order of the groups."""

    by: Group | Measure
    descending: bool
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What an aggregate reads, validated."""

    filters: tuple[Condition, ...]
    words: tuple[str, ...]
    groups: tuple[Group, ...]
    measures: tuple[Measure, ...]
    """The first is always the number of records."""
    having: tuple[Having, ...]
    sort: tuple[Order, ...]
    """The order asked for, the groups appended."""
    limit: int
    zone: str = UTC_NAME
    timed: bool = False
    trash: Trash = "without"

    def settled(self, now: datetime) -> Aggregation:
        """The aggregation with moments for the periods of its filters."""
        return replace(self, filters=settled_all(self.filters, in_zone(now, self.zone)))


def parse_aggregation(
    resource: Resource, registry: Registry, pairs: Iterable[tuple[str, str]]
) -> Aggregation:
    """Read an aggregation from parameters.

    Raises ``BadRequestError`` with one entry for each pair that cannot be used.
    """
    reading = Reading(registry)
    given, filters = split_pairs(reading, resource, list(pairs), PARAMETERS)
    read_json(reading, given, "filter", "having")
    return _Parser(reading, resource, given).parse(filters)


class _Parser:
    def __init__(self, reading: Reading, resource: Resource, given: Mapping[str, Any]) -> None:
        self.reading = reading
        self.resource = resource
        self.given = given

    def parse(self, filters: list[Condition]) -> Aggregation:
        groups = self.groups()
        measures = self.measures()
        limit = self.given.get("limit")
        found = Aggregation(
            filters=(*filters, *filters_of(self.reading, self.resource, self.given)),
            words=words_of(self.reading, self.resource, self.given.get("search")),
            groups=groups,
            measures=measures,
            having=self.having(measures),
            sort=self.sort(groups, measures),
            limit=USUAL_LIMIT
            if limit is None
            else number_of(self.reading, limit, ("limit",), 1, MAX_LIMIT, USUAL_LIMIT),
            zone=zone_of(self.reading, self.given.get("tz")),
            timed=self.reading.timed,
        )
        self.reading.finish()
        return found

    def names(self, parameter: str, most: int) -> list[str]:
        """The names that a parameter gives, each once."""
        found = [each for each in self.given.get(parameter, "").split(",") if each]
        if len(found) > most:
            self.reading.refuse((parameter,), "too_many_terms", f"At most {most} names.")
            return []
        if len(set(found)) < len(found):
            self.reading.refuse((parameter,), "repeated", "A name is given more than once.")
        return found

    def groups(self) -> tuple[Group, ...]:
        found = [self.group(name) for name in self.names("group", MAX_GROUPS)]
        return tuple(each for each in found if each is not None)

    def group(self, name: str) -> Group | None:
        before, _, last = name.rpartition(".")
        for unit in UNITS:
            place = place_of(self.reading.registry, self.resource, before)
            if last == unit and place is not None and place.field.kind in MOMENTS:
                if unit == "hour" and place.field.kind is Kind.DATE:
                    self.reading.refuse(("group",), "bad_value", f"{before} has no hours.")
                    return None
                return Group(name, place, unit)
        place = self.place("group", name, ORDERED)
        return None if place is None else Group(name, place, None)

    def measures(self) -> tuple[Measure, ...]:
        found = [COUNT_ALL]
        for function in FUNCTIONS:
            for name in self.names(function, MAX_MEASURES):
                if (function, name) == ("count", "*"):
                    continue
                place = self.place(function, name, KINDS[function])
                found += [] if place is None else [Measure(function, name, place)]
        if len(found) > MAX_MEASURES:
            self.reading.refuse((), "too_many_terms", f"At most {MAX_MEASURES} things to compute.")
        return tuple(found)

    def place(self, parameter: str, name: str, kinds: frozenset[Kind]) -> Place | None:
        registry = self.reading.registry
        place = place_of(registry, self.resource, name)
        if place is None:
            fitting = fields_of(self.resource, kinds)
            self.reading.refuse_unknown((parameter,), "unknown_field", name, fitting)
        elif place.field.kind not in kinds:
            known = ", ".join(fields_of(self.resource, kinds))
            words = f"{name} is not of a kind for this. Those that are: {known}."
            self.reading.refuse((parameter,), "bad_value", words)
            return None
        return place

    def having(self, measures: tuple[Measure, ...]) -> tuple[Having, ...]:
        data = self.given.get("having")
        if "having" not in self.given:
            return ()
        if not isinstance(data, dict):
            self.reading.refuse(("having",), "bad_value", "Give an object of conditions.")
            return ()
        found: list[Having] = []
        by_name = {each.name: each for each in measures}
        for name, operations in data.items():
            path: Path = ("having", name)
            measure = by_name.get(name)
            if measure is None:
                self.reading.refuse_unknown(path, "unknown_field", name, by_name)
                continue
            given = operations if isinstance(operations, dict) else {"eq": operations}
            for operator, value in given.items():
                found += self.compared(measure, operator, value, (*path, operator))
        return tuple(found)

    def compared(self, measure: Measure, operator: str, value: Any, path: Path) -> list[Having]:
        if operator not in HAVING:
            words = f"A group is compared by {', '.join(HAVING)}."
            self.reading.refuse(path, "unknown_operator", words)
            return []
        try:
            read = json_compared(measure.shape, operator, value)
        except BadRequestError as error:
            self.reading.refuse_value(path, error)
            return []
        self.reading.count_condition(path, len(read) if isinstance(read, list) else 1)
        return [Having(measure, operator, read)]

    def sort(self, groups: tuple[Group, ...], measures: tuple[Measure, ...]) -> tuple[Order, ...]:
        found: list[Order] = []
        for term in self.names("sort", MAX_GROUPS + MAX_MEASURES):
            name = term.removeprefix("-").removesuffix(NULLS_FIRST)
            by = self.sorted_by(name, groups, measures)
            if by is None:
                known = [*(each.name for each in measures), *(each.name for each in groups)]
                words = f"Cannot sort by {name[:MAX_NAME]}. Known are {', '.join(known)}."
                self.reading.refuse(("sort",), "unknown_sort", words)
            elif any(each.by is by for each in found):
                self.reading.refuse(("sort",), "repeated", f"{name} is given more than once.")
            else:
                found.append(Order(by, term.startswith("-"), term.endswith(NULLS_FIRST)))
        named = [each.by for each in found]
        return (*found, *(Order(each, False) for each in groups if each not in named))

    def sorted_by(
        self, name: str, groups: tuple[Group, ...], measures: tuple[Measure, ...]
    ) -> Group | Measure | None:
        by_name: dict[str, Group | Measure] = {f"group.{each.name}": each for each in groups}
        by_name |= {each.name: each for each in groups}
        by_name |= {each.name: each for each in measures}
        return by_name.get(name)


def place_of(registry: Registry, resource: Resource, name: str) -> Place | None:
    """Where a dotted name leads, through relations to one record each; none where nowhere."""
    *before, last = name.split(".")
    if len(before) > MAX_RELATIONS:
        return None
    steps: list[Relation] = []
    for segment in before:
        relation = resource.relations.get(segment)
        if relation is None or relation.many or not relation.fields:
            return None
        steps.append(relation)
        resource = registry.target(relation)
    field = resource.readable.get(last)
    return None if field is None else Place(tuple(steps), field)


def fields_of(resource: Resource, kinds: frozenset[Kind]) -> list[str]:
    """The names of the resource's own fields of these kinds."""
    return [each.name for each in resource.readable.values() if each.kind in kinds]
