"""Verify a person's password, for sign-in and confirmation alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.events import log_event
from admin_app.access.passwords import verify_password
from admin_app.access.tables import Event, User
from admin_app.database import Database
from admin_app.declaration import Actor, Origin
from admin_app.errors import UnauthenticatedError


@dataclass(frozen=True, slots=True)
class Person:
    """A user as far as a sign-in is concerned; no ``password_hash``: may not sign in."""

    name: str
    password_hash: str | None
    second_factor: bool


async def find_person(database: Database, which: ColumnElement[bool]) -> Person | None:
    """The user that the condition finds."""
    statement = select(
        User.name, User.password_hash, User.active, User.service, User.totp_enabled_at
    ).where(which)

    async def work(connection: AsyncConnection) -> Person | None:
        row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        may = row.active and not row.service
        return Person(row.name, row.password_hash if may else None, row.totp_enabled_at is not None)

    return await database.read(work)


async def verified_hash(person: Person | None, password: str, refusal: str) -> str:
    """Verify a password; returns the stored hash. Without a person it takes the same time.

    Raises ``UnauthenticatedError`` with the words of ``refusal``.
    """
    stored = person.password_hash if person else None
    if not await verify_password(stored, password) or stored is None:
        raise UnauthenticatedError(refusal)
    return stored


@asynccontextmanager
async def failure_logged(
    database: Database, event: Event, actor: Actor, origin: Origin, subject: str
) -> AsyncIterator[None]:
    """Write ``event`` into the security log when what happens inside is refused.

    What nobody looked at, being throttled, happens outside: the log grows no faster than guesses.
    """
    try:
        yield
    except UnauthenticatedError:
        await database.write(
            lambda transaction: log_event(transaction, event, actor, origin, subject=subject)
        )
        raise
