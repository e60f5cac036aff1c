"""Facets: the values of a field in a list, each with a count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pydantic_core

from admin_app.declaration import Field, Key, Kind, Relation, Resource
from admin_app.declaration.values import adapter_of
from admin_app.records.reads.aggregates import Aggregates
from admin_app.records.reads.titles import Title

FACET_SECONDS = 1.0
"""Seconds that the database may count: nobody waits for the counts of a filter."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A value, as JSON data, and how many records have it."""

    value: Any
    count: int | None
    """None where counting took too long."""
    title: str | None = None
    """Of the record that it refers to, where it does."""
    key: str | None = None
    """The text of that record's key."""

    @property
    def data(self) -> dict[str, Any]:
        """The same as JSON data."""
        titled = {} if self.title is None else {"title": self.title}
        return {"value": self.value, "count": self.count, **titled}


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of one field; ``more`` when there are others, ``counted`` unless it took long."""

    field: str
    values: tuple[Facet, ...]
    more: bool
    counted: bool

    @property
    def data(self) -> dict[str, Any]:
        """The same as JSON data."""
        values = [each.data for each in self.values]
        return {
            "field": self.field,
            "values": values,
            "more": self.more,
            "counted": self.counted,
        }


def facets_of(field: Field, found: Aggregates) -> Facets:
    """The values found, and choices that no record has."""
    values = [Facet(each["group"][field.name], each["count"]) for each in found.rows]
    there = {each.value for each in values}
    values += [Facet(each, 0) for each in choices_of(field) if each not in there]
    return Facets(field.name, tuple(values), found.more, counted=True)


def uncounted(target: Field | Relation) -> Facets:
    """What there is to say where counting took too long."""
    choices = choices_of(target) if isinstance(target, Field) else ()
    values = tuple(Facet(each, None) for each in choices)
    return Facets(target.name, values, more=False, counted=False)


def facets_of_relation(
    relation: Relation, target: Resource, found: Aggregates, titles: Mapping[Key, Title]
) -> Facets:
    """The records that a relation leads to, with what they are called."""
    values = [
        Facet(None, count) if key is None else _referring(target, key, count, titles.get(key))
        for key, count in keys_found(target, found)
    ]
    return Facets(relation.name, tuple(values), found.more, counted=True)


def _referring(target: Resource, key: Key, count: int, title: Title | None) -> Facet:
    text = target.key_text(key)
    # One that has gone meanwhile is called by its key.
    return Facet(target.reference_wire(key), count, text if title is None else title.text, text)


def keys_found(target: Resource, found: Aggregates) -> list[tuple[Key | None, int]]:
    """The keys by which records were counted; none for those without."""
    return [(_key(target, [*each["group"].values()]), each["count"]) for each in found.rows]


def _key(target: Resource, values: Sequence[Any]) -> Key | None:
    if None in values:
        return None
    return tuple(
        adapter_of(part.shape).validate_json(pydantic_core.to_json(value))
        for part, value in zip(target.key, values, strict=True)
    )


def choices_of(field: Field) -> tuple[Any, ...]:
    """The values that a field can have, where they are few."""
    if field.kind is Kind.BOOLEAN:
        return (True, False)
    return tuple(field.shape.choices) if field.kind is Kind.ENUM else ()
