"""Sessions as their owners see and end them; administrators end anybody's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.escalation import MANAGE_USERS, require_power
from admin_app.access.events import log_event
from admin_app.access.tables import Session
from admin_app.database import Database
from admin_app.declaration import Actor, Origin
from admin_app.errors import ForbiddenError, NotFoundError
from admin_app.settings import Settings


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session that has not ended; ``current`` is the one that asks."""

    id: int
    created_at: datetime
    used_at: datetime
    address: str
    user_agent: str
    current: bool


async def list_sessions(database: Database, settings: Settings, actor: Actor) -> list[SessionInfo]:
    """One's own sessions that have not ended, last used first."""
    now = datetime.now(UTC)
    idle = timedelta(seconds=settings.security.session_idle)
    statement = (
        select(Session.id, Session.created_at, Session.used_at, Session.address, Session.user_agent)
        .where(
            Session.user_id == actor.user_id,
            ~Session.pending,
            Session.expires_at > now,
            Session.used_at > now - idle,
        )
        .order_by(Session.used_at.desc(), Session.id.desc())
    )

    async def work(connection: AsyncConnection) -> list[SessionInfo]:
        rows = await connection.execute(statement)
        return [SessionInfo(*row, current=row.id == actor.session_id) for row in rows]

    return await database.read(work)


async def end_session(database: Database, actor: Actor, session_id: int, origin: Origin) -> None:
    """End one of one's own sessions.

    Raises ``NotFoundError`` for one that is not there or somebody else's, and ``ForbiddenError``
    for whoever acts as somebody else.
    """
    _require_own(actor)
    own = Session.id == session_id, Session.user_id == actor.user_id

    async def work(transaction: AsyncSession) -> None:
        ended = await transaction.scalar(delete(Session).where(*own).returning(Session.id))
        if ended is None:
            msg = "There is no such session of yours, or it has ended."
            raise NotFoundError(msg)
        await log_event(transaction, "session_ended", actor, origin, subject=actor.name)

    await database.write(work)


async def end_other_sessions(database: Database, actor: Actor, origin: Origin) -> int:
    """End one's own sessions but this one, and return how many there were.

    Raises ``ForbiddenError`` for whoever acts as somebody else.
    """
    _require_own(actor)
    others = Session.user_id == actor.user_id, Session.id != actor.session_id

    async def work(transaction: AsyncSession) -> int:
        return await _end_all(transaction, actor, actor.name, origin, *others)

    return await database.write(work)


async def end_sessions(database: Database, actor: Actor, user: int | str, origin: Origin) -> int:
    """End all sessions of a user, and return how many there were.

    Raises what ``require_power`` does.
    """

    async def work(transaction: AsyncSession) -> int:
        found = await require_power(transaction, actor, MANAGE_USERS, user)
        theirs = Session.user_id == found.user_id
        return await _end_all(transaction, actor, found.name, origin, theirs)

    return await database.write(work)


async def _end_all(
    transaction: AsyncSession,
    actor: Actor,
    subject: str,
    origin: Origin,
    *chosen: ColumnElement[bool],
) -> int:
    ended = await transaction.scalars(delete(Session).where(*chosen).returning(Session.id))
    number = len(ended.all())
    details = {"sessions": number}
    await log_event(transaction, "session_ended", actor, origin, subject=subject, details=details)
    return number


def _require_own(actor: Actor) -> None:
    if actor.impersonator is not None:
        msg = "These sessions are not yours."
        raise ForbiddenError(msg)
