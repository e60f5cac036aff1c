"""Who began something long goes on with it only for as long as nothing was taken from them."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from accounts import HERE, inside, user, who
from api import allow, forbid, make_role
from intake import Library
from people import disable_user, set_roles
from sqlalchemy import update

from admin_app.access import (
    ADMINISTRATOR,
    IMPERSONATE,
    actor_of_token,
    actor_of_user,
    begin_impersonation,
    create_token,
    end_impersonation,
    end_sessions,
    revoke_token,
    sign_out,
)
from admin_app.access.standing import require_standing
from admin_app.access.tables import Session, Token, User
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor, Grant
from admin_app.errors import (
    AppError,
    ForbiddenError,
    RevertStoppedError,
    UnauthenticatedError,
)
from admin_app.records import Undoing
from admin_app.records.transfer import Import, Request, plan, read_table
from admin_app.records.transfer.importer import CHUNK
from admin_app.records.writes.undo import reverting
from admin_app.settings import Settings

AUTHORS = [Grant("author", each) for each in ("read", "create", "update", "delete")]


@dataclass
class House:
    """Ann, who keeps authors, by each way to be her, and somebody who acts as her."""

    database: Database
    secret: str
    people: dict[str, Actor]

    async def refusals(self, *names: str) -> dict[str, type[AppError] | None]:
        """What each is told."""
        found: dict[str, type[AppError] | None] = {}
        for name in names or self.people:
            found[name] = None
            try:
                await self.ask(self.people[name])
            except AppError as error:
                found[name] = type(error)
        return found

    async def ask(self, actor: Actor) -> None:
        await self.database.read(lambda connection: require_standing(connection, actor))


@pytest.fixture
async def house(database: Database, settings: Settings) -> House:
    """It, on each database."""
    await make_role(database, "keeping", *AUTHORS)
    await user(database, "ann", "keeping")
    await user(database, "boss", "administrator")
    secret, session = await inside(database, settings, "ann")
    token = await actor_of_token(database, await create_token(database, "ann", "t", None))
    assert token is not None
    acting, boss = await inside(database, settings, "boss")
    await begin_impersonation(database, boss, "ann", HERE, writes=True)
    return House(
        database,
        secret,
        {
            "user": await actor_of_user(database, "ann"),
            "session": session,
            "token": token,
            "acting": await who(database, settings, acting),
        },
    )


EVERYBODY = ("user", "session", "token", "acting")


async def test_as_long_as_nothing_is_taken(house: House) -> None:
    """The same rights, other ones beside them and wider ones are all fine; so is the machine."""
    nothing = dict.fromkeys(EVERYBODY)
    assert await house.refusals() == nothing
    await allow(house.database, "keeping", Grant("book", "read"))
    assert await house.refusals() == nothing
    await house.ask(SYSTEM)


Step = Callable[[House], Awaitable[object]]


async def _without_name(house: House) -> None:
    await forbid(house.database, "keeping", Grant("author", "update"))
    narrower = Grant("author", "update", None, frozenset({"name"}))
    await allow(house.database, "keeping", narrower)


async def _older(house: House, row: type[Session | Token]) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    await house.database.write(lambda session: session.execute(update(row).values(expires_at=past)))


async def _renamed(house: House) -> None:
    named = update(User).where(User.name == "ann").values(name="amy")
    await house.database.write(lambda session: session.execute(named))


OVER, LESS = UnauthenticatedError, ForbiddenError


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            lambda house: forbid(house.database, "keeping", AUTHORS[1]),
            dict.fromkeys(EVERYBODY, LESS),
        ),
        (_without_name, dict.fromkeys(EVERYBODY, LESS)),
        (lambda house: set_roles(house.database, "ann", []), dict.fromkeys(EVERYBODY, LESS)),
        (lambda house: disable_user(house.database, "ann"), dict.fromkeys(EVERYBODY, OVER)),
        (
            _renamed,
            dict.fromkeys(EVERYBODY, OVER),
        ),
        (lambda house: sign_out(house.database, house.secret, origin=HERE), {"session": OVER}),
        (lambda house: end_sessions(house.database, SYSTEM, "boss", HERE), {"acting": OVER}),
        (lambda house: _older(house, Session), {"session": OVER, "acting": OVER}),
        (lambda house: _older(house, Token), {"token": OVER}),
        (
            lambda house: revoke_token(
                house.database, house.people["token"].token_id or 0, actor=SYSTEM, origin=HERE
            ),
            {"token": OVER},
        ),
        (lambda house: forbid(house.database, ADMINISTRATOR, IMPERSONATE), {"acting": OVER}),
        (
            lambda house: end_impersonation(house.database, house.people["acting"], HERE),
            {"acting": OVER},
        ),
    ],
)
async def test_what_is_taken(house: House, step: Step, told: dict[str, type[AppError]]) -> None:
    """A right, a role, a field, a session, a token, a person: whoever had it goes no further."""
    await step(house)
    assert await house.refusals() == dict.fromkeys(EVERYBODY) | told


async def test_an_import_stops(house: House) -> None:
    """The rows of the portions before are kept, and those of no other."""
    library = Library(house.database)
    actor, target = house.people["user"], library.registry["author"]
    content = "name\n" + "".join(f"A {each}\n" for each in range(3 * CHUNK))
    for atomic in (False, True):
        table = read_table(io.BytesIO(content.encode()), "csv")
        fitted = plan(target, library.registry, Request(match=()), table.columns)
        importing = Import(library.records, actor, fitted, "csv", origin=HERE, atomic=atomic)
        running = importing.run(table.rows)
        if not atomic:
            assert (await anext(running)).created == CHUNK
            await forbid(house.database, "keeping", AUTHORS[0])
        with pytest.raises(ForbiddenError, match="Rights were taken from you meanwhile"):
            await anext(running)
        assert len({each["id"] for each in await library.all("author")}) == CHUNK


async def test_an_undoing_stops(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was undone stays so, in a change set that is named; the rest is there."""
    monkeypatch.setattr(reverting, "PART", 4)
    library = Library(house.database)
    actor = house.people["session"]
    await library.take("author", "name\n" + "".join(f"A {each}\n" for each in range(12)))
    (made,) = {each.change_set for each in await library.change_rows()}
    undoing = Undoing(library.records, actor, made, origin=HERE).run()
    assert [(await anext(undoing)).done for _ in range(2)] == [0, 4]
    await sign_out(house.database, house.secret, origin=HERE)
    with pytest.raises(RevertStoppedError, match="not signed in any more"):
        await anext(undoing)
    assert len(await library.all("author")) == 8
    again = Undoing(library.records, house.people["token"], made, origin=HERE)
    assert [each.done async for each in again.run()][-1] == 12, "it goes on where it stopped"
    assert again.reverted.changes == 8
    assert await library.all("author") == []
