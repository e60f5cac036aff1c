"""A person changes the password they have."""

from __future__ import annotations

from functools import partial

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.events import log_event
from admin_app.access.passwords import check_password, hash_password
from admin_app.access.proof import failure_logged, find_person, verified_hash
from admin_app.access.tables import User, name_key
from admin_app.access.throttle import admit, forgive
from admin_app.access.users import give_password
from admin_app.database import Database
from admin_app.declaration import Actor, Origin
from admin_app.errors import (
    ForbiddenError,
    InvalidInputError,
    UnauthenticatedError,
)

_WRONG = "This is not your current password."


async def change_password(
    database: Database, actor: Actor, current: str, new: str, origin: Origin
) -> None:
    """Change one's own password.

    All other sessions end, and API tokens and password links with them (OWASP ASVS 5.0, 6.2.3 and
    7.4.3). A wrong ``current`` counts as a failed sign-in. Raises ``InvalidInputError`` at
    ``current`` or ``password``, ``TooManyRequestsError``, and ``ForbiddenError`` for whoever acts
    as somebody else or without a session.
    """
    if actor.session_id is None or actor.impersonator is not None:
        msg = "Only the person themselves changes their password, signed in."
        raise ForbiddenError(msg)
    await check_password(new, actor.name)
    account = name_key(actor.name)
    await admit(database, account, origin.address)
    person = await find_person(database, User.id == actor.user_id)

    async def work(transaction: AsyncSession, verified: str, hashed: str) -> None:
        # Locked and looked at again: it may have been changed while it was being verified.
        same = select(User.id).where(User.id == actor.user_id, User.password_hash == verified)
        user_id = await transaction.scalar(same.where(User.active).with_for_update())
        if user_id is None:
            raise UnauthenticatedError(_WRONG)
        await give_password(transaction, user_id, hashed, keep=actor.session_id)
        await forgive(transaction, origin.address, {"password": account})
        await log_event(transaction, "password_changed", actor, origin, subject=actor.name)

    try:
        async with failure_logged(database, "confirmation_failed", actor, origin, actor.name):
            verified = await verified_hash(person, current, _WRONG)
            hashed = await hash_password(new)
            await database.write(partial(work, verified=verified, hashed=hashed))
    except UnauthenticatedError as error:
        raise InvalidInputError.about(("current",), "wrong", _WRONG) from error
