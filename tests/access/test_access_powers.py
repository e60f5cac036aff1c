"""Who has power over whom: a grant contains another, and nobody reaches who may do more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from accounts import HERE, events, grown, inside, user

from admin_app.access import (
    begin_impersonation,
    covers,
    end_sessions,
    new_password_link,
)
from admin_app.database import Database
from admin_app.declaration import Grant
from admin_app.errors import (
    AppError,
    ConfirmationRequiredError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from admin_app.settings import Settings

Reach = Any


POWERS: dict[str, Reach] = {
    "link": new_password_link,
    "sessions": end_sessions,
    "impersonation": begin_impersonation,
}


OUT_OF_REACH: tuple[tuple[str, int | str, type[AppError]], ...] = (
    ("ana", "bot", ConflictError),
    ("ana", "gone", ConflictError),
    ("ana", "nobody", NotFoundError),
    ("ana", "a\0b", NotFoundError),
    ("ana", 0, NotFoundError),
    ("ana", 2**70, NotFoundError),
    ("ed", "vic", ForbiddenError),
    ("ed", "nobody", ForbiddenError),
    ("vic", "vic", ForbiddenError),
)


@pytest.mark.parametrize("power", POWERS)
async def test_power_over_others(database: Database, settings: Settings, power: str) -> None:
    """Who holds the grant reaches those who can sign in and may do no more; nobody else does."""
    await grown(database)
    found = {each: (await inside(database, settings, each))[1] for each in ("ana", "ed", "vic")}
    told = ("password_link_made", "session_ended", "impersonation_started")
    for actor, name, expected in OUT_OF_REACH:
        with pytest.raises(expected):
            await POWERS[power](database, found[actor], name, HERE)
    assert await events(database, *told) == []

    for name in ("VIC", "bea"):
        _, ana = await inside(database, settings, "ana")
        await POWERS[power](database, ana, name, HERE)
    assert len(await events(database, *told)) == 2


@pytest.mark.parametrize("power", POWERS)
async def test_power_has_limits(database: Database, settings: Settings, power: str) -> None:
    """Nobody reaches somebody who may do more, nor anybody without having proved to be there."""
    await grown(database)
    await user(database, "sam", "viewer")
    _, sam = await inside(database, settings, "sam")
    more = {Grant("admin_user", "update"), Grant("admin_user", "impersonate")}
    sam = replace(sam, grants=sam.grants | more)

    for name in ("ed", "ana"):
        with pytest.raises(ForbiddenError, match="more than you"):
            await POWERS[power](database, sam, name, HERE)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    for at in (None, long_ago):
        with pytest.raises(ConfirmationRequiredError):
            await POWERS[power](database, replace(sam, confirmed_at=at), "vic", HERE)
    await POWERS[power](database, sam, "vic", HERE)


def grant(text: str, *without: str) -> Grant:
    resource, action, *rule = text.split(":")
    return Grant(resource, action, rule[0] if rule else None, frozenset(without))


@pytest.mark.parametrize(
    ("held", "other", "covered"),
    [
        (grant("book:read"), grant("book:read"), True),
        (grant("*:read"), grant("book:read"), True),
        (grant("*:read"), grant("*:read"), True),
        (grant("book:read"), grant("*:read"), False),
        (grant("book:read"), grant("book:update"), False),
        (grant("book:read"), grant("author:read"), False),
        (grant("*:read"), grant("admin_user:read"), False),
        (grant("admin_*:read"), grant("admin_user:read"), True),
        (grant("admin_*:read"), grant("book:read"), False),
        (grant("admin_*:read"), grant("*:read"), False),
        (grant("admin_user:read"), grant("admin_user:read"), True),
        (grant("book:read"), grant("book:read:own"), True),
        (grant("book:read:own"), grant("book:read:own"), True),
        (grant("book:read:own"), grant("book:read"), False),
        (grant("book:read:own"), grant("book:read:new"), False),
        (grant("book:read"), grant("book:read", "title"), True),
        (grant("book:read", "title"), grant("book:read", "title", "year"), True),
        (grant("book:read", "title"), grant("book:read"), False),
        (grant("book:read", "title"), grant("book:read", "year"), False),
    ],
)
def test_covers(held: Grant, other: Grant, covered: bool) -> None:
    """A grant contains those of its action that reach no further: in resources, rows and fields."""
    assert covers([held], [other]) is covered
    assert covers([grant("x:y"), held], [other, other]) is covered
    assert not covers([held], [other, grant("x:y")])
    assert covers([held], [])
    assert not covers([], [other])
