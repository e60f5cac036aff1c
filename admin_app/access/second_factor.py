"""The second factor: set up, asked for, removed; recovery codes for when the device is lost.

A time-based code is good once (RFC 6238, 5.2), and so is a recovery code. Of the latter only a hash
is kept; of the former's secret see ``totp``.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.confirmation import confirmed, require_confirmed
from admin_app.access.events import log_event
from admin_app.access.secret import digest
from admin_app.access.tables import RecoveryCode, Role, User, UserRole
from admin_app.access.totp import (
    Enrolment,
    enrolment,
    new_totp_secret,
    sealed,
    step_of,
    unsealed,
)
from admin_app.access.users import has_name, no_user
from admin_app.database import Database
from admin_app.declaration import COMMAND_LINE, SYSTEM, Actor, Origin
from admin_app.errors import ConflictError, InvalidInputError
from admin_app.settings import Settings

RECOVERY_CODES = 10

# Crockford's base 32: no letter looks like a digit. 120 random bits, so that a plain SHA-256 is
# enough at rest (OWASP ASVS 5.0, 6.5.2).
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUPS, _GROUP = 4, 6
_MISREAD = str.maketrans("oil", "011", "-")


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """How a person's second factor stands; ``demanded`` is whether a role asks for one."""

    enabled_at: datetime | None
    codes_left: int
    demanded: bool
    enrolment: Enrolment | None
    """One that was begun and not finished, for the eyes of who has lately proved to be there."""


async def second_factor_of(database: Database, settings: Settings, actor: Actor) -> SecondFactor:
    """How the actor's own second factor stands."""
    left = select(func.count()).where(
        RecoveryCode.user_id == User.id, RecoveryCode.used_at.is_(None)
    )
    statement = select(
        User.totp_enabled_at,
        User.totp_secret,
        left.scalar_subquery().label("left"),
        _demanded(User.id.expression).label("demanded"),
    ).where(User.id == actor.user_id)

    async def work(connection: AsyncConnection) -> SecondFactor:
        row = (await connection.execute(statement)).one()
        begun = row.totp_secret if row.totp_enabled_at is None and confirmed(actor) else None
        secret = begun and unsealed(settings, actor.user_id, begun)
        made = enrolment(settings, actor.name, secret) if secret else None
        return SecondFactor(row.totp_enabled_at, row.left, row.demanded, made)

    return await database.read(work)


async def begin_enrolment(database: Database, settings: Settings, actor: Actor) -> Enrolment:
    """Make a secret, which does not count until ``finish_enrolment``; one begun before ends.

    Raises ``ConfirmationRequiredError``, and ``ConflictError`` when there is a second factor.
    """
    require_confirmed(actor)
    secret = new_totp_secret()
    kept = sealed(settings, actor.user_id, secret)

    async def work(transaction: AsyncSession) -> None:
        begun = await transaction.scalar(
            update(User)
            .where(User.id == actor.user_id, User.totp_enabled_at.is_(None))
            .values(totp_secret=kept, totp_step=None)
            .returning(User.id)
        )
        if begun is None:
            msg = "There is a second factor already. Remove it first."
            raise ConflictError(msg)

    await database.write(work)
    return enrolment(settings, actor.name, secret)


async def finish_enrolment(
    database: Database, settings: Settings, actor: Actor, code: str, *, origin: Origin
) -> list[str]:
    """Make the secret that was begun with count, and return the recovery codes.

    ``code`` shows that the device knows the secret. Raises ``ConfirmationRequiredError``,
    ``ConflictError`` when none was begun, ``InvalidInputError`` at ``code`` when it is wrong.
    """
    require_confirmed(actor)

    async def work(transaction: AsyncSession) -> list[str]:
        user = await _locked(transaction, actor)
        if user is None or user.totp_secret is None or user.totp_enabled_at is not None:
            msg = "Setting up a second factor was not begun, or is done already. Begin again."
            raise ConflictError(msg)
        user.totp_step = _step_of(settings, user, code)
        if user.totp_step is None:
            detail = "The code is not right. If that stays so, set the clock of your device."
            raise InvalidInputError.about(("code",), "wrong", detail)
        user.totp_enabled_at = datetime.now(UTC)
        await transaction.flush()
        await log_event(transaction, "second_factor_enabled", actor, origin, subject=user.name)
        return await _make_codes(transaction, actor, user, origin)

    return await database.write(work)


