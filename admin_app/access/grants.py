"""Reads of grants: what each role gives, and what somebody has through which role."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.actors import OWES_SECOND_FACTOR
from admin_app.access.tables import Role, RoleGrant, User, UserRole
from admin_app.access.users import has_name
from admin_app.declaration import Actor, Grant
from admin_app.suggestions import closest

_MOST_NAMES = 500
"""Users among whom a mistyped name is looked for."""
_GRANT = (
    Role.id.label("role_id"),
    Role.name.label("role"),
    RoleGrant.id.label("grant_id"),
    RoleGrant.resource,
    RoleGrant.action,
    RoleGrant.rule,
    RoleGrant.without,
)


@dataclass(frozen=True, slots=True)
class RoleGrantInfo:
    """A grant, and the role that gives it."""

    id: int
    role: str
    grant: Grant


@dataclass(frozen=True, slots=True)
class RoleInfo:
    """A role and everything it grants."""

    id: int
    name: str
    description: str
    statement_seconds: float | None
    grants: tuple[RoleGrantInfo, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A user, active or not, with everything that their roles grant."""

    actor: Actor
    """As who they are when they may act."""
    active: bool
    owes_second_factor: bool
    grants: tuple[RoleGrantInfo, ...]


async def list_roles(connection: AsyncConnection) -> list[RoleInfo]:
    """Every role, by name."""
    statement = (
        select(*_GRANT, Role.description, Role.statement_seconds)
        .select_from(Role)
        .outerjoin(RoleGrant, RoleGrant.role_id == Role.id)
        .order_by(Role.name, RoleGrant.resource, RoleGrant.action, RoleGrant.rule)
    )
    found: dict[int, list[Any]] = {}
    for row in await connection.execute(statement):
        found.setdefault(row.role_id, []).append(row)
    return [
        RoleInfo(
            first.role_id, first.role, first.description, first.statement_seconds, _grants(rows)
        )
        for rows in found.values()
        for first in rows[:1]
    ]


async def find_holder(connection: AsyncConnection, name: str) -> Holder | None:
    """The user of a name."""
    found = _holders((await connection.execute(_held().where(has_name(name)))).all())
    return found[0] if found else None


async def active_holders(connection: AsyncConnection, most: int) -> list[Holder]:
    """The first active users, by name."""
    first = select(User.id).where(User.active).order_by(User.name_key).limit(most)
    statement = _held().where(User.id.in_(first.scalar_subquery())).order_by(User.name_key)
    return _holders((await connection.execute(statement)).all())


async def nearest_user(connection: AsyncConnection, name: str) -> str | None:
    """The user whose name is most like ``name``."""
    names = select(User.name).order_by(User.name_key).limit(_MOST_NAMES)
    return closest(name, (await connection.scalars(names)).all())


def _held() -> Any:
    """Select users, one row a grant."""
    owes = OWES_SECOND_FACTOR.label("owes_second_factor")
    return (
        select(User.id, User.name, User.active, owes, *_GRANT)
        .select_from(User)
        .outerjoin(UserRole, UserRole.user_id == User.id)
        .outerjoin(Role, Role.id == UserRole.role_id)
        .outerjoin(RoleGrant, RoleGrant.role_id == Role.id)
    )


def _holders(rows: Iterable[Row[Any]]) -> list[Holder]:
    found: dict[int, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.id, []).append(row)
    return [_holder(each) for each in found.values()]


def _holder(rows: Sequence[Row[Any]]) -> Holder:
    grants = _grants(rows)
    actor = Actor(
        user_id=rows[0].id,
        name=rows[0].name,
        grants=frozenset(each.grant for each in grants),
        roles=frozenset(row.role for row in rows if row.role is not None),
    )
    owes = any(row.owes_second_factor for row in rows)
    return Holder(actor, rows[0].active, owes, grants)


def _grants(rows: Iterable[Row[Any]]) -> tuple[RoleGrantInfo, ...]:
    return tuple(
        RoleGrantInfo(
            row.grant_id,
            row.role,
            Grant(row.resource, row.action, row.rule, frozenset(row.without or ())),
        )
        for row in rows
        if row.grant_id is not None
    )
