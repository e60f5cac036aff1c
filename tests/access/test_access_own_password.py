"""What is true of one's own password: changed with the current one, or set for somebody."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from accounts import HERE, OTHER, PASSWORD, can_sign_in, enter, events, inside, user
from people import disable_user, enable_user, set_roles

from admin_app.access import (
    actor_of_session,
    actor_of_token,
    change_password,
    create_token,
    new_password_link,
    redeem_password_link,
    set_password,
    sign_in,
    user_of_password_link,
)
from admin_app.database import Database
from admin_app.declaration import COMMAND_LINE, SYSTEM
from admin_app.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    TooManyRequestsError,
)
from admin_app.settings import Settings


async def test_change(database: Database, settings: Settings) -> None:
    """Who knows the current password sets a new one; this session stays, all else ends."""
    await user(database, "ana", password=PASSWORD)
    await user(database, "bea")
    token = await create_token(database, "ana", "x", None)
    beas = await enter(database, "bea")
    elsewhere = await enter(database, "ana")
    secret, ana = await inside(database, settings, "ana")
    link = await new_password_link(database, SYSTEM, "ana", COMMAND_LINE)

    await change_password(database, ana, PASSWORD, OTHER, HERE)

    assert await actor_of_session(database, settings, secret) == ana
    assert await actor_of_session(database, settings, elsewhere) is None
    assert await actor_of_session(database, settings, beas) is not None
    assert await actor_of_token(database, token) is None
    with pytest.raises(NotFoundError):
        await user_of_password_link(database, link)
    assert not await can_sign_in(database, settings, "ana", PASSWORD)
    assert await can_sign_in(database, settings, "ana", OTHER)
    (event,) = await events(database, "password_changed")
    assert (event.actor_id, event.actor_name, event.subject) == (ana.user_id, "ana", "ana")
    assert (event.source, event.address, event.user_agent) == ("panel", "192.0.2.1", "test")


async def test_change_needs_the_current_one(database: Database, settings: Settings) -> None:
    """A wrong current password changes nothing, is refused at its field and is written down."""
    await user(database, "ana", password=PASSWORD)
    _, ana = await inside(database, settings, "ana")
    elsewhere = await enter(database, "ana")

    with pytest.raises(InvalidInputError) as refused:
        await change_password(database, ana, OTHER, "yet another sentence", HERE)

    assert [each.path for each in refused.value.errors] == [("current",)]
    assert await actor_of_session(database, settings, elsewhere) is not None
    assert await can_sign_in(database, settings, "ana", PASSWORD)
    assert [each.subject for each in await events(database, "confirmation_failed")] == ["ana"]
    assert await events(database, "password_changed") == []


async def test_change_follows_the_rule(database: Database, settings: Settings) -> None:
    """A new password against the rule is refused at its field, and costs no attempt."""
    await user(database, "ana", password=PASSWORD)
    _, ana = await inside(database, settings, "ana")

    for _ in range(7):
        with pytest.raises(InvalidInputError) as refused:
            await change_password(database, ana, PASSWORD, "password1234", HERE)
        assert [each.path for each in refused.value.errors] == [("password",)]

    await change_password(database, ana, PASSWORD, OTHER, HERE)


async def test_change_is_throttled(database: Database, settings: Settings) -> None:
    """Guessing the current password is slowed down as guessing at the sign-in is, in one count."""
    await user(database, "ana", password=PASSWORD)
    _, ana = await inside(database, settings, "ana")
    for _ in range(5):
        with pytest.raises(InvalidInputError):
            await change_password(database, ana, "wrong", OTHER, HERE)

    with pytest.raises(TooManyRequestsError):
        await change_password(database, ana, PASSWORD, OTHER, HERE)
    with pytest.raises(TooManyRequestsError):
        await sign_in(database, settings, "ana", PASSWORD, origin=HERE)
    assert len(await events(database, "confirmation_failed")) == 5


async def test_change_is_ones_own(database: Database, settings: Settings) -> None:
    """Neither a token, nor the command line, nor somebody acting as another changes a password."""
    await user(database, "ana", password=PASSWORD)
    token = await actor_of_token(database, await create_token(database, "ana", "x", None))
    assert token is not None
    _, ana = await inside(database, settings, "ana")

    for actor in (token, SYSTEM, replace(ana, impersonator="bea")):
        with pytest.raises(ForbiddenError):
            await change_password(database, actor, PASSWORD, OTHER, HERE)


async def test_two_changes_at_once(database: Database, settings: Settings) -> None:
    """Of two changes with one current password one happens."""
    await user(database, "ana", password=PASSWORD)
    _, ana = await inside(database, settings, "ana")

    outcomes = await asyncio.gather(
        *(change_password(database, ana, PASSWORD, f"{OTHER} {each}", HERE) for each in range(2)),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["InvalidInputError", "NoneType"]


async def test_set_password(database: Database, settings: Settings) -> None:
    """A password set for somebody ends all their sessions, tokens and links, and is logged."""
    await user(database, "ana", password=PASSWORD)
    token = await create_token(database, "ana", "x", None)
    secret, _ = await inside(database, settings, "ana")
    link = await new_password_link(database, SYSTEM, "ana", COMMAND_LINE)

    await set_password(database, "ana", OTHER)

    assert await actor_of_session(database, settings, secret) is None
    assert await actor_of_token(database, token) is None
    with pytest.raises(NotFoundError):
        await redeem_password_link(database, link, "yet another sentence", HERE)
    (event,) = await events(database, "password_changed")
    assert (event.actor_name, event.source, event.subject) == (
        "command line",
        "command line",
        "ana",
    )


async def test_user_events(database: Database) -> None:
    """That a user is made, given roles, disabled and enabled is written down, roles by name."""
    await user(database, "Ana", "viewer")
    await set_roles(database, "ana", ["viewer", "editor"])
    await disable_user(database, "ana")
    await enable_user(database, "ana")

    found = await events(database, "user_created", "user_changed")
    assert [(each.event, each.subject, each.details) for each in found] == [
        ("user_created", "Ana", {"roles": ["viewer"], "service": False}),
        ("user_changed", "Ana", {"roles": ["editor", "viewer"]}),
        ("user_changed", "Ana", {"active": False}),
        ("user_changed", "Ana", {"active": True}),
    ]
