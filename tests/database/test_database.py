"""What is true of reads and writes: none lost, none blocked, the same on both databases."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import opened, start_program
from counters import stock, value_of  # noqa: F401 - what the databases hold
from programs import COUNTER, VALUE, increment
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.database import Database
from admin_app.errors import BusyError, SetupError
from admin_app.settings import DatabaseSection, Settings


class TestWrite:
    """``write``: one transaction, run again only when nothing can have happened."""

    async def test_no_update_is_lost(self, database: Database) -> None:
        """Of many concurrent read-and-add writes each one counts."""
        await asyncio.gather(*(database.write(increment) for _ in range(200)))

        assert await value_of(database) == 200

    async def test_failure_takes_all_back(self, database: Database) -> None:
        """An exception takes back everything the write did, and comes out as it is."""

        async def work(session: AsyncSession) -> None:
            await increment(session)
            raise LookupError

        with pytest.raises(LookupError):
            await database.write(work)

        assert await value_of(database) == 0

    async def test_cancelled_write_lets_others_through(self, database: Database) -> None:
        """A write that is cancelled is taken back and gives up its turn."""
        started = asyncio.Event()

        async def work(session: AsyncSession) -> None:
            await increment(session)
            started.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(database.write(work))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.write(increment)

        assert await value_of(database) == 1

    async def test_serialization_failure_runs_again(self, postgresql: Settings) -> None:
        """A write that PostgreSQL could not serialize (40001) runs again, whole."""
        attempts = 0

        async def work(session: AsyncSession) -> None:
            nonlocal attempts
            attempts += 1
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            await session.execute(sa.select(COUNTER.c.value))
            if attempts == 1:
                await database.write(increment)
            await increment(session)

        async with opened(postgresql) as database:
            await database.write(work)
            assert (attempts, await value_of(database)) == (2, 2)

    async def test_deadlock_runs_again(self, postgresql: Settings) -> None:
        """Of two writes that wait for each other (40P01) one runs again, and both succeed."""
        attempts = 0
        both = asyncio.Barrier(2)

        async def work(session: AsyncSession, first: int, then: int) -> None:
            nonlocal attempts
            attempts += 1
            await increment(session, first)
            if attempts <= 2:
                await both.wait()
            await increment(session, then)

        async with opened(postgresql) as database:
            await asyncio.gather(
                database.write(lambda session: work(session, 1, 2)),
                database.write(lambda session: work(session, 2, 1)),
            )
            assert attempts == 3
            assert (await value_of(database), await value_of(database, 2)) == (2, 2)

    async def test_gives_up_after_three_more(self, postgresql: Settings) -> None:
        """A write that never can be serialized is told to come back, after four attempts."""
        attempts = 0

        async def work(session: AsyncSession) -> None:
            nonlocal attempts
            attempts += 1
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            await session.execute(sa.select(COUNTER.c.value))
            await database.write(increment)
            await increment(session)

        async with opened(postgresql) as database:
            with pytest.raises(BusyError):
                await database.write(work)
            assert (attempts, await value_of(database)) == (4, 4)

    async def test_turns_come_before_connections(self, sqlite: Settings) -> None:
        """On SQLite any number of waiting writes leaves connections for the reads."""
        started, release = asyncio.Event(), asyncio.Event()

        async def hold(session: AsyncSession) -> None:
            await increment(session)
            started.set()
            await release.wait()

        async with opened(sqlite, pool_size=2) as database:
            writes = [asyncio.create_task(database.write(hold)) for _ in range(20)]
            await started.wait()
            assert await asyncio.wait_for(value_of(database), 30) == 0
            release.set()
            await asyncio.gather(*writes)
            assert await value_of(database) == 20


class TestRead:
    """``read``: never waits for a write, and sees one state when it must."""

    async def test_does_not_wait_for_a_write(self, database: Database) -> None:
        """While a write is open reads answer at once, with what was there before it."""
        started, release = asyncio.Event(), asyncio.Event()

        async def hold(session: AsyncSession) -> None:
            await increment(session)
            started.set()
            await release.wait()

        write = asyncio.create_task(database.write(hold))
        await started.wait()
        for _ in range(20):
            assert await asyncio.wait_for(value_of(database), 30) == 0
        release.set()
        await write

        assert await value_of(database) == 1

    async def test_snapshot(self, database: Database) -> None:
        """All statements of a snapshot see the state the first one saw; others see the newest."""

        async def twice(connection: AsyncConnection) -> list[int | None]:
            query = sa.select(COUNTER.c.value).where(COUNTER.c.id == 1)
            before = await connection.scalar(query)
            await database.write(increment)
            return [before, await connection.scalar(query)]

        assert await database.read(twice, snapshot=True) == [0, 0]
        assert await database.read(twice) == [1, 2]


class TestEngine:
    """How connections are set up."""

    @pytest.mark.parametrize(("synchronous", "number"), [("full", 2), ("normal", 1)])
    async def test_sqlite(self, synchronous: str, number: int, sqlite: Settings) -> None:
        """SQLite writes ahead, keeps references and syncs as it was told to."""

        async def ask(connection: AsyncConnection) -> list[Any]:
            names = ("journal_mode", "foreign_keys", "synchronous")
            return [await connection.scalar(sa.text(f"PRAGMA {name}")) for name in names]

        async with opened(sqlite, synchronous=synchronous) as database:
            assert await database.read(ask) == ["wal", 1, number]

    async def test_postgresql(self, postgresql: Settings) -> None:
        """PostgreSQL thinks in UTC and limits how long anything takes."""

        async def ask(connection: AsyncConnection) -> list[Any]:
            names = ("TimeZone", "statement_timeout", "lock_timeout")
            return [await connection.scalar(sa.text(f"SHOW {name}")) for name in names]

        async with opened(postgresql) as database:
            assert await database.read(ask) == ["UTC", "10s", "2s"]

    @pytest.mark.parametrize(
        "url", ["mysql+aiomysql://host/db", "sqlite:///file.db", "sqlite+aiosqlite:///:memory:"]
    )
    def test_others_are_refused(self, url: str) -> None:
        """Other databases and drivers, and a database without a file, are refused by name."""
        with pytest.raises(SetupError, match=r"database\.url must"):
            Database(Settings(database=DatabaseSection(url=url)))


class TestProcesses:
    """Several processes on one database, and one that dies."""

    @pytest.mark.parametrize(
        "seconds",
        [pytest.param(2, id="short"), pytest.param(20, id="long", marks=pytest.mark.slow)],
    )
    @pytest.mark.slow
    async def test_two_processes_lose_nothing(self, seconds: int, settings: Settings) -> None:
        """Two processes of 16 writers each: no error, and every write counts."""
        processes = [await start_program("count", str(seconds), given=[settings]) for _ in range(2)]
        answers = [await each.communicate() for each in processes]

        assert [each.returncode for each in processes] == [0, 0]
        done = [int(answer) for answer, _ in answers]
        assert min(done) > 0
        async with opened(settings) as database:
            assert await value_of(database) == sum(done)

    async def test_killed_process_loses_nothing(self, settings: Settings) -> None:
        """After ``kill -9`` amid writes every acknowledged one is there, and none by half."""
        process = await start_program("acknowledge", given=[settings])
        assert process.stdout is not None
        acknowledged = [int(await process.stdout.readline()) for _ in range(100)]
        process.send_signal(signal.SIGKILL)
        rest, _ = await process.communicate()
        acknowledged += [int(line) for line in rest.splitlines(keepends=True) if line[-1:] == b"\n"]

        async with opened(settings) as database:
            stored = await database.read(
                lambda connection: connection.scalars(sa.select(VALUE.c.id))
            )
            assert set(acknowledged) <= (kept := set(stored))
            assert await value_of(database) == len(kept)
