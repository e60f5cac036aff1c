"""Reads and writes, given as functions because either may have to run again.

``read`` passes a connection, ``write`` a session whose transaction is committed here and nowhere
else in the package. ``fetch`` is the fast path for a read of one prepared statement.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Hashable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import Select, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from admin_app.database.connections import Connections
from admin_app.database.direct import DIRECT, Direct, Forms
from admin_app.database.engine import BEGIN, make_engine
from admin_app.database.lanes import lanes_of
from admin_app.database.limits import StatementLimits, limited
from admin_app.database.prepared import Prepared, Row, written_to
from admin_app.database.violations import (
    is_busy,
    is_lost,
    is_out_of_time,
    is_serialization_failure,
)
from admin_app.errors import BusyError, TooSlowError
from admin_app.settings import Settings

T = TypeVar("T")

EVERY_TABLE = "*"
_READS = ("SELECT", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET ", "PRAGMA", "EXPLAIN")
"""What statements begin with that write nothing."""
WRITE_RETRIES = 3
"""Times a write runs again after a serialization failure or a deadlock."""


class Database:
    """The engine, and reads and writes on it. Make it in the lifespan, close it at its end."""

    def __init__(self, settings: Settings) -> None:
        self.engine: AsyncEngine = make_engine(settings)
        self.dialect: str = self.engine.dialect.name
        self.limits = StatementLimits.of(settings.database)
        self._turn = asyncio.Lock()
        self._turn_timeout = settings.database.write_timeout
        self._aside: dict[Hashable, asyncio.Task[None]] = {}
        size = settings.database.pool_size
        self._connections = Connections(self.engine, most=(size + 1) // 2)
        self._lanes = lanes_of(self.engine, self._connections.take, settings.database)
        self._forms = Forms(self.engine)
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        event.listen(self.engine.sync_engine, "after_cursor_execute", _note)

    async def close(self) -> None:
        """Wait for the writes of ``write_aside``, then close every connection."""
        await asyncio.gather(*self._aside.values(), return_exceptions=True)
        if self._lanes is not None:
            await self._lanes.close()
        await self._connections.forget_idle()
        await self.engine.dispose()

    async def prepare(self, statement: Select[Any], *, lengthy: bool = False) -> Prepared:
        """Make a statement ready for ``fetch``. Raises ``ValueError`` where that cannot be.

        ``lengthy``: it may do much in one instruction of SQLite's; see ``lanes``.
        """
        if getattr(self.engine.dialect, "server_version_info", None) is None:
            # What a dialect writes depends on the server that it has seen.
            with _busy_is_an_answer():
                async with self._connected():
                    pass
        return Prepared(statement, self.engine.dialect, lengthy=lengthy)

    async def fetch(
        self, prepared: Prepared, values: Mapping[str, Any], *, seconds: float | None = None
    ) -> Sequence[Row]:
        """The rows of one read, outside of any transaction; ``seconds`` is as in ``read``.

        Raises what ``read`` does. Takes SQLAlchemy's way where somebody listens to the engine's
        events, so that they hear of every statement.
        """
        listened = self.engine.sync_engine.dispatch.before_cursor_execute
        usual = seconds is None or self.dialect == "sqlite"
        if self._lanes is not None and usual and not listened:
            try:
                rows = await self._lanes.fetch(prepared, values)
            except (PoolTimeoutError, TimeoutError) as error:
                raise BusyError from error
            if rows is not None:
                return rows

        async def work(connection: AsyncConnection) -> Sequence[Row]:
            rows: Sequence[Row] = (await connection.execute(prepared.statement, values)).all()
            return rows

        return await self.read(work, seconds=seconds)

    def on_commit(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call ``listener`` after each write of this process with the tables that were written to.

        The tables of statements given as SQL text are unknown; ``EVERY_TABLE`` stands for them.
        """
        self._listeners.append(listener)

    async def read(
        self,
        work: Callable[[AsyncConnection], Awaitable[T]],
        *,
        snapshot: bool = False,
        seconds: float | None = None,
    ) -> T:
        """Run ``work`` on a connection; with ``snapshot`` all its statements see one state.

        ``seconds``: how long each may run, where that is not what is usual (see ``limits``).

        A connection found dead is replaced once, and the whole of ``work`` runs again. Raises
        ``BusyError`` when no connection is free in time or the database does not answer, and
        ``TooSlowError``.
        """
        options = self._snapshot_options() if snapshot else self._read_options(seconds)
        with _busy_is_an_answer(seconds or self.limits.usual):
            try:
                return await self._run_read(work, options, seconds)
            except DBAPIError as error:
                if not is_lost(error):
                    raise
            await self._connections.forget_idle()
            return await self._run_read(work, options, seconds)

    async def _run_read(
        self,
        work: Callable[[AsyncConnection], Awaitable[T]],
        options: dict[str, Any],
        seconds: float | None,
    ) -> T:
        async with self._connected() as connection:
            if options:
                await connection.execution_options(**options)
            async with limited(connection, seconds):
                return await work(connection)

    async def write(
        self,
        work: Callable[[AsyncSession], Awaitable[T]],
        *,
        keep: bool = True,
        tell: bool = True,
        seconds: float | None = None,
    ) -> T:
        """Run ``work`` in one transaction and commit it; any exception rolls all of it back.

        Without ``keep`` it is rolled back in any case. ``seconds`` is as in ``read``; what SQLite
        writes is never stopped.

        ``work`` runs again, whole, after a serialization failure or a deadlock (at most three
        times, with jitter), likewise when its connection was dead before anything was sent: it must
        have no effect but through its session. On SQLite writes of this process take turns, before
        a connection is taken. Raises ``BusyError`` when the turn, a connection or a lock does not
        come in time, and ``TooSlowError``.
        """
        with _busy_is_an_answer(seconds or self.limits.usual):
            for attempt in range(WRITE_RETRIES):
                try:
                    return await self._attempt(work, keep=keep, tell=tell, seconds=seconds)
                except _NothingSentError:
                    await self._connections.forget_idle()
                except DBAPIError as error:
                    if not is_serialization_failure(error):
                        raise
                    await asyncio.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311
            return await self._attempt(work, keep=keep, tell=tell, seconds=seconds)

    async def write_aside(
        self, name: Hashable, work: Callable[[AsyncSession], Awaitable[object]], *, patience: float
    ) -> None:
        """Run a write whose result nobody needs, and wait at most ``patience`` seconds for it.

        After that it goes on in the background. While one of the same ``name`` is running no other
        is begun. It is dropped when the database is busy, and listeners of ``on_commit`` are not
        called.
        """
        if name in self._aside:
            return

        async def run() -> None:
            with suppress(BusyError):
                await self.write(work, tell=False)

        task = self._aside[name] = asyncio.create_task(run())
        task.add_done_callback(lambda _: self._aside.pop(name, None))
        done, _ = await asyncio.wait({task}, timeout=patience)
        for each in done:
            each.result()

    async def _attempt(
        self,
        work: Callable[[AsyncSession], Awaitable[T]],
        *,
        keep: bool,
        tell: bool,
        seconds: float | None,
    ) -> T:
        if self.dialect != "sqlite":
            return await self._transaction(work, keep=keep, tell=tell, seconds=seconds)
        try:
            async with asyncio.timeout(self._turn_timeout):
                await self._turn.acquire()
        except TimeoutError as error:
            raise BusyError from error
        try:
            return await self._transaction(work, keep=keep, tell=tell, seconds=seconds)
        finally:
            self._turn.release()

    async def _transaction(
        self,
        work: Callable[[AsyncSession], Awaitable[T]],
        *,
        keep: bool,
        tell: bool,
        seconds: float | None,
    ) -> T:
        taken = await self._connections.take_kept()
        try:
            sent = _Sent()
            result = await self._run_write(taken.connection, work, seconds, sent, keep=keep)
        except BaseException:
            await self._connections.give_back(taken.connection)
            raise
        finally:
            # Whoever goes away while it is committed cannot say whether it was kept.
            for each in self._listeners if sent.committing and tell else ():
                each(frozenset(sent.tables))
        await self._connections.keep(taken)
        return result

    async def _run_write(
        self,
        connection: AsyncConnection,
        work: Callable[[AsyncSession], Awaitable[T]],
        seconds: float | None,
        sent: _Sent,
        *,
        keep: bool,
    ) -> T:
        direct = Direct(connection, self._forms, sent.note_direct)
        options: dict[str, Any] = {_SENT: sent, DIRECT: direct}
        if self.dialect == "sqlite":
            options[BEGIN] = "BEGIN IMMEDIATE"
        assert connection.sync_connection is not None  # noqa: S101 - it has started
        # Neither is anything that the driver would have to be told of.
        connection.sync_connection.execution_options(**options)
        session = AsyncSession(connection, expire_on_commit=False, autoflush=False)
        try:
            result = await self._work(session, connection, work, seconds, sent)
            if not keep:
                await connection.rollback()
                return result
            sent.committing = True
            try:
                if session.in_transaction():
                    await session.commit()
                await direct.commit()
            except DBAPIError:
                # SQLite leaves open what it refuses to commit, for a deferred foreign key; the
                # next to have the connection would go on with it.
                await connection.invalidate()
                raise
        finally:
            if session.in_transaction():  # One that nobody has used costs nothing.
                await asyncio.shield(session.close())
        return result

    async def _work(
        self,
        session: AsyncSession,
        connection: AsyncConnection,
        work: Callable[[AsyncSession], Awaitable[T]],
        seconds: float | None,
        sent: _Sent,
    ) -> T:
        try:
            if seconds is None:
                return await work(session)
            async with limited(connection, seconds):
                return await work(session)
        except DBAPIError as error:
            if is_lost(error) and not sent.anything:
                raise _NothingSentError from error
            raise

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        connection = await self._connections.take()
        try:
            yield connection
        finally:
            await self._connections.give_back(connection)

    def _read_options(self, seconds: float | None) -> dict[str, Any]:
        # A limit of its own is one of a transaction.
        usual = self.dialect == "sqlite" or seconds is not None
        return {} if usual else {"isolation_level": "AUTOCOMMIT"}

    def _snapshot_options(self) -> dict[str, Any]:
        if self.dialect == "sqlite":
            return {BEGIN: "BEGIN"}
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class _Sent:
    """What has run on the connection of a write: whether anything, and the tables written to."""

    def __init__(self) -> None:
        self.anything = False
        self.committing = False
        """Whether it has come to its commit."""
        self.tables: set[str] = set()
        """The names of the tables written to."""

    def note(self, statement: str, context: Any) -> None:
        self.anything = True
        if context.isinsert or context.isupdate or context.isdelete:
            self.tables.add(context.compiled.statement.table.name)
        elif isinstance(context.invoked_statement, Select):
            self.tables |= written_to(context.invoked_statement)
        elif not statement.lstrip().upper().startswith(_READS):
            self.tables.add(EVERY_TABLE)

    def note_direct(self, prepared: Prepared) -> None:
        """``note``, for a statement that was run by ``Direct``."""
        self.anything = True
        self.tables |= prepared.writes


