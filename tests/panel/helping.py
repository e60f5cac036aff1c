"""Administrators in the panel who help others with their access."""

from __future__ import annotations

import pytest
from eyes import DESK, PHONE
from panel import Client, House
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.tables import SecurityEvent, User

OTHER = "another long sentence"


Fields = list[tuple[str, str]]


async def events(made: House) -> list[tuple[str, str, str]]:
    """What happened, who did it, and to whom."""

    async def work(connection: AsyncConnection) -> list[tuple[str, str, str]]:
        table = SecurityEvent.__table__
        statement = select(table.c.event, table.c.actor_name, table.c.subject)
        panel = statement.where(table.c.source == "panel").order_by(table.c.id)
        return [tuple(row) for row in await connection.execute(panel)]

    return await made.database.read(work)


async def id_of(made: House, name: str) -> str:
    async def work(connection: AsyncConnection) -> str:
        return str(await connection.scalar(select(User.id).where(User.name == name)))

    return await made.database.read(work)


async def token(client: Client) -> Fields:
    return [("_csrf", await client.token())]


def tools(user: str) -> list[tuple[str, Fields]]:
    return [
        (f"/admin/access/user/{user}/link", []),
        (f"/admin/access/user/{user}/end-sessions", []),
        ("/admin/impersonate", [("user", user)]),
    ]


SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
