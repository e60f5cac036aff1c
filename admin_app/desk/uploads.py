"""Uploaded files that wait to be imported: in the database, where every worker finds them.

Each is visible to its uploader alone, imported once, and deleted after a day. What else takes long
is kept likewise, as a file of no bytes: what was asked for, and how far it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.desk.tables import FILE_NAME_LENGTH, UploadRow
from admin_app.errors import ContentTooLargeError, NotFoundError

KEPT = timedelta(days=1)
SILENCE = timedelta(seconds=60)
"""Work that has not said for so long how far it is has been cut off."""
MOST_UPLOADS = 10
"""The most uploads of one user; the oldest is deleted for a new one."""
MAX_UPLOAD = 32 * 1024 * 1024
"""The most bytes of an upload."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody is about to import, or has imported."""

    id: uuid.UUID
    resource: str
    name: str
    choices: Mapping[str, Any]
    started: bool
    told_at: datetime | None
    outcome: Mapping[str, Any] | None
    """How far it is; ``done`` in it is true at the end."""

    @property
    def running(self) -> bool:
        return self.started and not (self.outcome or {}).get("done") and not self.stopped

    @property
    def stopped(self) -> bool:
        """Whether it was cut off."""
        over = bool((self.outcome or {}).get("done"))
        silent = self.told_at is not None and self.told_at < datetime.now(UTC) - SILENCE
        return self.started and not over and silent


_TOLD = (
    *(UploadRow.id, UploadRow.resource, UploadRow.name, UploadRow.choices),
    *(UploadRow.started_at, UploadRow.told_at, UploadRow.outcome),
)


async def keep_upload(
    database: Database, actor: Actor, resource: str, name: str, content: bytes
) -> uuid.UUID:
    """Keep a file. Raises ``ContentTooLargeError``."""
    if len(content) > MAX_UPLOAD:
        msg = f"A file has at most {MAX_UPLOAD:,} bytes."
        raise ContentTooLargeError(msg)
    now, made = datetime.now(UTC), uuid.uuid4()
    mine = UploadRow.user_id == actor.user_id

    async def work(session: AsyncSession) -> None:
        await session.execute(delete(UploadRow).where(UploadRow.created_at < now - KEPT))
        newest = select(UploadRow.id).where(mine).order_by(UploadRow.created_at.desc())
        kept = list(await session.scalars(newest.limit(MOST_UPLOADS - 1)))
        await session.execute(delete(UploadRow).where(mine, UploadRow.id.not_in(kept)))
        session.add(
            UploadRow(
                id=made,
                user_id=actor.user_id,
                resource=resource,
                name=name.replace("\0", "")[:FILE_NAME_LENGTH],
                content=content,
                choices={},
                created_at=now,
            )
        )

    await database.write(work)
    return made


async def upload_of(database: Database, actor: Actor, resource: str, wanted: uuid.UUID) -> Upload:
    """What there is to know of a file but its content.

    Raises ``NotFoundError`` for one that is not the actor's, or not there any more.
    """
    statement = select(*_TOLD).where(*_is(actor, wanted), UploadRow.resource == resource)

    async def work(connection: AsyncConnection) -> Upload | None:
        row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        started = row.started_at is not None
        told = row.id, row.resource, row.name, row.choices, started, row.told_at, row.outcome
        return Upload(*told)

    found = await database.read(work)
    if found is None:
        msg = "This file is not here any more. Send it again."
        raise NotFoundError(msg)
    return found


async def content_of(database: Database, actor: Actor, wanted: uuid.UUID) -> bytes:
    """The content of a file, or the refused rows of one that was taken in."""
    statement = select(UploadRow.content).where(*_is(actor, wanted))

    async def work(connection: AsyncConnection) -> bytes:
        return bytes(await connection.scalar(statement) or b"")

    return await database.read(work)


async def choose(
    database: Database, actor: Actor, wanted: uuid.UUID, choices: Mapping[str, Any]
) -> None:
    """Keep what was chosen about a file that is not taken in yet."""
    await _change(database, actor, wanted, UploadRow.started_at.is_(None), choices=dict(choices))


async def begin_work(database: Database, actor: Actor, wanted: uuid.UUID) -> bool:
    """Say that it is being done, such as a file taken in; false where that was said before."""
    now = datetime.now(UTC)
    fresh = UploadRow.started_at.is_(None)
    return await _change(
        database, actor, wanted, fresh, started_at=now, told_at=now, outcome={"done": False}
    )


async def tell_work(
    database: Database,
    actor: Actor,
    wanted: uuid.UUID,
    outcome: Mapping[str, Any],
    content: bytes | None = None,
) -> None:
    """Record how far it is; of an import at its end with the refused rows, as a file."""
    values: dict[str, Any] = {"told_at": datetime.now(UTC), "outcome": dict(outcome)}
    if content is not None:
        values["content"] = content
    await _change(database, actor, wanted, **values)


async def _change(
    database: Database,
    actor: Actor,
    wanted: uuid.UUID,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> bool:
    statement = update(UploadRow).where(*_is(actor, wanted), *conditions).values(values)
    found = statement.returning(UploadRow.id)

    async def work(session: AsyncSession) -> bool:
        return await session.scalar(found) is not None

    return await database.write(work)


def _is(actor: Actor, wanted: uuid.UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return UploadRow.id == wanted, UploadRow.user_id == actor.user_id
