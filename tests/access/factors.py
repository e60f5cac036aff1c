"""Users with a second factor, their codes, and what the security log says of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pyotp
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access import (
    begin_enrolment,
    create_user,
    finish_enrolment,
    pass_second_factor,
    sign_in,
)
from admin_app.access.tables import SecurityEvent, User
from admin_app.access.totp import STEP
from admin_app.database import Database
from admin_app.declaration import Actor, Origin
from admin_app.errors import (
    UnauthenticatedError,
)
from admin_app.settings import Settings

PASSWORD = "a long sentence, say"


HERE = Origin("panel", "request-1", address="192.0.2.1", user_agent="test")


async def enter(database: Database, settings: Settings, name: str = "ana") -> tuple[str, Actor]:
    secret, actor = await sign_in(database, settings, name, PASSWORD, origin=HERE)
    assert actor is not None
    return secret, actor


async def half(database: Database, settings: Settings) -> str:
    """Sign in with the password of somebody who owes a code then."""
    secret, actor = await sign_in(database, settings, "ana", PASSWORD, origin=HERE)
    assert actor is None
    return secret


async def enrol(database: Database, settings: Settings, actor: Actor) -> tuple[str, list[str]]:
    """Set up a second factor: its secret, and the recovery codes."""
    made = await begin_enrolment(database, settings, actor)
    codes = await finish_enrolment(
        database, settings, actor, pyotp.TOTP(made.secret).now(), origin=HERE
    )
    await forget_steps(database)
    return made.secret, codes


async def in_full(database: Database, settings: Settings, secret: str) -> tuple[str, Actor]:
    """Sign ana in with both factors."""
    pending = await half(database, settings)
    found = await pass_second_factor(database, settings, pending, code_at(secret), origin=HERE)
    await forget_steps(database)
    return found


async def enrolled(database: Database, settings: Settings) -> tuple[str, list[str]]:
    """Make ana, with a second factor."""
    await create_user(database, "ana", PASSWORD, ["viewer"])
    _, ana = await enter(database, settings)
    return await enrol(database, settings, ana)


async def change(database: Database, statement: Any) -> None:
    await database.write(lambda transaction: transaction.execute(statement))


async def rows(database: Database, statement: Any) -> list[Any]:
    async def work(connection: AsyncConnection) -> list[Any]:
        return list((await connection.execute(statement)).all())

    return await database.read(work)


async def forget_steps(database: Database) -> None:
    """Let the codes of these half minutes be good again, as if time had passed."""
    await change(database, update(User).values(totp_step=None))


async def settled() -> None:
    """Wait until a half minute is not about to end, so that its code is the same for a while."""
    left = STEP - datetime.now(UTC).timestamp() % STEP
    if left < 6:
        await asyncio.sleep(left)


async def events(database: Database) -> list[tuple[str, str, str]]:
    """What the security log says: event, actor, subject."""
    log = select(SecurityEvent.event, SecurityEvent.actor_name, SecurityEvent.subject)
    found = await rows(database, log.order_by(SecurityEvent.id))
    return [(row.event, row.actor_name, row.subject) for row in found]


async def passing(database: Database, settings: Settings, pending: str, code: str) -> bool:
    """Whether a code ends the sign-in."""
    try:
        await pass_second_factor(database, settings, pending, code, origin=HERE)
    except UnauthenticatedError:
        return False
    return True


def code_at(secret: str, steps: int = 0) -> str:
    """The code of a device whose clock is so many half minutes off."""
    return pyotp.TOTP(secret).at(datetime.now(UTC), counter_offset=steps)
