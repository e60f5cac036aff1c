"""Sign-in, sign-out, and the session between them: a secret in a cookie, its SHA-256 in a row.

Who has a second factor signs in in two steps. Between them the session is pending: it stands for
nobody, ends after a few minutes, and is good for nothing but giving a code.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from admin_app.access.actors import actor_from_session, fetch, mark_used, session_select
from admin_app.access.events import log_event, visible
from admin_app.access.impersonation import may_still_act
from admin_app.access.passwords import hash_password, needs_rehash
from admin_app.access.proof import failure_logged, find_person, verified_hash
from admin_app.access.second_factor import check_code
from admin_app.access.secret import digest, new_secret
from admin_app.access.tables import (
    ADDRESS_LENGTH,
    USER_AGENT_LENGTH,
    Event,
    Session,
    User,
    name_key,
)
from admin_app.access.throttle import Guessed, admit, forgive
from admin_app.access.users import has_name
from admin_app.database import Database
from admin_app.declaration import ANONYMOUS, Actor, Origin
from admin_app.errors import UnauthenticatedError
from admin_app.settings import Settings

PENDING_FOR = timedelta(minutes=5)
"""How long a session waits for the second factor."""

_ALIVE = session_select().where(
    Session.expires_at > bindparam("now"), Session.used_at > bindparam("idle_since")
)
_WRONG = "The name or the password is not right."
_WRONG_CODE = "The code is not right, or was used already."
_OVER = "This sign-in is over. Begin again."


async def sign_in(
    database: Database,
    settings: Settings,
    name: str,
    password: str,
    *,
    origin: Origin,
    replaces: str | None = None,
) -> tuple[str, Actor | None]:
    """Begin a session: the secret for the cookie, and who signed in.

    That is ``None`` while the second factor is owed: see ``pass_second_factor``. The secret is
    always a new one, and the session of ``replaces`` (the cookie that came with the request) ends
    (OWASP ASVS 5.0, 7.2.4). An unknown name, a disabled user and a wrong password are one answer
    after one time: ``UnauthenticatedError``. Raises ``TooManyRequestsError`` when too many tries
    have failed.
    """
    account = name_key(name)
    await admit(database, account, origin.address)
    person = await find_person(database, has_name(name))
    secret = new_secret()

    async def work(transaction: AsyncSession, verified: str, rehashed: str) -> bool:
        # The row is locked and looked at again: while the password was being verified it may have
        # been changed, which ended all sessions but could not end one that had not begun.
        user = await transaction.scalar(
            select(User)
            .where(has_name(name), User.active, ~User.service, User.password_hash == verified)
            .with_for_update()
        )
        if user is None:
            raise UnauthenticatedError(_WRONG)
        user.password_hash = rehashed
        pending = user.totp_enabled_at is not None
        await transaction.execute(delete(Session).where(_past(replaces)))
        transaction.add(_new_session(settings, user.id, secret, origin, pending=pending))
        # A right password alone clears no count: who has it could guess codes for ever.
        if not pending:
            await forgive(transaction, origin.address, {"password": account})
            await _log(transaction, "signed_in", user.id, user.name, origin)
        return pending

    subject = person.name if person else ""
    async with failure_logged(database, "sign_in_failed", ANONYMOUS, origin, subject):
        verified = await verified_hash(person, password, _WRONG)
        rehashed = await hash_password(password) if needs_rehash(verified) else verified
        if await database.write(partial(work, verified=verified, rehashed=rehashed)):
            return secret, None
    return secret, await _signed_in(database, settings, secret)


async def pending_actor(database: Database, secret: str) -> Actor | None:
    """Who has signed in with this session but for the second factor; granted nothing."""
    statement = (
        select(User.id, User.name)
        .join(Session, Session.user_id == User.id)
        .where(_is_pending(secret), User.active, User.totp_enabled_at.is_not(None))
    )

    async def work(connection: AsyncConnection) -> Actor | None:
        row = (await connection.execute(statement)).one_or_none()
        return None if row is None else Actor(row.id, row.name)

    return await database.read(work)


async def pass_second_factor(
    database: Database, settings: Settings, pending: str, code: str, *, origin: Origin
) -> tuple[str, Actor]:
    """Finish a sign-in with a code: the session's new secret for the cookie, and who signed in.

    Raises ``UnauthenticatedError`` for a wrong code, or when ``pending`` is no session's secret
    that owes one, and ``TooManyRequestsError`` when too many codes were wrong.
    """
    owing = await pending_actor(database, pending)
    if owing is None:
        raise UnauthenticatedError(_OVER)
    own = str(owing.user_id)
    await admit(database, own, origin.address, "code")
    secret = new_secret()

    async def work(transaction: AsyncSession) -> None:
        if not await check_code(transaction, settings, owing, code, origin=origin):
            raise UnauthenticatedError(_WRONG_CODE)
        passed = await transaction.scalar(
            update(Session)
            .where(_is_pending(pending))
            .values(token_hash=digest(secret), pending=False, **_from_now(settings))
            .returning(Session.user_id)
        )
        if passed is None:
            raise UnauthenticatedError(_OVER)
        proved: dict[Guessed, str] = {"code": own, "password": name_key(owing.name)}
        await forgive(transaction, origin.address, proved)
        await _log(transaction, "signed_in", passed, owing.name, origin)

    async with failure_logged(database, "sign_in_failed", ANONYMOUS, origin, owing.name):
        await database.write(work)
    return secret, await _signed_in(database, settings, secret)


async def actor_of_session(database: Database, settings: Settings, secret: str) -> Actor | None:
    """Who the cookie's secret stands for; ``None`` when it does not, or no longer.

    That is so of a session that acts as somebody who has been given more than its owner has.
    """
    now = datetime.now(UTC)
    idle = timedelta(seconds=settings.security.session_idle)
    binds = {"token_hash": digest(secret), "now": now, "idle_since": now - idle}
    rows = await fetch(database, _ALIVE, binds)
    if not rows:
        return None
    actor = actor_from_session(rows)
    if actor.impersonator is not None and not await database.read(
        lambda connection: may_still_act(connection, actor)
    ):
        return None
    await mark_used(database, Session, Session.used_at, rows[0])
    return actor


async def sign_out(database: Database, secret: str, *, origin: Origin) -> None:
    """End the session; one that has ended already, or never was, is no error."""

    async def work(transaction: AsyncSession) -> None:
        ended = await transaction.execute(
            delete(Session)
            .where(Session.token_hash == digest(secret))
            .returning(
                Session.user_id,
                Session.pending,
                _name_of(Session.user_id),
                _name_of(Session.acting_as_id),
            )
        )
        for user_id, pending, name, acted_as in ended:
            if acted_as is not None:
                who = Actor(user_id, name)
                await log_event(transaction, "impersonation_ended", who, origin, subject=acted_as)
            if not pending:
                await _log(transaction, "signed_out", user_id, name, origin)

    await database.write(work)


def csrf_token(secret: str) -> str:
    """What the forms of this session carry: HMAC-SHA256 of its secret, in hexadecimal."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()


