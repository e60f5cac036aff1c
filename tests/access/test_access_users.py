"""What is true of users and the roles they have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from people import set_roles
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import (
    actor_of_session,
    create_user,
    list_users,
    set_password,
    shipped_roles,
    sign_in,
)
from admin_app.access.tables import Role, RoleGrant
from admin_app.database import Database
from admin_app.declaration import ACTIONS, Grant, Origin
from admin_app.errors import (
    InvalidInputError,
    NotFoundError,
    UniqueConflictError,
)
from admin_app.settings import Settings

PASSWORD = "a long sentence, say"


def test_shipped_roles() -> None:
    """Administrator and editor may do all four actions everywhere, viewer may read.

    Only the administrator may do anything to the application's own resources.
    """
    grants = {
        name: {(resource, action) for resource, action in grants if resource == "*"}
        for name, _, grants in shipped_roles()
    }
    own = {name for name, _, found in shipped_roles() if {*found} - grants[name]}
    assert own == {"administrator"}

    everything = {("*", action) for action in ACTIONS}
    assert grants == {
        "administrator": everything,
        "editor": everything,
        "viewer": {("*", "read")},
    }


async def test_create_and_list(database: Database) -> None:
    """A new user is active and has the roles it was given, once each."""
    user_id = await create_user(database, "Ana", PASSWORD, ["viewer", "editor", "viewer"])
    await create_user(database, "bot", None, [])

    ana, bot = await list_users(database)
    assert (ana.id, ana.name, ana.active, ana.roles) == (user_id, "Ana", True, ("editor", "viewer"))
    assert (bot.name, bot.roles) == ("bot", ())
    assert ana.created_at.tzinfo is not None


@pytest.mark.parametrize(
    ("first", "second"),
    [("Ana", "aNA"), ("Straße", "STRASSE"), ("José", "Jose\u0301"), ("Kim", "\uff2bim")],
)
async def test_name_is_unique_as_read(database: Database, first: str, second: str) -> None:
    """Two names that people read as one cannot both be had."""
    await create_user(database, first, None, [])

    with pytest.raises(UniqueConflictError) as refused:
        await create_user(database, second, None, [])

    assert [each.path for each in refused.value.errors] == [("name",)]
    assert [each.name for each in await list_users(database)] == [first]


async def test_name_is_unique_in_a_race(database: Database) -> None:
    """Of several that take one name at once one gets it, and the others are told."""
    outcomes = await asyncio.gather(
        *(create_user(database, "ana", None, ["viewer"]) for _ in range(5)), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["UniqueConflictError"] * 4 + ["int"]


@pytest.mark.parametrize(
    "name", ["", " ana", "ana ", "a\0b", "a\nb", "\ud800", "a\u200bb", "x" * 151, "ß" * 76]
)
async def test_impossible_names(database: Database, name: str) -> None:
    """A name that is empty, too long, invisible or not a text is refused at its field."""
    with pytest.raises(InvalidInputError) as refused:
        await create_user(database, name, PASSWORD, [])

    assert [each.path for each in refused.value.errors] == [("name",)]


async def test_weak_password_is_refused(database: Database) -> None:
    """A password against the rule makes no user and changes none."""
    with pytest.raises(InvalidInputError):
        await create_user(database, "ana", "short", [])
    await create_user(database, "bea", PASSWORD, [])
    with pytest.raises(InvalidInputError):
        await set_password(database, "bea", "short")

    assert [each.name for each in await list_users(database)] == ["bea"]


async def test_unknown_role(database: Database) -> None:
    """An unknown role is refused in words that name the known ones, and nothing is written."""
    with pytest.raises(NotFoundError, match="administrator, editor, viewer"):
        await create_user(database, "ana", None, ["viewer", "boss"])
    assert await list_users(database) == []


@pytest.mark.parametrize("name", ["nobody", "a\0b", "\ud800", "x" * 1000])
async def test_unknown_user(database: Database, name: str) -> None:
    """A password for a user that is not there is refused as not found."""
    with pytest.raises(NotFoundError):
        await set_password(database, name, PASSWORD)


async def test_roles_take_effect_at_once(database: Database, settings: Settings) -> None:
    """A role given or taken shows in the next look at a session that goes on."""
    await create_user(database, "ana", PASSWORD, ["editor"])
    secret, ana = await sign_in(database, settings, "ana", PASSWORD, origin=Origin("panel"))
    assert ana is not None
    assert ana.roles == {"editor"}
    assert ana.grants == {Grant("*", action) for action in ACTIONS}

    await set_roles(database, "ana", ["viewer"])
    later = await actor_of_session(database, settings, secret)
    assert later is not None
    assert later.roles == {"viewer"}
    assert later.grants == {Grant("*", "read")}

    await set_roles(database, "ana", [])
    last = await actor_of_session(database, settings, secret)
    assert last is not None
    assert not last.roles
    assert not last.grants


@pytest.mark.parametrize("rule", [None, "own"])
async def test_grant_is_unique(database: Database, rule: str | None) -> None:
    """A role cannot be granted the same thing twice, on all rows or by a rule."""

    async def grant(transaction: AsyncSession) -> None:
        role_id: Any = await transaction.scalar(select(Role.id).where(Role.name == "viewer"))
        transaction.add(RoleGrant(role_id=role_id, resource="book", action="update", rule=rule))

    await database.write(grant)
    with pytest.raises(IntegrityError):
        await database.write(grant)
