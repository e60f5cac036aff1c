"""Numbers that SQL computes of others: exact, and within the bounds of what a number can be."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BinaryExpression, ColumnElement, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import iterate

from admin_app.database.types import ALIKE, MAX_PRECISION, ExactDecimal, InexactError, places_of

_ARITHMETIC = frozenset((operators.add, operators.sub, operators.mul))


class _Within(FunctionElement[Any]):
    """A number; null where it is too large.

    Written so that what it is computed by stands there once.
    """

    inherit_cache = True

    def __init__(self, value: ColumnElement[Any]) -> None:
        super().__init__(value)
        self.type = value.type


@compiles(_Within)
def _as_number(element: _Within, compiler: SQLCompiler, **given: Any) -> str:
    (value,) = element.clauses
    text = compiler.process(value, **given)
    if not isinstance(value.type, ExactDecimal):
        return text  # PostgreSQL refuses to compute whole numbers that are too large.
    most = 10 ** (MAX_PRECISION - value.type.scale)
    return f"nullif(nullif(greatest(least({text}, {most}), -{most}), {most}), -{most})"


@compiles(_Within, "sqlite")
def _as_integer(element: _Within, compiler: SQLCompiler, **given: Any) -> str:
    (value,) = element.clauses
    text = compiler.process(value, **given)
    # SQLite goes on in floats where its integers end.
    most = str(10**MAX_PRECISION if isinstance(value.type, ExactDecimal) else float(2**63))
    return f"nullif(nullif(max(min({text}, {most}), -{most}), {most}), -{most})"


def within_bounds(expression: Any) -> Any:
    """A computed value that is null where it is no number of its type any more.

    So it is for filters and orders what it is in an answer. Raises ``InexactError`` for what is
    something else on SQLite than on PostgreSQL.
    """
    parts = [*iterate(getattr(expression, "expression", expression))]
    sums = [each for each in parts if isinstance(each, BinaryExpression)]
    for each in sums:
        _check(each)
    whole = isinstance(expression.type, Integer)
    if isinstance(expression.type, ExactDecimal):
        return _Within(expression)
    return _Within(expression) if whole and _computes(sums) else expression


def _computes(parts: list[BinaryExpression[Any]]) -> bool:
    return any(each.operator in _ARITHMETIC for each in parts)


def _check(part: BinaryExpression[Any]) -> None:
    left, right = places_of(part.left), places_of(part.right)
    if not isinstance(part.right.type, ExactDecimal) or left is None:
        return
    if part.operator is operators.truediv:
        msg = "Nothing can be divided by exact decimals in SQL: divide in Python."
        raise InexactError(msg)
    if part.operator in ALIKE and left != right:
        msg = (
            "A whole number before an exact decimal is none: turn them round,"
            " price - count or price > count."
        )
        raise InexactError(msg)
