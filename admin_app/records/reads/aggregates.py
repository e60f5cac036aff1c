"""Aggregations in SQL: the rows in sight first, then their groups.

The inner statement is that of a list, under the policy, with the values that are grouped and
computed of; the outer one puts them together. So nothing out of sight is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from math import isfinite
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, distinct, func, select, true
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import policy
from admin_app.database.exact import (
    exact_average,
    exact_sum,
    float_average,
    float_sum,
    part_of,
)
from admin_app.database.types import ExactDecimal
from admin_app.database.violations import is_unknown_zone
from admin_app.declaration import Actor, Kind, Relation, Resource
from admin_app.declaration.values import adapter_of
from admin_app.errors import BadRequestError
from admin_app.records.queries.aggregation import Aggregation, Group, Having, Measure, Order, Place
from admin_app.records.queries.operators import OPERATORS
from admin_app.records.reads.criteria import Standing
from admin_app.records.reads.cursor import in_order
from admin_app.records.reads.reader import Reader

_WIDE = Context(prec=1_000, rounding=ROUND_HALF_UP)
AVERAGE_PLACES = 6
"""Digits after the point of an average of whole numbers, and at least of one of decimals."""


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Groups and their measures, as JSON data."""

    rows: list[dict[str, Any]]
    more: bool
    """Whether there are more groups than the limit."""


async def aggregates(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    asked: Aggregation,
) -> Aggregates:
    """Read groups of the records in sight; one statement.

    Raises ``BadRequestError`` where a sum of floats is too large to be one, and for a time zone
    that the database does not know.
    """
    resource = reader.sight.registry(actor)[resource.name]
    dialect = connection.dialect.name
    statement = _grouped(dialect, await _rows(dialect, reader, actor, resource, asked), asked)
    try:
        rows = (await connection.execute(statement)).all()
    except DBAPIError as error:
        if not is_unknown_zone(error):
            raise
        detail = f"The database knows no time zone {asked.zone}."
        raise BadRequestError.about(("tz",), "bad_value", detail) from error
    return Aggregates([_answer(asked, row) for row in rows[: asked.limit]], len(rows) > asked.limit)


async def _rows(
    dialect: str, reader: Reader, actor: Actor, resource: Resource, asked: Aggregation
) -> Select[Any]:
    """The rows in sight: what they are grouped by, then what is computed of."""
    joins = _Joins(reader, actor, resource)
    columns = [
        joins.column(each.place)
        if each.unit is None
        else part_of(dialect, joins.column(each.place), each.unit, asked.zone)
        for each in asked.groups
    ]
    columns += [joins.column(each.place) for each in asked.measures if each.place]
    columns = columns or [each.expression for each in resource.key]
    return joins.added_to(
        await reader.select(
            resource,
            policy(actor, resource, asked.trash),
            [each.label(f"c{place}") for place, each in enumerate(columns)],
            reader.criteria.all_of(actor, resource, asked.filters, asked.words),
        )
    )


class _Joins:
    """The records that relations lead to, joined as far as they are in sight."""

    def __init__(self, reader: Reader, actor: Actor, resource: Resource) -> None:
        self.criteria = reader.criteria
        self.actor = actor
        self.places: dict[tuple[Relation, ...], Standing] = {(): Standing(resource, resource.model)}

    def column(self, place: Place) -> Any:
        return self.standing(place.steps).column(place.field)

    def standing(self, steps: tuple[Relation, ...]) -> Standing:
        if steps not in self.places:
            self.standing(steps[:-1])
            self.places[steps] = self.criteria.step(self.actor, steps[-1])
        return self.places[steps]

    def added_to(self, statement: Select[Any]) -> Select[Any]:
        for steps, there in self.places.items():
            if steps:
                here = self.places[steps[:-1]]
                link = self.criteria.link(here, steps[-1], there)
                seen = self.criteria.in_sight(self.actor, there)
                statement = statement.outerjoin_from(here.entity, there.entity, and_(link, seen))
        return statement


