"""Run the statements of a write directly on the driver, inside the write's transaction.

SQLAlchemy's way from a statement to its rows costs more than the statement. What it derives from
the statement alone is derived once (see ``prepared``). The connection, the transaction and the
errors raised stay SQLAlchemy's, so that both ways can alternate within one transaction.
"""

# ruff: noqa: SLF001 - what is passed by has private names
from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import asyncpg
from sqlalchemy import Connection, Executable
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from admin_app.database.prepared import Prepared, Row
from admin_app.database.sqlite_driver import SQLiteConnection

T = TypeVar("T")
Values = Mapping[str, Any]

DIRECT = "admin_app_direct"
"""Execution option: the ``Direct`` of the running transaction."""
KEPT = 2_048
"""Prepared statements kept for one engine: clients choose the fields, roles the rules."""


class Forms:
    """The prepared statements of one engine, each made when it first runs."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.sync_engine
        self.of = lru_cache(maxsize=KEPT)(self._make)

    @property
    def listened(self) -> bool:
        """Whether the engine has listeners, which must hear of every statement."""
        return bool(self._engine.dispatch.before_cursor_execute)

    def _make(self, statement: Executable, names: tuple[str, ...]) -> Prepared | None:
        """Prepare a statement whose values are given by ``names``; ``None`` where impossible."""
        try:
            return Prepared(statement, self._engine.dialect, names=names)
        except ValueError:
            return None


class _Driver(Protocol):
    """The driver's connection of a transaction."""

    adapted: Any
    """SQLAlchemy's adapter of it."""

    @property
    def begun(self) -> bool:
        """Whether a transaction is open."""

    async def commit(self) -> None:
        """Commit that."""

    async def fetch(self, prepared: Prepared, arguments: Sequence[Any]) -> Sequence[Row]:
        """The rows of a statement."""

    async def fetch_all(
        self, prepared: Prepared, arguments: Sequence[Sequence[Any]]
    ) -> Sequence[Row]:
        """The rows of a statement that runs once for each item of ``arguments``, in their order."""


_Run = Callable[[_Driver, Prepared, Any], Awaitable[Sequence[Row]]]


class Direct:
    """Runs the statements of one transaction on the driver."""

    def __init__(
        self,
        connection: AsyncConnection,
        forms: Forms,
        note: Callable[[Prepared], None],
    ) -> None:
        self._connection = connection
        self._forms = forms
        self._note = note
        self._driver: _Driver | None = None

    async def fetch(self, statement: Executable, values: Values) -> Sequence[Row] | None:
        """The rows of a statement; ``None`` where SQLAlchemy has to run it."""
        prepared = self._prepared(statement, values)
        if prepared is None:
            return None
        return await self._run(prepared, lambda: prepared.arguments(values), _one)

    async def fetch_all(
        self, statement: Executable, values: Sequence[Values]
    ) -> Sequence[Row] | None:
        """``fetch``, run for each item of ``values``, all of which have the same names."""
        prepared = self._prepared(statement, values[0])
        if prepared is None:
            return None
        return await self._run(prepared, lambda: [*map(prepared.arguments, values)], _all)

    async def run_columns(
        self, statement: Executable, columns: Mapping[str, Sequence[Any]]
    ) -> bool:
        """Run a statement once for each row of ``columns``; returns whether that was possible.

        ``columns`` holds every value of the statement: lists of equal length, by name.
        """
        prepared = self._prepared(statement, columns)
        if prepared is None:
            return False
        await self._run(prepared, lambda: prepared.argument_rows(columns), _all)
        return True

    def _prepared(self, statement: Executable, values: Mapping[str, Any]) -> Prepared | None:
        if self._forms.listened:
            return None
        return self._forms.of(statement, tuple(values))

    async def _run(
        self, prepared: Prepared, arguments: Callable[[], Any], run: _Run
    ) -> Sequence[Row]:
        try:
            given = arguments()
        except Exception as error:
            # As SQLAlchemy says it of a value that its type does not take.
            raise StatementError(
                str(error), prepared.sql, None, error, hide_parameters=True
            ) from error
        driver = self._driver or self._begun()
        rows = await self._sent(driver, prepared.sql, run(driver, prepared, given))
        self._note(prepared)
        return prepared.read(rows)

    async def commit(self) -> None:
        """Commit the transaction, if there is one. Raises ``DBAPIError``."""
        connection: Any = self._connection.sync_connection
        if self._driver is not None and self._driver.begun:
            await self._sent(self._driver, "COMMIT", self._driver.commit())
            connection.commit()  # SQLAlchemy has nothing left to send.
        elif connection.in_transaction():
            await self._connection.commit()

    async def _sent(self, driver: _Driver, sql: str, work: Awaitable[T]) -> T:
        """What the driver answers; its errors become SQLAlchemy's."""
        try:
            return await work
        except Exception as error:
            await self._connection.run_sync(_refuse, driver.adapted, error, sql)
            raise
        except BaseException:
            await asyncio.shield(self._connection.invalidate())
            raise

    def _begun(self) -> _Driver:
        """The driver's connection, after SQLAlchemy has begun the transaction."""
        connection: Any = self._connection.sync_connection
        adapted = connection.connection.dbapi_connection
        if not connection.in_transaction():
            connection.begin()  # Nothing is sent: that is done when the first statement is.
        of_sqlite = isinstance(adapted, SQLiteConnection)
        self._driver = _SQLite(adapted) if of_sqlite else _PostgreSQL(adapted)
        return self._driver


