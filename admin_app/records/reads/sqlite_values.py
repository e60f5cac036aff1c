"""JSON data straight from stored values of SQLite, without the Python values in between.

A date becomes a ``date`` only to become the same text again. A value that is not stored as
SQLAlchemy stores it takes the way through its Python value, and is answered, or refused, as
everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Integer,
    SmallInteger,
    String,
    Text,
    Time,
    type_coerce,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import UserDefinedType

from admin_app.database import ExactDecimal
from admin_app.database.types import SQLiteInstant
from admin_app.declaration import Field
from admin_app.declaration.values import adapter_of

Stored = Sequence[Any]
Column = Callable[[Stored], Sequence[Any]]
"""Converts all values of a column at once."""
Read = Callable[[Any], Any]

_DIALECT: Any = sqlite.dialect()
_DIALECT.colspecs = {**_DIALECT.colspecs, DateTime: SQLiteInstant}
_INSTANTS, _DAY, _CLOCKS = (26, 19), 10, (15, 8)
"""Characters of what SQLAlchemy stores of each, and other programs without a fraction."""
_FRACTION = ("", ".")
"""What may follow the seconds."""


class _AsStored(UserDefinedType[Any]):
    """A column type without conversion: the driver's values."""

    cache_ok = True


def as_stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column whose stored values are read without conversion."""
    return type_coerce(column, _AsStored())


def read_stored(field: Field) -> Read:
    """The conversion of a field's stored value to its Python value, as SQLAlchemy does it."""
    type_: Any = getattr(field.expression, "type", None)
    read = type_.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
    return read or (lambda value: value)


def json_of_stored(field: Field) -> Column | None:
    """The conversion of a field's stored values to JSON data; ``None`` where none is needed."""
    type_: Any = getattr(field.expression, "type", None)
    known = type(type_) is ExactDecimal or type(type_).__module__.startswith("sqlalchemy.")
    if known and field.column is not None and type_.__class__ in _AS_THEY_ARE:
        return None
    read = read_stored(field)
    adapter = adapter_of(field.shape)

    def slowly(value: Any) -> Any:
        found = read(value)
        return None if found is None else adapter.dump_python(found, mode="json")

    if known and field.column is not None:
        for kind, make in _MAKERS:
            if isinstance(type_, kind):
                return make(type_, slowly)
    return lambda values: [None if each is None else slowly(each) for each in values]


def _truths(_: Any, __: Read) -> Column:
    return lambda values: [None if each is None else bool(each) for each in values]


def _decimals(type_: Any, slowly: Read) -> Column:
    scale = type_.scale
    one = 10**scale

    def written(value: Any) -> Any:
        if type(value) is not int:
            return None if value is None else slowly(value)
        if value >= one and scale:
            digits = str(value)
            return f"{digits[:-scale]}.{digits[-scale:]}"
        sign = "-" if value < 0 else ""
        whole, rest = divmod(abs(value), one)
        return f"{sign}{whole}.{rest:0{scale}}" if scale else f"{sign}{whole}"

    return lambda values: list(map(written, values))


def _moments(type_: Any, slowly: Read) -> Column:
    zone = "Z" if type_.timezone else ""

    def written(value: Any) -> Any:
        if type(value) is not str or len(value) not in _INSTANTS or value[10] != " ":
            return None if value is None else slowly(value)
        if value[19:20] not in _FRACTION or not value[-1].isdigit():
            return slowly(value)  # It may name a zone.
        return f"{value[:10]}T{value[11:].removesuffix('.000000')}{zone}"

    return lambda values: list(map(written, values))


def _days(_: Any, slowly: Read) -> Column:
    return lambda values: [
        each if each is None or (type(each) is str and len(each) == _DAY) else slowly(each)
        for each in values
    ]


def _clocks(_: Any, slowly: Read) -> Column:
    def written(value: Any) -> Any:
        if type(value) is not str or len(value) not in _CLOCKS:
            return None if value is None else slowly(value)
        return value.removesuffix(".000000")

    return lambda values: list(map(written, values))


def _choices(type_: Any, slowly: Read) -> Column:
    known = {None: None, **{each: slowly(each) for each in type_.enums}}
    return lambda values: [known[each] if each in known else slowly(each) for each in values]


_MAKERS: tuple[tuple[type[Any], Callable[[Any, Read], Column]], ...] = (
    (Enum, _choices),
    (ExactDecimal, _decimals),
    (Boolean, _truths),
    (DateTime, _moments),
    (Date, _days),
    (Time, _clocks),
)
_AS_THEY_ARE = frozenset({Integer, SmallInteger, BigInteger, String, Text})
