"""Connections kept between two writes: taken once, nobody's for long, and never in the way."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from conftest import opened
from costs import ways
from counters import stock, value_of  # noqa: F401 - what the databases hold
from programs import increment
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.database import connections
from admin_app.settings import Settings


async def test_one_write_after_another(settings: Settings) -> None:
    """They share a connection that is taken from the pool once."""
    async with opened(settings) as database:
        with ways(database) as taken:
            for _ in range(5):
                await database.write(increment)
        assert taken.connections == 1
        assert await value_of(database) == 5


async def test_after_a_failure(settings: Settings) -> None:
    """The connection of a write that failed goes back to the pool; nothing of it remains."""

    async def fail(session: AsyncSession) -> None:
        await increment(session)
        await session.execute(sa.text("SELECT nothing FROM nowhere"))

    async with opened(settings) as database:
        with ways(database) as taken:
            for _ in range(2):
                with pytest.raises(sa.exc.DBAPIError):
                    await database.write(fail)
                await database.write(increment)
        assert (taken.connections, await value_of(database)) == (3, 2)


async def test_grown_old(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that has been out of the pool for long goes back to it, to be replaced."""
    monkeypatch.setattr(connections, "LIFE", 0.0)
    async with opened(settings) as database:
        with ways(database) as taken:
            for _ in range(3):
                await database.write(increment)
        assert taken.connections == 3


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_reads_find_room(settings: Settings, size: int) -> None:
    """However many connections writes have left idle, reads have all those of the pool."""
    met = asyncio.Barrier(size)

    async def meet(connection: AsyncConnection) -> None:
        await connection.execute(sa.select(1))
        async with asyncio.timeout(5):
            await met.wait()

    async with opened(settings, pool_size=size, pool_timeout=5) as database:
        await asyncio.gather(*(database.write(increment) for _ in range(size)))
        await asyncio.gather(*(database.read(meet) for _ in range(size)))
        await database.write(increment)
        assert await value_of(database) == size + 1


@pytest.mark.parametrize("size", [1, 2])
async def test_who_waits_is_next(settings: Settings, size: int) -> None:
    """A read that waits for a connection has that of the next write to end."""
    async with opened(settings, pool_size=size, pool_timeout=5) as database:
        stop = False

        async def keep_writing() -> None:
            while not stop:
                await database.write(increment)

        writing = [asyncio.create_task(keep_writing()) for _ in range(size * 2)]
        try:
            for _ in range(20):
                await value_of(database)
        finally:
            stop = True
            await asyncio.gather(*writing)
