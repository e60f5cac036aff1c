"""An administrator acts as somebody else, to see what they see; both names are written down."""

from __future__ import annotations

from sqlalchemy import join, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.actors import IMPERSONATE, actor_from, user_select
from admin_app.access.escalation import has_power, require_power
from admin_app.access.events import log_event
from admin_app.access.tables import Session, User
from admin_app.database import Database
from admin_app.declaration import Actor, Origin
from admin_app.errors import ConflictError, ForbiddenError


async def begin(
    database: Database, actor: Actor, user: int | str, origin: Origin, *, writes: bool = False
) -> None:
    """Let the actor's session stand for ``user``; without ``writes`` it only reads.

    Raises what ``require_power`` does, ``ForbiddenError`` for an actor without a session, and
    ``ConflictError`` for oneself and for whoever acts as somebody already.
    """
    if actor.impersonator is not None:
        msg = f"You act as {actor.name}. End that first."
        raise ConflictError(msg)
    if actor.session_id is None:
        msg = "Only somebody who is signed in to the panel acts as somebody else."
        raise ForbiddenError(msg)

    async def work(transaction: AsyncSession) -> None:
        found = await require_power(transaction, actor, IMPERSONATE, user)
        if found.user_id == actor.user_id:
            msg = "You are yourself already."
            raise ConflictError(msg)
        own = update(Session).where(Session.id == actor.session_id, Session.acting_as_id.is_(None))
        begun = await transaction.scalar(
            own.values(acting_as_id=found.user_id, acting_writes=writes).returning(Session.id)
        )
        if begun is None:
            msg = "This session has ended, or acts as somebody already."
            raise ConflictError(msg)
        await log_event(
            transaction,
            "impersonation_started",
            actor,
            origin,
            subject=found.name,
            details={"writes": writes},
        )

    await database.write(work)


async def may_still_act(connection: AsyncConnection, actor: Actor) -> bool:
    """Whether the owner of an acting session may act still, and holds all that it is granted.

    Either of the two may have been given or lost a role since ``begin``.
    """
    owner = user_select(join(Session, User, User.id == Session.user_id))
    rows = (await connection.execute(owner.where(Session.id == actor.session_id))).all()
    if not rows or any(row.must_enrol for row in rows):
        return False
    return has_power(actor_from(rows), IMPERSONATE, actor.grants)


async def end(database: Database, actor: Actor, origin: Origin) -> None:
    """Let the actor's session stand for its owner again; who acts as nobody else stays so."""

    async def work(transaction: AsyncSession) -> None:
        statement = (
            select(User.id, User.name)
            .join(Session, User.id == Session.user_id)
            .where(Session.id == actor.session_id, Session.acting_as_id.is_not(None))
            .with_for_update(of=Session)
        )
        found = (await transaction.execute(statement)).one_or_none()
        if found is None:
            return
        await transaction.execute(
            update(Session)
            .where(Session.id == actor.session_id)
            .values(acting_as_id=None, acting_writes=False)
        )
        owner = Actor(user_id=found.id, name=found.name, session_id=actor.session_id)
        await log_event(transaction, "impersonation_ended", owner, origin, subject=actor.name)

    await database.write(work)
