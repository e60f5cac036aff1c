"""Who may make and end which tokens: one's own, others', and a token itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from api import forbid, make_role
from people import disable_user, set_roles
from sqlalchemy import update
from tokens import HERE, acting_by, granted, new_token, seated, set_times

from admin_app.access import (
    actor_of_token,
    create_token,
    create_user,
    list_tokens,
    new_password_link,
    revoke_token,
    rotate_token,
    set_password,
    sign_in,
)
from admin_app.access.tables import User
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor, Grant
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
