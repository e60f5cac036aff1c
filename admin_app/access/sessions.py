"""Sign-in, sign-out, and the session between them: a secret in a cookie, its SHA-256 in a row."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.actors import actor_from_session, fetch, mark_used, session_select
from admin_app.access.events import visible
from admin_app.access.passwords import hash_password, needs_rehash, verify_password
from admin_app.access.secret import digest, new_secret
from admin_app.access.tables import ADDRESS_LENGTH, USER_AGENT_LENGTH, Session, User
from admin_app.access.throttle import admit, forgive
from admin_app.access.users import has_name, name_key
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.errors import UnauthenticatedError
from admin_app.settings import Settings

_ALIVE = session_select().where(
    Session.expires_at > bindparam("now"), Session.used_at > bindparam("idle_since")
)


async def sign_in(
    database: Database,
    settings: Settings,
    name: str,
    password: str,
    *,
    address: str,
    user_agent: str,
    replaces: str | None = None,
) -> tuple[str, Actor]:
    """Begin a session: the secret for the cookie, and who signed in.

    The secret is always a new one, and the session of ``replaces`` (the cookie that came with the
    request) ends (OWASP ASVS 5.0, 7.2.4). An unknown name, a disabled user and a wrong password
    are one answer after one time: ``UnauthenticatedError``. Raises ``TooManyRequestsError`` when
    too many tries have failed.
    """
    account = name_key(name)
    await admit(database, account, address)
    verified = await _verified(database, name, password)
    rehashed = await hash_password(password) if needs_rehash(verified) else verified
    secret = new_secret()

    async def work(transaction: AsyncSession) -> None:
        # The row is locked and looked at again: while the password was being verified it may have
        # been changed, which ended all sessions but could not end one that had not begun.
        user_id = await transaction.scalar(
            select(User.id)
            .where(has_name(name), User.active, User.password_hash == verified)
            .with_for_update()
        )
        if user_id is None:
            raise _wrong()
        if rehashed != verified:
            await transaction.execute(
                update(User).where(User.id == user_id).values(password_hash=rehashed)
            )
        await transaction.execute(delete(Session).where(_over(replaces)))
        transaction.add(_new_session(settings, user_id, secret, address, user_agent))
        await forgive(transaction, account, address)

    await database.write(work)
    actor = await actor_of_session(database, settings, secret)
    if actor is None:
        raise _wrong()
    return secret, actor


async def actor_of_session(database: Database, settings: Settings, secret: str) -> Actor | None:
    """Who the cookie's secret stands for; ``None`` when it does not, or no longer."""
    now = datetime.now(UTC)
    idle = timedelta(seconds=settings.security.session_idle)
    binds = {"token_hash": digest(secret), "now": now, "idle_since": now - idle}
    rows = await fetch(database, _ALIVE, binds)
    if not rows:
        return None
    await mark_used(database, Session, Session.used_at, rows[0])
    return actor_from_session(rows)


async def sign_out(database: Database, secret: str) -> None:
    """End the session; one that has ended already, or never was, is no error."""

    async def work(transaction: AsyncSession) -> None:
        await transaction.execute(delete(Session).where(Session.token_hash == digest(secret)))

    await database.write(work)


def csrf_token(secret: str) -> str:
    """What the forms of this session carry: HMAC-SHA256 of its secret, in hexadecimal."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()


def csrf_matches(secret: str, presented: str) -> bool:
    """Whether ``presented`` is this session's token, in a time that tells nothing."""
    return hmac.compare_digest(
        csrf_token(secret).encode(), presented.encode("utf-8", "surrogatepass")
    )


async def _verified(database: Database, name: str, password: str) -> str:
    """The stored hash that the password was found to match. Raises ``UnauthenticatedError``."""

    async def work(connection: AsyncConnection) -> str | None:
        return await connection.scalar(
            select(User.password_hash).where(has_name(name), User.active)
        )

    stored = await database.read(work)
    if not await verify_password(stored, password) or stored is None:
        raise _wrong()
    return stored


def _over(replaces: str | None) -> ColumnElement[bool]:
    expired = Session.expires_at <= datetime.now(UTC)
    if replaces is None:
        return expired
    return or_(expired, Session.token_hash == digest(replaces))


def _new_session(
    settings: Settings, user_id: int, secret: str, address: str, user_agent: str
) -> Session:
    now = datetime.now(UTC)
    return Session(
        token_hash=digest(secret),
        user_id=user_id,
        created_at=now,
        used_at=now,
        expires_at=now + timedelta(seconds=settings.security.session_absolute),
        user_agent=visible(user_agent, USER_AGENT_LENGTH),
        address=visible(address, ADDRESS_LENGTH),
        confirmed_at=now,
    )


def _wrong() -> UnauthenticatedError:
    return UnauthenticatedError("The name or the password is not right.")