_SENT = "admin_app_sent"


def _note(_connection: object, _cursor: object, statement: str, *others: Any) -> None:
    """Engine event: note a statement with the write that is running on its connection, if any."""
    _parameters, context, _many = others
    sent: _Sent | None = context.execution_options.get(_SENT)
    if sent is not None:
        sent.note(statement, context)


def connection_of(session: AsyncSession) -> AsyncConnection:
    """The connection of a write's session, for statements that bypass the session."""
    connection = session.bind
    assert isinstance(connection, AsyncConnection)  # noqa: S101 - made so
    return connection


class _NothingSentError(Exception):
    """A write's connection was dead before its first statement."""


@contextmanager
def _busy_is_an_answer(seconds: float | None = None) -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise BusyError from error
    except _NothingSentError as error:
        raise BusyError from error
    except DBAPIError as error:
        if seconds is not None and is_out_of_time(error):
            raise TooSlowError(seconds) from error
        if is_busy(error) or is_lost(error):
            raise BusyError from error
        raise
    except (ConnectionError, TimeoutError) as error:
        raise BusyError from error


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncIterator[None]:
    """Undo what happens inside, and only that, when it raises."""
    async with session.begin_nested():
        await session.connection()  # Or there is none, for whoever writes past the session.
        yield


async def undone(session: AsyncSession, work: Callable[[], Awaitable[T]]) -> T:
    """Run ``work`` and undo it, and only it: the transaction goes on as if it had never been."""
    async with session.begin_nested() as savepoint_:
        await session.connection()  # As above.
        result = await work()
        await savepoint_.rollback()
    return result
