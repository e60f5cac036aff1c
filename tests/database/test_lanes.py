"""Prepared reads on connections kept for them: as right as the ordinary way, and never in the way.

What may happen to a connection happens here: it is slow, busy, lost, abandoned, or there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from api import Api, zoo_on
from conftest import KINDS, FreshSettings, Kind, opened
from costs import asked, ways
from counters import stock  # noqa: F401 - what the databases hold
from programs import COUNTER
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from stepping import cancelled_at
from zoo import RESOURCES, sample

from admin_app.database import Database, Prepared, lanes
from admin_app.errors import BusyError, TooSlowError
from admin_app.settings import Settings

PATIENCE = 30
"""Seconds after which something is stuck, however slow the machine."""
VALUE = sa.select(COUNTER.c.value).where(COUNTER.c.id == sa.bindparam("id", type_=sa.BigInteger))
_COUNTING = (
    "(WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {}) SELECT max(i)"
    " FROM g)"
)
MILLION: sa.Select[Any] = sa.select(sa.literal_column(_COUNTING.format(1_000_000)).label("most"))
ENDLESS: dict[str, sa.Select[Any]] = {
    "sqlite": sa.select(sa.literal_column(_COUNTING.format(10**15)).label("most")),
    "postgresql": sa.select(sa.func.pg_sleep(sa.literal(60.0)).label("most")),
}


async def value(database: Database) -> int:
    """What the first counter is at, by a prepared read."""
    rows = await database.fetch(await database.prepare(VALUE), {"id": 1})
    found: int = rows[0][0]
    return found


async def sleeping(database: Database, seconds: float) -> Prepared:
    """A read of PostgreSQL that takes a while."""
    statement = sa.select(sa.func.pg_sleep(sa.literal(seconds)).label("slept"), sa.literal(7))
    return await database.prepare(statement)


class TestSlow:
    """A read that takes its time holds up nobody else."""

    async def test_in_a_thread(self, sqlite: Settings) -> None:
        """While SQLite is at it for long everybody else goes on, and then it has its answer."""
        async with opened(sqlite) as database:
            slow, quick = [await database.prepare(each) for each in (MILLION, VALUE)]
            await database.fetch(quick, {"id": 1})
            for _ in range(2):  # The second is known to be slow.
                turns = 0
                reading = asyncio.create_task(database.fetch(slow, {}))
                while not reading.done():
                    assert await database.fetch(quick, {"id": 1}) == [(0,)]
                    await asyncio.sleep(0)
                    turns += 1
                assert [tuple(each) for each in await reading] == [(1_000_000,)]
                # In this thread it would be one or two.
                assert turns > 10

    async def test_on_a_busy_machine(
        self, sqlite: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A read that only the clock has stopped is made here again, until it is stopped twice."""
        short: sa.Select[Any] = sa.select(sa.literal_column(_COUNTING.format(1_000)).label("most"))
        async with opened(sqlite) as database:
            prepared = await database.prepare(short)
            found = []
            usual = lanes.WAITING
            for patience in (-1, usual, -1, usual, -1, -1, usual):
                monkeypatch.setattr(lanes, "WAITING", patience)
                with ways(database) as taken:
                    assert await database.fetch(prepared, {}) == [(1_000,)]
                found.append(taken.short)
            assert found == [0, 1, 0, 1, 0, 0, 0]

    async def test_too_slow(self, settings: Settings) -> None:
        """A read that takes longer than it may is stopped, once: nobody begins it anew."""
        async with opened(settings, statement_timeout=0.3) as database:
            assert await value(database) == 0
            endless = await database.prepare(ENDLESS[database.dialect])
            with ways(database) as taken, pytest.raises(TooSlowError, match=r"0\.3 s"):
                await database.fetch(endless, {})
            # SQLite's goes to a thread after some milliseconds, PostgreSQL's has had its time.
            assert taken.connections == (1 if database.dialect == "sqlite" else 0)
            with ways(database) as taken:
                assert await value(database) == 0
            assert (taken.short, taken.connections) == (1, 0)

    async def test_more_than_there_are_lanes(self, postgresql: Settings) -> None:
        """Reads wait for their turn, however many there are; not longer than for a connection."""
        async with opened(postgresql, pool_size=4) as database:
            assert await asyncio.gather(*(value(database) for _ in range(200))) == [0] * 200
        async with opened(postgresql, pool_size=4, pool_timeout=0.1) as database:
            slow = await sleeping(database, 1)
            held = [asyncio.create_task(database.fetch(slow, {})) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(BusyError):
                await value(database)
            await asyncio.gather(*held)
            assert await value(database) == 0


class TestTrouble:
    """What goes wrong goes the ordinary way, which knows about it."""

    async def test_a_locked_file(self, sqlite: Settings) -> None:
        """A file that somebody keeps locked is busy, and read again when they have gone."""
        file = sqlite.root / "library.db"
        async with opened(sqlite, write_timeout=0.1) as database:
            with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
                other.execute("PRAGMA locking_mode=EXCLUSIVE")
                other.execute("BEGIN EXCLUSIVE")
                other.execute("UPDATE counter SET value = 5")
                for _ in range(2):
                    with pytest.raises(BusyError):
                        await value(database)
                other.execute("COMMIT")
            assert await value(database) == 5
            with ways(database) as taken:
                await value(database)
            assert taken.short == 1

    @pytest.mark.parametrize("what", ["read", "fetch", "write"])
    async def test_lost_connections(self, postgresql: Settings, what: str) -> None:
        """Work whose connections the server has just ended is done over others."""
        async with opened(postgresql, pool_size=8) as database, opened(postgresql) as other:
            work = _works(database)[what]
            for _ in range(3):
                await asyncio.gather(*(work() for _ in range(20)))
                await other.read(_end_others)
                await asyncio.gather(*(work() for _ in range(20)))

    async def test_lost_meanwhile(self, postgresql: Settings) -> None:
        """So is one whose connection is ended while it runs: it can be made twice."""
        async with opened(postgresql) as database, opened(postgresql) as other:
            slow = await sleeping(database, 0.3)
            reading = asyncio.create_task(database.fetch(slow, {}))
            while not await other.read(_end_others):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            assert [row[1] for row in await reading] == [7]

    @pytest.mark.parametrize("wrong", [2**63, 2**70, "one", b"\0", float("inf"), object(), [1]])
    async def test_values_that_are_refused(self, settings: Settings, wrong: Any) -> None:
        """A value that the column's type refuses is refused as it is by an ordinary read."""
        async with opened(settings) as database:

            async def ordinary(connection: AsyncConnection) -> Any:
                return (await connection.execute(VALUE, {"id": wrong})).all()

            prepared = await database.prepare(VALUE)
            found = [
                await _outcome(database.read(ordinary)),
                await _outcome(database.fetch(prepared, {"id": wrong})),
            ]
            assert found[0] == found[1]
            assert await value(database) == 0

    async def test_a_single_connection(self, settings: Settings) -> None:
        """Where there is but one connection none is kept, and everything goes the ordinary way."""
        async with opened(settings, pool_size=1) as database:
            assert await asyncio.gather(*(value(database) for _ in range(10))) == [0] * 10
            await database.write(_raise)
            assert await value(database) == 1

    async def test_after_a_write(self, settings: Settings) -> None:
        """A read sees what was committed before it began, at once."""
        async with opened(settings) as database:
            for number in range(1, 20):
                await database.write(_raise)
                assert await value(database) == number

    async def test_who_listens_is_told(self, settings: Settings) -> None:
        """While somebody listens to statements they hear of prepared ones too."""
        async with opened(settings) as database:
            await value(database)
            with asked(database) as statements:
                await value(database)
            assert len(statements) == 1


async def _end_others(connection: AsyncConnection) -> int:
    """End every other connection to this database, and say how many there were."""
    ended = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return len((await connection.execute(ended)).all())


async def _raise(session: AsyncSession) -> None:
    await session.execute(COUNTER.update().values(value=COUNTER.c.value + 1))


async def _outcome(work: Awaitable[Any]) -> Any:
    try:
        return [tuple(row) for row in await work]
    except (DBAPIError, StatementError) as error:
        return type(error), type(error.orig), getattr(error.orig, "sqlstate", None)
    except (OverflowError, ValueError, TypeError) as error:
        return type(error)


class TestCancelled:
    """Whoever goes away takes no connection along, wherever they were."""

    @pytest.mark.parametrize("late", [False, True])
    @pytest.mark.parametrize("warm", [pytest.param(False, marks=pytest.mark.slow), True])
    @pytest.mark.parametrize("what", ["read", "write", "fetch"])
    async def test_at_each_wait(
        self, settings: Settings, what: str, warm: bool, late: bool
    ) -> None:
        """Work that is cancelled at any of its waits gives back its connection, or ends it."""
        place, reached, threads = 0, True, threading.active_count()
        while reached:
            async with opened(settings, pool_size=4) as database:
                work = _works(database)[what]
                if warm:
                    await value(database)
                    await work()
                reached = await asyncio.wait_for(cancelled_at(work(), place, late=late), PATIENCE)
                await _all_are_there(database, 4 - (2 if database.dialect != "sqlite" else 1))
                assert await value(database) >= 0
                assert await asyncio.wait_for(work(), PATIENCE) is not None
            # Each connection of SQLite's has one, which ends when it is closed.
            await _settled(threading.active_count, threads)
            place += 1
        assert place < 60

    @pytest.mark.parametrize("kind", KINDS)
    async def test_requests(self, fresh_settings: FreshSettings, kind: Kind) -> None:
        """Requests that are cancelled at each of their waits leave the application as it was."""
        async with zoo_on(fresh_settings, kind) as api:
            await api.add("computing", {"name": "first"})
            pool: Any = api.database.engine.pool
            requests: list[tuple[str, str, Any]] = [
                ("GET", "computing/1", None),
                ("GET", "computing?count=exact", None),
            ]
            requests += [("POST", "computing", {"name": "a"}), ("PATCH", "computing/1", {})]
            requests += [("PATCH", "computing/1", {"name": "b"}), ("DELETE", "computing/2", None)]
            for method, target, body in requests:
                for late in (False, True):
                    place = 0
                    while await cancelled_at(_call(api, method, target, body), place, late=late):
                        place += 1
            await _settled(pool.checkedout, 1 if kind == "sqlite" else 5)
            crowd = [asyncio.create_task(_call(api, *requests[n % 2])) for n in range(200)]
            for number, each in enumerate(crowd):
                if number % 3:
                    each.cancel()
                if number % 7 == 0:
                    await asyncio.sleep(0)
            found = await asyncio.gather(*crowd, return_exceptions=True)
            assert not [each for each in found if isinstance(each, Exception)]
            await _settled(pool.checkedout, 1 if kind == "sqlite" else 5)
            assert (await api.get("computing/1"))["id"] == 1


def _works(database: Database) -> dict[str, Callable[[], Awaitable[Any]]]:
    async def select(connection: AsyncConnection) -> Any:
        return (await connection.execute(VALUE, {"id": 1})).all()

    async def update(session: AsyncSession) -> bool:
        await _raise(session)
        return True

    return {
        "read": lambda: database.read(select),
        "write": lambda: database.write(update),
        "fetch": lambda: value(database),
    }


async def _call(api: Api, method: str, target: str, body: Any) -> None:
    answer = await api.call(method, target, body)
    assert answer.status < 500, answer


async def _settled(count: Callable[[], int], most: int) -> None:
    """Wait until there are no more than ``most``: what was cancelled may be ending still."""
    async with asyncio.timeout(PATIENCE):
        while count() > most:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


async def _all_are_there(database: Database, many: int) -> None:
    """So many reads of the ordinary way have a connection at the same time."""
    together = asyncio.Barrier(many)

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(sa.select(sa.literal(1)))
        await together.wait()

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(database.read(work) for _ in range(many)))