async def _one(driver: _Driver, prepared: Prepared, arguments: Any) -> Sequence[Row]:
    return await driver.fetch(prepared, arguments)


async def _all(driver: _Driver, prepared: Prepared, arguments: Any) -> Sequence[Row]:
    return await driver.fetch_all(prepared, arguments)


def _refuse(connection: Connection, adapted: Any, error: Exception, sql: str) -> None:
    """Raise a driver's error as SQLAlchemy would, and invalidate a lost connection."""
    try:
        adapted._handle_exception(error)
    except connection.dialect.loaded_dbapi.Error as translated:
        connection._handle_dbapi_exception(translated, sql, None, None, None)


class _PostgreSQL:
    def __init__(self, adapted: Any) -> None:
        self.adapted = adapted
        self._driver: asyncpg.Connection[Any] = adapted.driver_connection

    @property
    def begun(self) -> bool:
        found: bool = self.adapted._transaction is not None
        return found

    async def commit(self) -> None:
        await self.adapted._call_and_discard(self.adapted._transaction.commit)

    async def fetch(self, prepared: Prepared, arguments: Sequence[Any]) -> Sequence[Row]:
        await self._ready(prepared)
        return await self._driver.fetch(prepared.sql, *arguments)

    async def fetch_all(
        self, prepared: Prepared, arguments: Sequence[Sequence[Any]]
    ) -> Sequence[Row]:
        await self._ready(prepared)
        found: Sequence[Row] = await self._driver.fetchmany(prepared.sql, arguments)
        return found

    async def _ready(self, prepared: Prepared) -> None:
        if not self.begun:
            await self.adapted._start_transaction()
        if not prepared.described:
            statement = await self._driver.prepare(prepared.sql)
            prepared.describe([each.type.oid for each in statement.get_attributes()])


class _SQLite:
    def __init__(self, adapted: SQLiteConnection) -> None:
        self.adapted = adapted

    @property
    def begun(self) -> bool:
        return self.adapted.in_transaction

    async def commit(self) -> None:
        await self.adapted.commit_directly()

    async def fetch(self, prepared: Prepared, arguments: Sequence[Any]) -> Sequence[Row]:
        return await self.fetch_all(prepared, [arguments])

    async def fetch_all(
        self, prepared: Prepared, arguments: Sequence[Sequence[Any]]
    ) -> Sequence[Row]:
        sql, answers = prepared.sql, prepared.answers

        def work(cursor: sqlite3.Cursor) -> list[Row]:
            found: list[Row] = []
            if not answers:
                for each_sql, rows in prepared.joined(arguments):
                    cursor.executemany(each_sql, rows)
                return found
            for each in arguments:
                found += cursor.execute(sql, each).fetchall()
            return found

        description, rows = await self.adapted.work(sql, work)
        if not prepared.described:
            prepared.describe([each[1] for each in description or ()])
        return rows


async def fetch(
    connection: AsyncConnection, statement: Executable, values: Values
) -> Sequence[Row]:
    """The rows of a statement; run on the driver in a transaction of ``Database.write``."""
    direct = _direct(connection)
    rows = None if direct is None else await direct.fetch(statement, values)
    if rows is not None:
        return rows
    result = await connection.execute(statement, values)
    return result.all() if result.returns_rows else ()


async def fetch_all(
    connection: AsyncConnection, statement: Executable, values: Sequence[Values]
) -> Sequence[Row] | None:
    """One row for each item of ``values``, in order, of a statement that runs for each.

    All items have the same names. ``None`` where SQLAlchemy has to run it.
    """
    direct = _direct(connection)
    return None if direct is None else await direct.fetch_all(statement, values)


async def run_columns(
    connection: AsyncConnection, statement: Executable, columns: Mapping[str, Sequence[Any]]
) -> None:
    """Run a statement that returns no rows for each row of ``columns``, lists by name."""
    direct = _direct(connection)
    if direct is None or not await direct.run_columns(statement, columns):
        rows = zip(*columns.values(), strict=True)
        given = [dict(zip(columns, row, strict=True)) for row in rows]
        await connection.execute(statement, given)


def _direct(connection: AsyncConnection) -> Direct | None:
    options = connection.sync_connection.get_execution_options()  # type: ignore[union-attr]
    found: Direct | None = options.get(DIRECT)
    return found
