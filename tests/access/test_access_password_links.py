"""What is true of the links by which a password is set: good once, for a day, for their user."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from accounts import HERE, OTHER, PASSWORD, can_sign_in, events, grown, inside, user
from people import disable_user, enable_user
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import (
    actor_of_session,
    actor_of_token,
    create_token,
    new_password_link,
    redeem_password_link,
    user_of_password_link,
)
from admin_app.access.tables import PasswordLink
from admin_app.database import Database
from admin_app.declaration import COMMAND_LINE, SYSTEM
from admin_app.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from admin_app.settings import Settings


async def test_link(database: Database, settings: Settings) -> None:
    """Who holds a link sets the password of its user, once, and all that was open before ends."""
    ana_id = await user(database, "Ana")
    token = await create_token(database, "ana", "x", None)
    elsewhere, _ = await inside(database, settings, "Ana")
    link = await new_password_link(database, SYSTEM, "ana", COMMAND_LINE)

    assert await user_of_password_link(database, link) == "Ana"
    await redeem_password_link(database, link, PASSWORD, HERE)

    assert await can_sign_in(database, settings, "ana", PASSWORD)
    assert await actor_of_session(database, settings, elsewhere) is None
    assert await actor_of_token(database, token) is None
    with pytest.raises(NotFoundError):
        await redeem_password_link(database, link, OTHER, HERE)
    made, changed = await events(database, "password_link_made", "password_changed")
    assert (made.subject, made.actor_name) == ("Ana", "command line")
    assert (changed.subject, changed.actor_id, changed.source) == ("Ana", ana_id, "panel")
    assert changed.details == {"by": "link"}
    assert link not in repr((made, changed))


async def test_newest_link(database: Database) -> None:
    """Only a user's newest link is good; another user's are not touched."""
    await user(database, "ana")
    await user(database, "bea")
    old = await new_password_link(database, SYSTEM, "ana", COMMAND_LINE)
    beas = await new_password_link(database, SYSTEM, "bea", COMMAND_LINE)
    new = await new_password_link(database, SYSTEM, "ana", COMMAND_LINE)

    with pytest.raises(NotFoundError):
        await redeem_password_link(database, old, PASSWORD, HERE)
    await redeem_password_link(database, new, PASSWORD, HERE)
    await redeem_password_link(database, beas, PASSWORD, HERE)


async def test_links_age(database: Database) -> None:
    """A link is good for a day, and a refused password leaves it so."""
    await user(database, "ana")
    link = await new_password_link(database, SYSTEM, "ana", COMMAND_LINE)

    async def age(by: timedelta) -> None:
        async def work(transaction: AsyncSession) -> None:
            for each in await transaction.scalars(select(PasswordLink)):
                each.expires_at -= by

        await database.write(work)

    await age(timedelta(hours=24) - timedelta(seconds=30))
    with pytest.raises(InvalidInputError):
        await redeem_password_link(database, link, "password1234", HERE)
    await age(timedelta(seconds=30))
    with pytest.raises(NotFoundError):
        await redeem_password_link(database, link, PASSWORD, HERE)


@pytest.mark.parametrize("secret", ["", "x", "\0", "\ud800", "é" * 1000])
async def test_made_up_link(database: Database, secret: str) -> None:
    """A secret that no link has sets nobody's password."""
    await user(database, "ana")
    await new_password_link(database, SYSTEM, "ana", COMMAND_LINE)

    with pytest.raises(NotFoundError):
        await redeem_password_link(database, secret, PASSWORD, HERE)


async def test_link_of_the_disabled(database: Database) -> None:
    """A disabled user's link is over, and does not come back with the user."""
    await user(database, "ana")
    link = await new_password_link(database, SYSTEM, "ana", COMMAND_LINE)
    await disable_user(database, "ana")

    with pytest.raises(NotFoundError):
        await redeem_password_link(database, link, PASSWORD, HERE)
    await enable_user(database, "ana")
    with pytest.raises(NotFoundError):
        await redeem_password_link(database, link, PASSWORD, HERE)


async def test_link_race(database: Database, settings: Settings) -> None:
    """Of several that use one link at once, at two workers, one sets the password."""
    await user(database, "ana")
    link = await new_password_link(database, SYSTEM, "ana", COMMAND_LINE)
    worker = Database(settings)

    outcomes = await asyncio.gather(
        *(
            redeem_password_link((database, worker)[each % 2], link, f"{OTHER} {each}", HERE)
            for each in range(4)
        ),
        return_exceptions=True,
    )
    await worker.close()

    assert sorted(type(each).__name__ for each in outcomes) == ["NoneType"] + ["NotFoundError"] * 3
    assert len(await events(database, "password_changed")) == 1


async def test_no_link_for_oneself(database: Database, settings: Settings) -> None:
    """An administrator's own password changes with the current one only."""
    await grown(database)
    _, ana = await inside(database, settings, "ana")

    with pytest.raises(ConflictError):
        await new_password_link(database, ana, "ana", HERE)
