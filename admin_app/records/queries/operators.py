"""The filter operators: which kind of value takes which, and what each is in SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement

from admin_app.declaration import Kind
from admin_app.declaration.fields import ORDERED, TEXTUAL

Operator = Callable[[Any], Callable[[Any], ColumnElement[bool]]]

EQUALITY = ("eq", "ne", "in", "nin", "isnull")
RANGE = ("lt", "lte", "gt", "gte", "between")
TEXT = ("like", "ilike", "contains", "startswith", "endswith")
RELATION = ("eq", "in", "isnull")
"""What a relation is filtered by: the keys of its records."""
LISTS = frozenset({"in", "nin", "between"})
"""Operators whose value is a comma-separated list."""
_PARTS = frozenset({"contains", "startswith", "endswith"})
_ESCAPE = "/"


def _plain(text: Any) -> Any:
    """Text whose signs mean themselves; what stands for a text is given such a one later."""
    if not isinstance(text, str):
        return text
    for sign in (_ESCAPE, "%", "_"):
        text = text.replace(sign, _ESCAPE + sign)
    return text


def escaped(operator: str, value: Any) -> Any:
    """A value as SQL is given it."""
    return _plain(value) if operator in _PARTS else value


OPERATORS: dict[str, Operator] = {
    "eq": lambda column: column.__eq__,
    "ne": lambda column: column.__ne__,
    "lt": lambda column: column.__lt__,
    "lte": lambda column: column.__le__,
    "gt": lambda column: column.__gt__,
    "gte": lambda column: column.__ge__,
    "in": lambda column: column.in_,
    "nin": lambda column: column.not_in,
    "between": lambda column: lambda ends: column.between(*ends),
    "isnull": lambda column: lambda null: column.is_(None) if null else column.is_not(None),
    # The escape is said aloud: PostgreSQL has one by default, SQLite has none.
    "like": lambda column: lambda text: column.like(text, escape="\\"),
    "ilike": lambda column: lambda text: column.ilike(text, escape="\\"),
    "contains": lambda column: lambda text: column.contains(_plain(text), escape=_ESCAPE),
    "startswith": lambda column: lambda text: column.startswith(_plain(text), escape=_ESCAPE),
    "endswith": lambda column: lambda text: column.endswith(_plain(text), escape=_ESCAPE),
}
FASTCRUD_OPERATORS: dict[str, Operator] = {
    name: operator for name, operator in OPERATORS.items() if name != "between"
}
"""The same, as FastCRUD's ``custom_filters``."""


def operators_of(kind: Kind) -> tuple[str, ...]:
    """The operators a kind of value takes."""
    if kind not in ORDERED:
        return ("isnull",)
    if kind is Kind.BOOLEAN:
        return ("eq", "ne", "isnull")
    if kind is Kind.ENUM:
        return EQUALITY
    return (*EQUALITY, *RANGE, *TEXT) if kind in TEXTUAL else (*EQUALITY, *RANGE)
