"""Whether who began something long may still go on with it: asked before each of its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Row, Select, bindparam, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.actors import (
    actor_from,
    actor_from_session,
    actor_from_token,
    session_select,
    token_select,
    user_select,
)
from admin_app.access.escalation import holds
from admin_app.access.impersonation import may_still_act
from admin_app.access.tables import Session, Token, User
from admin_app.declaration import Actor
from admin_app.errors import ForbiddenError, UnauthenticatedError

_OVER = "You are not signed in any more, so it went no further."
_LESS = "Rights were taken from you meanwhile, so it went no further."

_Made = Callable[[Sequence[Row[Any]]], Actor]
_NOW: BindParameter[datetime] = bindparam("now")
_BY_SESSION = session_select(Session.id).where(Session.expires_at > _NOW)
_BY_TOKEN = token_select(Token.id).where(or_(Token.expires_at.is_(None), Token.expires_at > _NOW))
_BY_USER = user_select(User).where(User.id == bindparam("id"))


async def require_standing(connection: AsyncConnection, actor: Actor) -> None:
    """Refuse to go on for an actor who has less than when it began.

    Whoever was given more goes on with what they had, and a session that nobody used meanwhile is
    not over: who waits does nothing else. Raises ``UnauthenticatedError`` and ``ForbiddenError``.
    """
    if actor.user_id is None:
        return
    now = await _as_now(connection, actor)
    if now is None or _who(now) != _who(actor):
        raise UnauthenticatedError(_OVER)
    if not (holds(now, actor.grants) and actor.roles <= now.roles):
        raise ForbiddenError(_LESS)


def _who(actor: Actor) -> tuple[Any, ...]:
    return actor.user_id, actor.name, actor.impersonator


async def _as_now(connection: AsyncConnection, actor: Actor) -> Actor | None:
    statement, which, made = _credential(actor)
    given = {"id": which, "now": datetime.now(UTC)}
    rows = (await connection.execute(statement, given)).all()
    if not rows:
        return None
    found = made(rows)
    if found.impersonator is not None and not await may_still_act(connection, found):
        return None
    return found


def _credential(actor: Actor) -> tuple[Select[Any], int | None, _Made]:
    if actor.session_id is not None:
        return _BY_SESSION, actor.session_id, actor_from_session
    if actor.token_id is not None:
        return _BY_TOKEN, actor.token_id, actor_from_token
    return _BY_USER, actor.user_id, actor_from
