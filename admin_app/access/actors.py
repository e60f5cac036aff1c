"""From a credential (a session or a token) to the actor, in one statement.

Nothing is remembered between requests: what a disabling, a demotion or a revocation takes away is
gone with the next statement, on every worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, join, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from admin_app.access.tables import Role, RoleGrant, Session, Token, User, UserRole
from admin_app.database import Database
from admin_app.declaration import Actor, Grant

USE_PATIENCE = 0.05
"""Seconds that a request waits for its use to be written down."""
USE_PRECISION = timedelta(minutes=1)
"""How exactly the last use of a credential is known: a write per request would be too dear."""


def credential_select(
    credential: type[Session | Token], used_at: InstrumentedAttribute[Any]
) -> Select[Any]:
    """Select, by the bind ``token_hash``, an active user's credential and all its grants.

    One row a grant: the columns ``id`` and ``used_at`` are the credential's.
    """
    found = user_select(
        join(credential, User, User.id == credential.user_id),
        credential.id,
        used_at.label("used_at"),
    )
    return found.where(credential.token_hash == bindparam("token_hash"))


def user_select(source: Any, *more: Any) -> Select[Any]:
    """Select the active users of ``source``, one row a grant, as ``actor_from`` reads them."""
    return (
        select(
            User.id.label("user_id"),
            User.name.label("user_name"),
            Role.name.label("role"),
            RoleGrant.resource,
            RoleGrant.action,
            RoleGrant.rule,
            *more,
        )
        .select_from(source)
        .outerjoin(UserRole, UserRole.user_id == User.id)
        .outerjoin(Role, Role.id == UserRole.role_id)
        .outerjoin(RoleGrant, RoleGrant.role_id == Role.id)
        .where(User.active)
    )


async def fetch(
    database: Database, statement: Select[Any], binds: Mapping[str, Any]
) -> Sequence[Row[Any]]:
    """The rows of a ``credential_select``; none when the credential is not, or no longer, good."""

    async def work(connection: AsyncConnection) -> Sequence[Row[Any]]:
        result = await connection.execute(statement, binds)
        rows: Sequence[Row[Any]] = result.all()
        return rows

    return await database.read(work)


def actor_from(
    rows: Sequence[Row[Any]], *, session_id: int | None = None, token_id: int | None = None
) -> Actor:
    """The actor that the rows of a ``user_select`` (at least one) describe."""
    return Actor(
        user_id=rows[0].user_id,
        name=rows[0].user_name,
        grants=frozenset(
            Grant(row.resource, row.action, row.rule) for row in rows if row.resource is not None
        ),
        roles=frozenset(row.role for row in rows if row.role is not None),
        session_id=session_id,
        token_id=token_id,
    )


async def mark_used(
    database: Database,
    credential: type[Session | Token],
    used_at: InstrumentedAttribute[Any],
    row: Row[Any],
) -> None:
    """Write down that the credential of ``row`` is in use, at most once a minute."""
    now = datetime.now(UTC)
    stale = now - USE_PRECISION
    if row.used_at is not None and row.used_at > stale:
        return

    async def work(transaction: AsyncSession) -> None:
        await transaction.execute(
            update(credential)
            .where(credential.id == row.id, or_(used_at.is_(None), used_at <= stale))
            .values({used_at: now})
        )

    # A minute's knowledge is not worth a refused request, nor one that waits for a writer.
    await database.write_aside((credential, row.id), work, patience=USE_PATIENCE)
