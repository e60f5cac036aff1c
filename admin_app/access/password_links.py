"""Links by which people set their own password: nobody else ever knows it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.escalation import MANAGE_USERS, require_power
from admin_app.access.events import log_event
from admin_app.access.passwords import check_password, hash_password
from admin_app.access.secret import digest, new_secret
from admin_app.access.setup import LINK_LIFE
from admin_app.access.tables import PasswordLink, User
from admin_app.access.users import give_password
from admin_app.database import Database
from admin_app.declaration import Actor, Origin
from admin_app.errors import ConflictError, NotFoundError


async def new_password_link(
    database: Database, actor: Actor, user: int | str, origin: Origin
) -> str:
    """Make the secret of a link, good for 24 hours and one use; the user's older ones end.

    Raises what ``require_power`` does, and ``ConflictError`` for oneself, who knows a password to
    change.
    """
    secret = new_secret()

    async def work(transaction: AsyncSession) -> None:
        found = await require_power(transaction, actor, MANAGE_USERS, user)
        if found.user_id == actor.user_id:
            msg = "Change your own password in your account: it asks for the current one."
            raise ConflictError(msg)
        await transaction.execute(delete(PasswordLink).where(PasswordLink.user_id == found.user_id))
        now = datetime.now(UTC)
        transaction.add(
            PasswordLink(
                user_id=found.user_id,
                token_hash=digest(secret),
                created_at=now,
                expires_at=now + LINK_LIFE,
            )
        )
        await log_event(transaction, "password_link_made", actor, origin, subject=found.name)

    await database.write(work)
    return secret


async def user_of_password_link(database: Database, secret: str) -> str:
    """The name of the user whose password the link sets.

    Raises ``NotFoundError`` when it is unknown, used or expired, or the user disabled.
    """

    async def work(connection: AsyncConnection) -> str:
        found = (await connection.execute(_good(secret))).one_or_none()
        if found is None:
            raise _bad_link()
        name: str = found.name
        return name

    return await database.read(work)


async def redeem_password_link(
    database: Database, secret: str, password: str, origin: Origin
) -> None:
    """Set the password; what was opened with an older one ends, and so does the link.

    Nobody is signed in by it: a second factor stays due. Raises ``NotFoundError`` as
    ``user_of_password_link`` does, and ``InvalidInputError`` at ``password``, which leaves the link
    good.
    """
    # Looked at first, so that hashing cannot be had for nothing by those who have no link.
    await check_password(password, await user_of_password_link(database, secret))
    hashed = await hash_password(password)

    async def work(transaction: AsyncSession) -> None:
        # Locked, then looked at again: of two at once the second finds the link gone.
        await transaction.execute(_good(secret).with_for_update(of=User))
        user = (await transaction.execute(_good(secret))).one_or_none()
        if user is None:
            raise _bad_link()
        await give_password(transaction, user.id, hashed)
        themselves = Actor(user_id=user.id, name=user.name)
        details = {"by": "link"}
        await log_event(
            transaction, "password_changed", themselves, origin, subject=user.name, details=details
        )

    await database.write(work)


def _good(secret: str) -> Select[int, str]:
    return (
        select(User.id, User.name)
        .join(PasswordLink, PasswordLink.user_id == User.id)
        .where(
            PasswordLink.token_hash == digest(secret),
            PasswordLink.expires_at > datetime.now(UTC),
            User.active,
            ~User.service,
        )
    )


def _bad_link() -> NotFoundError:
    msg = "This link is not, or no longer, good. Ask an administrator for a new one."
    return NotFoundError(msg)
