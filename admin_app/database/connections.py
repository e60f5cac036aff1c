"""Connections taken from the pool of an engine, and those kept between two writes.

Taking a connection from the pool and giving it back costs more than most statements. So those of
writes stay out of it while nobody waits for the pool.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from admin_app.errors import BusyError

LIFE = 1_800.0
"""Seconds that a connection stays out of the pool, which replaces those that have grown old."""


class Taken:
    """A connection outside of the pool."""

    __slots__ = ("connection", "until")

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.until = time.monotonic() + LIFE
        """When it has to go back, on the monotonic clock."""

    @property
    def good(self) -> bool:
        """Whether it can be used again as it is."""
        connection = self.connection
        return not (connection.closed or connection.invalidated or connection.in_transaction())


class Connections:
    """The connections of an engine; at most ``most`` of them are kept while they are idle."""

    def __init__(self, engine: AsyncEngine, most: int) -> None:
        self._engine = engine
        self._most = most
        self._idle: list[Taken] = []
        self._waiting = 0

    async def take(self) -> AsyncConnection:
        """A connection from the pool, started.

        Raises ``sqlalchemy.exc.TimeoutError`` where none is free in time, ``BusyError`` where
        nobody listens, and what the driver does.
        """
        pool: Any = self._engine.pool
        if self._idle and pool.checkedout() >= pool.size():
            # Nothing waits in there, so that nobody else has it.
            await self._idle.pop().connection.close()
        connection = self._engine.connect()
        self._waiting += 1
        try:
            await connection.start()
        except OSError as error:
            # No host, no port, no socket file: the driver lets the system's own error through.
            raise BusyError from error
        finally:
            self._waiting -= 1
        return connection

    async def take_kept(self) -> Taken:
        """A connection for a write: one that an earlier write has left, or as ``take``."""
        while self._idle:
            found = self._idle.pop()
            if time.monotonic() < found.until:
                return found
            await self.give_back(found.connection)
        return Taken(await self.take())

    async def keep(self, taken: Taken) -> None:
        """Keep the connection of a write for the next one, or give it back."""
        if taken.good and not self._waiting and len(self._idle) < self._most:
            self._idle.append(taken)
        else:
            await self.give_back(taken.connection)

    async def give_back(self, connection: AsyncConnection) -> None:
        """Return a connection to the pool; a transaction on it is rolled back."""
        if connection.in_transaction():
            await asyncio.shield(connection.close())
        else:
            # Nothing in there waits, so nobody can interrupt it.
            await connection.close()
            await asyncio.sleep(0)  # Who waits for a connection has it before who comes next.

    async def forget_idle(self) -> None:
        """Return all that are idle, so that the pool replaces those that are lost."""
        while self._idle:
            await self.give_back(self._idle.pop().connection)
