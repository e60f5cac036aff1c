"""``Query``: a list that can be read. What ``grammar`` makes and ``reader`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from admin_app.declaration import Field, Relation
from admin_app.records.conditions import Condition

Count = Literal["none", "exact", "capped"]
COUNTS: tuple[Count, ...] = ("none", "exact", "capped")


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of an order; nulls always come last."""

    field: Field
    descending: bool


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
