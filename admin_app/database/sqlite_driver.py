"""SQLAlchemy's adapter of aiosqlite, with one thread hand-over a statement and a time limit.

SQLAlchemy's own adapter hands over three times: to execute, to fetch and to close the cursor. Each
costs as much as what most statements do. SQLite itself has no time limit, as PostgreSQL has: here a
read that takes too long is interrupted. Writes are not: SQLite rolls back the whole transaction of
an interrupted one, savepoints and all, and each concerns a few rows.
"""

# ruff: noqa: SLF001 - what is adapted here has private names
from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import Engine, event
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_ss_cursor,
)
from sqlalchemy.util import await_only, immutabledict

T = TypeVar("T")

STEPS = 100_000
"""Instructions of SQLite's virtual machine between two looks at the clock: some milliseconds."""
_READS = ("SELECT", "WITH")


class Deadline:
    """The time limit of the statement that runs on a connection."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: float | None = None

    def begin(self, seconds: float) -> None:
        """Start the time of the next statement."""
        self._at = time.monotonic() + seconds

    def end(self) -> None:
        """Stop it: no statement is running."""
        self._at = None

    def over(self) -> bool:
        """SQLite's progress handler: the statement is interrupted when it returns true."""
        return self._at is not None and time.monotonic() > self._at


def use_driver(engine: Engine, seconds: float) -> None:
    """Make ``engine`` connect with this adapter; its reads take at most ``seconds``."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, _record: object, args: Any, named: Any) -> SQLiteConnection:
        driver = aiosqlite.connect(*args, **named)
        driver._thread.daemon = True  # as SQLAlchemy does: a worker may just end
        try:
            return SQLiteConnection(dialect.dbapi, await_only(driver), seconds)
        except BaseException:
            driver.stop()  # Its thread would hold the file open for ever.
            raise


def raw_connection(driver: Any) -> sqlite3.Connection:
    """What aiosqlite wraps."""
    found: sqlite3.Connection = driver._conn  # it has no other name
    return found


class SQLiteConnection(AsyncAdapt_aiosqlite_connection):
    """A connection whose statements, commits and rollbacks take one hand-over each, or none."""

    def __init__(self, dbapi: Any, driver: aiosqlite.Connection, seconds: float) -> None:
        super().__init__(dbapi, driver)  # type: ignore[arg-type]
        self.seconds = seconds
        self.deadline = Deadline()
        self._to_begin: str | None = None
        # Each counted by one thread alone.
        self._begun = self._ended = 0
        raw = raw_connection(driver)
        self.hand_over(lambda: raw.set_progress_handler(self.deadline.over, STEPS))

    def begin(self, statement: str) -> None:
        """Begin a transaction by ``statement``, in the hand-over of the next one."""
        self._to_begin = statement

    @property
    def in_transaction(self) -> bool:
        """Whether one is open."""
        return raw_connection(self._connection).in_transaction

    @property
    def begins(self) -> bool:
        """Whether the next statement begins a transaction."""
        return self._to_begin is not None

    def begin_now(self) -> None:
        """Begin what is to begin, for a caller that is in the connection's thread."""
        statement, self._to_begin = self._to_begin, None
        if statement is not None:
            raw_connection(self._connection).execute(statement)

    def hand_over(self, work: Callable[[], T]) -> T:
        """Run ``work`` in the connection's thread."""
        return await_only(self._handed_over(work))

    async def _handed_over(self, work: Callable[[], T]) -> T:
        self._begun += 1

        def run() -> T:
            try:
                return work()
            finally:
                self._ended += 1

        return await self._connection._execute(run)  # type: ignore[no-any-return]

    async def work(self, operation: str, work: Callable[[sqlite3.Cursor], T]) -> tuple[Any, T]:
        """Run ``work`` on a cursor in the connection's thread; returns its description and result.

        ``operation`` is the statement, which tells a read from a write.
        """
        return await self._handed_over(lambda: self.worked(operation, work))

    def worked(self, operation: str, work: Callable[[sqlite3.Cursor], T]) -> tuple[Any, T]:
        """``work``, for a caller that is in the connection's thread."""
        self.begin_now()
        if operation.lstrip()[:6].upper().startswith(_READS):
            self.deadline.begin(self.seconds)
        cursor = raw_connection(self._connection).cursor()
        try:
            made = work(cursor)
            return cursor.description, made
        finally:
            cursor.close()
            self.deadline.end()

    async def commit_directly(self) -> None:
        """``commit``, for a caller outside of SQLAlchemy's greenlets."""
        if self._open():
            await self._handed_over(raw_connection(self._connection).commit)

    def _open(self) -> bool:
        """Whether there is something to end: a transaction, a statement of a cancelled caller.

        What has not begun yet does not begin any more.
        """
        self._to_begin = None
        raw = self._connection._connection  # none when it is closed
        return raw is not None and (self._begun != self._ended or raw.in_transaction)

    def rollback(self) -> None:
        """Undo what was begun, if anything was."""
        if self._open():
            super().rollback()

    def commit(self) -> None:
        """Keep what was begun, if anything was."""
        if self._open():
            super().commit()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor whose rows are all fetched in the hand-over that executes."""

    _awaitable_cursor_close = False
    _adapt_connection: SQLiteConnection

    def __init__(self, connection: SQLiteConnection) -> None:
        self._adapt_connection = connection
        self._connection = connection._connection
        self._rows = deque()
        self._soft_closed_memoized = immutabledict()
        self._found: tuple[Any, int, int] = (None, -1, 0)

    @property
    def description(self) -> Any:
        """The columns (PEP 249)."""
        return self._found[0]

    @property
    def rowcount(self) -> int:
        """How many rows were written (PEP 249)."""
        return self._found[1]

    @property
    def lastrowid(self) -> int:
        """The key SQLite gave last (PEP 249)."""
        return self._found[2]

    def close(self) -> None:
        """Forget the rows; there is nothing open."""
        self._rows.clear()

    def execute(self, operation: Any, parameters: Any = None) -> Any:
        """Run a statement and fetch what it gives."""
        self._run(operation, lambda raw: raw.execute(operation, parameters or ()))

    def executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
        """Run a statement once for each set of parameters."""
        self._run(operation, lambda raw: raw.executemany(operation, seq_of_parameters))

    def _run(self, operation: str, send: Callable[[Any], Any]) -> None:
        connection = self._adapt_connection

        def work(cursor: sqlite3.Cursor) -> Any:
            send(cursor)
            rows = cursor.fetchall() if cursor.description else ()
            return cursor.rowcount, cursor.lastrowid, rows

        try:
            description, (count, last, rows) = connection.hand_over(
                lambda: connection.worked(operation, work)
            )
            self._found = description, count, last
        except Exception as error:  # noqa: BLE001 - it is raised again, as SQLAlchemy's own
            connection._handle_exception(error)
        self._rows = deque(rows)


class _StreamedCursor(AsyncAdapt_aiosqlite_ss_cursor):
    """A streaming cursor; its statement's time runs until it is exhausted or closed."""

    _adapt_connection: SQLiteConnection

    def execute(self, operation: Any, parameters: Any = None) -> Any:
        """Begin a statement."""
        if self._adapt_connection.begins:
            self._adapt_connection.hand_over(self._adapt_connection.begin_now)
        self._adapt_connection.deadline.begin(self._adapt_connection.seconds)
        return super().execute(operation, parameters)

    def close(self) -> None:
        """End it."""
        self._adapt_connection.deadline.end()
        super().close()


SQLiteConnection._cursor_cls = _Cursor  # type: ignore[assignment]
SQLiteConnection._ss_cursor_cls = _StreamedCursor
