"""Tokens as they are listed and found: everything but the token itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.escalation import has_power
from admin_app.access.tables import Token, User, name_key
from admin_app.access.token_form import prefix_of
from admin_app.access.token_rights import SEE
from admin_app.access.users import is_user
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.errors import ForbiddenError, NotFoundError


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token as listed; of the token itself only how it begins."""

    id: int
    user_id: int
    user_name: str
    name: str
    prefix: str
    scopes: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def state(self) -> str:
        """``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        over = self.expires_at is not None and self.expires_at <= datetime.now(UTC)
        return "expired" if over else "active"


async def list_tokens(database: Database, user: int | str | None = None) -> list[TokenInfo]:
    """Every token ever made, or one user's (by id or name), newest first."""
    statement = _infos()
    return await _read(database, statement if user is None else statement.where(is_user(user)))


async def list_tokens_for(
    database: Database, actor: Actor, user: str | None = None
) -> list[TokenInfo]:
    """The actor's tokens, or those of ``user``, newest first.

    Raises ``ForbiddenError`` for another's, known or not, to who may not see them.
    """
    if user is None or name_key(user) == name_key(actor.name):
        return [] if actor.user_id is None else await list_tokens(database, actor.user_id)
    if not has_power(actor, SEE):
        msg = "You may not see the tokens of others."
        raise ForbiddenError(msg)
    return await list_tokens(database, user)


async def find_token(database: Database, which: int | str) -> TokenInfo:
    """A token by its id or by how it begins. Raises ``NotFoundError``."""
    found = await _read(database, _infos().where(has_token(which)))
    if not found:
        raise no_token(which)
    return found[0]


def has_token(which: int | str) -> ColumnElement[bool]:
    """The condition that finds a token by its id or by how it begins."""
    if isinstance(which, int):
        return Token.id == which if 0 < which < 2**63 else false()
    return Token.prefix == prefix_of(which) if which.isprintable() else false()


def no_token(which: int | str) -> NotFoundError:
    """The refusal for what is no token's id and no token's beginning."""
    named = which if isinstance(which, int) else repr(prefix_of(which))
    return NotFoundError(f"There is no token {named}.")


def _infos() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Token.id,
            Token.user_id,
            User.name.label("user_name"),
            Token.name,
            Token.prefix,
            Token.scopes,
            Token.created_at,
            Token.expires_at,
            Token.revoked_at,
            Token.last_used_at,
        )
        .join(User, User.id == Token.user_id)
        .order_by(Token.id.desc())
    )


async def _read(database: Database, statement: Select[*tuple[Any, ...]]) -> list[TokenInfo]:
    async def work(connection: AsyncConnection) -> list[TokenInfo]:
        return [TokenInfo(*row) for row in await connection.execute(statement)]

    return await database.read(work)