def _grouped(dialect: str, rows: Select[Any], asked: Aggregation) -> Select[Any]:
    """The groups of the rows, in their order, and one more than are answered."""
    source = rows.subquery()
    columns = iter(source.c)
    values: dict[Group | Measure, Any] = {each: next(columns) for each in asked.groups}
    groups = list(values.values())
    for each in asked.measures:
        values[each] = _computed(dialect, each, next(columns)) if each.place else _count()
    return (
        select(*values.values())
        .select_from(source)
        .group_by(*groups)
        .having(and_(true(), *(_compared(dialect, each, values) for each in asked.having)))
        .order_by(*(_ordered(each, values[each.by]) for each in asked.sort))
        .limit(asked.limit + 1)
    )


def _count(*of: Any) -> ColumnElement[Any]:
    # 64 bits, so that it can be compared with any number that is taken for a count.
    return func.count(*of, type_=BigInteger())


def _computed(dialect: str, measure: Measure, column: Any) -> ColumnElement[Any]:
    rough = _rough(dialect, measure, column)
    found: ColumnElement[Any]
    match measure.function:
        case "count":
            found = _count(column)
        case "distinct":
            found = _count(distinct(column))
        case "min":
            found = func.min(column)
        case "max":
            found = func.max(column)
        case "sum":
            found = float_sum(dialect, column) if rough else exact_sum(dialect, column)
        case _ if rough:
            found = float_average(dialect, column)
        case _:
            found = exact_average(dialect, column, _places(measure))
    return found


def _rough(dialect: str, measure: Measure, column: Any) -> bool:
    """Whether the database stores the values as floats."""
    if _kind(measure) is Kind.DECIMAL:
        return dialect == "sqlite" and not isinstance(column.type, ExactDecimal)
    return _kind(measure) is Kind.FLOAT


def _compared(
    dialect: str, having: Having, values: dict[Group | Measure, Any]
) -> ColumnElement[bool]:
    value = having.value
    if _kind(having.measure) is Kind.FLOAT and having.measure.function in {"sum", "avg"}:
        value = _as_written(dialect, value)
    return OPERATORS[having.operator](values[having.measure])(value)


def _as_written(dialect: str, value: Any) -> Any:
    """Floats as decimals of their shortest digits, which is what PostgreSQL sums."""
    if isinstance(value, list):
        return [_as_written(dialect, each) for each in value]
    return Decimal(repr(value)) if isinstance(value, float) and dialect != "sqlite" else value


def _ordered(order: Order, value: Any) -> ColumnElement[Any]:
    term = in_order(value)
    term = term.desc() if order.descending else term.asc()
    return term.nulls_first() if order.nulls_first else term.nulls_last()


def _kind(measure: Measure) -> Kind | None:
    return measure.place.field.kind if measure.place else None


def _places(measure: Measure) -> int:
    scale = measure.place.field.shape.scale if measure.place else None
    return max(AVERAGE_PLACES, scale or 0)


def _answer(asked: Aggregation, row: Any) -> dict[str, Any]:
    values = iter(row)
    groups = {each.name: _group_value(each, next(values)) for each in asked.groups}
    found: dict[str, Any] = {"group": groups}
    for each in asked.measures:
        value = next(values)
        if each.place is None:
            found["count"] = value
        else:
            member = "counts" if each.function == "count" else each.function
            found.setdefault(member, {})[each.of] = _measure_value(each, value)
    return found


def _group_value(group: Group, value: Any) -> Any:
    return value if group.unit else _wire(group.place, value)


def _wire(place: Place, value: Any) -> Any:
    return None if value is None else adapter_of(place.field.shape).dump_python(value, mode="json")


def _measure_value(measure: Measure, value: Any) -> Any:
    if value is None or measure.place is None or measure.function in {"count", "distinct"}:
        return value
    if measure.function in {"min", "max"}:
        return _wire(measure.place, value)
    if _kind(measure) is Kind.FLOAT:
        return _float(measure, float(value))
    if measure.function == "avg":
        return _decimal(value, _places(measure))
    if _kind(measure) is Kind.INTEGER:
        return int(value)
    return _decimal(value, measure.place.field.shape.scale)


def _float(measure: Measure, value: float) -> float:
    if isfinite(value):
        return value
    detail = f"The {measure.function} of {measure.of} is too large for a number."
    path = (measure.function,)
    raise BadRequestError.about(path, "out_of_range", detail)


def _decimal(value: Any, places: int | None) -> str:
    number = Decimal(str(value))
    if places is not None:
        number = number.quantize(Decimal(1).scaleb(-places), context=_WIDE)
    return format(number, "f")
