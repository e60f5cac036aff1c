"""Hints about one list: the indexes that its filters, its order and its includes lack.

They are made of the declaration alone, without a statement; ``report`` asks the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Field, Kind, Registry, Resource
from admin_app.records.advice.indexes import Wanted
from admin_app.records.advice.wishes import (
    INSIDE,
    for_link,
    for_link_back,
    for_order,
    for_values,
    searched,
)
from admin_app.records.queries.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    KeyIn,
    Related,
)
from admin_app.records.queries.query import Query, Shape
from admin_app.records.reads.full_text import indexed


@dataclass(frozen=True, slots=True)
class Hint:
    """Why a list will be slow in a large table, and which declaration would help."""

    why: str
    add: str

    def __str__(self) -> str:
        return f"{self.why}: {self.add}"


def hints(registry: Registry, resource: Resource, query: Query, dialect: str) -> list[Hint]:
    """What a list lacks; ``registry`` and ``resource`` are as the actor sees them."""
    found = _Hints(registry, dialect)
    return list(dict.fromkeys(found.of(resource, query)))


@dataclass(frozen=True, slots=True)
class _Hints:
    registry: Registry
    dialect: str

    def of(self, resource: Resource, query: Query) -> Iterator[Hint]:
        yield from self.all_of(resource, query.filters)
        if query.words and not resource.options.full_text:
            name = resource.model.__name__
            yield Hint(
                f"search of {resource.plural}", f"full_text=True in the ResourceOptions of {name}"
            )
        if not query.ranked and not self.narrowed(resource, query.filters):
            wanted = for_order(resource, query.sort, self.dialect, query.trash)
            yield from self.told("sort", resource, wanted)
        yield from self.included(resource, query.shape)

    def included(self, resource: Resource, shape: Shape) -> Iterator[Hint]:
        for each in shape.includes:
            wanted = for_link(self.registry, each.relation)
            yield from self.told(f"include {each.relation.name}", resource, wanted)
            yield from self.included(self.registry.target(each.relation), each.query.shape)

    def all_of(self, resource: Resource, conditions: Sequence[Condition]) -> Iterator[Hint]:
        """Of several conditions that all hold one need be found by an index: the best of them."""
        found = [list(self.one(resource, each)) for each in conditions]
        if self.narrowed(resource, conditions):
            return
        yield from min((each for each in found if each), key=len, default=[])

    def narrowed(self, resource: Resource, conditions: Sequence[Condition]) -> bool:
        """Whether one of the conditions is found by an index."""
        return any(
            _narrows(each) and not list(self.one(resource, each))
            for condition in conditions
            for each in _and(condition)
        )

    def one(self, resource: Resource, condition: Condition) -> Iterator[Hint]:
        match condition:
            case Comparison(field, operator, value):
                yield from self.compared(resource, field, operator, value)
            case AllOf(conditions):
                yield from self.all_of(resource, conditions)
            case AnyOf(conditions):
                for each in conditions:
                    yield from self.one(resource, each)
            case Related():
                yield from self.related(resource, condition)
            case _:
                return

    def compared(
        self, resource: Resource, field: Field, operator: str, value: Any
    ) -> Iterator[Hint]:
        why = f"filter {field.name}"
        if operator in INSIDE and field.column is not None and not field.masked:
            yield Hint(f"{why}__{operator} of {resource.plural}", _inside(resource, field))
        yield from self.told(why, resource, for_values(field, operator, value, self.dialect))

    def related(self, resource: Resource, condition: Related) -> Iterator[Hint]:
        relation, why = condition.relation, f"filter {condition.relation.name}"
        if condition.quantifier != "some":
            wanted = for_link(self.registry, relation)
        else:
            wanted = for_link_back(resource, relation)
            if relation.pointing:
                wanted = for_link(self.registry, relation)
        yield from self.told(why, resource, wanted)
        if not isinstance(condition.condition, KeyIn):
            yield from self.one(self.registry.target(relation), condition.condition)

    def told(self, why: str, resource: Resource, wanted: Wanted | None) -> Iterator[Hint]:
        if wanted is not None:
            yield Hint(f"{why} of {resource.plural}", wanted.line(self.registry))


def _and(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, AllOf):
        for each in condition.conditions:
            yield from _and(each)
    else:
        yield condition


def _narrows(condition: Condition) -> bool:
    """Whether few records can be expected to be so."""
    match condition:
        case Comparison(field, operator, _):
            known = field.column is not None and not field.masked
            return known and operator in {"eq", "in"} and field.kind is not Kind.BOOLEAN
        case Related(_, quantifier, KeyIn()):
            return quantifier == "some"
        case _:
            return isinstance(condition, KeyIn)


def _inside(resource: Resource, field: Field) -> str:
    """What there is instead of an index, for what is inside of texts."""
    if field in indexed(resource):
        return "no Index helps inside of texts; search is answered by one"
    return f"no Index helps inside of texts; search does, with {searched(resource, field)}"
