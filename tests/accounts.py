"""People with sessions, tokens and passwords, made without the time that hashing takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from people import disable_user
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access import (
    actor_of_session,
    create_user,
    sign_in,
)
from admin_app.access.secret import digest, new_secret
from admin_app.access.tables import SecurityEvent, Session, User
from admin_app.database import Database
from admin_app.declaration import Actor, Origin
from admin_app.errors import (
    UnauthenticatedError,
)
from admin_app.settings import Settings

PASSWORD = "a long sentence, say"


OTHER = "another long sentence"


HERE = Origin("panel", "r1", address="192.0.2.1", user_agent="test")


async def user(database: Database, name: str, *roles: str, password: str | None = None) -> int:
    return await create_user(database, name, password, roles)


async def enter(database: Database, name: str, **values: Any) -> str:
    """Open a session without the time that a password takes."""
    now, secret = datetime.now(UTC), new_secret()

    async def work(transaction: AsyncSession) -> None:
        user_id = await transaction.scalar(select(User.id).where(User.name == name))
        session = {
            "token_hash": digest(secret),
            "user_id": user_id,
            "created_at": now,
            "used_at": now,
            "expires_at": now + timedelta(days=1),
            "confirmed_at": now,
            "user_agent": "",
            "address": "",
        }
        await transaction.execute(insert(Session).values(session | values))

    await database.write(work)
    return secret


async def who(database: Database, settings: Settings, secret: str) -> Actor:
    found = await actor_of_session(database, settings, secret)
    assert found is not None
    return found


async def inside(database: Database, settings: Settings, name: str) -> tuple[str, Actor]:
    secret = await enter(database, name)
    return secret, await who(database, settings, secret)


async def events(database: Database, *names: str) -> list[Any]:
    statement = select(SecurityEvent.__table__).where(SecurityEvent.event.in_(names))

    async def work(connection: AsyncConnection) -> Sequence[Any]:
        return (await connection.execute(statement.order_by(SecurityEvent.id))).all()

    return list(await database.read(work))


async def can_sign_in(database: Database, settings: Settings, name: str, password: str) -> bool:
    try:
        await sign_in(database, settings, name, password, origin=HERE)
    except UnauthenticatedError:
        return False
    return True


async def grown(database: Database) -> None:
    """An administrator, an editor, a viewer, a service account and somebody disabled."""
    for name, roles in (
        ("ana", ["administrator"]),
        ("bea", ["administrator"]),
        ("ed", ["editor"]),
        ("vic", ["viewer"]),
        ("bot", ["viewer"]),
        ("gone", ["viewer"]),
    ):
        await user(database, name, *roles)
    await disable_user(database, "gone")
    service = update(User).where(User.name == "bot").values(service=True)
    await database.write(lambda transaction: transaction.execute(service))
