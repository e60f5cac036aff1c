"""What is true of one's own password and sessions, of password links, and of acting as others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from people import disable_user, enable_user, set_roles
from sqlalchemy import insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access import (
    actor_of_session,
    actor_of_token,
    actor_of_user,
    begin_impersonation,
    change_password,
    covers,
    create_token,
    create_user,
    end_impersonation,
    end_other_sessions,
    end_session,
    end_sessions,
    list_sessions,
    new_password_link,
    redeem_password_link,
    set_password,
    sign_in,
    sign_out,
    user_of_password_link,
)
from admin_app.access.secret import digest, new_secret
from admin_app.access.tables import PasswordLink, Role, RoleGrant, SecurityEvent, Session, User
from admin_app.database import Database
from admin_app.declaration import COMMAND_LINE, SYSTEM, Actor, Grant, Origin
from admin_app.errors import (
    AppError,
    ConfirmationRequiredError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from admin_app.settings import Settings

PASSWORD = "a long sentence, say"
OTHER = "another long sentence"
HERE = Origin("panel", "r1", address="192.0.2.1", user_agent="test")


async def user(database: Database, name: str, *roles: str, password: str | None = None) -> int:
    return await create_user(database, name, password, roles)


async def enter(database: Database, name: str, **values: Any) -> str:
    """Open a session without the time that a password takes."""
    now, secret = datetime.now(UTC), new_secret()

    async def work(transaction: AsyncSession) -> None:
        user_id = await transaction.scalar(select(User.id).where(User.name == name))
        session = {
            "token_hash": digest(secret),
            "user_id": user_id,
            "created_at": now,
            "used_at": now,
            "expires_at": now + timedelta(days=1),
            "confirmed_at": now,
            "user_agent": "",
            "address": "",
        }
        await transaction.execute(insert(Session).values(session | values))

    await database.write(work)
    return secret


async def who(database: Database, settings: Settings, secret: str) -> Actor:
    found = await actor_of_session(database, settings, secret)
    assert found is not None
    return found


async def inside(database: Database, settings: Settings, name: str) -> tuple[str, Actor]:
    secret = await enter(database, name)
    return secret, await who(database, settings, secret)


async def events(database: Database, *names: str) -> list[Any]:
    statement = select(SecurityEvent.__table__).where(SecurityEvent.event.in_(names))

    async def work(connection: AsyncConnection) -> Sequence[Any]:
        return (await connection.execute(statement.order_by(SecurityEvent.id))).all()

    return list(await database.read(work))


async def can_sign_in(database: Database, settings: Settings, name: str, password: str) -> bool:
    try:
        await sign_in(database, settings, name, password, origin=HERE)
    except UnauthenticatedError:
        return False
    return True


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


async def grown(database: Database) -> None:
    """An administrator, an editor, a viewer, a service account and somebody disabled."""
    for name, roles in (
        ("ana", ["administrator"]),
        ("bea", ["administrator"]),
        ("ed", ["editor"]),
        ("vic", ["viewer"]),
        ("bot", ["viewer"]),
        ("gone", ["viewer"]),
    ):
        await user(database, name, *roles)
    await disable_user(database, "gone")
    service = update(User).where(User.name == "bot").values(service=True)
    await database.write(lambda transaction: transaction.execute(service))


Reach = Any
POWERS: dict[str, Reach] = {
    "link": new_password_link,
    "sessions": end_sessions,
    "impersonation": begin_impersonation,
}


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize(
    ("actor", "name", "expected"),
    [
        ("ana", "VIC", None),
        ("ana", "bea", None),
        ("ana", "bot", ConflictError),
        ("ana", "gone", ConflictError),
        ("ana", "nobody", NotFoundError),
        ("ana", "a\0b", NotFoundError),
        ("ana", 0, NotFoundError),
        ("ana", 2**70, NotFoundError),
        ("ed", "vic", ForbiddenError),
        ("ed", "nobody", ForbiddenError),
        ("vic", "vic", ForbiddenError),
    ],
)
async def test_power_over_others(
    database: Database,
    settings: Settings,
    power: str,
    actor: str,
    name: int | str,
    expected: type[AppError] | None,
) -> None:
    """Who holds the grant reaches those who can sign in and may do no more; nobody else does."""
    await grown(database)
    _, found = await inside(database, settings, actor)

    if expected is None:
        await POWERS[power](database, found, name, HERE)
        return
    with pytest.raises(expected):
        await POWERS[power](database, found, name, HERE)
    assert (
        await events(database, "password_link_made", "session_ended", "impersonation_started") == []
    )


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


async def test_no_link_for_oneself(database: Database, settings: Settings) -> None:
    """An administrator's own password changes with the current one only."""
    await grown(database)
    _, ana = await inside(database, settings, "ana")

    with pytest.raises(ConflictError):
        await new_password_link(database, ana, "ana", HERE)


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


