"""Facets: the values that a field has in a list as it is otherwise narrowed, each with a count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Field, Kind
from admin_app.records.reads.aggregates import Aggregates

FACET_SECONDS = 1.0
"""How long the database may count: nobody waits for the counts of a filter."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A value, as JSON data, and how many records have it."""

    value: Any
    count: int | None
    """None where counting took too long."""


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
        values = [{"value": each.value, "count": each.count} for each in self.values]
        return {
            "field": self.field,
            "values": values,
            "more": self.more,
            "counted": self.counted,
        }


def facets_of(field: Field, found: Aggregates | None) -> Facets:
    """The values that were found, and declared ones that no record has; none: it took too long."""
    rows = [] if found is None else found.rows
    values = [Facet(each["group"][field.name], each["count"]) for each in rows]
    there = {each.value for each in values}
    nothing = None if found is None else 0
    values += [Facet(each, nothing) for each in choices_of(field) if each not in there]
    return Facets(field.name, tuple(values), found is not None and found.more, found is not None)


def choices_of(field: Field) -> tuple[Any, ...]:
    """The values that a field can have, where they are few."""
    if field.kind is Kind.BOOLEAN:
        return (True, False)
    return tuple(field.shape.choices) if field.kind is Kind.ENUM else ()
