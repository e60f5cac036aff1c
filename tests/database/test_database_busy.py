"""What does not come in time is an answer, and a lost connection is no reason to fail."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from conftest import opened
from counters import stock, value_of  # noqa: F401 - what the databases hold
from programs import increment
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.database import Database
from admin_app.errors import BusyError
from admin_app.settings import Settings


class TestLostConnection:
    """A connection that died while nobody looked is no reason to fail."""

    @pytest.fixture
    async def database(self, postgresql: Settings) -> AsyncIterator[Database]:
        """A database all of whose pooled connections have just been killed by the server."""
        async with opened(postgresql, pool_size=3) as database:
            await asyncio.gather(*(database.read(_slow) for _ in range(3)))
            async with opened(postgresql) as other:
                await other.read(_kill_others)
            yield database

    async def test_read(self, database: Database) -> None:
        """A read finds its connection dead and is answered over another one."""
        assert await value_of(database) == 0

    async def test_write(self, database: Database) -> None:
        """So is a write of which nothing had been sent."""
        await database.write(increment)

        assert await value_of(database) == 1

    async def test_write_under_way(self, postgresql: Settings) -> None:
        """A write that loses its connection half way is not sent again."""
        attempts = 0

        async def work(session: AsyncSession) -> None:
            nonlocal attempts
            attempts += 1
            await increment(session)
            async with opened(postgresql) as other:
                await other.read(_kill_others)
            await increment(session)

        async with opened(postgresql) as database:
            with pytest.raises(BusyError):
                await database.write(work)
            assert (attempts, await value_of(database)) == (1, 0)


async def _slow(connection: AsyncConnection) -> None:
    await connection.execute(sa.text("SELECT pg_sleep(0.1)"))


async def _kill_others(connection: AsyncConnection) -> None:
    await connection.execute(
        sa.text(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )


class TestBusy:
    """What does not come in time is an answer (503), not an error."""

    async def test_turn(self, sqlite: Settings) -> None:
        """On SQLite a write waits for its turn no longer than it is told to."""
        async with opened(sqlite, write_timeout=0.1) as database:

            async def hold(session: AsyncSession) -> None:
                with pytest.raises(BusyError):
                    await database.write(increment)
                await increment(session)

            await database.write(hold)
            assert await value_of(database) == 1

    async def test_file_lock(self, sqlite: Settings) -> None:
        """Nor for another process that holds the file."""
        other = sqlite3.connect(str(sqlite.database_url.database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            async with opened(sqlite, write_timeout=0.1) as database:
                with pytest.raises(BusyError):
                    await database.write(increment)
                other.execute("ROLLBACK")
                await database.write(increment)
                assert await value_of(database) == 1
        finally:
            other.close()

    async def test_row_lock(self, postgresql: Settings) -> None:
        """On PostgreSQL a write waits for a row no longer than it is told to."""
        async with opened(postgresql, lock_timeout=0.1) as database:

            async def hold(session: AsyncSession) -> None:
                await increment(session)
                with pytest.raises(BusyError):
                    await database.write(increment)

            await database.write(hold)
            assert await value_of(database) == 1

    async def test_statement(self, postgresql: Settings) -> None:
        """A statement runs no longer than it may."""
        async with opened(postgresql, statement_timeout=0.05) as database:
            with pytest.raises(BusyError):
                await database.read(_slow)
            assert await value_of(database) == 0

    async def test_pool(self, settings: Settings) -> None:
        """A read waits for a free connection no longer than it is told to."""
        async with opened(settings, pool_size=1, pool_timeout=0.1) as database:

            async def hold(_connection: AsyncConnection) -> None:
                with pytest.raises(BusyError):
                    await value_of(database)

            await database.read(hold)
            assert await value_of(database) == 0

    async def test_server_away(self, settings: Settings) -> None:
        """So it is when there is no database to be reached."""
        away = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"
        if settings.embedded:
            away = "sqlite+aiosqlite:///no/such/folder/library.db"
        async with opened(settings, url=away) as database:
            with pytest.raises(BusyError):
                await value_of(database)
