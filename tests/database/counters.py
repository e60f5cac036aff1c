"""A table of numbers, for reads and writes that meet."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from conftest import Stock
from programs import COUNTER, two_counters
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database import Database


@pytest.fixture
def stock() -> Stock:
    """Two counters alone, for modules that import this."""
    return "counters", two_counters


async def value_of(database: Database, counter: int = 1) -> int:
    async def work(connection: AsyncConnection) -> int:
        found = await connection.scalar(sa.select(COUNTER.c.value).where(COUNTER.c.id == counter))
        assert found is not None
        value: int = found
        return value

    return await database.read(work)
