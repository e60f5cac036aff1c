"""Turn a credential (a session or a token) into an actor, in one statement.

Nothing is cached here: what a disabling, a demotion or a revocation takes away is gone with the
next statement, on every worker. ``callers`` is the cache, and says how long it keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Row,
    Select,
    and_,
    bindparam,
    func,
    join,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from admin_app.access.tables import Role, RoleGrant, Session, Token, User, UserRole
from admin_app.database import Database
from admin_app.declaration import EVERY_RESOURCE, OUR_PREFIX, Actor, Grant

USE_PATIENCE = 0.05
"""Seconds that a request waits for the last use of its credential to be recorded."""
USE_PRECISION = timedelta(minutes=1)
"""Precision of the recorded last use of a credential: a write per request would be too dear."""
IMPERSONATE = Grant("admin_user", "impersonate")

OWES_SECOND_FACTOR = and_(Role.second_factor, User.totp_enabled_at.is_(None), ~User.service)
"""True of users who owe the second factor that a role demands; services have no sign-in."""

_OWNER = aliased(User, name="owner")


def session_select(by: InstrumentedAttribute[Any] = Session.token_hash) -> Select[Any]:
    """Select, by a bind that is called like ``by``, a session's user and grants.

    See ``user_select``. With ``acting_as_id`` that is the user acted as; whether the owner may do
    so still is another question: see ``impersonation.may_still_act``.
    """
    source = join(Session, _OWNER, _OWNER.id == Session.user_id).join(
        User, User.id == func.coalesce(Session.acting_as_id, Session.user_id)
    )
    found = user_select(
        source,
        Session.id,
        Session.used_at.label("used_at"),
        Session.confirmed_at,
        Session.acting_as_id,
        Session.acting_writes,
        _OWNER.name.label("owner_name"),
    )
    return found.where(
        by == bindparam(by.key),
        ~Session.pending,
        _OWNER.active,
    )


def token_select(by: InstrumentedAttribute[Any] = Token.token_hash) -> Select[Any]:
    """Select, by a bind that is called like ``by``, a token's user and grants: see above."""
    found = user_select(
        join(Token, User, User.id == Token.user_id),
        Token.id,
        Token.last_used_at.label("used_at"),
        Token.scopes,
        Token.expires_at,
    )
    return found.where(by == bindparam(by.key), Token.revoked_at.is_(None))


def user_select(source: Any, *more: Any) -> Select[Any]:
    """Select the active users of ``source``, one row a grant, as ``actor_from`` reads them."""
    return (
        select(
            User.id.label("user_id"),
            User.name.label("user_name"),
            OWES_SECOND_FACTOR.label("must_enrol"),
            Role.name.label("role"),
            Role.statement_seconds,
            RoleGrant.resource,
            RoleGrant.action,
            RoleGrant.rule,
            RoleGrant.without,
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
    """The rows of a credential's select; none when the credential is unknown or no longer valid."""

    async def work(connection: AsyncConnection) -> Sequence[Row[Any]]:
        result = await connection.execute(statement, binds)
        rows: Sequence[Row[Any]] = result.all()
        return rows

    return await database.read(work)


@lru_cache(maxsize=1_000)
def shared(grants: frozenset[Grant]) -> frozenset[Grant]:
    """One shared object for equal sets of grants: caches keyed by it compare by identity."""
    return grants


def actor_from(rows: Sequence[Row[Any]]) -> Actor:
    """The actor that the rows of a ``user_select`` (at least one) describe."""
    return Actor(
        user_id=rows[0].user_id,
        name=rows[0].user_name,
        grants=shared(
            frozenset(
                Grant(row.resource, row.action, row.rule, frozenset(row.without or ()))
                for row in rows
                if row.resource is not None
            )
        ),
        roles=frozenset(row.role for row in rows if row.role is not None),
        statement_limits=frozenset(row.statement_seconds for row in rows if row.role is not None),
    )


def actor_from_session(rows: Sequence[Row[Any]]) -> Actor:
    """The actor that the rows of a ``session_select`` (at least one) describe."""
    first = rows[0]
    found = replace(actor_from(rows), session_id=first.id, confirmed_at=first.confirmed_at)
    if first.acting_as_id is not None:
        grants = found.grants
        if not first.acting_writes:
            grants = frozenset(each for each in grants if each.action == "read")
        return replace(found, impersonator=first.owner_name, confirmed_at=None, grants=grants)
    return _enrolled(found, rows)


def actor_from_token(rows: Sequence[Row[Any]]) -> Actor:
    """The actor that the rows of a ``token_select`` (at least one) describe."""
    found, scopes = actor_from(rows), rows[0].scopes
    grants = narrowed(found.grants, scopes)
    kept = None if scopes is None else tuple(scopes)
    return _enrolled(replace(found, token_id=rows[0].id, scopes=kept, grants=grants), rows)


def _enrolled(actor: Actor, rows: Sequence[Row[Any]]) -> Actor:
    """The actor, without any grant as long as a second factor is owed."""
    if any(row.must_enrol for row in rows):
        return replace(actor, must_enrol=True, grants=frozenset())
    return actor


def narrowed(grants: Iterable[Grant], scopes: Sequence[str] | None) -> frozenset[Grant]:
    """The grants of a token's owner, narrowed to the token's scopes.

    A scope is ``resource:action``, either of which may be ``*``. The application's own resources
    must be named: a token made for books must not make administrators.
    """
    allowed = [each.partition(":") for each in (["*:*"] if scopes is None else scopes)]
    return shared(
        frozenset(
            replace(grant, resource=both)
            for grant in grants
            for resource, _, action in allowed
            if action in {"*", grant.action} and (both := _common(grant.resource, resource))
        )
    )


def _common(granted: str, scope: str) -> str | None:
    """The intersection of two resource names; ``*`` holds every declared resource."""
    if granted == scope:
        return granted
    if scope == EVERY_RESOURCE:
        return None if granted.startswith(OUR_PREFIX) else granted
    if granted == EVERY_RESOURCE:
        return None if scope.startswith(OUR_PREFIX) else scope
    return None


async def mark_used(
    database: Database,
    credential: type[Session | Token],
    used_at: InstrumentedAttribute[Any],
    row: Row[Any],
) -> None:
    """Record the use of the credential of ``row``, at most once a minute."""
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
