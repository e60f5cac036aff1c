"""Connections reserved for prepared reads, used through the driver itself.

A pool's check-out, a transaction and a result object cost more than a small read. A lane is a
connection taken out of the pool for good, outside of any transaction. A lane explains no error:
whatever goes wrong, ``fetch`` returns ``None`` and the read is repeated the ordinary way, which
knows about lost connections, locks and limits.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from admin_app.database.connections import LIFE
from admin_app.database.prepared import VALUE_ERRORS, Prepared, Row
from admin_app.database.sqlite_driver import raw_connection
from admin_app.errors import TooSlowError
from admin_app.settings import DatabaseSection

Values = Mapping[str, Any]
_Take = Callable[[], Awaitable[AsyncConnection]]
"""See ``Connections.take``."""

STEPS = 5_000
"""Instructions of SQLite's virtual machine between two calls of the progress handler."""
AT_ONCE = 10
"""Calls after which a read has blocked the event loop for long enough: some milliseconds."""
WAITING = 0.02
"""Seconds after which it has in any case, for instance while it waits for a lock."""
SLOW_FOR = 5.0
"""Seconds for which a statement that was interrupted goes to a thread from the start."""


class Lanes(Protocol):
    """The lanes of one engine."""

    async def fetch(self, prepared: Prepared, values: Values) -> Sequence[Row] | None:
        """The rows of a read; ``None`` where it has to be made the ordinary way."""

    async def close(self) -> None:
        """Close the lanes' connections."""


class SQLiteLane:
    """One connection, read from inside the event loop for as long as that takes no time.

    Handing a small read to a thread takes ten times as long as reading. A read that is not done at
    once, or would wait for a lock, is interrupted.
    """

    def __init__(self, take: _Take) -> None:
        self._take = take
        self._connection: AsyncConnection | None = None
        self._raw: sqlite3.Connection | None = None
        self._moment = _Moment()
        self._slow: dict[str, float] = {}
        self._late = ""

    async def fetch(self, prepared: Prepared, values: Values) -> Sequence[Row] | None:
        """See ``Lanes``."""
        if prepared.lengthy or (self._slow and self._is_slow(prepared)):
            return None
        try:
            raw = self._raw or await self._open()
        except DBAPIError:
            return None
        try:
            arguments = prepared.arguments(values)
            self._moment.begin()
            cursor = raw.execute(prepared.sql, arguments)
            rows = cursor.fetchall()
            if self._late == prepared.sql:
                self._late = ""
            if not prepared.described:
                prepared.describe([each[1] for each in cursor.description])
            return prepared.read(rows)
        except (sqlite3.Error, *VALUE_ERRORS) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                self._interrupted(prepared.sql)
            return None

    async def _open(self) -> sqlite3.Connection:
        connection = await self._take()
        try:
            fairy = await connection.get_raw_connection()
            driver: Any = fairy.driver_connection
            await driver.execute("PRAGMA busy_timeout=0")
            await driver.set_progress_handler(self._moment.over, STEPS)
        except BaseException:
            await asyncio.shield(_ended(connection))
            raise
        if self._raw is not None:  # Another request was faster.
            await _ended(connection)
            return self._raw
        self._connection, self._raw = connection, raw_connection(driver)
        return self._raw

    def _interrupted(self, sql: str) -> None:
        late, self._late = self._late, sql
        # What the clock alone has stopped may have met a busy machine: it is tried here once more.
        if self._moment.spent or late == sql:
            now = time.monotonic()
            self._slow = {each: until for each, until in self._slow.items() if until > now}
            self._slow[sql] = now + SLOW_FOR

    def _is_slow(self, prepared: Prepared) -> bool:
        until = self._slow.get(prepared.sql)
        if until is None:
            return False
        if time.monotonic() < until:
            return True
        del self._slow[prepared.sql]
        return False

    async def close(self) -> None:
        """See ``Lanes``."""
        connection, self._connection, self._raw = self._connection, None, None
        if connection is not None:
            await _ended(connection)


