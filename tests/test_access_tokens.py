"""What is true of API tokens."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api import forbid, make_role
from hypothesis import given
from hypothesis import strategies as st
from people import disable_user, enable_user, set_roles
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import (
    actor_of_session,
    actor_of_token,
    check_known,
    create_token,
    create_user,
    is_token,
    list_tokens,
    new_password_link,
    revoke_token,
    rotate_token,
    set_password,
    sign_in,
)
from admin_app.access.actors import narrowed
from admin_app.access.escalation import covers
from admin_app.access.scopes import within
from admin_app.access.secret import digest
from admin_app.access.tables import SecurityEvent, Session, Token, User
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor, Base, Grant, Origin, Registry
from admin_app.errors import (
    AppError,
    ConfirmationRequiredError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from admin_app.settings import Settings

HERE = Origin("panel", address="192.0.2.1", user_agent="test")


async def new_token(database: Database, expires_in: timedelta | None = None) -> str:
    await create_user(database, "bot", None, ["viewer"])
    return await create_token(database, "bot", "script", expires_in)


async def set_times(database: Database, **values: Any) -> None:
    await database.write(lambda transaction: transaction.execute(update(Token).values(**values)))


async def test_life(database: Database) -> None:
    """A token acts as its user and is listed by its beginning, with its owner."""
    token = await new_token(database, timedelta(days=30))

    actor = await actor_of_token(database, token)
    (info,) = await list_tokens(database)

    assert actor is not None
    assert (actor.name, actor.token_id) == ("bot", info.id)
    assert actor.roles == {"viewer"}
    assert (info.user_name, info.name, info.revoked_at) == ("bot", "script", None)
    assert token.startswith(info.prefix)
    assert info.expires_at == info.created_at + timedelta(days=30)
    assert await list_tokens(database, "somebody else") == []
    assert [each.id for each in await list_tokens(database, "BOT")] == [info.id]


async def test_form(database: Database) -> None:
    """A token is recognised by its form and checksum, and any one wrong character is noticed."""
    token = await new_token(database)

    assert re.fullmatch(r"adm_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", token)
    assert is_token(token)
    wrong = [
        token[:at] + other + token[at + 1 :]
        for at in range(len(token))
        for other in "aZ0"
        if token[at] != other
    ]
    assert not any(map(is_token, wrong))
    assert not any(
        map(is_token, ["", token + "\n", token[:-1], token + "0", "\ud800", token.upper()])
    )


async def test_unknown(database: Database, settings: Settings) -> None:
    """What is no token is nobody's, and neither is a token's digest, nor a token as a cookie."""
    token = await new_token(database)

    assert await actor_of_token(database, "adm_nothing") is None
    assert await actor_of_token(database, "\0\ud800") is None
    assert await actor_of_token(database, digest(token)) is None
    assert await actor_of_session(database, settings, token) is None


async def test_revocation(database: Database) -> None:
    """A revoked token is nobody's at once, and revoking again changes nothing."""
    token = await new_token(database)
    other = await create_token(database, "bot", "other", None)
    keys = {each.name: each for each in await list_tokens(database)}

    await revoke_token(database, keys["script"].prefix)
    first = [each.revoked_at for each in await list_tokens(database)]
    await revoke_token(database, keys["script"].id)

    assert await actor_of_token(database, token) is None
    assert await actor_of_token(database, other) is not None
    assert [each.revoked_at for each in await list_tokens(database)] == first
    await revoke_token(database, other)
    assert await actor_of_token(database, other) is None


@pytest.mark.parametrize("which", [0, 99, -1, 2**70, "adm_unknown1", "", "\0", "\ud800"])
async def test_revoking_nothing(database: Database, which: int | str) -> None:
    """Revoking what is not there is refused as not found."""
    with pytest.raises(NotFoundError):
        await revoke_token(database, which)