def csrf_matches(secret: str, presented: str) -> bool:
    """Whether ``presented`` is this session's token, in a time that tells nothing."""
    return hmac.compare_digest(
        csrf_token(secret).encode(), presented.encode("utf-8", "surrogatepass")
    )


async def _signed_in(database: Database, settings: Settings, secret: str) -> Actor:
    actor = await actor_of_session(database, settings, secret)
    if actor is None:
        raise UnauthenticatedError(_OVER)
    return actor


async def _log(
    transaction: AsyncSession,
    event: Event,
    user_id: int,
    name: str,
    origin: Origin,
) -> None:
    await log_event(transaction, event, Actor(user_id, name), origin, subject=name)


def _name_of(user_id: InstrumentedAttribute[Any]) -> ScalarSelect[str]:
    return select(User.name).where(User.id == user_id).correlate(Session).scalar_subquery()


def _is_pending(secret: str) -> ColumnElement[bool]:
    return and_(
        Session.token_hash == digest(secret),
        Session.pending,
        Session.expires_at > datetime.now(UTC),
    )


def _past(replaces: str | None) -> ColumnElement[bool]:
    expired = Session.expires_at <= datetime.now(UTC)
    if replaces is None:
        return expired
    return or_(expired, Session.token_hash == digest(replaces))


def _from_now(settings: Settings) -> dict[str, datetime]:
    """The times of a session that begins to stand for somebody; a sign-in is a confirmation."""
    now = datetime.now(UTC)
    end = now + timedelta(seconds=settings.security.session_absolute)
    return {"created_at": now, "used_at": now, "expires_at": end, "confirmed_at": now}


def _new_session(
    settings: Settings, user_id: int, secret: str, origin: Origin, *, pending: bool
) -> Session:
    made = Session(
        token_hash=digest(secret),
        user_id=user_id,
        user_agent=visible(origin.user_agent, USER_AGENT_LENGTH),
        address=visible(origin.address, ADDRESS_LENGTH),
        pending=pending,
        **_from_now(settings),
    )
    if pending:
        made.expires_at, made.confirmed_at = made.created_at + PENDING_FOR, None
    return made
