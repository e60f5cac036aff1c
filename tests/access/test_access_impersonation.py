"""What is true of acting as somebody else: what it may do, and what ends it."""

from __future__ import annotations

import pytest
from accounts import HERE, OTHER, PASSWORD, events, grown, inside, user, who
from people import disable_user, set_roles
from sqlalchemy import insert, literal, select, update

from admin_app.access import (
    actor_of_session,
    actor_of_user,
    begin_impersonation,
    change_password,
    end_impersonation,
    end_other_sessions,
    end_session,
    end_sessions,
    new_password_link,
    sign_out,
)
from admin_app.access.tables import Role, RoleGrant
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Grant
from admin_app.errors import (
    ConfirmationRequiredError,
    ConflictError,
    ForbiddenError,
)
from admin_app.settings import Settings


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
