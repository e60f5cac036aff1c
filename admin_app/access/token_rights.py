"""Who may make, rotate and revoke which token: nobody hands on what they do not have.

A person manages their own tokens, having proved to be there; whoever holds grants on
``admin_token`` also those of users who may do no more than they. A token manages those of its owner
that are no wider than it is, and makes none that lives longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.actors import actor_from, narrowed, user_select
from admin_app.access.confirmation import require_confirmed
from admin_app.access.escalation import covers, has_power
from admin_app.access.scopes import within
from admin_app.access.tables import Session, Token, User
from admin_app.declaration import SYSTEM, Actor, Grant
from admin_app.errors import ForbiddenError, UnauthenticatedError

SEE = Grant("admin_token", "read")
MAKE = Grant("admin_token", "issue")
END = Grant("admin_token", "revoke")

_TOO_MUCH = "You cannot make a token that may do more than you."


def require_in_person(actor: Actor) -> None:
    """Refuse whoever acts as somebody else, or still owes a second factor.

    Raises ``ForbiddenError``, and ``ConfirmationRequiredError`` from a session unless confirmed.
    """
    if actor.impersonator is not None:
        msg = "Tokens are theirs alone: end acting as somebody else first."
        raise ForbiddenError(msg)
    if actor.must_enrol:
        msg = "Set up a second factor first."
        raise ForbiddenError(msg)
    require_confirmed(actor)


async def require_still_acting(
    transaction: AsyncSession, actor: Actor, owner: ColumnElement[bool]
) -> None:
    """Lock who acts and the owner, and look again whether ``actor`` still acts.

    While the request was on its way the session or token may have ended, say by a new password,
    which ended the tokens there were. Raises ``UnauthenticatedError``.
    """
    involved = or_(owner, User.id == actor.user_id)
    await transaction.execute(select(User.id).where(involved).order_by(User.id).with_for_update())
    if actor.session_id is not None:
        stands = select(Session.id).where(Session.id == actor.session_id)
    elif actor.token_id is not None:
        stands = select(Token.id).where(Token.id == actor.token_id, Token.revoked_at.is_(None))
    else:
        return
    if await transaction.scalar(stands) is None:
        raise UnauthenticatedError


def require_for_others(actor: Actor) -> None:
    """Raise ``ForbiddenError`` unless ``actor`` may make tokens for others."""
    if not has_power(actor, MAKE):
        msg = "You may not make tokens for others."
        raise ForbiddenError(msg)


async def require_not_wider(
    transaction: AsyncSession, actor: Actor, owner_id: int, scopes: Sequence[str] | None
) -> None:
    """Raise ``ForbiddenError`` for a token that may do more than whoever makes it."""
    if actor is SYSTEM:
        return
    rows = await transaction.execute(user_select(User).where(User.id == owner_id))
    theirs = actor_from(rows.all()).grants
    if owner_id == actor.user_id:
        fits = covers(actor.grants, narrowed(theirs, scopes))
    else:
        # The rows of a rule such as "own" are others for somebody else.
        mine = [each for each in actor.grants if each.rule is None]
        fits = covers(mine, theirs)
    acting = await acting_token(transaction, actor)
    # Its owner may be given more later, and then the new token must still not have more than it.
    if not fits or (acting is not None and not within(scopes, acting.scopes)):
        raise ForbiddenError(_TOO_MUCH)


async def require_not_longer(
    transaction: AsyncSession, actor: Actor, expires_at: datetime | None
) -> None:
    """Raise ``ForbiddenError`` for a token that outlives the one that makes it."""
    acting = await acting_token(transaction, actor)
    if acting is None or acting.expires_at is None or has_power(actor, MAKE):
        return
    if expires_at is None or expires_at > acting.expires_at:
        last = acting.expires_at.strftime("%Y-%m-%d %H:%M UTC")
        msg = f"A token that a token makes lives no longer than it: till {last} here."
        raise ForbiddenError(msg)


async def require_ending(transaction: AsyncSession, actor: Actor, token: Token) -> None:
    """Raise ``ForbiddenError`` unless ``actor`` may revoke ``token``, which it may see."""
    if token.user_id != actor.user_id:
        if not has_power(actor, END):
            msg = "You may not revoke the tokens of others."
            raise ForbiddenError(msg)
        return
    acting = await acting_token(transaction, actor)
    if acting is not None and not within(token.scopes, acting.scopes):
        msg = "A token revokes only what is no wider than itself."
        raise ForbiddenError(msg)


def may_see(actor: Actor, owner_id: int) -> bool:
    """Whether a user's tokens are there for ``actor`` at all."""
    return owner_id == actor.user_id or has_power(actor, SEE)


async def acting_token(transaction: AsyncSession, actor: Actor) -> Token | None:
    """The token that ``actor`` acts by."""
    if actor.token_id is None:
        return None
    return await transaction.scalar(select(Token).where(Token.id == actor.token_id))
