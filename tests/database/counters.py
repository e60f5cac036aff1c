"""A table of numbers, for reads and writes that meet."""

from __future__ import annotations

import sqlalchemy as sa
from programs import COUNTER
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database import Database


async def value_of(database: Database, counter: int = 1) -> int:
    async def work(connection: AsyncConnection) -> int:
        found = await connection.scalar(sa.select(COUNTER.c.value).where(COUNTER.c.id == counter))
        assert found is not None
        value: int = found
        return value

    return await database.read(work)
