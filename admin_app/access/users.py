"""People: made, given roles, given a password, disabled.

What takes a right away works on the next request: sessions end in the same transaction, and roles,
grants and ``active`` are read anew each time somebody acts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, false, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.actors import actor_from, user_select
from admin_app.access.passwords import check_password, hash_password
from admin_app.access.tables import NAME_LENGTH, Role, Session, User, UserRole
from admin_app.database import Database
from admin_app.database.violations import violation
from admin_app.declaration import Actor, Base
from admin_app.errors import FieldError, InvalidInputError, NotFoundError, UniqueConflictError


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A user as listed; ``roles`` by name."""

    id: int
    name: str
    active: bool
    roles: tuple[str, ...]
    created_at: datetime


def name_key(name: str) -> str:
    """The name as compared: neither case nor the way a character was typed matters (UAX 15)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def has_name(name: str) -> ColumnElement[bool]:
    """The condition that finds the user of that name; nobody's, if no name can be so."""
    # PostgreSQL takes no NUL in a text and no lone surrogate, not even to compare.
    return User.name_key == name_key(name) if name.isprintable() else false()


def no_user(name: str) -> NotFoundError:
    """The refusal for a name that is nobody's."""
    return NotFoundError(f"There is no user {name!r}.")


async def create_user(
    database: Database, name: str, password: str | None, roles: Iterable[str]
) -> int:
    """Make an active user and return its id; with no password it acts through tokens only.

    Raises ``InvalidInputError`` at ``name`` or ``password``, ``NotFoundError`` for an unknown
    role, ``UniqueConflictError`` when the name is taken.
    """
    check_name(name)
    wanted = tuple(roles)
    if password is not None:
        check_password(password)
    hashed = None if password is None else await hash_password(password)

    async def work(transaction: AsyncSession) -> int:
        return await add_user(transaction, name, hashed, wanted)

    return await write_new_user(database, name, work)


async def write_new_user(
    database: Database, name: str, work: Callable[[AsyncSession], Awaitable[int]]
) -> int:
    """Run a write that adds the user ``name``; ``UniqueConflictError`` when the name is taken."""
    try:
        return await database.write(work)
    except IntegrityError as error:
        broken = violation(error, Base.metadata)
        if broken is None or broken.columns != ("name_key",):
            raise
        detail = f"There is a user {name!r} already."
        taken = FieldError(("name",), UniqueConflictError.code, detail)
        raise UniqueConflictError(detail, errors=[taken]) from error


async def add_user(
    transaction: AsyncSession, name: str, password_hash: str | None, roles: tuple[str, ...]
) -> int:
    """Add a user whose name has been checked, with roles, inside a write; return its id."""
    now = datetime.now(UTC)
    user = User(
        name=name,
        name_key=name_key(name),
        password_hash=password_hash,
        active=True,
        created_at=now,
        password_changed_at=None if password_hash is None else now,
    )
    transaction.add(user)
    await transaction.flush()
    await _give_roles(transaction, user.id, roles)
    return user.id


async def set_password(database: Database, name: str, password: str) -> None:
    """Change a password and end all that user's sessions.

    Raises ``InvalidInputError`` at ``password`` and ``NotFoundError``.
    """
    check_password(password)
    hashed = await hash_password(password)
    await _update(database, name, password_hash=hashed, password_changed_at=datetime.now(UTC))


async def disable_user(database: Database, name: str) -> None:
    """End all that user's sessions and refuse its password and tokens from now on.

    Raises ``NotFoundError``.
    """
    await _update(database, name, active=False)


async def enable_user(database: Database, name: str) -> None:
    """Let a disabled user sign in again; its tokens work again. Raises ``NotFoundError``."""
    await _update(database, name, active=True)


async def set_roles(database: Database, name: str, roles: Iterable[str]) -> None:
    """Give the user these roles and no others.

    Raises ``NotFoundError`` for an unknown user or role.
    """
    wanted = tuple(roles)

    async def work(transaction: AsyncSession) -> None:
        user_id = await transaction.scalar(select(User.id).where(has_name(name)).with_for_update())
        if user_id is None:
            raise no_user(name)
        await transaction.execute(delete(UserRole).where(UserRole.user_id == user_id))
        await _give_roles(transaction, user_id, wanted)

    await database.write(work)


async def actor_of_user(database: Database, name: str) -> Actor:
    """The user as an actor, for the command line, which asks for no password.

    Raises ``NotFoundError`` for one that is unknown or disabled.
    """
    statement = user_select(User).where(has_name(name))

    async def work(connection: AsyncConnection) -> Actor:
        rows = (await connection.execute(statement)).all()
        if not rows:
            raise no_user(name)
        return actor_from(rows)

    return await database.read(work)


async def list_users(database: Database) -> list[UserInfo]:
    """Every user with the names of its roles, by name."""
    statement = (
        select(User.id, User.name, User.active, User.created_at, Role.name.label("role"))
        .outerjoin(UserRole, UserRole.user_id == User.id)
        .outerjoin(Role, Role.id == UserRole.role_id)
        .order_by(User.name_key, Role.name)
    )

    async def work(connection: AsyncConnection) -> list[UserInfo]:
        users: dict[int, UserInfo] = {}
        for row in await connection.execute(statement):
            blank = UserInfo(row.id, row.name, row.active, (), row.created_at)
            user = users.setdefault(row.id, blank)
            if row.role is not None:
                users[row.id] = replace(user, roles=(*user.roles, row.role))
        return list(users.values())

    return await database.read(work)


def check_name(name: str) -> None:
    """Raise ``InvalidInputError`` at ``name`` for a name that nobody can have.

    It has 1 to 150 printable characters and no space at either end.
    """
    if not name or max(len(name), len(name_key(name))) > NAME_LENGTH:
        raise _refused("length", f"A name has 1 to {NAME_LENGTH} characters.")
    if not name.isprintable() or name != name.strip():
        raise _refused("characters", "A name has only visible characters, with no space around.")


async def _update(database: Database, name: str, **values: Any) -> None:
    async def work(transaction: AsyncSession) -> None:
        # The row first: a sign-in under way waits for it, then finds its password no longer good.
        user_id = await transaction.scalar(
            update(User).where(has_name(name)).values(**values).returning(User.id)
        )
        if user_id is None:
            raise no_user(name)
        await transaction.execute(delete(Session).where(Session.user_id == user_id))

    await database.write(work)


async def _give_roles(transaction: AsyncSession, user_id: int, roles: tuple[str, ...]) -> None:
    known = {row.name: row.id for row in await transaction.execute(select(Role.name, Role.id))}
    for role in roles:
        if role not in known:
            names = ", ".join(sorted(known))
            raise NotFoundError(f"There is no role {role!r}. Known roles: {names}.")
    for role in dict.fromkeys(roles):
        transaction.add(UserRole(user_id=user_id, role_id=known[role]))


def _refused(code: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, errors=[FieldError(("name",), code, detail)])
