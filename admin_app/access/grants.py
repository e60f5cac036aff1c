"""Roles and what they grant, as rows: made, read and changed.

The names of resources and rules belong to the declarations, which this room does not know: whoever
calls has looked them up. A grant of a rule that is no longer declared allows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.roles import ADMINISTRATOR
from admin_app.access.tables import DESCRIPTION_LENGTH, ROLE_NAME_LENGTH, Role, RoleGrant, UserRole
from admin_app.database import Database
from admin_app.declaration import Grant
from admin_app.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    UniqueConflictError,
)


@dataclass(frozen=True, slots=True)
class RoleInfo:
    """A role and everything it grants."""

    name: str
    description: str
    grants: frozenset[Grant]


async def list_roles(database: Database) -> list[RoleInfo]:
    """Every role, by name."""
    statement = (
        select(Role.name, Role.description, RoleGrant.resource, RoleGrant.action, RoleGrant.rule)
        .outerjoin(RoleGrant, RoleGrant.role_id == Role.id)
        .order_by(Role.name)
    )

    async def work(connection: AsyncConnection) -> list[Any]:
        return list((await connection.execute(statement)).all())

    found: dict[str, RoleInfo] = {}
    for row in await database.read(work):
        known = found.get(row.name) or RoleInfo(row.name, row.description, frozenset())
        more = {Grant(row.resource, row.action, row.rule)} if row.resource is not None else set()
        found[row.name] = RoleInfo(known.name, known.description, known.grants | more)
    return list(found.values())


async def create_role(database: Database, name: str, description: str = "") -> None:
    """Make a role that grants nothing yet.

    Raises ``InvalidInputError`` at ``name`` or ``description``, and ``UniqueConflictError``.
    """
    if not (0 < len(name) <= ROLE_NAME_LENGTH and name.isprintable() and name == name.strip()):
        detail = f"A role's name has 1 to {ROLE_NAME_LENGTH} visible characters."
        raise InvalidInputError(detail, errors=[FieldError(("name",), "name", detail)])
    if len(description) > DESCRIPTION_LENGTH:
        detail = f"At most {DESCRIPTION_LENGTH} characters."
        raise InvalidInputError(detail, errors=[FieldError(("description",), "length", detail)])

    async def work(transaction: AsyncSession) -> None:
        if await transaction.scalar(select(Role.id).where(Role.name == name)) is not None:
            detail = f"There is a role {name} already."
            raise UniqueConflictError(detail, errors=[FieldError(("name",), "unique", detail)])
        transaction.add(Role(name=name, description=description))

    await database.write(work)


async def delete_role(database: Database, name: str) -> None:
    """Delete a role that nobody has. Raises ``NotFoundError`` and ``ConflictError``."""

    async def work(transaction: AsyncSession) -> None:
        role_id = await _changeable(transaction, name)
        holders = select(UserRole.user_id).where(UserRole.role_id == role_id).limit(1)
        if await transaction.scalar(holders) is not None:
            detail = f"Somebody has the role {name}. Give them another one first."
            raise ConflictError(detail)
        await transaction.execute(delete(Role).where(Role.id == role_id))

    await database.write(work)


async def allow(database: Database, role: str, grants: Iterable[Grant]) -> None:
    """Add grants to a role; those it has stay. Raises ``NotFoundError`` and ``ConflictError``."""
    wanted = tuple(grants)

    async def work(transaction: AsyncSession) -> None:
        role_id = await _changeable(transaction, role)
        for each in wanted:
            known = select(RoleGrant.id).where(*_is(role_id, each))
            if await transaction.scalar(known) is None:
                await transaction.execute(
                    insert(RoleGrant).values(
                        role_id=role_id,
                        resource=each.resource,
                        action=each.action,
                        rule=each.rule,
                    )
                )

    await database.write(work)


async def forbid(database: Database, role: str, grants: Iterable[Grant]) -> None:
    """Take grants from a role. Raises ``NotFoundError`` for one it has not, ``ConflictError``."""
    unwanted = tuple(grants)

    async def work(transaction: AsyncSession) -> None:
        role_id = await _changeable(transaction, role)
        for each in unwanted:
            gone: Any = await transaction.execute(delete(RoleGrant).where(*_is(role_id, each)))
            if not gone.rowcount:
                narrowed = f" by the rule {each.rule}" if each.rule else ""
                detail = f"{role} does not grant {each.action} on {each.resource}{narrowed}."
                raise NotFoundError(detail)

    await database.write(work)


async def _changeable(transaction: AsyncSession, name: str) -> int:
    """The id of a role, locked; the administrator's grants are what lets anybody mend the rest."""
    role_id = await transaction.scalar(select(Role.id).where(Role.name == name).with_for_update())
    if role_id is None:
        known = ", ".join(await transaction.scalars(select(Role.name).order_by(Role.name)))
        detail = f"There is no role {name}. Known: {known}."
        raise NotFoundError(detail)
    if name == ADMINISTRATOR:
        detail = f"The role {ADMINISTRATOR} stays as it is: somebody must be able to mend the rest."
        raise ConflictError(detail)
    return int(role_id)


def _is(role_id: int, grant: Grant) -> list[ColumnElement[bool]]:
    return [
        RoleGrant.role_id == role_id,
        RoleGrant.resource == grant.resource,
        RoleGrant.action == grant.action,
        RoleGrant.rule.is_not_distinct_from(grant.rule),
    ]
