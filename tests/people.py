"""Users changed as every door changes them: through the records, with the guards of users."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.tables import Role, User, name_key
from admin_app.database import Database
from admin_app.declaration import COMMAND_LINE, SYSTEM, Base, Registry
from admin_app.records import Records


@cache
def registry() -> Registry:
    """The library's resources, and our own."""
    return Registry.from_base(Base, ["admin_app.models"])


async def change_user(database: Database, name: str, **data: Any) -> None:
    """Change a user, on the command line."""

    async def find(connection: AsyncConnection) -> Any:
        return await connection.scalar(select(User.id).where(User.name_key == name_key(name)))

    records = Records(database, registry(), b"a secret of the tests")
    key = (await database.read(find),)
    await records.update(SYSTEM, registry()["admin_user"], key, data, origin=COMMAND_LINE)


async def disable_user(database: Database, name: str) -> None:
    """Sign a user out and let them in no more."""
    await change_user(database, name, active=False)


async def enable_user(database: Database, name: str) -> None:
    """Let a disabled user in again."""
    await change_user(database, name, active=True)


async def set_roles(database: Database, name: str, roles: Iterable[str]) -> None:
    """Give a user these roles and no others."""
    wanted = tuple(roles)

    async def find(connection: AsyncConnection) -> list[int]:
        return list(await connection.scalars(select(Role.id).where(Role.name.in_(wanted))))

    found = await database.read(find)
    assert len(found) == len(wanted)
    await change_user(database, name, roles=found)
