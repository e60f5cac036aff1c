"""Who has a record's form open: a hint for the others, never a lock.

A browser says so every ``BEAT`` seconds; who has not for ``GONE_AFTER`` is not there any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.tables import User, upsert
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.desk.tables import KEY_LENGTH, EditorRow

BEAT = 20
"""Seconds between two signs of life of an open form."""
GONE_AFTER = timedelta(seconds=BEAT * 2.5)


@dataclass(frozen=True, slots=True)
class Editor:
    """Somebody else who has the form open."""

    name: str
    at: datetime


async def begin_editing(database: Database, actor: Actor, resource: str, key: str) -> list[Editor]:
    """Record that the actor has a record's form open; returns who else has. To be repeated."""
    if len(key) > KEY_LENGTH:
        return []
    now = datetime.now(UTC)
    here = EditorRow.resource == resource, EditorRow.key == key
    others = (
        select(User.name, EditorRow.at)
        .join(User, User.id == EditorRow.user_id)
        .where(*here, EditorRow.user_id != actor.user_id, EditorRow.at > now - GONE_AFTER)
        .order_by(User.name)
    )

    async def work(session: AsyncSession) -> list[Editor]:
        await session.execute(delete(EditorRow).where(EditorRow.at <= now - GONE_AFTER))
        insert = upsert(database.dialect, EditorRow).values(
            resource=resource, key=key, user_id=actor.user_id, at=now
        )
        await session.execute(
            insert.on_conflict_do_update(
                index_elements=["resource", "key", "user_id"], set_={"at": insert.excluded.at}
            )
        )
        return [Editor(*row) for row in await session.execute(others)]

    return await database.write(work)


async def end_editing(database: Database, actor: Actor, resource: str, key: str) -> None:
    """Record that the actor has left the form."""
    mine = EditorRow.user_id == actor.user_id
    here = EditorRow.resource == resource, EditorRow.key == key

    async def work(session: AsyncSession) -> None:
        await session.execute(delete(EditorRow).where(mine, *here))

    await database.write(work)
