"""What is true of the link that makes the first administrator."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import (
    create_user,
    list_users,
    new_setup_link,
    redeem_setup_link,
    sign_in,
)
from admin_app.access.tables import SetupLink
from admin_app.database import Database
from admin_app.declaration import Origin
from admin_app.errors import InvalidInputError, NotFoundError
from admin_app.settings import Settings

PASSWORD = "a long sentence, say"


async def new_link(database: Database) -> str:
    secret = await new_setup_link(database)
    assert secret is not None
    return secret


async def test_redeem(database: Database, settings: Settings) -> None:
    """The link makes an administrator who can sign in, and then no link is made any more."""
    secret = await new_link(database)

    user_id = await redeem_setup_link(database, secret, "Ana", PASSWORD)

    _, actor = await sign_in(database, settings, "ana", PASSWORD, origin=Origin("panel"))
    assert actor is not None
    assert actor.user_id == user_id
    assert actor.roles == {"administrator"}
    assert await new_setup_link(database) is None


async def test_one_use(database: Database) -> None:
    """A used link makes nobody."""
    secret = await new_link(database)
    await redeem_setup_link(database, secret, "ana", PASSWORD)

    with pytest.raises(NotFoundError):
        await redeem_setup_link(database, secret, "bea", PASSWORD)

    assert [each.name for each in await list_users(database)] == ["ana"]


async def test_new_replaces_old(database: Database) -> None:
    """Only the newest link is good."""
    old = await new_link(database)
    new = await new_link(database)

    with pytest.raises(NotFoundError):
        await redeem_setup_link(database, old, "ana", PASSWORD)
    await redeem_setup_link(database, new, "ana", PASSWORD)


async def test_expiry(database: Database) -> None:
    """A link is good for a day."""
    secret = await new_link(database)
    day = timedelta(hours=24)

    async def age(by: timedelta) -> None:
        async def work(transaction: AsyncSession) -> None:
            for link in await transaction.scalars(select(SetupLink)):
                link.expires_at -= by

        await database.write(work)

    await age(day - timedelta(seconds=30))
    with pytest.raises(InvalidInputError):
        await redeem_setup_link(database, secret, "ana", "short")

    await age(timedelta(seconds=30))
    with pytest.raises(NotFoundError):
        await redeem_setup_link(database, secret, "ana", PASSWORD)


@pytest.mark.parametrize("secret", ["", "x", "\0", "\ud800", "é" * 1000])
async def test_made_up(database: Database, secret: str) -> None:
    """A secret that no link has makes nobody."""
    await new_link(database)

    with pytest.raises(NotFoundError):
        await redeem_setup_link(database, secret, "ana", PASSWORD)

    assert await list_users(database) == []


async def test_mistakes_leave_the_link(database: Database) -> None:
    """A refused name or password does not use the link up."""
    secret = await new_link(database)

    with pytest.raises(InvalidInputError):
        await redeem_setup_link(database, secret, "ana", "short")
    with pytest.raises(InvalidInputError):
        await redeem_setup_link(database, secret, "", PASSWORD)

    await redeem_setup_link(database, secret, "ana", PASSWORD)


async def test_user_made_meanwhile(database: Database) -> None:
    """A link is void once there is a user, however that one was made."""
    secret = await new_link(database)
    await create_user(database, "bea", PASSWORD, ["administrator"])

    with pytest.raises(NotFoundError):
        await redeem_setup_link(database, secret, "ana", PASSWORD)


async def test_race(database: Database, settings: Settings) -> None:
    """Of several that redeem the link at once, at two workers, one becomes administrator."""
    secret = await new_link(database)
    worker = Database(settings)

    outcomes = await asyncio.gather(
        *(
            redeem_setup_link((database, worker)[each % 2], secret, f"user{each}", PASSWORD)
            for each in range(6)
        ),
        return_exceptions=True,
    )
    await worker.close()

    assert sorted(type(each).__name__ for each in outcomes) == ["NotFoundError"] * 5 + ["int"]
    assert [each.roles for each in await list_users(database)] == [("administrator",)]


async def test_racing_starts(database: Database) -> None:
    """Of links made at once, as by workers that start together, one is good."""
    secrets = await asyncio.gather(*(new_link(database) for _ in range(5)))

    outcomes = [
        await asyncio.gather(
            redeem_setup_link(database, each, "ana", PASSWORD), return_exceptions=True
        )
        for each in secrets
    ]

    assert sorted(type(each[0]).__name__ for each in outcomes) == ["NotFoundError"] * 4 + ["int"]
