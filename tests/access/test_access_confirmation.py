"""What is true of proving that one is still there, before what matters is changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from factors import HERE, PASSWORD, change, code_at, enrolled, enter, events, in_full, settled
from sqlalchemy import update

from admin_app.access import (
    actor_of_session,
    begin_enrolment,
    confirm,
    create_user,
    finish_enrolment,
    new_recovery_codes,
    remove_second_factor,
    second_factor_of,
    sign_in,
    sign_out,
)
from admin_app.access.confirmation import CONFIRMED_FOR, confirmed
from admin_app.access.tables import Session
from admin_app.access.throttle import FREE_AT_ADDRESS
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.errors import (
    ConfirmationRequiredError,
    ForbiddenError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from admin_app.settings import Settings


async def test_confirmation_is_needed(database: Database, settings: Settings) -> None:
    """Who has not proved lately to be there changes nothing about it, and sees no secret."""
    await create_user(database, "ana", PASSWORD, [])
    cookie, ana = await enter(database, settings)
    await begin_enrolment(database, settings, ana)
    stale = await unconfirmed(database, settings, cookie)

    assert (await second_factor_of(database, settings, stale)).enrolment is None
    with pytest.raises(ConfirmationRequiredError):
        await begin_enrolment(database, settings, stale)
    with pytest.raises(ConfirmationRequiredError):
        await finish_enrolment(database, settings, stale, "", origin=HERE)
    with pytest.raises(ConfirmationRequiredError):
        await new_recovery_codes(database, stale, origin=HERE)
    with pytest.raises(ConfirmationRequiredError):
        await remove_second_factor(database, stale, origin=HERE)


async def unconfirmed(database: Database, settings: Settings, cookie: str) -> Actor:
    """Move the last confirmation into the past."""
    past = datetime.now(UTC) - CONFIRMED_FOR
    await change(database, update(Session).values(confirmed_at=past))
    found = await actor_of_session(database, settings, cookie)
    assert found is not None
    assert not confirmed(found)
    return found


async def test_confirm_with_a_password(database: Database, settings: Settings) -> None:
    """The right password confirms this session and no other; a wrong one does not."""
    await create_user(database, "ana", PASSWORD, [])
    elsewhere, _ = await enter(database, settings)
    cookie, _ = await enter(database, settings)
    ana = await unconfirmed(database, settings, cookie)

    with pytest.raises(UnauthenticatedError):
        await confirm(database, settings, ana, "wrong", "", origin=HERE)
    await confirm(database, settings, ana, PASSWORD, "", origin=HERE)

    now = await actor_of_session(database, settings, cookie)
    other = await actor_of_session(database, settings, elsewhere)
    assert now is not None
    assert other is not None
    assert (confirmed(now), confirmed(other)) == (True, False)
    logged = [("confirmation_failed", "ana", "ana"), ("confirmed", "ana", "ana")]
    assert (await events(database))[-2:] == logged


async def test_confirm_with_both(database: Database, settings: Settings) -> None:
    """Where there is a second factor both are asked for, and the code is used up."""
    secret, _ = await enrolled(database, settings)
    cookie, _ = await in_full(database, settings, secret)
    ana = await unconfirmed(database, settings, cookie)
    await settled()
    code = code_at(secret)

    for password, given in ((PASSWORD, ""), (PASSWORD, "000000"), ("wrong", code)):
        with pytest.raises(UnauthenticatedError):
            await confirm(database, settings, ana, password, given, origin=HERE)
    await confirm(database, settings, ana, PASSWORD, code, origin=HERE)
    with pytest.raises(UnauthenticatedError):
        await confirm(database, settings, ana, PASSWORD, code, origin=HERE)


async def test_confirming_is_throttled(database: Database, settings: Settings) -> None:
    """Guesses on an open session count like those at a sign-in."""
    await create_user(database, "ana", PASSWORD, [])
    _, ana = await enter(database, settings)
    for _ in range(FREE_AT_ADDRESS):
        with pytest.raises(UnauthenticatedError):
            await confirm(database, settings, ana, "wrong", "", origin=HERE)

    with pytest.raises(TooManyRequestsError):
        await confirm(database, settings, ana, PASSWORD, "", origin=HERE)
    with pytest.raises(TooManyRequestsError):
        await sign_in(database, settings, "ana", PASSWORD, origin=HERE)
    log = Counter(event for event, _, _ in await events(database))
    assert log["confirmation_failed"] == FREE_AT_ADDRESS


async def test_who_cannot_confirm(database: Database, settings: Settings) -> None:
    """Nobody confirms for somebody else, for a token, or on a session that has ended."""
    await create_user(database, "ana", PASSWORD, [])
    cookie, ana = await enter(database, settings)

    for other in (replace(ana, impersonator="bea"), replace(ana, session_id=None, token_id=1)):
        with pytest.raises(ForbiddenError):
            await confirm(database, settings, other, PASSWORD, "", origin=HERE)
    await sign_out(database, cookie, origin=HERE)
    with pytest.raises(UnauthenticatedError):
        await confirm(database, settings, ana, PASSWORD, "", origin=HERE)