async def test_expiry(database: Database) -> None:
    """A token is good until it expires."""
    token = await new_token(database, timedelta(days=1))

    await set_times(database, expires_at=datetime.now(UTC) + timedelta(seconds=5))
    assert await actor_of_token(database, token) is not None

    await set_times(database, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert await actor_of_token(database, token) is None


async def test_disabled_user(database: Database) -> None:
    """A disabled user's token refuses at once, works again when enabled, and none can be made."""
    token = await new_token(database)

    await disable_user(database, "bot")
    assert await actor_of_token(database, token) is None
    with pytest.raises(InvalidInputError, match="disabled"):
        await create_token(database, "bot", "more", None)

    await enable_user(database, "bot")
    assert await actor_of_token(database, token) is not None


async def test_last_use(database: Database) -> None:
    """The first use is written, then none until a minute has gone."""
    token = await new_token(database)

    async def last_use() -> datetime | None:
        await actor_of_token(database, token)
        return (await list_tokens(database))[0].last_used_at

    first = await last_use()
    assert first is not None
    assert await last_use() == first
    old = datetime.now(UTC) - timedelta(seconds=90)
    await set_times(database, last_used_at=old)
    again = await last_use()
    assert again is not None
    assert again > first


@pytest.mark.parametrize(
    ("name", "expires_in", "field"),
    [
        ("", None, "name"),
        ("x" * 101, None, "name"),
        ("a\0b", None, "name"),
        ("script", timedelta(), "expires"),
        ("script", timedelta(days=-1), "expires"),
        ("script", timedelta.max, "expires"),
    ],
)
async def test_bad_input(
    database: Database, name: str, expires_in: timedelta | None, field: str
) -> None:
    """A token with no name or an impossible expiry is refused at the field."""
    await create_user(database, "bot", None, [])

    with pytest.raises(InvalidInputError) as refused:
        await create_token(database, "bot", name, expires_in)

    assert [each.path for each in refused.value.errors] == [(field,)]


async def test_no_user(database: Database) -> None:
    """A token for nobody is refused as not found."""
    with pytest.raises(NotFoundError):
        await create_token(database, "nobody", "script", None)


async def test_scopes_narrow(database: Database) -> None:
    """A token with scopes may do what both they and its owner's roles allow, as it is then."""
    await create_user(database, "bot", None, ["editor"])
    scopes = ["book:read", "comment:*", "*:delete", "book:read"]
    token = await create_token(database, "bot", "script", None, scopes=scopes)

    (info,) = await list_tokens(database)
    assert info.scopes == ["book:read", "comment:*", "*:delete"]
    assert await granted(database, token) == {
        ("book", "read"),
        *(("comment", action) for action in ("read", "create", "update", "delete")),
        ("*", "delete"),
    }
    await set_roles(database, "bot", ["viewer"])
    assert await granted(database, token) == {("book", "read"), ("comment", "read")}
    await set_roles(database, "bot", [])
    assert await granted(database, token) == set()


async def test_administrators_tokens(database: Database) -> None:
    """What is the application's own must be named: no ``*`` and no lack of scopes means it."""
    await create_user(database, "root", None, ["administrator"])
    for scopes in (None, ["*:*"], ["*:read", "book:*"]):
        token = await create_token(database, "root", "script", None, scopes=scopes)
        found = await granted(database, token)
        assert found
        assert not any(resource.startswith("admin_") for resource, _ in found)
    token = await create_token(database, "root", "script", None, scopes=["admin_user:read"])
    assert await granted(database, token) == {("admin_user", "read")}


@pytest.mark.parametrize(
    "scopes",
    [
        [],
        ["book:read"] * 101,
        ["book"],
        ["book:"],
        [":read"],
        ["a:b:c"],
        ["book:read\n"],
        ["book read"],
        ["\0:\0"],
        ["bo*:read"],
        [f"{'x' * 200}:read"],
    ],
)
async def test_what_is_no_scope(database: Database, scopes: list[str]) -> None:
    """Scopes are pairs of names, one to a hundred; anything else is refused at its place."""
    await create_user(database, "bot", None, [])
    with pytest.raises(InvalidInputError) as refused:
        await create_token(database, "bot", "script", None, scopes=scopes)
    place = ("scopes", 0) if len(scopes) == 1 else ("scopes",)
    assert refused.value.errors[0].path == place
    assert await list_tokens(database) == []


def test_declared_scopes() -> None:
    """A scope of an undeclared resource or action is refused, with the nearest that there is."""
    registry = Registry.from_base(Base, ["admin_app.models"])
    check_known(
        ["book:read", "*:*", "*:update", "book:*", "admin_token:issue", "no scope"], registry
    )
    check_known(None, registry)
    with pytest.raises(InvalidInputError) as refused:
        check_known(["book:read", "bok:read", "book:raed", "*:impersonated"], registry)
    assert [(each.path, each.detail) for each in refused.value.errors] == [
        (("scopes", 1), "There is no resource bok. Did you mean book?"),
        (("scopes", 2), "book has no action raed. Did you mean read?"),
        (("scopes", 3), "* has no action impersonated. Did you mean impersonate?"),
    ]


NAMES = st.sampled_from(["*", "book", "comment", "admin_user"])
ACTS = st.sampled_from(["*", "read", "update"])
SCOPES = st.none() | st.lists(st.builds("{}:{}".format, NAMES, ACTS), min_size=1, max_size=3)
GRANTS = st.frozensets(
    st.builds(Grant, NAMES, st.sampled_from(["read", "update"]), st.sampled_from([None, "own"])),
    max_size=4,
)


@given(SCOPES, SCOPES, GRANTS)
def test_scopes_within_scopes(
    scopes: list[str] | None, wider: list[str] | None, grants: frozenset[Grant]
) -> None:
    """Scopes within others allow no more than they, whatever the owner may do."""
    assert within(scopes, scopes)
    if within(scopes, wider):
        assert covers(narrowed(grants, wider), narrowed(grants, scopes))
    assert covers(grants, narrowed(grants, scopes))


async def test_rotation(database: Database) -> None:
    """The new token is as the old one was made, which stays good for the overlap and no longer."""
    await create_user(database, "bot", None, ["viewer"])
    life = timedelta(days=30)
    old = await create_token(database, "bot", "script", life, scopes=["book:read"])
    new = await rotate_token(database, old, timedelta(hours=2))

    made, left = await list_tokens(database)
    assert is_token(new)
    assert (made.name, made.user_name, made.scopes) == ("script", "bot", ["book:read"])
    assert made.expires_at == made.created_at + life
    assert left.expires_at == made.created_at + timedelta(hours=2)
    assert await granted(database, old) == await granted(database, new) == {("book", "read")}

    third = await rotate_token(database, made.id, timedelta())
    assert await actor_of_token(database, new) is None
    assert await actor_of_token(database, third) is not None


async def test_rotation_never_prolongs(database: Database) -> None:
    """A token that would expire within the overlap does so; one that never would is rotated so."""
    old = await new_token(database, timedelta(hours=1))
    (before,) = await list_tokens(database)
    await rotate_token(database, old)
    made, left = await list_tokens(database)
    assert left.expires_at == before.expires_at
    other = await create_token(database, "bot", "other", None)
    await rotate_token(database, other)
    made, left, *_ = await list_tokens(database)
    assert (made.expires_at, left.expires_at) == (None, made.created_at + timedelta(days=1))


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31), timedelta.max])
async def test_bad_overlap(database: Database, overlap: timedelta) -> None:
    """An overlap is none to thirty days."""
    token = await new_token(database)
    with pytest.raises(InvalidInputError) as refused:
        await rotate_token(database, token, overlap)
    assert [each.path for each in refused.value.errors] == [("overlap",)]


