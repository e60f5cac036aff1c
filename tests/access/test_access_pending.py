"""What is true of a sign-in that owes a code: what it opens and what ends it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from factors import HERE, PASSWORD, change, code_at, enrolled, events, half, passing, rows
from people import disable_user
from sqlalchemy import select, update

from admin_app.access import (
    actor_of_session,
    create_user,
    pass_second_factor,
    pending_actor,
    reset_second_factor,
    set_password,
    sign_in,
    sign_out,
)
from admin_app.access.confirmation import confirmed
from admin_app.access.tables import Session, SignInFailure
from admin_app.access.throttle import FREE_AT_ADDRESS
from admin_app.database import Database
from admin_app.errors import (
    TooManyRequestsError,
    UnauthenticatedError,
)
from admin_app.settings import Settings


async def test_sign_in_in_two_steps(database: Database, settings: Settings) -> None:
    """The password makes a session that is nobody's; the code makes it somebody's, renewed."""
    secret, _ = await enrolled(database, settings)

    pending = await half(database, settings)
    assert await actor_of_session(database, settings, pending) is None
    owing = await pending_actor(database, pending)
    assert owing is not None
    assert (owing.name, owing.grants) == ("ana", frozenset())

    cookie, ana = await pass_second_factor(
        database, settings, pending, f" {code_at(secret)[:3]} {code_at(secret)[3:]} ", origin=HERE
    )

    assert cookie != pending
    assert ana.roles == {"viewer"}
    assert confirmed(ana)
    assert await actor_of_session(database, settings, cookie) == ana
    assert await actor_of_session(database, settings, pending) is None
    assert await pending_actor(database, cookie) is None


async def test_pending_session_ends(database: Database, settings: Settings) -> None:
    """A sign-in that is not finished in five minutes is over, and the next clears it away."""
    _, codes = await enrolled(database, settings)
    pending = await half(database, settings)
    past = datetime.now(UTC) - timedelta(seconds=1)
    waiting = select(Session.created_at, Session.expires_at).where(Session.pending)
    (row,) = await rows(database, waiting)
    assert row.expires_at - row.created_at == timedelta(minutes=5)
    await change(database, update(Session).where(Session.pending).values(expires_at=past))

    assert await pending_actor(database, pending) is None
    assert not await passing(database, settings, pending, codes[0])
    await half(database, settings)
    assert len(await rows(database, waiting)) == 1


@pytest.mark.parametrize("how", ["disabled", "password", "reset", "signed out"])
async def test_what_ends_a_pending_session(
    database: Database, settings: Settings, how: str
) -> None:
    """Disabling, a new password, a removed second factor and signing out end it at once."""
    secret, _ = await enrolled(database, settings)
    pending = await half(database, settings)

    if how == "disabled":
        await disable_user(database, "ana")
    elif how == "password":
        await set_password(database, "ana", "another long sentence")
    elif how == "reset":
        await reset_second_factor(database, "ana")
    else:
        await sign_out(database, pending, origin=HERE)

    assert await pending_actor(database, pending) is None
    assert not await passing(database, settings, pending, code_at(secret))
    assert ("signed_out", "ana", "ana") not in await events(database)


async def test_guessing_codes_is_throttled(database: Database, settings: Settings) -> None:
    """Wrong codes slow an account down, and a right password does not clear the count."""
    secret, _ = await enrolled(database, settings)
    for _ in range(FREE_AT_ADDRESS):
        pending = await half(database, settings)
        assert not await passing(database, settings, pending, "000000")

    with pytest.raises(TooManyRequestsError):
        await pass_second_factor(database, settings, pending, code_at(secret), origin=HERE)
    with pytest.raises(TooManyRequestsError):
        await sign_in(database, settings, "ana", PASSWORD, origin=HERE)


async def test_passing_clears_the_counts(database: Database, settings: Settings) -> None:
    """A finished sign-in takes back what its two attempts cost, at the address as well."""
    _, codes = await enrolled(database, settings)
    for code in codes[:3]:
        pending = await half(database, settings)
        for _ in range(FREE_AT_ADDRESS - 1):
            assert not await passing(database, settings, pending, "000000")
        assert await passing(database, settings, pending, code)

    kept = await rows(database, select(SignInFailure.failures))
    assert [row.failures for row in kept] == [3 * (FREE_AT_ADDRESS - 1)]


async def test_passwords_do_not_block_codes(database: Database, settings: Settings) -> None:
    """Who knows no password cannot make an account's owner wait for the code."""
    secret, _ = await enrolled(database, settings)
    pending = await half(database, settings)
    for _ in range(FREE_AT_ADDRESS - 1):
        with pytest.raises(UnauthenticatedError):
            await sign_in(database, settings, "ana", "wrong", origin=HERE)
    with pytest.raises(TooManyRequestsError):
        await sign_in(database, settings, "ana", "wrong", origin=HERE)

    assert await passing(database, settings, pending, code_at(secret))


async def test_throttled_tries_are_not_logged(database: Database, settings: Settings) -> None:
    """The log grows no faster than guesses are let through."""
    await create_user(database, "ana", PASSWORD, [])
    for _ in range(FREE_AT_ADDRESS + 5):
        with pytest.raises((UnauthenticatedError, TooManyRequestsError)):
            await sign_in(database, settings, "ana", "wrong", origin=HERE)

    log = Counter(event for event, _, _ in await events(database))
    assert log["sign_in_failed"] == FREE_AT_ADDRESS
