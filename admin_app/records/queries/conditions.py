"""Conditions on rows, as data: comparisons, relations to other rows, and, or and not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from admin_app.declaration import Field, Relation

Quantifier = Literal["some", "none", "all"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of a field by an operator with an operand."""

    field: Field
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Related:
    """That some, none or all of the related records in sight meet a condition."""

    relation: Relation
    quantifier: Quantifier
    condition: Condition


@dataclass(frozen=True, slots=True)
class KeyIn:
    """That the record's key is one of these."""

    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Conjunction; true if empty."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Disjunction."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation; what is neither true nor false (SQL's null) stays so."""

    condition: Condition


Condition = Comparison | Related | KeyIn | AllOf | AnyOf | Not
TRUE = AllOf(())


_OF_VALUES = frozenset(
    {"eq", "in", "lt", "lte", "gt", "gte", "between"}
    | {"like", "ilike", "contains", "startswith", "endswith"}
)
"""Operators that are true of no null."""


def names_present(conditions: Iterable[Condition]) -> Iterator[str]:
    """The names of fields that are not null where all of the conditions hold."""
    for each in conditions:
        match each:
            case Comparison(field, "isnull", False):
                yield field.name
            case Comparison(field, operator, value):
                if operator in _OF_VALUES and value is not None:
                    yield field.name
            case AllOf(inner):
                yield from names_present(inner)
            case _:
                continue
