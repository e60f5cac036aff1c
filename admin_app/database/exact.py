"""Sums, averages and parts of dates that are the same on SQLite as on PostgreSQL.

SQLite's ``sum()`` ends at 64 bits, where PostgreSQL's goes on. Here whole numbers are summed in
two halves, which a function puts together once for each group, as text that sorts as numbers do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Double,
    Integer,
    Numeric,
    String,
    Text,
    case,
    cast,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from admin_app.database.types import ExactDecimal

Unit = Literal["year", "quarter", "month", "week", "day", "hour"]

UTC_NAME = "UTC"
PLACES = 18
"""Digits after the point that a ``Total`` keeps."""
DIGITS = 58
"""Digits that a ``Total`` has at most, those after the point included."""
_OFFSET = 10**60
_LENGTH = len(str(_OFFSET))
_ENDS = (datetime.min, datetime.max)  # noqa: DTZ901 - as stored
_WIDE = Context(prec=1_000, rounding=ROUND_HALF_UP)
_DIVIDED = Numeric(100, 40)
"""So many places that what is rounded afterwards has been divided exactly enough."""


class Total(TypeDecorator[Decimal]):
    """A number of any size: NUMERIC on PostgreSQL, text of one length on SQLite."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return _sortable(Decimal(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None or dialect.name != "sqlite":
            return value  # type: ignore[no-any-return]
        return Decimal(int(value) - _OFFSET).scaleb(-PLACES, _WIDE)


def exact_sum(dialect: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum of whole numbers or exact decimals, as a ``Total``."""
    if dialect != "sqlite":
        return type_coerce(cast(func.sum(column), Numeric()), Total())
    return func.admin_total(*_halves(column), _scale(column), type_=Total())


def exact_average(dialect: str, column: ColumnElement[Any], places: int) -> ColumnElement[Any]:
    """The average of the same, rounded half away from zero to so many places."""
    if dialect != "sqlite":
        quotient = cast(func.sum(column), _DIVIDED) / func.nullif(func.count(column), 0)
        return type_coerce(func.round(quotient, places), Total())
    count = func.count(column)
    return func.admin_average(*_halves(column), _scale(column), count, places, type_=Total())


def float_sum(dialect: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum of floats: what is too large for one is infinite, or a number that is no float."""
    if dialect != "sqlite":
        # PostgreSQL's own sum of floats fails where it is too large for one.
        return func.sum(cast(cast(cast(column, Double()), Text()), Numeric()), type_=Numeric())
    return func.sum(column, type_=Double())


def float_average(dialect: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The average of floats."""
    if dialect != "sqlite":
        return type_coerce(
            float_sum(dialect, column) / func.nullif(func.count(column), 0), Numeric()
        )
    return func.avg(column, type_=Double())


def part_of(
    dialect: str, column: ColumnElement[Any], unit: Unit, zone: str = UTC_NAME
) -> ColumnElement[Any]:
    """The year of a date or instant as a number, or a smaller part as ISO 8601 text.

    An instant's are those that clocks of the time zone show.
    """
    instant = isinstance(column.type, DateTime) and column.type.timezone
    if dialect == "sqlite":
        text: ColumnElement[Any] = type_coerce(column, String())
        if instant and zone != UTC_NAME:
            text = func.admin_local(text, zone, type_=String())
        return _part_of_text(text, unit)
    if instant:
        column = func.timezone(zone, column)
    # The first and the last one are kept as infinities, which have no parts.
    first: ColumnElement[Any] = literal_column("TIMESTAMP '0001-01-01'")
    last: ColumnElement[Any] = literal_column("TIMESTAMP '9999-12-31 23:59:59'")
    moment: ColumnElement[Any] = cast(column, DateTime())
    moment = case((moment > last, last), (moment < first, first), else_=moment)
    if unit == "year":
        return cast(func.date_part("year", moment), Integer())
    return func.to_char(moment, _FORMATS[unit], type_=String())


_FORMATS: dict[str, str] = {
    "quarter": 'YYYY-"Q"Q',
    "month": "YYYY-MM",
    "week": 'IYYY-"W"IW',
    "day": "YYYY-MM-DD",
    "hour": 'YYYY-MM-DD"T"HH24',
}


def _part_of_text(text: ColumnElement[Any], unit: Unit) -> ColumnElement[Any]:
    def part(start: int, length: int) -> ColumnElement[Any]:
        return func.substr(text, start, length, type_=String())

    match unit:
        case "year":
            return cast(part(1, 4), Integer())
        case "quarter":
            number = (cast(part(6, 2), Integer()) + 2) // 3
            return part(1, 4) + "-Q" + cast(number, String())
        case "month":
            return part(1, 7)
        case "week":
            # A week belongs to the year that has its Thursday (ISO 8601).
            thursday = func.date(part(1, 10), "-3 days", "weekday 4")
            day = cast(func.strftime("%j", thursday), Integer())
            week = func.printf("%02d", (day - 1) // 7 + 1, type_=String())
            return func.strftime("%Y", thursday, type_=String()) + "-W" + week
        case "day":
            return part(1, 10)
        case "hour":
            return part(1, 10) + "T" + part(12, 2)


def install_functions(connection: Any) -> None:
    """Give a connection of SQLite the functions that are called here."""
    connection.create_function("admin_local", 2, _local, deterministic=True)
    connection.create_function("admin_total", 3, _total, deterministic=True)
    connection.create_function("admin_average", 5, _average, deterministic=True)


def _local(text: str | None, zone: str) -> str | None:
    """A stored instant as clocks of a zone show it, or the first or last that can be shown."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text  # As somebody else has written it.
    if moment in _ENDS:
        return text  # Infinities to PostgreSQL, which are nowhere at another time.
    try:
        local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    except OverflowError:
        local = _ENDS[moment.year > 1]
    return local.isoformat(" ")


def _halves(column: ColumnElement[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    whole = type_coerce(column, BigInteger())
    return func.sum(whole.bitwise_rshift(32)), func.sum(whole.bitwise_and(0xFFFFFFFF))


def _scale(column: ColumnElement[Any]) -> int:
    return column.type.scale if isinstance(column.type, ExactDecimal) else 0


def _total(high: int | None, low: int | None, scale: int) -> str | None:
    if high is None or low is None:
        return None
    return _sortable(Decimal((high << 32) + low).scaleb(-scale, _WIDE))


def _average(high: int | None, low: int | None, scale: int, count: int, places: int) -> str | None:
    if high is None or low is None:
        return None
    whole = Decimal((high << 32) + low).scaleb(-scale, _WIDE)
    quotient = _WIDE.divide(whole, Decimal(count))
    return _sortable(quotient.quantize(Decimal(1).scaleb(-places), context=_WIDE))


def _sortable(value: Decimal) -> str:
    return str(_OFFSET + int(value.scaleb(PLACES, _WIDE))).zfill(_LENGTH)