async def test_list_sessions(database: Database, settings: Settings) -> None:
    """One sees one's own sessions that are open, last used first, and which of them this is."""
    await grown(database)
    now = datetime.now(UTC)
    await enter(database, "vic")
    await enter(database, "ana", expires_at=now - timedelta(seconds=1))
    idle = timedelta(seconds=settings.security.session_idle)
    await enter(database, "ana", used_at=now - idle)
    await enter(database, "ana", pending=True)
    older = now - timedelta(hours=1)
    await enter(database, "ana", used_at=older, address="192.0.2.7", user_agent="Old/1.0")
    _, ana = await inside(database, settings, "ana")

    this, other = await list_sessions(database, settings, ana)

    assert (this.id, this.current) == (ana.session_id, True)
    assert (other.current, other.used_at) == (False, older)
    assert (other.address, other.user_agent) == ("192.0.2.7", "Old/1.0")


async def test_end_session(database: Database, settings: Settings) -> None:
    """One ends one's own sessions, this or another, once; somebody else's is not there."""
    await grown(database)
    theirs, vic = await inside(database, settings, "vic")
    other, elsewhere = await inside(database, settings, "ana")
    secret, ana = await inside(database, settings, "ana")
    assert vic.session_id
    assert elsewhere.session_id
    assert ana.session_id

    for session in (vic.session_id, 0, -1, 10**15):
        with pytest.raises(NotFoundError):
            await end_session(database, ana, session, HERE)
    await end_session(database, ana, elsewhere.session_id, HERE)
    with pytest.raises(NotFoundError):
        await end_session(database, ana, elsewhere.session_id, HERE)

    assert await actor_of_session(database, settings, other) is None
    assert await actor_of_session(database, settings, theirs) is not None
    await end_session(database, ana, ana.session_id, HERE)
    assert await actor_of_session(database, settings, secret) is None
    found = await events(database, "session_ended")
    assert [(each.actor_name, each.subject) for each in found] == [("ana", "ana")] * 2


async def test_end_others(database: Database, settings: Settings) -> None:
    """All one's other sessions end at once, half-finished sign-ins included."""
    await grown(database)
    theirs = await enter(database, "vic")
    others = [await enter(database, "ana"), await enter(database, "ana", pending=True)]
    secret, ana = await inside(database, settings, "ana")

    assert await end_other_sessions(database, ana, HERE) == 2

    for each in others:
        assert await actor_of_session(database, settings, each) is None
    assert await actor_of_session(database, settings, secret) is not None
    assert await actor_of_session(database, settings, theirs) is not None
    (event,) = await events(database, "session_ended")
    assert event.details == {"sessions": 2}


async def test_end_anybodys(database: Database, settings: Settings) -> None:
    """An administrator ends all sessions of somebody, and nobody else's."""
    await grown(database)
    theirs = [await enter(database, "vic") for _ in range(2)]
    eds = await enter(database, "ed")
    _, ana = await inside(database, settings, "ana")

    assert await end_sessions(database, ana, "vic", HERE) == 2

    for each in theirs:
        assert await actor_of_session(database, settings, each) is None
    assert await actor_of_session(database, settings, eds) is not None
    (event,) = await events(database, "session_ended")
    assert (event.actor_name, event.subject, event.details) == ("ana", "vic", {"sessions": 2})


async def test_impersonation(database: Database, settings: Settings) -> None:
    """Who acts as somebody is that user and reads what they read, no more, until the end."""
    await grown(database)
    ed = await actor_of_user(database, "ed")
    secret, ana = await inside(database, settings, "ana")

    await begin_impersonation(database, ana, "ed", HERE)

    acting = await who(database, settings, secret)
    assert (acting.user_id, acting.name, acting.impersonator) == (ed.user_id, "ed", "ana")
    assert acting.grants == {Grant("*", "read")}
    await end_impersonation(database, acting, HERE)
    assert await actor_of_session(database, settings, secret) == ana
    await end_impersonation(database, ana, HERE)
    began, ended = await events(database, "impersonation_started", "impersonation_ended")
    assert (began.actor_name, began.subject, began.details) == ("ana", "ed", {"writes": False})
    assert (ended.actor_id, ended.actor_name, ended.subject) == (ana.user_id, "ana", "ed")


async def test_impersonation_that_writes(database: Database, settings: Settings) -> None:
    """Where it was stated, who acts as somebody has that user's grants, not one more."""
    await grown(database)
    secret, ana = await inside(database, settings, "ana")

    await begin_impersonation(database, ana, "ed", HERE, writes=True)

    acting = await who(database, settings, secret)
    assert acting.grants == (await actor_of_user(database, "ed")).grants
    (event,) = await events(database, "impersonation_started")
    assert event.details == {"writes": True}


