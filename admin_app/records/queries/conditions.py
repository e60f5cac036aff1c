"""What a row must be like, as data: comparisons, relations to other rows, and, or and not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from admin_app.declaration import Field, Relation

Quantifier = Literal["some", "none", "all"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field, an operator and what it is compared with."""

    field: Field
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Related:
    """Of the records in sight that a relation leads to, some, none or all are so."""

    relation: Relation
    quantifier: Quantifier
    condition: Condition


@dataclass(frozen=True, slots=True)
class KeyIn:
    """The record's key is one of these."""

    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one holds; true where there is none."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold; what is neither true nor false (SQL's null) stays so."""

    condition: Condition


Condition = Comparison | Related | KeyIn | AllOf | AnyOf | Not
TRUE = AllOf(())