async def _ended(connection: AsyncConnection) -> None:
    """Close a connection without returning it to the pool, whose others are set up differently."""
    await connection.invalidate()
    await connection.close()


class _Moment:
    """How long a read has run, counted in instructions: the same on a busy machine."""

    __slots__ = ("_end", "_left")

    def __init__(self) -> None:
        self._end = math.inf
        self._left = 0

    def begin(self) -> None:
        self._end = time.monotonic() + WAITING
        self._left = AT_ONCE

    @property
    def spent(self) -> bool:
        """Whether it was the count that was over, and not just the clock."""
        return self._left < 0

    def over(self) -> bool:
        """SQLite's progress handler: the statement is interrupted when it returns true."""
        self._left -= 1
        return self._left < 0 or time.monotonic() > self._end


class PostgreSQLLanes:
    """Some connections, each for one read at a time."""

    def __init__(self, take: _Take, size: int, patience: float, usual: float) -> None:
        self._take = take
        self._usual = usual
        self._turns = asyncio.Semaphore(size)
        self._patience = patience
        self._idle: list[_PostgreSQLLane] = []

    async def fetch(self, prepared: Prepared, values: Values) -> Sequence[Row] | None:
        """See ``Lanes``.

        Raises ``TimeoutError`` when no lane is free in time, and ``TooSlowError``.
        """
        try:
            arguments = prepared.arguments(values)
        except VALUE_ERRORS:
            return None
        if self._turns.locked():
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        else:
            await self._turns.acquire()
        try:
            return await self._run(prepared, arguments)
        finally:
            self._turns.release()

    async def _run(self, prepared: Prepared, arguments: Sequence[Any]) -> Sequence[Row] | None:
        try:
            lane = self._idle.pop() if self._idle else await _PostgreSQLLane.open(self._take)
        except DBAPIError:
            return None
        try:
            rows = await lane.fetch(prepared, arguments)
        except asyncpg.InternalClientError:
            # What asyncpg says of a connection that was cut off while it was at work.
            await lane.end()
            return None
        except asyncpg.QueryCanceledError as error:
            await self._keep(lane)
            raise TooSlowError(self._usual) from error  # It has had its time: not once more.
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, *VALUE_ERRORS):
            await self._keep(lane)
            return None
        except BaseException:
            await asyncio.shield(lane.end())
            raise
        await self._keep(lane)
        return rows

    async def _keep(self, lane: _PostgreSQLLane) -> None:
        if lane.good:
            self._idle.append(lane)
        else:
            await lane.end()

    async def close(self) -> None:
        """See ``Lanes``."""
        while self._idle:
            await self._idle.pop().end()


class _PostgreSQLLane:
    def __init__(self, connection: AsyncConnection, driver: asyncpg.Connection[Any]) -> None:
        self._connection = connection
        self._driver = driver
        self._until = time.monotonic() + LIFE

    @classmethod
    async def open(cls, take: _Take) -> _PostgreSQLLane:
        connection = await take()
        fairy = await connection.get_raw_connection()
        driver: Any = fairy.driver_connection
        return cls(connection, driver)

    async def fetch(self, prepared: Prepared, arguments: Sequence[Any]) -> Sequence[Row]:
        if not prepared.described:
            statement = await self._driver.prepare(prepared.sql)
            prepared.describe([each.type.oid for each in statement.get_attributes()])
        return prepared.read(await self._driver.fetch(prepared.sql, *arguments))

    @property
    def good(self) -> bool:
        return not self._driver.is_closed() and time.monotonic() < self._until

    async def end(self) -> None:
        await _ended(self._connection)


def lanes_of(engine: AsyncEngine, take: _Take, settings: DatabaseSection) -> Lanes | None:
    """The lanes of an engine: at most half of its connections; none where there is but one."""
    if settings.pool_size == 1:
        return None
    if engine.dialect.name == "sqlite":
        return SQLiteLane(take)
    patience, usual = settings.pool_timeout, settings.statement_timeout
    return PostgreSQLLanes(take, settings.pool_size // 2, patience, usual)
