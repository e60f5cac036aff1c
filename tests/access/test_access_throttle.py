"""What is true of guessing passwords."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access import create_user, sign_in
from admin_app.access.secret import digest
from admin_app.access.tables import SignInFailure
from admin_app.access.throttle import (
    FREE,
    FREE_AT_ADDRESS,
    MAX_ROWS,
    Guessed,
    admit,
    forgive,
)
from admin_app.database import Database
from admin_app.declaration import Origin
from admin_app.errors import TooManyRequestsError, UnauthenticatedError
from admin_app.settings import Settings

PASSWORD = "a long sentence, say"
HERE = "192.0.2.1"


async def enter(
    database: Database, settings: Settings, password: str, address: str = HERE, name: str = "ana"
) -> None:
    await sign_in(database, settings, name, password, origin=Origin("panel", address=address))


async def attempt(database: Database, account: str = "ana", address: str = HERE) -> int:
    """Seconds the attempt was told to wait; 0 when it was let through."""
    try:
        await admit(database, account, address)
    except TooManyRequestsError as refused:
        return int(refused.headers["Retry-After"])
    return 0


async def age(database: Database, by: timedelta) -> None:
    """Make all that has been counted so much older."""

    async def work(transaction: AsyncSession) -> None:
        for count in await transaction.scalars(select(SignInFailure)):
            count.at -= by

    await database.write(work)


async def rows(database: Database) -> int:
    async def work(connection: AsyncConnection) -> int:
        statement = select(func.count()).select_from(SignInFailure)
        return int(await connection.scalar(statement) or 0)

    return await database.read(work)


async def test_growing_delay(database: Database) -> None:
    """After the free failures each wait is twice the one before, up to a quarter of an hour."""
    assert [await attempt(database) for _ in range(FREE_AT_ADDRESS)] == [0] * FREE_AT_ADDRESS

    waits = []
    for _ in range(10):
        waits.append(await attempt(database))
        await age(database, timedelta(seconds=waits[-1]))
        assert await attempt(database) == 0

    assert waits == pytest.approx([4, 8, 16, 32, 64, 128, 256, 512, 900, 900], abs=3)


async def test_right_password_waits_too(database: Database, settings: Settings) -> None:
    """While the wait lasts even the right password is refused, for a known and an unknown name."""
    await create_user(database, "ana", PASSWORD, [])
    for name in ("ana", "nobody"):
        for _ in range(FREE_AT_ADDRESS):
            with pytest.raises(UnauthenticatedError):
                await enter(database, settings, "wrong", name=name)
        # Into the future: the machine may be slow, the wait is not to be over by chance.
        await age(database, timedelta(minutes=-1))
        with pytest.raises(TooManyRequestsError) as refused:
            await enter(database, settings, PASSWORD, name=name.upper())
        assert 0 < int(refused.value.headers["Retry-After"]) <= 64

    await age(database, timedelta(minutes=3))
    await enter(database, settings, PASSWORD)


async def test_at_once(database: Database) -> None:
    """Attempts made at the same time are counted one by one."""
    waits = await asyncio.gather(*(attempt(database) for _ in range(20)))

    assert sum(each == 0 for each in waits) == FREE_AT_ADDRESS


async def test_success_clears_the_account(database: Database, settings: Settings) -> None:
    """A sign-in takes back its own attempt and forgets the account's failures."""
    await create_user(database, "ana", PASSWORD, [])
    for _ in range(3):
        for _ in range(FREE_AT_ADDRESS - 1):
            with pytest.raises(UnauthenticatedError):
                await enter(database, settings, "wrong")
        await enter(database, settings, PASSWORD)


async def test_success_does_not_clear_the_address(database: Database, settings: Settings) -> None:
    """Signing in to one's own account does not buy guesses at others' from the same address."""
    await create_user(database, "eve", PASSWORD, [])
    guessed = 0
    for number in range(2 * FREE):
        if await attempt(database, account=f"user{number}"):
            break
        guessed += 1
        if number % 20 == 0:
            await enter(database, settings, PASSWORD, name="eve")

    assert guessed == FREE


async def test_rotating_addresses(database: Database) -> None:
    """Guesses at one account from ever new addresses are slowed down as well."""
    waits = [await attempt(database, address=f"198.51.100.{each}") for each in range(FREE + 1)]

    assert [each > 0 for each in waits] == [False] * FREE + [True]


async def test_one_customer(database: Database) -> None:
    """All addresses of an IPv6 /64 are one, and an IPv4 address is one in both notations."""
    for each in range(FREE_AT_ADDRESS):
        assert await attempt(database, address=f"2001:db8::{each:x}") == 0
        assert await attempt(database, account="bea", address="::ffff:192.0.2.7") == 0

    assert await attempt(database, address="2001:db8::ffff") > 0
    assert await attempt(database, account="bea", address="192.0.2.7") > 0
    assert await attempt(database, address="2001:db8:0:1::1") == 0


async def test_others_are_not_slowed(database: Database) -> None:
    """Another account at the address, and the account at another address, go on."""
    for _ in range(FREE_AT_ADDRESS + 1):
        await attempt(database)

    assert await attempt(database, account="bea") == 0
    assert await attempt(database, address="192.0.2.2") == 0


async def test_forgetting(database: Database) -> None:
    """A failure is forgiven every quarter of an hour."""
    for _ in range(FREE_AT_ADDRESS):
        await attempt(database)
    assert await attempt(database) > 0

    await age(database, timedelta(minutes=31))

    assert [await attempt(database) > 0 for _ in range(3)] == [False, False, True]


async def test_bounded_rows(database: Database) -> None:
    """However many names are tried, a bounded number of counts is kept, for at most a day."""
    now = datetime.now(UTC)
    flood = [
        {"key": digest(str(each)), "failures": 1, "at": now - timedelta(seconds=each + 1)}
        for each in range(MAX_ROWS + 500)
    ]
    await database.write(lambda transaction: transaction.execute(insert(SignInFailure), flood))

    await attempt(database)
    assert await rows(database) == MAX_ROWS

    await age(database, timedelta(days=2))
    await attempt(database)
    assert await rows(database) == 3


async def test_success_beside_attempts(database: Database) -> None:
    """Taking attempts back and counting others wait for each other's rows, and in no circle."""
    stop = asyncio.Event()

    async def guess(guessed: Guessed) -> None:
        while not stop.is_set():
            with suppress(TooManyRequestsError):
                await admit(database, "ana", HERE, guessed)

    async def succeed() -> None:
        for _ in range(15):
            await database.write(
                lambda transaction: forgive(transaction, HERE, {"code": "ana", "password": "ana"})
            )
        stop.set()

    await asyncio.gather(succeed(), guess("code"), guess("code"), guess("password"))

    statement = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    if database.dialect == "postgresql":
        await database.write(
            lambda session: session.execute(text("SELECT pg_stat_force_next_flush()"))
        )
        assert await database.read(lambda connection: connection.scalar(statement)) == 0
