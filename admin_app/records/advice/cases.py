"""What a project declares to be read by, each as the statement that reads it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from fastcrud import PolicyConfig
from sqlalchemy import Column, Select, Table, literal, select
from sqlalchemy.sql import operators
from sqlalchemy.sql.visitors import iterate

from admin_app.access.policies import policy
from admin_app.database.explained import Plan
from admin_app.declaration import SYSTEM, Actor, Field, Grant, Kind, Resource
from admin_app.declaration.fields import shape_of
from admin_app.records.advice.indexes import Wanted
from admin_app.records.advice.wishes import for_order, searched
from admin_app.records.queries.conditions import Comparison
from admin_app.records.queries.grammar import parse_query
from admin_app.records.queries.operators import operators_of
from admin_app.records.reads.counting import counted
from admin_app.records.reads.cursor import order
from admin_app.records.reads.full_text import indexed
from admin_app.records.reads.reader import Reader

EXAMPLES: dict[Kind, Any] = {
    Kind.INTEGER: 1,
    Kind.FLOAT: 1.0,
    Kind.DECIMAL: Decimal(1),
    Kind.STRING: "a",
    Kind.TEXT: "a",
    Kind.DATE: date(2000, 1, 1),
    Kind.TIME: time(12),
    Kind.DATETIME: datetime(2000, 1, 1),  # noqa: DTZ001 - of no zone
    Kind.INSTANT: datetime(2000, 1, 1, tzinfo=UTC),
    Kind.INTERVAL: timedelta(1),
    Kind.UUID: uuid.UUID(int=0),
}
"""A value of each kind: a plan is about some value, whichever."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to read a table, and what an index would have to do for it."""

    table: Table
    why: str
    statement: Select[Any]
    by: tuple[Column[Any], ...] = ()
    """What rows are found by; without, it is their order that counts."""
    wanted: Wanted | None = None
    """The index that is to be added; none where no index helps."""
    instead: str = ""
    """What is to be declared where that is no index."""
    actor: Actor = SYSTEM
    """Who reads."""

    def served(self, plan: Plan) -> bool:
        """Whether a plan of the statement makes use of an index."""
        if self.by:
            return any(plan.searches_by(self.table.name, each.name) for each in self.by)
        return not plan.sorts