async def new_recovery_codes(database: Database, actor: Actor, *, origin: Origin) -> list[str]:
    """Make ten recovery codes and return them, this once; earlier ones end.

    Raises ``ConfirmationRequiredError``, and ``ConflictError`` without a second factor.
    """
    require_confirmed(actor)

    async def work(transaction: AsyncSession) -> list[str]:
        user = _enrolled(await _locked(transaction, actor))
        return await _make_codes(transaction, actor, user, origin)

    return await database.write(work)


async def remove_second_factor(database: Database, actor: Actor, *, origin: Origin) -> None:
    """Remove the actor's own second factor and its recovery codes.

    Raises ``ConfirmationRequiredError``, and ``ConflictError`` without one or while a role of the
    actor's demands it.
    """
    require_confirmed(actor)

    async def work(transaction: AsyncSession) -> None:
        user = _enrolled(await _locked(transaction, actor))
        if await transaction.scalar(select(_demanded(user.id))):
            msg = "One of your roles asks for a second factor, so it stays."
            raise ConflictError(msg)
        await _remove(transaction, actor, user, origin)

    await database.write(work)


async def reset_second_factor(
    database: Database, name: str, *, actor: Actor = SYSTEM, origin: Origin = COMMAND_LINE
) -> None:
    """Remove somebody's lost second factor; a role that demands one has them set up another.

    Raises ``NotFoundError``, and ``ConflictError`` without one.
    """

    async def work(transaction: AsyncSession) -> None:
        user = await transaction.scalar(select(User).where(has_name(name)).with_for_update())
        if user is None:
            raise no_user(name)
        await _remove(transaction, actor, _enrolled(user), origin)

    await database.write(work)


async def check_code(
    transaction: AsyncSession, settings: Settings, actor: Actor, code: str, *, origin: Origin
) -> bool:
    """Whether ``code`` is the actor's now; it is then used up, with this transaction.

    A time-based code or one of an earlier step is never taken again, a recovery code once.
    """
    # The row lock makes one of two at once wait, and then find the code used.
    user = await _locked(transaction, actor)
    if user is None or user.totp_enabled_at is None:
        return False
    step = _step_of(settings, user, code)
    if step is not None:
        fresh = user.totp_step is None or step > user.totp_step
        user.totp_step = step if fresh else user.totp_step
        await transaction.flush()
        return fresh
    used = await transaction.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user.id,
            RecoveryCode.code_hash == digest(_as_made(code)),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=datetime.now(UTC))
        .returning(RecoveryCode.id)
    )
    if used is not None:
        await log_event(transaction, "recovery_code_used", actor, origin, subject=user.name)
    return used is not None


def _demanded(user_id: ColumnElement[int] | int) -> ColumnElement[bool]:
    return exists().where(
        UserRole.user_id == user_id, Role.id == UserRole.role_id, Role.second_factor
    )


async def _locked(transaction: AsyncSession, actor: Actor) -> User | None:
    return await transaction.scalar(
        select(User).where(User.id == actor.user_id, User.active).with_for_update()
    )


def _enrolled(user: User | None) -> User:
    if user is None or user.totp_enabled_at is None:
        msg = "There is no second factor."
        raise ConflictError(msg)
    return user


async def _remove(transaction: AsyncSession, actor: Actor, user: User, origin: Origin) -> None:
    user.totp_secret = user.totp_enabled_at = user.totp_step = None
    await transaction.flush()
    await transaction.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    await log_event(transaction, "second_factor_removed", actor, origin, subject=user.name)


async def _make_codes(
    transaction: AsyncSession, actor: Actor, user: User, origin: Origin
) -> list[str]:
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    await transaction.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    rows = [{"user_id": user.id, "code_hash": digest(_as_made(each))} for each in codes]
    await transaction.execute(insert(RecoveryCode), rows)
    await log_event(transaction, "recovery_codes_made", actor, origin, subject=user.name)
    return codes


def _new_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _as_made(code: str) -> str:
    """A recovery code as kept, however it was typed."""
    return "".join(code.split()).lower().translate(_MISREAD)


def _step_of(settings: Settings, user: User, code: str) -> int | None:
    secret = unsealed(settings, user.id, user.totp_secret) if user.totp_secret else None
    return step_of(secret, code) if secret else None