async def test_rotating_what_is_over(database: Database) -> None:
    """A token that is revoked, expired, of a disabled user or nowhere is not rotated."""
    token = await new_token(database)
    await disable_user(database, "bot")
    with pytest.raises(ConflictError):
        await rotate_token(database, token)
    await enable_user(database, "bot")
    await set_times(database, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(ConflictError):
        await rotate_token(database, token)
    await set_times(database, expires_at=None)
    await revoke_token(database, token)
    with pytest.raises(ConflictError):
        await rotate_token(database, token)
    with pytest.raises(NotFoundError):
        await rotate_token(database, 99)
    assert len(await list_tokens(database)) == 1


async def test_security_log(database: Database) -> None:
    """Making, rotating and revoking are told of once each, with how the token begins alone."""
    person = await seated(database, "ana", "editor")
    token = await create_token(
        database, "ana", "script", None, scopes=["book:read"], actor=person, origin=HERE
    )
    new = await rotate_token(database, token, actor=person, origin=HERE)
    for _ in range(2):
        await revoke_token(database, new, actor=person, origin=HERE)
    told = [each for each in await events(database) if each.event.startswith("token_")]
    assert [each.event for each in told] == ["token_created", "token_rotated", "token_revoked"]
    for each in told:
        assert (each.actor_name, each.subject, each.address) == ("ana", "ana", HERE.address)
        assert token not in str(each.details)
        assert new not in str(each.details)
    assert told[0].details == {
        "token": token[:12],
        "name": "script",
        "scopes": ["book:read"],
        "expires_at": None,
    }
    assert (told[1].details["replaces"], told[1].details["token"]) == (token[:12], new[:12])


async def test_a_person_has_to_be_there(database: Database) -> None:
    """In a session tokens are made, rotated and revoked after a proof, and by nobody else."""
    person = await seated(database, "ana", "administrator")
    token = await create_token(database, "ana", "script", None, actor=person)
    refusals: list[tuple[Actor, type[AppError]]] = [
        (replace(person, confirmed_at=None), ConfirmationRequiredError),
        (
            replace(person, confirmed_at=datetime.now(UTC) - timedelta(hours=1)),
            ConfirmationRequiredError,
        ),
        (replace(person, impersonator="bea"), ForbiddenError),
        (replace(person, must_enrol=True), ForbiddenError),
    ]
    for actor, error in refusals:
        await refused_all(database, actor, token, "ana", error)


async def test_who_is_signed_out_meanwhile(database: Database) -> None:
    """A session or token that ended while its request was on its way makes and ends no token."""
    person = await seated(database, "ana", "viewer")
    token = await create_token(database, "ana", "script", None, actor=person)
    acting = await acting_by(database, token)
    await set_password(database, "ana", "quite another long sentence")
    for actor in (person, acting):
        with pytest.raises(UnauthenticatedError):
            await create_token(database, "ana", "more", None, actor=actor)
        with pytest.raises(UnauthenticatedError):
            await rotate_token(database, token, actor=actor)


async def test_tokens_of_others(database: Database) -> None:
    """Others' tokens are nobody's business but of who holds the grant and may do all they may."""
    token = await new_token(database)
    viewer = await seated(database, "vic", "viewer")
    for name in ("bot", "nobody"):
        with pytest.raises(ForbiddenError):
            await create_token(database, name, "x", None, actor=viewer)
    for work in (rotate_token, revoke_token):
        with pytest.raises(NotFoundError):
            await work(database, token, actor=viewer)

    helper = replace(viewer, grants=viewer.grants | {Grant("admin_token", "read")})
    for work in (rotate_token, revoke_token):
        with pytest.raises(ForbiddenError):
            await work(database, token, actor=helper)

    maker = replace(helper, grants=helper.grants | {Grant("admin_token", "issue")})
    await create_token(database, "bot", "x", None, actor=maker)
    await rotate_token(database, token, actor=maker)
    with pytest.raises(NotFoundError):
        await create_token(database, "nobody", "x", None, actor=maker)
    await set_roles(database, "bot", ["editor"])
    with pytest.raises(ForbiddenError):
        await create_token(database, "bot", "x", None, scopes=["book:read"], actor=maker)
    with pytest.raises(ForbiddenError):
        await rotate_token(database, token, actor=maker)

    ender = replace(helper, grants=helper.grants | {Grant("admin_token", "revoke")})
    await revoke_token(database, token, actor=ender)
    assert await actor_of_token(database, token) is None

    administrator = await seated(database, "ana", "administrator")
    await create_token(database, "bot", "x", None, actor=administrator)


async def test_rows_of_others(database: Database) -> None:
    """A grant by a rule such as "own" does not cover another's, whose own rows are other rows."""
    await make_role(database, "owner", Grant("book", "update", "own"))
    await create_user(database, "bot", None, ["owner"])
    person = await seated(database, "ana", "owner")
    await create_token(database, "ana", "script", None, actor=person)
    maker = replace(person, grants=person.grants | {Grant("admin_token", "issue")})
    with pytest.raises(ForbiddenError):
        await create_token(database, "bot", "x", None, actor=maker)


async def test_tokens_of_tokens(database: Database) -> None:
    """A token makes and ends what is no wider than itself, and makes nothing that lives longer."""
    await create_user(database, "bot", None, ["viewer"])
    week, day = timedelta(days=7), timedelta(days=1)
    wide = await create_token(database, "bot", "wide", None)
    narrow = await create_token(database, "bot", "narrow", week, scopes=["book:read", "comment:*"])
    acting = await acting_by(database, narrow)
    made = await create_token(database, "bot", "x", day, scopes=["book:read"], actor=acting)
    for scopes in (None, ["*:read"], ["author:read"], ["book:read", "*:*"], ["book:*"]):
        with pytest.raises(ForbiddenError):
            await create_token(database, "bot", "x", day, scopes=scopes, actor=acting)
    for life in (None, week + day):
        with pytest.raises(ForbiddenError):
            await create_token(database, "bot", "x", life, scopes=["book:read"], actor=acting)
    for work in (rotate_token, revoke_token):
        with pytest.raises(ForbiddenError):
            await work(database, wide, actor=acting)
    await revoke_token(database, made, actor=acting)

    new = await rotate_token(database, narrow, actor=acting)
    await revoke_token(database, narrow, actor=await acting_by(database, new))
    assert await actor_of_token(database, narrow) is None
    assert (await list_tokens(database))[0].scopes == ["book:read", "comment:*"]

    forever = await acting_by(database, wide)
    await create_token(database, "bot", "x", None, actor=forever)
    with pytest.raises(ForbiddenError):
        await create_token(database, "bot", "x", None, scopes=["admin_user:read"], actor=forever)


async def test_a_token_that_may_make_tokens(database: Database) -> None:
    """With ``admin_token:issue`` a token makes longer lived ones, and still none that is wider."""
    await create_user(database, "root", None, ["administrator"])
    await create_user(database, "bot", None, ["viewer"])
    scopes = ["admin_token:issue", "*:read"]
    token = await create_token(database, "root", "x", timedelta(days=1), scopes=scopes)
    acting = await acting_by(database, token)
    await create_token(database, "root", "x", None, scopes=["book:read"], actor=acting)
    await create_token(database, "bot", "x", None, scopes=["*:read"], actor=acting)
    for name, wider in (("root", ["*:*"]), ("bot", None), ("bot", ["*:*"])):
        with pytest.raises(ForbiddenError):
            await create_token(database, name, "x", None, scopes=wider, actor=acting)


@pytest.mark.parametrize("event", ["disable", "role", "grant", "password", "revoke", "expire"])
async def test_what_ends_a_token(database: Database, settings: Settings, event: str) -> None:
    """What takes rights away takes them from tokens, at the next request to any worker."""
    await make_role(database, "reader", Grant("book", "read"))
    await create_user(database, "ana", "a long sentence, say", ["reader"])
    token = await create_token(database, "ana", "script", timedelta(days=1))
    other = Database(settings)
    for worker in (database, other):
        assert await granted(worker, token) == {("book", "read")}

    match event:
        case "disable":
            await disable_user(database, "ana")
        case "role":
            await set_roles(database, "ana", [])
        case "grant":
            await forbid(database, "reader", Grant("book", "read"))
        case "password":
            await set_password(database, "ana", "quite another long sentence")
        case "revoke":
            await revoke_token(database, token)
        case "expire":
            await set_times(database, expires_at=datetime.now(UTC) - timedelta(seconds=1))

    for worker in (database, other):
        actor = await actor_of_token(worker, token)
        assert (actor.grants if actor else None) == (
            frozenset() if event in {"role", "grant"} else None
        )
    await other.close()


async def granted(database: Database, token: str) -> set[tuple[str, str]]:
    """What a token may do, by resource and action."""
    return {(each.resource, each.action) for each in (await acting_by(database, token)).grants}


async def acting_by(database: Database, token: str) -> Actor:
    actor = await actor_of_token(database, token)
    assert actor is not None
    return actor


async def seated(database: Database, name: str, *roles: str) -> Actor:
    """A new person with these roles, in a session of their own that is confirmed."""
    user_id = await create_user(database, name, None, list(roles))
    now = datetime.now(UTC)
    row = Session(
        token_hash=digest(name),
        user_id=user_id,
        created_at=now,
        used_at=now,
        expires_at=now + timedelta(days=1),
        confirmed_at=now,
    )

    async def add(transaction: AsyncSession) -> None:
        transaction.add(row)

    await database.write(add)
    actor = await actor_of_session(database, Settings(), name)
    assert actor is not None
    return actor


async def events(database: Database) -> list[Any]:
    statement = select(SecurityEvent.__table__).order_by(SecurityEvent.id)

    async def work(connection: Any) -> list[Any]:
        return list((await connection.execute(statement)).all())

    return await database.read(work)


async def refused_all(
    database: Database, actor: Actor, token: str, owner: str, error: type[AppError]
) -> None:
    """Whoever acts can neither make, nor rotate, nor revoke."""
    before = await list_tokens(database)
    with pytest.raises(error):
        await create_token(database, owner, "x", None, actor=actor)
    for work in (rotate_token, revoke_token):
        with pytest.raises(error):
            await work(database, token, actor=actor)
    assert await list_tokens(database) == before


async def test_service_accounts(database: Database, settings: Settings) -> None:
    """A service account acts through tokens, never has a password and never signs in."""
    password = "a long sentence, say"
    await create_user(database, "till", None, ["viewer"], service=True)
    token = await create_token(database, "till", "script", None)
    assert (await acting_by(database, token)).name == "till"

    for work in (
        create_user(database, "other", password, ["viewer"], service=True),
        set_password(database, "till", password),
    ):
        with pytest.raises(InvalidInputError) as refused:
            await work
        assert [each.path for each in refused.value.errors] == [("password",)]
    with pytest.raises(ConflictError):
        await new_password_link(database, SYSTEM, "till", HERE)
    await create_user(database, "ana", password, ["viewer"])
    await database.write(lambda each: each.execute(update(User).values(service=True)))
    for name in ("till", "ana"):
        with pytest.raises(UnauthenticatedError):
            await sign_in(database, settings, name, password, origin=HERE)
    assert await granted(database, token) == {("*", "read")}
