"""People: made, given roles, given a password, disabled.

What takes a right away works on the next request: sessions end in the same transaction, and roles,
grants and ``active`` are read anew each time somebody acts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, false, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.actors import actor_from, user_select
from admin_app.access.events import log_event
from admin_app.access.passwords import check_password, hash_password
from admin_app.access.tables import (
    NAME_LENGTH,
    PasswordLink,
    Role,
    Session,
    Token,
    User,
    UserRole,
    name_key,
)
from admin_app.database import Database
from admin_app.database.violations import violation
from admin_app.declaration import COMMAND_LINE, SYSTEM, Actor, Base, Origin
from admin_app.errors import InvalidInputError, NotFoundError, UniqueConflictError


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A user as listed; ``roles`` by name."""

    id: int
    name: str
    active: bool
    roles: tuple[str, ...]
    created_at: datetime


def has_name(name: str) -> ColumnElement[bool]:
    """The condition that finds the user of that name; nobody's, if no name can be so."""
    # PostgreSQL takes no NUL in a text and no lone surrogate, not even to compare.
    return User.name_key == name_key(name) if name.isprintable() else false()


def is_user(which: int | str) -> ColumnElement[bool]:
    """The condition that finds a user by id or by name; nobody's, if there can be no such."""
    if isinstance(which, str):
        return has_name(which)
    return User.id == which if 0 < which < 2**63 else false()


def no_user(which: int | str) -> NotFoundError:
    """The refusal for a name or id that is nobody's."""
    return NotFoundError(f"There is no user {which!r}.")


async def create_user(
    database: Database,
    name: str,
    password: str | None,
    roles: Iterable[str],
    *,
    service: bool = False,
    actor: Actor = SYSTEM,
    origin: Origin = COMMAND_LINE,
) -> int:
    """Make an active user and return its id; with no password it acts through tokens only.

    A ``service`` account has no password and can never be given one. Raises ``InvalidInputError``
    at ``name`` or ``password``, ``NotFoundError`` for an unknown role, ``UniqueConflictError`` when
    the name is taken.
    """
    check_name(name)
    wanted = tuple(roles)
    if service and password is not None:
        raise _no_password_for(name)
    if password is not None:
        await check_password(password, name)
    hashed = None if password is None else await hash_password(password)

    async def work(transaction: AsyncSession) -> int:
        return await add_user(transaction, name, hashed, wanted, actor, origin, service=service)

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
        raise UniqueConflictError.about(("name",), UniqueConflictError.code, detail) from error


async def add_user(
    transaction: AsyncSession,
    name: str,
    password_hash: str | None,
    roles: tuple[str, ...],
    actor: Actor,
    origin: Origin,
    *,
    service: bool = False,
) -> int:
    """Add a user whose name has been checked, with roles, inside a write; return its id."""
    now = datetime.now(UTC)
    user = User(
        name=name,
        name_key=name_key(name),
        password_hash=password_hash,
        active=True,
        service=service,
        created_at=now,
        password_changed_at=None if password_hash is None else now,
    )
    transaction.add(user)
    await transaction.flush()
    await _give_roles(transaction, user.id, roles)
    details = {"roles": sorted(set(roles)), "service": service}
    await log_event(transaction, "user_created", actor, origin, subject=name, details=details)
    return user.id


async def set_password(
    database: Database,
    name: str,
    password: str,
    *,
    actor: Actor = SYSTEM,
    origin: Origin = COMMAND_LINE,
) -> None:
    """Give a user a new password: all that was opened with the old one ends (``give_password``).

    Raises ``InvalidInputError`` at ``password``, which a service account cannot have, and
    ``NotFoundError``.
    """
    await check_password(password, name)
    hashed = await hash_password(password)

    async def work(transaction: AsyncSession) -> None:
        user = await _locked(transaction, name)
        if user.service:
            raise _no_password_for(user.name)
        await give_password(transaction, user.id, hashed)
        await log_event(transaction, "password_changed", actor, origin, subject=user.name)

    await database.write(work)


async def give_password(
    transaction: AsyncSession, user_id: int, password_hash: str, *, keep: int | None = None
) -> None:
    """Set a password inside a write and end sessions, but for ``keep``, tokens and password links.

    The user's row must be locked: a sign-in under way waits for it, then finds its password no
    longer good.
    """
    now = datetime.now(UTC)
    values = {"password_hash": password_hash, "password_changed_at": now}
    await transaction.execute(update(User).where(User.id == user_id).values(values))
    await close(transaction, user_id, keep)
    good = Token.user_id == user_id, Token.revoked_at.is_(None)
    await transaction.execute(update(Token).where(*good).values(revoked_at=now))


async def close(transaction: AsyncSession, user_id: int, keep: int | None = None) -> None:
    """End a user's sessions, but for ``keep``, and password links, inside a write."""
    sessions = delete(Session).where(Session.user_id == user_id)
    if keep is not None:
        sessions = sessions.where(Session.id != keep)
    await transaction.execute(sessions)
    await end_password_links(transaction, user_id)


async def end_password_links(transaction: AsyncSession, user_id: int) -> None:
    """End a user's password links inside a write."""
    await transaction.execute(delete(PasswordLink).where(PasswordLink.user_id == user_id))


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


async def _locked(transaction: AsyncSession, name: str) -> Any:
    """A user's row as far as it is needed here; nobody else changes it now."""
    statement = select(User.id, User.name, User.service).where(has_name(name)).with_for_update()
    user = (await transaction.execute(statement)).one_or_none()
    if user is None:
        raise no_user(name)
    return user


async def _give_roles(transaction: AsyncSession, user_id: int, roles: tuple[str, ...]) -> None:
    known = {row.name: row.id for row in await transaction.execute(select(Role.name, Role.id))}
    for role in roles:
        if role not in known:
            names = ", ".join(sorted(known))
            raise NotFoundError(f"There is no role {role!r}. Known roles: {names}.")
    for role in dict.fromkeys(roles):
        transaction.add(UserRole(user_id=user_id, role_id=known[role]))


def _no_password_for(name: str) -> InvalidInputError:
    detail = f"{name} is a service account: it acts through API tokens and has no password."
    return InvalidInputError.about(("password",), "service", detail)


def _refused(code: str, detail: str) -> InvalidInputError:
    return InvalidInputError.about(("name",), code, detail)
