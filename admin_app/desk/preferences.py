"""Preferences: a person's choices about how things are shown, by name."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.tables import upsert
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.desk.tables import PREFERENCE_NAME_LENGTH, PreferenceRow
from admin_app.errors import BadRequestError

MOST_PREFERENCES = 500
"""The most preferences of one user."""
MAX_VALUE = 16 * 1024
"""The most bytes of one preference as JSON."""


async def preferences(database: Database, actor: Actor) -> dict[str, Any]:
    """Everything the actor has chosen, by name."""
    statement = select(PreferenceRow.name, PreferenceRow.value).where(
        PreferenceRow.user_id == actor.user_id
    )

    async def work(connection: AsyncConnection) -> dict[str, Any]:
        rows = await connection.execute(statement)
        return {row.name: row.value for row in rows}

    return await database.read(work) if actor.user_id is not None else {}


async def keep_preference(database: Database, actor: Actor, name: str, value: Any) -> None:
    """Remember a choice, which JSON can hold; ``None`` forgets it.

    Who acts as somebody else changes nothing of theirs. Raises ``BadRequestError`` for more than
    is kept.
    """
    if actor.user_id is None or actor.impersonator is not None:
        return
    if len(name) > PREFERENCE_NAME_LENGTH or len(json.dumps(value)) > MAX_VALUE:
        msg = "This is too much to remember."
        raise BadRequestError(msg)
    mine = PreferenceRow.user_id == actor.user_id

    async def work(session: AsyncSession) -> None:
        if value is None:
            await session.execute(delete(PreferenceRow).where(mine, PreferenceRow.name == name))
            return
        count = await session.scalar(select(func.count()).where(mine, PreferenceRow.name != name))
        if count is not None and count >= MOST_PREFERENCES:
            msg = f"No more than {MOST_PREFERENCES} choices are remembered."
            raise BadRequestError(msg)
        insert = upsert(database.dialect, PreferenceRow).values(
            user_id=actor.user_id, name=name, value=value
        )
        await session.execute(
            insert.on_conflict_do_update(
                index_elements=["user_id", "name"], set_={"value": insert.excluded.value}
            )
        )

    await database.write(work)
