"""Changes as they were recorded, not narrowed to anybody's sight."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import Key, Resource
from admin_app.records.reads.key_batches import batches
from admin_app.records.trail.changes import Change
from admin_app.records.trail.past import COLUMNS, PastChange, past


async def changes_of_set(
    connection: AsyncConnection, change_set: uuid.UUID, limit: int, after: int = 0
) -> list[PastChange]:
    """The first changes of a change set, oldest first."""
    statement = (
        select(*COLUMNS)
        .where(Change.change_set == change_set, Change.id > after)
        .order_by(Change.id)
        .limit(limit)
    )
    return [past(row) for row in await connection.execute(statement)]


async def latest_of_set(
    connection: AsyncConnection,
    change_set: uuid.UUID,
    acts: int,
    limit: int,
    alone: int,
    before: int | None = None,
) -> list[PastChange]:
    """The last acts of a change set, with what they brought about, oldest first.

    Those ``before`` one; fewer acts where they come to more than ``limit`` changes, and at least
    one, of which no more than one above ``alone`` are told.
    """
    mine = select(*COLUMNS).where(Change.change_set == change_set)
    own = mine.where(Change.cause_id.is_(None))
    if before is not None:
        own = own.where(Change.id < before)
    rows = await connection.execute(own.order_by(Change.id.desc()).limit(acts))
    found = [past(row) for row in rows][::-1]
    while found:
        most = limit if len(found) > 1 else alone
        causes = [(each.id,) for each in found]
        told = list(found)
        # What is brought about may bring about something in turn.
        while causes and len(told) <= most:
            effects: list[PastChange] = []
            for batch in batches(causes):
                caused = mine.where(Change.cause_id.in_([each for (each,) in batch]))
                rows = await connection.execute(caused.limit(most + 1 - len(effects)))
                effects += [past(row) for row in rows]
            told += effects
            causes = [(each.id,) for each in effects]
        if len(told) <= most or len(found) == 1:
            return sorted(told, key=lambda each: each.id)[: most + 1]
        found = found[-(len(found) // 2) :]
    return []


async def changes_of_record(
    connection: AsyncConnection, resource: Resource, key: Key, wanted: Collection[int]
) -> list[PastChange]:
    """Those of a record's changes with these ids, in the order of theirs, each by itself."""
    mine = (Change.resource == resource.name, Change.key == resource.key_text(key))
    statement = select(*COLUMNS).where(*mine, Change.id.in_(wanted)).order_by(Change.id)
    return [replace(past(row), cause_id=None) for row in await connection.execute(statement)]


async def effects_of(
    connection: AsyncConnection, change: PastChange, limit: int
) -> list[PastChange]:
    """The first changes that a change brought about, oldest first."""
    statement = (
        select(*COLUMNS)
        .where(Change.change_set == change.change_set, Change.cause_id == change.id)
        .order_by(Change.id)
        .limit(limit)
    )
    return [past(row) for row in await connection.execute(statement)]
