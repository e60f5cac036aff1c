"""API tokens: made, shown once, listed, rotated, revoked, and turned into who acts by them.

Kept is a token's SHA-256. What a token may do is its owner's rights at that moment, narrowed to its
scopes; so it never has more than its owner and nothing once the owner is disabled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.actors import actor_from_token, fetch, mark_used, token_select
from admin_app.access.events import log_event
from admin_app.access.scopes import check_scopes
from admin_app.access.secret import digest
from admin_app.access.tables import TOKEN_NAME_LENGTH, Token, User
from admin_app.access.token_form import is_token, new_token, prefix_of
from admin_app.access.token_list import has_token, no_token
from admin_app.access.token_rights import (
    may_see,
    require_ending,
    require_for_others,
    require_in_person,
    require_not_longer,
    require_not_wider,
    require_still_acting,
)
from admin_app.access.users import has_name, no_user
from admin_app.database import Database
from admin_app.declaration import COMMAND_LINE, SYSTEM, Actor, Origin
from admin_app.errors import ConflictError, InvalidInputError

LONGEST_LIFE = timedelta(days=3660)
LONGEST_OVERLAP = timedelta(days=30)
USUAL_OVERLAP = timedelta(days=1)

_GOOD = token_select().where(or_(Token.expires_at.is_(None), Token.expires_at > bindparam("now")))


async def create_token(
    database: Database,
    user_name: str,
    name: str,
    expires_in: timedelta | None,
    *,
    scopes: Sequence[str] | None = None,
    actor: Actor = SYSTEM,
    origin: Origin = COMMAND_LINE,
) -> str:
    """Make a token for an active user and return it: this is the only time it can be seen.

    ``expires_in`` is more than nothing and at most ten years; ``None``: it does not expire.
    ``scopes`` (``resource:action``, see ``scopes``) narrow it; ``None``: all that the owner may,
    except to the application's own resources. Whether they name anything declared is for the
    caller to check.

    Raises ``InvalidInputError`` at ``user``, ``name``, ``expires`` or ``scopes``,
    ``NotFoundError``, ``ForbiddenError`` for more than ``actor`` may hand on, and
    ``ConfirmationRequiredError``.
    """
    _check(name, expires_in)
    narrow = check_scopes(scopes)
    require_in_person(actor)
    token = new_token()

    async def work(transaction: AsyncSession) -> None:
        await require_still_acting(transaction, actor, has_name(user_name))
        owner = await transaction.scalar(select(User).where(has_name(user_name)))
        if owner is None or owner.id != actor.user_id:
            require_for_others(actor)
        if owner is None:
            raise no_user(user_name)
        if not owner.active:
            raise _refused("user", "disabled", f"The user {owner.name!r} is disabled.")
        now = datetime.now(UTC)
        expires_at = None if expires_in is None else now + expires_in
        await require_not_wider(transaction, actor, owner.id, narrow)
        await require_not_longer(transaction, actor, expires_at)
        made = _row(token, owner.id, name, narrow, now, expires_at)
        transaction.add(made)
        await log_event(
            transaction, "token_created", actor, origin, subject=owner.name, details=_details(made)
        )

    await database.write(work)
    return token


async def rotate_token(
    database: Database,
    which: int | str,
    overlap: timedelta = USUAL_OVERLAP,
    *,
    actor: Actor = SYSTEM,
    origin: Origin = COMMAND_LINE,
) -> str:
    """Make a token in the place of another and return it: this is the only time it can be seen.

    It has the same owner, name, scopes and length of life. The old one expires after ``overlap``
    (at most 30 days), or when it would have anyway.

    Raises ``InvalidInputError`` at ``overlap``, ``NotFoundError``, ``ConflictError`` for a token
    that is over, ``ForbiddenError`` and ``ConfirmationRequiredError``.
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise _refused("overlap", "range", "The old token lives on for at most 30 days.")
    require_in_person(actor)
    token = new_token()

    async def work(transaction: AsyncSession) -> None:
        owner_id = select(Token.user_id).where(has_token(which)).scalar_subquery()
        await require_still_acting(transaction, actor, User.id == owner_id)
        old, owner = await _locked(transaction, which, actor)
        now = datetime.now(UTC)
        if not owner.active or _over(old, now):
            msg = "This token is over already. Make a new one."
            raise ConflictError(msg)
        if owner.id != actor.user_id:
            require_for_others(actor)
        await require_not_wider(transaction, actor, owner.id, old.scopes)
        expires_at = None if old.expires_at is None else now + (old.expires_at - old.created_at)
        if old.id != actor.token_id:
            await require_not_longer(transaction, actor, expires_at)
        made = _row(token, owner.id, old.name, old.scopes, now, expires_at)
        transaction.add(made)
        end = now + overlap
        old.expires_at = end if old.expires_at is None else min(old.expires_at, end)
        await log_event(
            transaction,
            "token_rotated",
            actor,
            origin,
            subject=owner.name,
            details={**_details(made), "replaces": old.prefix},
        )

    await database.write(work)
    return token


