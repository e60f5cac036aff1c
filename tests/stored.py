"""All that is stored, to see that nothing has changed."""

from __future__ import annotations

from conftest import LIBRARY
from panel import House
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

PASSING = {"admin_session.used_at", "admin_token.last_used_at", "admin_request_count"}
"""What every request may write: that somebody was here."""


async def stored(made: House) -> dict[str, str]:
    """All that is in the database, but for how often and when somebody was here."""

    async def work(connection: AsyncConnection) -> dict[str, str]:
        found = {}
        for table in LIBRARY.sorted_tables:
            columns = [each for each in table.c if str(each) not in PASSING]
            if table.name not in PASSING:
                rows = (await connection.execute(select(*columns))).all()
                found[table.name] = repr(sorted(rows, key=repr))
        return found

    return await made.database.read(work)
