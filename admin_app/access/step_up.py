"""The proof that ``require_confirmed`` asks for: the password again, and a code if one is owed.

The session's secret stays what it is: forms that are open in other windows carry its token, and
what was typed there is not to be lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.events import log_event
from admin_app.access.proof import failure_logged, find_person, verified_hash
from admin_app.access.second_factor import check_code
from admin_app.access.tables import Session, User, name_key
from admin_app.access.throttle import Guessed, admit, forgive
from admin_app.database import Database
from admin_app.declaration import Actor, Origin
from admin_app.errors import ForbiddenError, UnauthenticatedError
from admin_app.settings import Settings


def require_confirmable(actor: Actor) -> None:
    """Raise ``ForbiddenError`` to whoever acts as somebody else, or without a session."""
    if actor.session_id is None or actor.impersonator is not None:
        msg = "Only they themselves can confirm this: end acting as somebody else first."
        raise ForbiddenError(msg)


async def confirm(
    database: Database,
    settings: Settings,
    actor: Actor,
    password: str,
    code: str,
    *,
    origin: Origin,
) -> None:
    """Note on the actor's session that its owner is there; ``code`` counts with a second factor.

    Raises ``UnauthenticatedError`` when one of them is wrong, ``TooManyRequestsError`` when too
    many were, and ``ForbiddenError``: see ``require_confirmable``.
    """
    require_confirmable(actor)
    account, own = name_key(actor.name), str(actor.user_id)
    await admit(database, account, origin.address)
    person = await find_person(database, User.id == actor.user_id)
    both = person is not None and person.second_factor
    refusal = "The password or the code is not right." if both else "The password is not right."

    async def work(transaction: AsyncSession, verified: str) -> None:
        still = select(User.id).where(User.id == actor.user_id, User.password_hash == verified)
        good = await transaction.scalar(still.with_for_update()) is not None
        if good and both:
            good = await check_code(transaction, settings, actor, code, origin=origin)
        changed = update(Session).where(Session.id == actor.session_id, ~Session.pending)
        changed = changed.values(confirmed_at=datetime.now(UTC))
        if not good or await transaction.scalar(changed.returning(Session.id)) is None:
            raise UnauthenticatedError(refusal)
        proved: dict[Guessed, str] = {"password": account, **({"code": own} if both else {})}
        await forgive(transaction, origin.address, proved)
        await log_event(transaction, "confirmed", actor, origin, subject=actor.name)

    async with failure_logged(database, "confirmation_failed", actor, origin, actor.name):
        verified = await verified_hash(person, password, refusal)
        if both:
            await admit(database, own, origin.address, "code")
        await database.write(partial(work, verified=verified))