async def revoke_token(
    database: Database,
    which: int | str,
    *,
    actor: Actor = SYSTEM,
    origin: Origin = COMMAND_LINE,
) -> None:
    """End a token, by its id or by how it begins (``adm_`` and eight characters, or more of it).

    One that is revoked already stays so. Raises ``NotFoundError``, ``ForbiddenError`` and
    ``ConfirmationRequiredError``.
    """
    require_in_person(actor)

    async def work(transaction: AsyncSession) -> None:
        token, owner = await _locked(transaction, which, actor)
        await require_ending(transaction, actor, token)
        if token.revoked_at is not None:
            return
        token.revoked_at = datetime.now(UTC)
        await log_event(
            transaction, "token_revoked", actor, origin, subject=owner.name, details=_details(token)
        )

    await database.write(work)


@dataclass(frozen=True, slots=True)
class Found:
    """The actor of a token, and when the token expires."""

    actor: Actor
    expires_at: datetime | None

    def over(self, now: datetime) -> bool:
        """Whether it has expired."""
        return self.expires_at is not None and self.expires_at <= now


async def find_by_token(database: Database, token: str) -> Found | None:
    """Who the token stands for; ``None`` when it is mistyped, unknown, expired or revoked.

    Or when its user is disabled.
    """
    if not is_token(token):
        return None
    rows = await fetch(database, _GOOD, {"token_hash": digest(token), "now": datetime.now(UTC)})
    if not rows:
        return None
    await mark_used(database, Token, Token.last_used_at, rows[0])
    return Found(actor_from_token(rows), rows[0].expires_at)


async def actor_of_token(database: Database, token: str) -> Actor | None:
    """The actor alone; see ``find_by_token``."""
    found = await find_by_token(database, token)
    return None if found is None else found.actor


async def _locked(transaction: AsyncSession, which: int | str, actor: Actor) -> tuple[Token, User]:
    """A token that ``actor`` may know of, and its owner. Raises ``NotFoundError``."""
    statement = select(Token, User).join(User, User.id == Token.user_id).where(has_token(which))
    row = (await transaction.execute(statement.with_for_update(of=Token))).one_or_none()
    if row is None or not may_see(actor, row.User.id):
        raise no_token(which)
    return row.Token, row.User


def _row(
    token: str,
    user_id: int,
    name: str,
    scopes: list[str] | None,
    now: datetime,
    expires_at: datetime | None,
) -> Token:
    return Token(
        user_id=user_id,
        name=name,
        prefix=prefix_of(token),
        token_hash=digest(token),
        created_at=now,
        expires_at=expires_at,
        scopes=scopes,
    )


def _details(token: Token) -> dict[str, object]:
    """The details of a token in the security log."""
    expires = token.expires_at
    return {
        "token": token.prefix,
        "name": token.name,
        "scopes": token.scopes,
        "expires_at": None if expires is None else expires.isoformat(),
    }


def _over(token: Token, now: datetime) -> bool:
    return token.revoked_at is not None or (
        token.expires_at is not None and token.expires_at <= now
    )


def _check(name: str, expires_in: timedelta | None) -> None:
    if not (0 < len(name) <= TOKEN_NAME_LENGTH and name.isprintable()):
        raise _refused("name", "length", f"A name has 1 to {TOKEN_NAME_LENGTH} visible characters.")
    if expires_in is not None and not timedelta() < expires_in <= LONGEST_LIFE:
        raise _refused("expires", "range", "A token expires after at most ten years, or never.")


def _refused(field: str, code: str, detail: str) -> InvalidInputError:
    return InvalidInputError.about((field,), code, detail)
