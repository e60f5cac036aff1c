"""Core statements that write the rows of a resource, each built once.

They are made of the table: SQLAlchemy then finds what it has compiled by looking at the statement,
not by taking it apart, and no entity is made that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Column,
    ColumnClause,
    ColumnElement,
    FromClause,
    Insert,
    SelectBase,
    Table,
    TextClause,
    Update,
    and_,
    bindparam,
    delete,
    insert,
    null,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.visitors import iterate

from admin_app.database import fetch, fetch_all
from admin_app.declaration import Field, Key, Resource
from admin_app.records.queries.query import WHOLE
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import Values
from admin_app.records.writes.row_values import Given, RowValues

_KEPT = 1_024
_FORMS = 256
"""Statements of one resource that are kept: clients choose the fields, roles the rules."""
_KEYS = "_keys"


@dataclass(frozen=True, eq=False, slots=True)
class Reach:
    """What rows must be once they are written, as a statement that writes them can tell."""

    condition: ColumnElement[bool]


Written = tuple[list[Values], set[Key] | None]
"""The rows after the write, and the keys of those in reach where that was asked."""


class RowStatements(RowValues):
    """The statements of one resource, of which everything is known."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        table = resource.table
        version = [resource.version] if resource.version else []
        self.names = WHOLE.needed(resource, version)
        """The fields that make up a record."""
        fields = [resource.fields[name] for name in self.names]
        self.plain = all(of_row_alone(each.expression, table) for each in fields)
        """Whether RETURNING gives all of them: none looks at other rows."""
        title = resource.fields[resource.title].expression
        self.titled_alone = of_row_alone(title, table)
        """Whether what people call a record is."""
        self.bare = all(each.column is not None for each in fields)
        """Whether all of them are columns."""
        self.returned = tuple(each.name for each in fields if self.plain or each.column is not None)
        """The fields that RETURNING gives."""
        self._answered = [_expression(resource.fields[name]) for name in self.returned]
        self._key = [_column(each) for each in resource.key]
        self._binds = [key_bind(each) for each in resource.key]
        self.is_meant = and_(
            *(
                column == bindparam(bind, type_=column.type)
                for column, bind in zip(self._key, self._binds, strict=True)
            )
        )
        """The condition that a row is the one with the key of ``key_binds``."""
        several: Any = tuple_(*self._key) if len(self._key) > 1 else self._key[0]
        self.is_one: ColumnElement[bool] = several.in_(bindparam(_KEYS, expanding=True))
        """The condition that it is one of those with the keys of ``keys_bind``."""
        self._find = select(*self._answered).where(self.is_one)
        self._delete = delete(table).where(self.is_meant)
        self._delete_all = delete(table).where(self.is_one)
        self._points_to_itself = any(
            each.referred_table is table for each in table.foreign_key_constraints
        )
        self.number = self._number()
        """The key of the column in which the database numbers rows, each higher than before."""
        self._statement = lru_cache(maxsize=_FORMS)(self._make)
        self._setting = lru_cache(maxsize=_FORMS)(self._set)
        self._sets_more = any(each.onupdate is not None for each in resource.table.columns)

    async def insert(
        self, connection: AsyncConnection, rows: Sequence[Values], reach: Reach | None = None
    ) -> Written:
        """Insert rows; what comes back is as much of each as ``returned`` says, in order."""
        found: list[Values] = []
        reached: set[Key] = set()
        for _, portion in groupby(map(self.new, rows), key=lambda each: each.form):
            answers = await self._inserted(connection, list(portion), reach)
            made = [self._answer(each) for each in answers]
            if reach is not None:
                keys = map(self.resource.key_of, made)
                reached.update(key for key, each in zip(keys, answers, strict=True) if each[-1])
            found += made
        return found, None if reach is None else reached

    async def _inserted(
        self, connection: AsyncConnection, rows: Sequence[Given], reach: Reach | None
    ) -> Sequence[Sequence[Any]]:
        first = rows[0]
        statement = self._statement("insert", first.nulls, reach)
        if len(rows) == 1:
            return await fetch(connection, statement, first.values)
        found = await fetch_all(connection, statement, [each.values for each in rows])
        if found is not None:
            return found
        # SQLAlchemy would insert one by one on SQLite, which numbers rows in the order given.
        numbered = connection.dialect.name == "sqlite" and self._numbers(first)
        statement = self._statement("insert", first.nulls, reach, in_order=not numbered)
        result = await connection.execute(statement, [each.values for each in rows])
        place = self.returned.index(self.resource.key[0].name) if numbered else 0
        return sorted(result.all(), key=lambda row: row[place]) if numbered else result.all()

    async def update(
        self,
        connection: AsyncConnection,
        key: Key,
        values: Values,
        before: Values,
        reach: Reach | None = None,
    ) -> Written:
        """Set columns of a row and raise its version; returns the fields ``returned`` of it.

        ``before`` is the stored row. Empty where there is no such row, or nothing to be done; its
        reach is then not known.
        """
        row = self.changed(self.next_version(before) | values)
        if not row.values and not row.nulls and not self.counts:
            return [], None
        statement = self._statement("update", row.nulls, reach)
        found = await fetch(connection, statement, row.values | self.key_binds(key))
        if not found or reach is None:
            return [*map(self._answer, found)], None
        return [self._answer(found[0])], {key} if found[0][-1] else set()

    def update_setting(
        self, values: Values, bind: Callable[[str], str], reach: Reach | None
    ) -> tuple[Update, dict[str, Any]] | None:
        """An ``update`` as a part of another statement, and the values of its binds.

        Those of what is set are called as ``bind`` says. None where it sets more than that.
        """
        row = self.changed(values)
        unlike = self._sets_more or (self.resource.version is not None and not self.counts)
        if unlike or not row.values:
            return None
        given = {bind(key): value for key, value in row.values.items()}
        return self._setting(tuple(row.values), tuple(given), row.nulls, reach), given

    def _set(
        self, keys: tuple[str, ...], binds: tuple[str, ...], nulls: frozenset[str], reach: Any
    ) -> Update:
        columns = self.resource.table.c
        given = {
            key: bindparam(bind, type_=columns[key].type)
            for key, bind in zip(keys, binds, strict=True)
        }
        made: Update = self._statement("update", nulls, reach).values(given)
        return made

    async def update_all(
        self, connection: AsyncConnection, rows: Iterable[tuple[Key, Values, Values]]
    ) -> None:
        """``update``, of many rows: the key of each, what is set, and what it is now."""
        changed = [
            (key, self.changed(self.next_version(before) | values)) for key, values, before in rows
        ]
        for _, portion in groupby(changed, key=lambda each: each[1].form):
            some = list(portion)
            if not some[0][1].values and not some[0][1].nulls and not self.counts:
                continue
            statement = self._statement("update", some[0][1].nulls, None, silent=True)
            given = [row.values | self.key_binds(key) for key, row in some]
            await connection.execute(statement, given)

    async def find(self, connection: AsyncConnection, keys: Sequence[Key]) -> dict[Key, Values]:
        """As much of rows as ``returned`` says, by their keys."""
        found: dict[Key, Values] = {}
        for batch in batches(keys):
            rows = map(self._answer, await fetch(connection, self._find, self.keys_bind(batch)))
            found.update((self.resource.key_of(each), each) for each in rows)
        return found

    async def delete(self, connection: AsyncConnection, keys: Sequence[Key]) -> None:
        """Delete rows; of a chain, one after the other, what depends comes before the rest."""
        if len(keys) == 1:
            await fetch(connection, self._delete, self.key_binds(keys[0]))
        elif self._points_to_itself:
            await connection.execute(self._delete, [self.key_binds(key) for key in keys])
        else:
            for batch in batches(keys):
                await connection.execute(self._delete_all, self.keys_bind(batch))

    def key_binds(self, key: Key) -> dict[str, Any]:
        """The values of the key's binds."""
        return dict(zip(self._binds, key, strict=True))

    def keys_bind(self, keys: Sequence[Key]) -> dict[str, Any]:
        """The value of the bind of ``is_one``."""
        return {_KEYS: keys if len(self._key) > 1 else [key for (key,) in keys]}

    def _answer(self, row: Iterable[Any]) -> Values:
        return dict(zip(self.returned, row, strict=False))  # Its reach may come after.

    def _numbers(self, row: Given) -> bool:
        """Whether the database numbers the rows."""
        return self.number is not None and self.number not in row.values

    def _number(self) -> str | None:
        found = self.resource.table.autoincrement_column
        if found is None or len(self._key) > 1 or found.default is not None:
            return None
        return found.key

    def _make(self, kind: str, nulls: frozenset[str], reach: Reach | None, **how: bool) -> Any:
        make: Any = self._insert if kind == "insert" else self._update
        answered = self._answered if reach is None else [*self._answered, reach.condition]
        return make(dict.fromkeys(nulls, null()), answered, **how)

    def _insert(
        self, nulls: dict[str, Any], answered: Sequence[Any], *, in_order: bool = False
    ) -> Insert:
        statement = insert(self.resource.table)
        if nulls:
            statement = statement.values(nulls)
        return statement.returning(*answered, sort_by_parameter_order=in_order)

    def _update(
        self, nulls: dict[str, Any], answered: Sequence[Any], *, silent: bool = False
    ) -> Update:
        set_: dict[Any, Any] = dict(nulls)
        if self.resource.version is not None and self.counts:
            version = self.columns[self.resource.version]
            set_[version.key] = version + 1
        statement = update(self.resource.table).where(self.is_meant)
        if set_:
            statement = statement.values(set_)
        return statement if silent else statement.returning(*answered)


@lru_cache(maxsize=_KEPT)
def statements_of(resource: Resource) -> RowStatements:
    """The statements of a resource, of which everything must be known."""
    return RowStatements(resource)


def key_bind(field: Field) -> str:
    """The name of the bind for a part of a key.

    As no column can be called, or an UPDATE would take it for a value to set.
    """
    return f"_key.{field.name}"


def of_row_alone(expression: Any, table: Table) -> bool:
    """Whether an expression is made of one row of ``table``, whatever other rows there are."""
    plain = getattr(expression, "expression", expression)
    return all(_is_of_row(each, table) for each in iterate(plain))


def _is_of_row(part: Any, table: Table) -> bool:
    if isinstance(part, ColumnClause):
        return part.table is table
    return not isinstance(part, (SelectBase, FromClause, TextClause))


def _expression(field: Field) -> ColumnElement[Any]:
    return field.expression.label(field.name) if field.column is None else field.column


def _column(field: Field) -> Column[Any]:
    assert field.column is not None  # noqa: S101 - of a key
    return field.column
