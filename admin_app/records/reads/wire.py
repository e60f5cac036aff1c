"""Cells and JSON values as expressions that PostgreSQL writes exactly as ``Lines`` does.

What is not listed here, or not exactly of a type that is, has no expression: a type of the
model's own may say anything of its values. What a Python value cannot be, such as a date before the
common era, is written in PostgreSQL's words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    Time,
    Uuid,
    and_,
    case,
    cast,
    collate,
    func,
    literal_column,
    or_,
)
from sqlalchemy.dialects.postgresql import TIME, TIMESTAMP, asyncpg
from sqlalchemy.types import CHAR, NCHAR, TypeEngine

from admin_app.database import ExactDecimal
from admin_app.declaration import Field

Column = ColumnElement[Any]

_DIALECT: Dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Written:
    """How a value is written; neither is null where the value is not."""

    csv: Column
    json: Column
    """What ``row_to_json`` makes JSON of."""


def written(field: Field, column: Column) -> Written | None:
    """How PostgreSQL writes a field's value; none where it would not be as ``Lines`` writes it."""
    if field.column is None:
        return None  # What is computed may be of another type than it says.
    declared: Any = field.column.type
    type_ = declared._variant_mapping.get("postgresql", declared)  # noqa: SLF001 - no public way
    if type(type_) is not ExactDecimal and not type(type_).__module__.startswith("sqlalchemy."):
        return None
    for kind, write in _WRITERS:
        if isinstance(type_, kind):
            return write(type_, column)
    return None


def guarded(column: Column) -> Column:
    """Text as ``files.guard`` writes it."""
    # As bytes: what begins with a letter or a digit, as almost everything does, is soon told.
    text = collate(cast(column, Text), "C")
    bare = func.ltrim(text, _sql("''''"))
    plain = or_(
        and_(text >= _sql("'A'"), text < _sql("'~'")), and_(text >= _sql("'.'"), text < _sql("'='"))
    )
    formula = and_(bare.op("~")(_sql(_FORMULA)), bare.op("!~")(_sql(_NUMBER)))
    return case(
        (plain, text),
        (or_(bare == _sql("''"), formula), _sql("''''").op("||")(text)),
        else_=text,
    )


_FORMULA = r"E'^ *[=+@\\t\\r\\n\\uFF1D\\uFF0B\\uFF0D\\uFF20-]'"
_NUMBER = r"E'^[+-]?[0-9]+(\\.[0-9]+)?$'"


def _sql(text: str) -> Any:
    return literal_column(text, Text)


def _number(_: TypeEngine[Any], column: Column) -> Written:
    return Written(column, column)


def _boolean(_: TypeEngine[Any], column: Column) -> Written:
    return Written(cast(column, Text), column)


def _text(type_: TypeEngine[Any], column: Column) -> Written | None:
    # Blanks at the end of a CHAR are lost when it becomes text.
    return None if isinstance(type_, CHAR | NCHAR) else Written(guarded(column), column)


def _decimal(type_: Any, column: Column) -> Written | None:
    if not type_.asdecimal:
        return None
    # Without a precision there is infinity, whose minus would be taken for that of a formula.
    return Written(column if type_.precision else guarded(column), cast(column, Text))


def _date(_: TypeEngine[Any], column: Column) -> Written:
    return _same(_within(column, "9999-12-31", "0001-01-01", cast(column, Text)))


def _time(type_: Any, column: Column) -> Written | None:
    if type_.timezone:
        return None
    return _same(case(*_whole(column, TIME(precision=0), _CLOCK), else_=_formed(column, _PRECISE)))


def _moment(type_: Any, column: Column) -> Written:
    zone = '"Z"' if type_.timezone else ""
    day = 'YYYY-MM-DD"T"'
    whole = _whole(column, TIMESTAMP(type_.timezone, 0), f"{day}{_CLOCK}{zone}")
    precise = _formed(column, f"{day}{_PRECISE}{zone}")
    last, first = "9999-12-31T23:59:59.999999", "0001-01-01T00:00:00"
    return _same(_within(column, last, first, precise, *whole, zone=zone.strip('"')))


_CLOCK, _PRECISE = "HH24:MI:SS", "HH24:MI:SS.US"


def _whole(column: Column, seconds: TypeEngine[Any], form: str) -> list[tuple[Column, Column]]:
    """The case of a value without a fraction of a second, which is written without one."""
    return [(column == cast(column, seconds), _formed(column, form))]


def _formed(column: Column, form: str) -> Column:
    return func.to_char(column, _sql(f"'{form}'"))


def _within(
    column: Column,
    last: str,
    first: str,
    usual: Column,
    *cases: tuple[Column, Column],
    zone: str = "",
) -> Column:
    """What Python has words for: the years 1 to 9999, of which the ends stand for infinity."""
    outside = or_(column < _sql("'0001-01-01'"), column >= _sql("'10000-01-01'"))
    infinite = case(
        (column == _sql("'infinity'"), _sql(f"'{last}{zone}'")),
        (column == _sql("'-infinity'"), _sql(f"'{first}{zone}'")),
        else_=cast(column, Text),
    )
    return case((outside, infinite), *cases, else_=usual)


def _enum(type_: Any, column: Column) -> Written | None:
    read: Any = type_.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
    found = {each: read(each) if read else each for each in type_.enums}
    values = {each: getattr(value, "value", value) for each, value in found.items()}
    stored = cast(column, Text)
    if not all(isinstance(each, str) for each in values.values()):
        if not all(type(each) is int for each in values.values()):
            return None
        number = _mapped(stored, {each: str(value) for each, value in values.items()})
        return Written(number, cast(number, Integer))
    text = _mapped(stored, values)
    return Written(guarded(text), text)


def _mapped(stored: Column, values: dict[str, str]) -> Column:
    changed = {each: value for each, value in values.items() if each != value}
    return case(changed, value=stored, else_=stored) if changed else stored


def _uuid(type_: Any, column: Column) -> Written | None:
    return _same(column) if type_.native_uuid and type_.as_uuid else None


def _binary(_: TypeEngine[Any], column: Column) -> Written:
    base64 = func.replace(func.encode(column, _sql("'base64'")), _sql(r"E'\n'"), _sql("''"))
    return Written(guarded(base64), base64)


def _same(text: Column) -> Written:
    return Written(text, text)


_WRITERS: tuple[tuple[type[TypeEngine[Any]], Callable[[Any, Column], Written | None]], ...] = (
    (Enum, _enum),
    (ExactDecimal, lambda type_, column: _decimal(type_.impl_instance, column)),
    # PostgreSQL writes some floats beyond 2**53 with a digit more than is needed to tell them.
    (Float, lambda _type, _column: None),
    (Numeric, _decimal),
    (Boolean, _boolean),
    (Integer, _number),
    (String, _text),
    (Date, _date),
    (DateTime, _moment),
    (Time, _time),
    (Uuid, _uuid),
    (LargeBinary, _binary),
)