async def test_impersonation_is_one_deep(database: Database, settings: Settings) -> None:
    """Nobody acts as themselves, as two, without a session, or further through who they act as."""
    await grown(database)
    secret, ana = await inside(database, settings, "ana")

    with pytest.raises(ConflictError):
        await begin_impersonation(database, ana, "ana", HERE)
    with pytest.raises(ForbiddenError):
        await begin_impersonation(database, SYSTEM, "vic", HERE)
    await begin_impersonation(database, ana, "bea", HERE, writes=True)
    with pytest.raises(ConflictError):
        await begin_impersonation(database, await who(database, settings, secret), "vic", HERE)
    with pytest.raises(ConflictError):
        await begin_impersonation(database, ana, "vic", HERE)


async def test_impersonation_leaves_access_alone(database: Database, settings: Settings) -> None:
    """Who acts as an administrator makes no link, ends no session and changes no password."""
    await grown(database)
    secret, ana = await inside(database, settings, "ana")
    await begin_impersonation(database, ana, "bea", HERE, writes=True)
    acting = await who(database, settings, secret)
    assert acting.session_id

    with pytest.raises(ConfirmationRequiredError):
        await new_password_link(database, acting, "vic", HERE)
    with pytest.raises(ConfirmationRequiredError):
        await end_sessions(database, acting, "vic", HERE)
    for refused in (
        end_session(database, acting, acting.session_id, HERE),
        end_other_sessions(database, acting, HERE),
        change_password(database, acting, PASSWORD, OTHER, HERE),
    ):
        with pytest.raises(ForbiddenError):
            await refused


@pytest.mark.parametrize("loss", ["demoted", "disabled", "target disabled"])
async def test_impersonation_ends_with_its_reason(
    database: Database, settings: Settings, loss: str
) -> None:
    """A session that acts is nobody's once its owner may not, or the other cannot be, any more."""
    await grown(database)
    secret, ana = await inside(database, settings, "ana")
    await begin_impersonation(database, ana, "vic", HERE)
    await user(database, "eve", "administrator", password=PASSWORD)

    if loss == "demoted":
        await set_roles(database, "ana", ["editor"])
    elif loss == "disabled":
        await disable_user(database, "ana")
    else:
        await disable_user(database, "vic")

    assert await actor_of_session(database, settings, secret) is None


async def test_impersonation_grows_no_further(database: Database, settings: Settings) -> None:
    """When the other is given more than the one who acts holds, the session is nobody's."""
    await grown(database)
    secret, ana = await inside(database, settings, "ana")
    await begin_impersonation(database, ana, "vic", HERE, writes=True)
    await who(database, settings, secret)

    more = insert(RoleGrant).from_select(
        ["role_id", "resource", "action"],
        select(Role.id, literal("admin_grant"), literal("approve")).where(Role.name == "viewer"),
    )
    await database.write(lambda transaction: transaction.execute(more))

    assert await actor_of_session(database, settings, secret) is None


async def test_impersonation_needs_all_rows(database: Database, settings: Settings) -> None:
    """A grant of a rule's rows, or without some field, begins no acting and does not keep it up."""
    await grown(database)
    secret, ana = await inside(database, settings, "ana")
    await begin_impersonation(database, ana, "vic", HERE)
    the_grant = update(RoleGrant).where(RoleGrant.action == "impersonate")

    async def make(rule: str | None = None, without: list[str] | None = None) -> None:
        changed = the_grant.values(rule=rule, without=without)
        await database.write(lambda transaction: transaction.execute(changed))

    for less in (make(rule="own"), make(without=["name"])):
        await less
        assert await actor_of_session(database, settings, secret) is None
        await make()
        await who(database, settings, secret)


async def test_impersonation_awaits_enrolment(database: Database, settings: Settings) -> None:
    """Who may do nothing before a second factor is set up acts as nobody either."""
    await grown(database)
    secret, ana = await inside(database, settings, "ana")
    await begin_impersonation(database, ana, "vic", HERE)

    demanded = update(Role).where(Role.name == "administrator").values(second_factor=True)
    await database.write(lambda transaction: transaction.execute(demanded))

    assert await actor_of_session(database, settings, secret) is None


async def test_sign_out_while_acting(database: Database, settings: Settings) -> None:
    """Who signs out while acting as somebody has ended that too, and both are written down."""
    await grown(database)
    secret, ana = await inside(database, settings, "ana")
    await begin_impersonation(database, ana, "vic", HERE)

    await sign_out(database, secret, origin=HERE)

    ended, out = await events(database, "impersonation_ended", "signed_out")
    assert (ended.actor_id, ended.actor_name, ended.subject) == (ana.user_id, "ana", "vic")
    assert (out.actor_id, out.actor_name, out.subject) == (ana.user_id, "ana", "ana")
