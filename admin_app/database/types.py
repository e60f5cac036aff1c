"""Column types that mean the same on SQLite as on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, Numeric
from sqlalchemy.dialects.postgresql.asyncpg import AsyncpgDateTime
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.types import TypeDecorator, TypeEngine

MAX_PRECISION = 18
"""Digits that fit a signed 64-bit integer whatever the scale."""


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
            return dialect.type_descriptor(BigInteger())
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
        return Decimal(value).scaleb(-self.scale)

    def process_literal_param(self, value: Decimal | None, dialect: Dialect) -> str:
        bound = self.process_bind_param(value, dialect)
        return "NULL" if bound is None else str(bound)

    def __repr__(self) -> str:
        return f"ExactDecimal({self.precision}, {self.scale})"


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

        def bind(value: datetime | None) -> Any:
            return process(value if value is None else value.astimezone(UTC).replace(tzinfo=None))

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