class Cases:
    """The cases of one registry on one kind of database."""

    def __init__(self, reader: Reader, dialect: str) -> None:
        self._reader = reader
        self._dialect = dialect
        self._registry = reader.registry

    async def all(self) -> AsyncIterator[Case]:
        """Those of every declared resource; the application's own tables are its own business."""
        for resource in self._registry.values():
            if resource.own:
                continue
            if (ordered := await self._order(resource)) is not None:
                yield ordered
            async for each in self._filters(resource):
                yield each
            async for each in self._searches(resource):
                yield each
            async for each in self._rules(resource):
                yield each
        async for each in self._links():
            yield each

    async def _order(self, resource: Resource) -> Case | None:
        """The list as it is first shown."""
        query = parse_query(resource, self._registry, ())
        keys = {each.name for each in resource.key}
        named = [each for each in query.sort if each.field.name not in keys]
        if not named:
            return None
        columns = [each.expression for each in resource.readable.values()]
        found = await self._reader.select(resource, policy(SYSTEM, resource), columns, [])
        return Case(
            resource.table,
            f"the list's order {','.join(each.text for each in named)}",
            # Without the key: to sort equals by it is no work.
            found.order_by(*order(named, backward=False)).limit(query.limit + 1),
            wanted=for_order(resource, query.sort, self._dialect, "without"),
        )

    async def _filters(self, resource: Resource) -> AsyncIterator[Case]:
        for name in resource.options.filters:
            field = resource.fields.get(name)
            if field is None or field.column is None or field.kind is Kind.BOOLEAN:
                continue  # Relations are found by their keys; and half of all rows by no index.
            operator = "eq" if "eq" in operators_of(field.kind) else ""
            example = _example(field)
            if operator and example is not None:
                filters = [Comparison(field, operator, example)]
                conditions = self._reader.criteria.all_of(SYSTEM, resource, filters, ())
                statement = await self._count(
                    resource, policy(SYSTEM, resource, "with"), conditions
                )
                yield _found(field.column, f"the filter {name}", statement)

    async def _searches(self, resource: Resource) -> AsyncIterator[Case]:
        """Every place that a search looks at and no full-text index knows."""
        for path in resource.options.search:
            name, dot, far = path.partition(".")
            holder = self._registry.target(resource.relations[name]) if dot else resource
            field = holder.fields[far or name]
            if field.column is None or field in indexed(holder) or not _can_be_indexed(holder):
                continue
            inside = [Comparison(field, "ilike", "%a%")]
            conditions = self._reader.criteria.all_of(SYSTEM, holder, inside, ())
            yield Case(
                holder.table,
                f"the search of {path} in {resource.plural}",
                await self._count(holder, policy(SYSTEM, holder, "with"), conditions),
                by=(field.column,),
                instead=searched(holder, field),
            )

    async def _rules(self, resource: Resource) -> AsyncIterator[Case]:
        for name, condition in resource.rules.items():
            columns = tuple(_compared(condition, resource.table))
            if not columns:
                continue  # No index of values is made for what it asks.
            grants = frozenset({Grant(resource.name, "read", name), Grant(resource.name, "delete")})
            actor = Actor(1, "a", grants)
            config = policy(actor, resource, "with")
            yield Case(
                resource.table,
                f"the rule {name}",
                await self._count(resource, config, []),
                by=columns,
                wanted=Wanted(resource.table, columns[:1]),
                actor=actor,
            )

    async def _links(self) -> AsyncIterator[Case]:
        """Every foreign key, and both ways through the tables of many-to-many relations."""
        declared = [each for each in self._registry.values() if not each.own]
        tables = {each.table: each for each in declared}
        linking = (
            relation.secondary
            for each in declared
            for relation in each.relations.values()
            if relation.secondary is not None
        )
        for table in dict.fromkeys([*tables, *linking]):
            for key in sorted(table.foreign_key_constraints, key=lambda each: str(each.name)):
                columns = tuple(key.columns)
                examples = [_example_of(each) for each in columns]
                conditions = [
                    each == literal(value, each.type)
                    for each, value in zip(columns, examples, strict=True)
                ]
                resource = tables.get(table)
                statement = select(*columns).where(*conditions)
                if resource is not None:
                    config = policy(SYSTEM, resource, "with")
                    statement = await self._count(resource, config, conditions)
                yield Case(
                    table,
                    f"the foreign key {', '.join(each.name for each in columns)}",
                    statement,
                    by=columns,
                    wanted=Wanted(table, columns),
                )

    async def _count(
        self, resource: Resource, config: PolicyConfig, conditions: Sequence[Any]
    ) -> Select[Any]:
        keys = [each.expression for each in resource.key]
        return counted(await self._reader.select(resource, config, keys, conditions), "capped")


def _found(column: Column[Any], why: str, statement: Select[Any]) -> Case:
    return Case(column.table, why, statement, by=(column,), wanted=Wanted(column.table, (column,)))


def _can_be_indexed(resource: Resource) -> bool:
    """Whether a table can have a full-text index."""
    key = resource.key
    return len(key) == 1 and key[0].kind is Kind.INTEGER and not resource.table.schema


def _example(field: Field) -> Any:
    if field.shape.choices:
        return field.shape.choices[0]
    if field.shape.enum_class is not None:
        return next(iter(field.shape.enum_class))
    return EXAMPLES.get(field.kind)


def _example_of(column: Column[Any]) -> Any:
    return EXAMPLES[shape_of(column.type, column.info).kind]


def _compared(condition: Any, table: Table) -> Iterator[Column[Any]]:
    """The columns of a table that a condition compares with one value, or with some."""
    for each in iterate(condition):
        if getattr(each, "operator", None) in {operators.eq, operators.in_op, operators.is_}:
            left = getattr(each, "left", None)
            if isinstance(left, Column) and left.table is table:
                yield left
