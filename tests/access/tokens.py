"""Tokens, and people who make them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import (
    actor_of_session,
    actor_of_token,
    create_token,
    create_user,
)
from admin_app.access.secret import digest
from admin_app.access.tables import Session, Token
from admin_app.database import Database
from admin_app.declaration import Actor, Origin
from admin_app.settings import Settings

HERE = Origin("panel", address="192.0.2.1", user_agent="test")


async def new_token(database: Database, expires_in: timedelta | None = None) -> str:
    await create_user(database, "bot", None, ["viewer"])
    return await create_token(database, "bot", "script", expires_in)


async def set_times(database: Database, **values: Any) -> None:
    await database.write(lambda transaction: transaction.execute(update(Token).values(**values)))


async def granted(database: Database, token: str) -> set[tuple[str, str]]:
    """What a token may do, by resource and action."""
    return {(each.resource, each.action) for each in (await acting_by(database, token)).grants}


async def acting_by(database: Database, token: str) -> Actor:
    actor = await actor_of_token(database, token)
    assert actor is not None
    return actor


async def seated(database: Database, name: str, *roles: str) -> Actor:
    """A new person with these roles, in a session of their own that is confirmed."""
    user_id = await create_user(database, name, None, list(roles))
    now = datetime.now(UTC)
    row = Session(
        token_hash=digest(name),
        user_id=user_id,
        created_at=now,
        used_at=now,
        expires_at=now + timedelta(days=1),
        confirmed_at=now,
    )

    async def add(transaction: AsyncSession) -> None:
        transaction.add(row)

    await database.write(add)
    actor = await actor_of_session(database, Settings(), name)
    assert actor is not None
    return actor
