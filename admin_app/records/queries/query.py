"""``Query``: what a list reads, validated. ``grammar`` makes it and ``reader`` reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from admin_app.access.policies import Trash
from admin_app.declaration import Field, Relation, Resource
from admin_app.records.queries.conditions import Condition, names_present

Count = Literal["none", "exact", "capped", "estimated"]
COUNTS: tuple[Count, ...] = ("none", "exact", "capped", "estimated")
NULLS_FIRST = ":nullsfirst"
"""Suffix of an order's term where records without a value come first."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of an order, ascending or descending; nulls come last in either, unless first."""

    field: Field
    descending: bool
    nulls_first: bool = False

    @property
    def text(self) -> str:
        """The term in the grammar's text form."""
        down, nulls = "-" if self.descending else "", NULLS_FIRST if self.nulls_first else ""
        return f"{down}{self.field.name}{nulls}"


@dataclass(frozen=True, slots=True)
class Include:
    """A relation whose records are answered inside each record, and which of them."""

    relation: Relation
    query: Query
    """Which of them; ``limit`` applies to each record that they are inside of."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which fields of each record, and which related records, are answered."""

    fields: tuple[str, ...] | None = None
    """Names of fields and many-to-many relations; none: every one that can be read."""
    includes: tuple[Include, ...] = ()

    def fields_of(self, resource: Resource) -> list[str]:
        """The fields that are answered."""
        return self._of(resource.readable)

    def sets_of(self, resource: Resource) -> list[str]:
        """The many-to-many relations that are answered as keys."""
        included = {each.relation.name for each in self.includes}
        return self._of([name for name in resource.sets if name not in included])

    def needed(self, resource: Resource, more: Iterable[str] = ()) -> tuple[str, ...]:
        """The fields to be read: those answered, the key, those that links need, and ``more``."""
        sets = (resource.sets[name] for name in self.sets_of(resource))
        links = (name for each in sets for name, _ in each.own_columns)
        key = (each.name for each in resource.key)
        return tuple(dict.fromkeys([*self.fields_of(resource), *key, *links, *more]))

    def _of(self, names: Collection[str]) -> list[str]:
        return list(names) if self.fields is None else [one for one in self.fields if one in names]


WHOLE = Shape()


@dataclass(frozen=True, slots=True)
class Query:
    """A list that can be read: everything in it is known to the resource."""

    filters: tuple[Condition, ...]
    """All of them hold."""
    words: tuple[str, ...]
    sort: tuple[Sort, ...]
    """The order asked for, the key appended."""
    limit: int
    cursor: str | None
    count: Count
    shape: Shape = WHOLE
    offset: int = 0
    """Records to skip; never with a cursor."""
    ranked: bool = False
    """Whether the best matches come first, and ``sort`` only tells equally good ones apart."""
    soon: bool = False
    """Whether a capped count need not go further than best matches are told."""
    trash: Trash = "without"
    given: frozenset[str] = frozenset()
    """The parameters that were given, where a default would apply otherwise."""
    zone: str = "UTC"
    """The time zone of periods."""
    timed: bool = False
    """Whether it has periods, which become moments when it is read."""
    written: tuple[Condition, ...] | None = None
    """The filters with their periods, where ``filters`` has moments in their places."""

    @property
    def present(self) -> frozenset[str]:
        """The names of fields that are null in no record of the list, by its filters."""
        return frozenset(names_present(self.filters))