class TestPrepared:
    """A statement made ready is the statement."""

    @pytest.mark.parametrize("kind", KINDS)
    async def test_every_kind_of_value(self, fresh_settings: FreshSettings, kind: Kind) -> None:
        """Its rows are SQLAlchemy's own, value by value and type by type."""
        async with zoo_on(fresh_settings, kind) as api:
            for name in RESOURCES:
                for body in sample(name):
                    await api.add(api.registry[name].plural, body)
            for name in RESOURCES:
                statement = sa.select(api.registry[name].model.__table__)
                with ways(api.database) as taken:
                    prepared = await api.database.prepare(statement)
                    rows = await api.database.fetch(prepared, {})
                assert taken.short == 1, name
                usual = await api.database.read(_all(statement))
                assert usual
                assert [_typed(row) for row in rows] == [_typed(row) for row in usual], name

    async def test_binds(self, settings: Settings) -> None:
        """A value of its own stays, one that is asked for is asked each time, others are given."""
        asks = iter(range(10))
        statement: Any = sa.select(
            sa.bindparam("own", 5, type_=sa.Integer).label("a"),
            sa.bindparam("asked", callable_=lambda: next(asks), type_=sa.Integer).label("b"),
            sa.bindparam("given", type_=sa.Integer).label("c"),
        )
        async with opened(settings) as database:
            prepared = await database.prepare(statement)
            rows = [(await database.fetch(prepared, {"given": n}))[0] for n in (8, 9)]
            assert [tuple(row) for row in rows] == [(5, 0, 8), (5, 1, 9)]
            with pytest.raises(KeyError):
                prepared.arguments({})

    async def test_no_form_of_its_own(self, settings: Settings) -> None:
        """What is compiled anew for its values cannot be made ready."""
        async with opened(settings) as database:
            several = sa.select(COUNTER.c.id).where(COUNTER.c.id.in_([1, 2]))
            with pytest.raises(ValueError, match="one form"):
                await database.prepare(several)


def _all(statement: Any) -> Callable[[AsyncConnection], Awaitable[Any]]:
    async def work(connection: AsyncConnection) -> Any:
        return (await connection.execute(statement)).all()

    return work


def _typed(row: Any) -> list[tuple[type, Any]]:
    return [(type(each), each) for each in row]
