"""Column types that mean the same on SQLite as on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException
from typing import Any

from sqlalchemy import BIGINT, Dialect, Numeric
from sqlalchemy.dialects.postgresql.asyncpg import AsyncpgDateTime
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

MAX_PRECISION = 18
"""Digits that fit a signed 64-bit integer whatever the scale."""

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


class ScaledInteger(UserDefinedType[int]):
    """How SQLite keeps an ``ExactDecimal``: an integer to it, whose type tells people the scale."""

    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        self.precision = precision
        self.scale = scale

    def get_col_spec(self, **_: Any) -> str:
        return f"BIGINT({self.precision}, {self.scale})"


class ExactDecimal(TypeDecorator[Decimal]):
    """Exact decimals of up to 18 digits: NUMERIC on PostgreSQL, a scaled int64 on SQLite.

    Filters, sorts and sums are exact on both. A value with more places than ``scale`` is refused
    (``ValueError``), never rounded.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int = MAX_PRECISION, scale: int = 4) -> None:
        if not (1 <= precision <= MAX_PRECISION and 0 <= scale <= precision):
            msg = f"ExactDecimal takes 1 to {MAX_PRECISION} digits and at most that many places"
            raise ValueError(msg)
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(ScaledInteger(self.precision, self.scale))
        return dialect.type_descriptor(Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        scaled = Decimal(value).scaleb(self.scale)
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            msg = f"{value} has more than {self.scale} decimal places"
            raise ValueError(msg)
        return int(scaled) if dialect.name == "sqlite" else Decimal(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None or dialect.name != "sqlite":
            return value  # type: ignore[no-any-return]
        if not isinstance(value, int):
            msg = (
                f"{self!r} is a whole number on SQLite, and {type(value).__name__} was found:"
                " it was written past this type, or computed by SQL that does not know of it"
            )
            raise TypeError(msg)
        return Decimal(value).scaleb(-self.scale)

    def process_literal_param(self, value: Decimal | None, dialect: Dialect) -> str:
        bound = self.process_bind_param(value, dialect)
        return "NULL" if bound is None else str(bound)

    def __repr__(self) -> str:
        return f"ExactDecimal({self.precision}, {self.scale})"


def reflected_bigint(precision: int = 0, scale: int | None = None) -> TypeEngine[Any]:
    """What a column of type ``BIGINT`` is on SQLite: with a scale, an ``ExactDecimal``."""
    exact = scale is not None and 1 <= precision <= MAX_PRECISION and scale <= precision
    return ExactDecimal(precision, scale or 0) if exact else BIGINT()


def rescaled(value: Any, stored_scale: int, precision: int, scale: int) -> int | None:
    """The whole number that stands for a stored ``value`` in an ``ExactDecimal``.

    Rounded as PostgreSQL does when it changes a type; none if it is no number, or has more digits.
    """
    try:
        number = Decimal(str(value)).scaleb(scale - stored_scale, _EXACT)
        whole = int(number.quantize(Decimal(1), context=_EXACT))
    except (DecimalException, ValueError):
        return None
    return whole if abs(whole) < 10**precision else None


def unscaled(value: int, scale: int, target: str) -> float | str:
    """What stands for ``value`` of an ``ExactDecimal`` where it becomes ``text`` or ``real``."""
    number = Decimal(value).scaleb(-scale)
    return format(number, "f") if target == "text" else float(number)


class SQLiteInstant(DATETIME):
    """SQLite's DATETIME, keeping the instant of a column that declares a time zone.

    SQLAlchemy's own drops the offset, which moves the instant. Here such a value is stored in UTC
    and comes back aware. Installed for every ``DateTime`` of the dialect, so an adopted table
    needs no type of ours.
    """

    def bind_processor(self, dialect: Dialect) -> Any:
        process: Any = super().bind_processor(dialect)
        if not self.timezone:
            return process

        usual = self._storage_format == DATETIME._storage_format  # noqa: SLF001 - no public way

        def bind(value: datetime | None) -> Any:
            if value is None:
                return None
            instant = value.astimezone(UTC)
            if usual:
                # The same text, made in a fifth of the time: all but the offset.
                return instant.isoformat(" ", "microseconds")[:26]
            return process(instant.replace(tzinfo=None))

        return bind

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        process: Any = super().result_processor(dialect, coltype)
        if not self.timezone:
            return process

        def result(value: Any) -> datetime | None:
            naive = process(value)
            return None if naive is None else naive.replace(tzinfo=UTC)

        return result


class PostgreSQLInstant(AsyncpgDateTime):
    """PostgreSQL's TIMESTAMP, whose instants are aware, the first and the last one too.

    asyncpg keeps those two as ``-infinity`` and ``infinity`` and reads them back without a zone.
    """

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        if not self.timezone:
            return None

        def result(value: datetime | None) -> datetime | None:
            return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

        return result
