"""``Query``: a list that can be read. What ``grammar`` makes and ``reader`` reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from admin_app.access.policies import Trash
from admin_app.declaration import Field, Relation, Resource
from admin_app.records.queries.conditions import Condition

Count = Literal["none", "exact", "capped", "estimated"]
COUNTS: tuple[Count, ...] = ("none", "exact", "capped", "estimated")
NULLS_FIRST = ":nullsfirst"
"""What a term of an order ends with where records without a value come first."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of an order, up or down; nulls come last in either, or first."""

    field: Field
    descending: bool
    nulls_first: bool = False

    @property
    def text(self) -> str:
        """The term as it is written."""
        down, nulls = "-" if self.descending else "", NULLS_FIRST if self.nulls_first else ""
        return f"{down}{self.field.name}{nulls}"


@dataclass(frozen=True, slots=True)
class Include:
    """Records of a relation that are answered inside each record, and which of them."""

    relation: Relation
    query: Query
    """``limit`` counts for each record that they are inside of."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of each record is answered."""

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
        """The fields that are read: those answered, the key, what links hold on to and ``more``."""
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
    """Records that are skipped; never with a cursor."""
    ranked: bool = False
    """Whether the best matches come first, and ``sort`` only tells equally good ones apart."""
    trash: Trash = "without"
    given: frozenset[str] = frozenset()
    """What was said, where otherwise something usual is meant."""
    zone: str = "UTC"
    """The time zone of periods."""
    timed: bool = False
    """Whether there are periods in it, which have to become moments when it is read."""
    written: tuple[Condition, ...] | None = None
    """The filters with their periods, where ``filters`` has moments in their places."""
