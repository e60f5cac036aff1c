"""Column types that mean the same on SQLite as on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException
from typing import Any

from sqlalchemy import BIGINT, ColumnElement, Dialect, Integer, Numeric, literal_column
from sqlalchemy.dialects.postgresql.asyncpg import AsyncpgDateTime
from sqlalchemy.dialects.sqlite import DATE, DATETIME
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

MAX_PRECISION = 18
"""Digits that fit a signed 64-bit integer whatever the scale."""
_MOST = 10**MAX_PRECISION

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


class ScaledInteger(UserDefinedType[int]):
    """How SQLite keeps an ``ExactDecimal``: an integer to it, whose type tells people the scale."""

    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        self.precision = precision
        self.scale = scale

    def get_col_spec(self, **_: Any) -> str:
        return f"BIGINT({self.precision}, {self.scale})"


class _Shifted(FunctionElement[Any]):
    """An expression as it is stored with more places: the same on PostgreSQL."""

    inherit_cache = True

    def __init__(self, value: ColumnElement[Any], places: int, type_: TypeEngine[Any]) -> None:
        super().__init__(value, literal_column(str(10**places)))
        self.type = type_


@compiles(_Shifted)
def _same(element: _Shifted, compiler: SQLCompiler, **given: Any) -> str:
    return compiler.process(next(iter(element.clauses)), **given)


@compiles(_Shifted, "sqlite")
def _multiplied(element: _Shifted, compiler: SQLCompiler, **given: Any) -> str:
    value, factor = (compiler.process(each, **given) for each in element.clauses)
    return f"(({value}) * {factor})"


class InexactError(ArgumentError):
    """SQL that would compute something else on SQLite than on PostgreSQL."""


class _Arithmetic(TypeDecorator.Comparator[Decimal]):
    """Arithmetic of scaled integers, which comes to what it does with decimals."""

    def operate(self, op: OperatorType, *other: Any, **given: Any) -> ColumnElement[Any]:
        if op is operators.truediv:
            msg = "Exact decimals cannot be divided in SQL: multiply, or divide in Python."
            raise InexactError(msg)
        places = places_of(other[0]) if other and op in ALIKE else None
        scale = places_of(self.expr) or 0
        if places is None or places == scale:
            return super().operate(op, *other, **given)
        most = max(places, scale)
        type_ = _Computed(MAX_PRECISION, most)
        mine = _Shifted(self.expr, most - scale, type_)
        return op(mine, _Shifted(other[0], most - places, type_), **given)

    def _adapt_expression(self, op: OperatorType, other: Any) -> tuple[OperatorType, Any]:
        places = places_of(self.expr) or 0
        if op is operators.mul and isinstance(other.type, ExactDecimal):
            places += other.type.scale
        elif op not in {operators.mul, operators.add, operators.sub}:
            return super()._adapt_expression(op, other)
        if places > MAX_PRECISION:
            msg = f"A product of exact decimals has at most {MAX_PRECISION} places."
            raise InexactError(msg)
        return op, _Computed(MAX_PRECISION, places)


_COMPARISONS = (operators.eq, operators.ne, operators.lt, operators.le, operators.gt, operators.ge)
ALIKE = frozenset((operators.add, operators.sub, *_COMPARISONS))
"""Operators both of whose sides have to be written with as many places."""


def places_of(value: Any) -> int | None:
    """How many places an expression is written with; ``None`` of a plain value."""
    found = value.__clause_element__() if hasattr(value, "__clause_element__") else value
    if not isinstance(found, ColumnElement):
        return None
    if isinstance(found.type, ExactDecimal):
        return found.type.scale
    return 0 if isinstance(found.type, Integer) else None


class ExactDecimal(TypeDecorator[Decimal]):
    """Exact decimals of up to 18 digits: NUMERIC on PostgreSQL, a scaled int64 on SQLite.

    Filters, sorts, sums, differences and products are exact on both. A value with more places than
    ``scale`` is refused (``ValueError``), never rounded.
    """

    impl = Numeric
    cache_ok = True
    comparator_factory = _Arithmetic

    def __init__(self, precision: int = MAX_PRECISION, scale: int = 4) -> None:
        if not (1 <= precision <= MAX_PRECISION and 0 <= scale <= precision):
            msg = f"ExactDecimal takes 1 to {MAX_PRECISION} digits and at most that many places"
            raise ValueError(msg)
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale
        self._unit = Decimal(1).scaleb(-scale)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(ScaledInteger(self.precision, self.scale))
        return dialect.type_descriptor(Numeric(self.precision, self.scale))

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        """What a plain value beside it is: a factor has places of its own."""
        if op is not operators.mul:
            return self
        if isinstance(value, int):
            return BIGINT()
        exponent = Decimal(value).as_tuple().exponent
        return ExactDecimal(MAX_PRECISION, max(0, -exponent) if isinstance(exponent, int) else 0)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        number = value if type(value) is Decimal else Decimal(value)
        scaled = number.scaleb(self.scale)
        whole = int(scaled) if scaled.is_finite() else None
        if whole != scaled:
            msg = f"{value} has more than {self.scale} decimal places"
            raise ValueError(msg)
        return whole if dialect.name == "sqlite" else number

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        if dialect.name != "sqlite":
            whole = type(value) is Decimal and value.same_quantum(self._unit)
            return value if whole else self._padded(Decimal(value))
        if isinstance(value, float) and abs(value) >= _MOST:
            return None  # What is computed goes on in floats where SQLite's integers end.
        if not isinstance(value, int):
            msg = (
                f"{self!r} is a whole number on SQLite, and {type(value).__name__} was found:"
                " it was written past this type, or computed by SQL that does not know of it"
            )
            raise TypeError(msg)
        return Decimal(value).scaleb(-self.scale)

    def _padded(self, value: Decimal) -> Decimal:
        """What is computed, which may have fewer places: a sum of nothing is 0."""
        exponent = value.as_tuple().exponent
        few = isinstance(exponent, int) and exponent > -self.scale
        return value.quantize(self._unit, context=_EXACT) if few else value

    def process_literal_param(self, value: Decimal | None, dialect: Dialect) -> str:
        bound = self.process_bind_param(value, dialect)
        return "NULL" if bound is None else str(bound)

    def __repr__(self) -> str:
        return f"ExactDecimal({self.precision}, {self.scale})"


class _Computed(ExactDecimal):
    """What is computed of exact decimals: null where it has more digits than they can have."""

    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        found = super().process_result_value(value, dialect)
        large = found is not None and abs(found.scaleb(self.scale, _EXACT)) >= _MOST
        return None if large else found


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
        usual = self._storage_format == DATETIME._storage_format  # noqa: SLF001 - no public way
        zoned = self.timezone

        def bind(value: datetime | None) -> Any:
            if value is None:
                return None
            instant = value if not zoned or value.tzinfo is UTC else value.astimezone(UTC)
            if usual and type(instant) is datetime:
                # The same text, made in an eighth of the time: without asking for the offset.
                return f"{instant.date().isoformat()} {instant.time().isoformat('microseconds')}"
            return process(instant.replace(tzinfo=None) if zoned else instant)

        return bind

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        process: Any = super().result_processor(dialect, coltype)
        if not self.timezone:
            return process

        def result(value: Any) -> datetime | None:
            naive = process(value)
            return None if naive is None else naive.replace(tzinfo=UTC)

        return result


class SQLiteDay(DATE):
    """SQLite's DATE, writing what SQLAlchemy's writes in a sixth of the time."""

    def bind_processor(self, dialect: Dialect) -> Any:
        process: Any = super().bind_processor(dialect)
        if self._storage_format != DATE._storage_format:  # noqa: SLF001 - no public way
            return process

        def bind(value: date | None) -> Any:
            return value.isoformat() if type(value) is date else process(value)

        return bind


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
