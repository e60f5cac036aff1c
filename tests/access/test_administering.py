"""Users, roles, grants and sessions as records: what administrators may do, and may not undo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from conftest import KINDS, FreshSettings
from panel import House, library
from parity import person
from ports import http_client
from sqlalchemy import select

from admin_app.access import covers, create_token, create_user, set_password
from admin_app.access.tables import Role, SecurityEvent, User
from admin_app.declaration import ACTIONS, SYSTEM, Grant

EVERYTHING = [
    f"admin_{name}:*" for name in ("user", "role", "grant", "session", "token", "security_event")
]
PASSWORD = "seven quiet herons wade"


class Office:
    """The library, and what an administrator's token may ask it."""

    def __init__(self, home: House, api: httpx.AsyncClient) -> None:
        self.home = home
        self.api = api

    async def id_of(self, model: Any, name: str) -> int:
        async def read(connection: Any) -> int:
            return int(await connection.scalar(select(model.id).where(model.name == name)))

        return await self.home.database.read(read)

    async def events(self) -> list[tuple[str, str]]:
        async def read(connection: Any) -> list[tuple[str, str]]:
            statement = select(SecurityEvent.event, SecurityEvent.subject)
            rows = await connection.execute(statement.order_by(SecurityEvent.id))
            return [(row.event, row.subject) for row in rows]

        return await self.home.database.read(read)

    async def asked(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = await self.api.request(method, f"/api/v1/{path}", json=body)
        return answer.status_code, answer.json() if answer.content else None

    async def codes(self, method: str, path: str, body: Any) -> tuple[int, list[str]]:
        status, document = await self.asked(method, path, body)
        return status, [each["code"] for each in document.get("errors", ())]


@pytest.fixture(params=KINDS)
async def office(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[Office]:
    async with library(fresh_settings, request.param) as home:
        token = await create_token(home.database, "ana", "test", None, scopes=[*EVERYTHING, "*:*"])
        headers = {"Authorization": f"Bearer {token}"}
        async with http_client(home.url, headers=headers) as api:
            yield Office(home, api)


async def test_a_role_and_its_grants_are_records(office: Office) -> None:
    """A role is made, given a grant and given to a user over REST, and all of it is told."""
    _, role = await office.asked("POST", "admin_roles", {"name": "keeper"})
    grant = {"role_id": role["id"], "resource": "book", "action": "read", "without": ["isbn"]}
    assert (await office.asked("POST", "admin_grants", grant))[0] == 201
    vic = await office.id_of(User, "vic")
    status, changed = await office.asked("PATCH", f"admin_users/{vic}", {"roles": [role["id"]]})
    assert (status, changed["roles"]) == (200, [role["id"]])
    async with office.home.client("vic") as client:
        page = await client.get("/admin/book/details/1")
        assert (page.status_code, "ISBN" in page.text) == (200, False)
        assert (await client.get("/admin/author/list")).status_code == 403
    assert (await office.events())[-3:] == [
        ("role_created", "keeper"),
        ("grant_added", "keeper"),
        ("user_changed", "vic"),
    ]
    history = await office.home.records.history(
        SYSTEM, office.home.records.registry["admin_user"], (vic,)
    )
    assert [each.actor_name for each in history] == ["ana"]


async def test_secrets_are_no_fields(office: Office) -> None:
    """No door shows or takes a hash, and a token that was given no scope sees none of these."""
    _, page = await office.asked("GET", "admin_users")
    _, document = await office.asked("GET", "openapi.json")
    schemas = document["components"]["schemas"]
    for text in (str(page), str(schemas["User"]), str(schemas["UserCreate"])):
        for secret in ("password_hash", "name_key", "totp_secret", "totp_step"):
            assert secret not in text
    assert "token_hash" not in str(schemas["Session"])
    for name in ("password_hash", "name_key", "totp_secret"):
        assert await office.codes("PATCH", "admin_users/1", {name: "x"}) == (
            422,
            ["unknown_field"],
        )
        assert (await office.codes("GET", f"admin_users?{name}=x", None))[0] == 400
    plain = await create_token(office.home.database, "ana", "plain", None)
    office.api.headers["Authorization"] = f"Bearer {plain}"
    for path in ("admin_users", "admin_roles", "admin_grants", "admin_security_events"):
        assert (await office.asked("GET", path))[0] == 403


@pytest.mark.parametrize("change", [{"active": False}, {"roles": []}, {"service": True}])
async def test_the_last_administrator_stays(office: Office, change: dict[str, Any]) -> None:
    """The last administrator who can sign in can be neither disabled nor demoted, at any door."""
    ana = await office.id_of(User, "ana")
    status, refused = await office.asked("PATCH", f"admin_users/{ana}", change)
    assert (status, refused["code"]) == (409, "conflict")
    await create_user(office.home.database, "eve", None, ["administrator"])
    assert (await office.asked("PATCH", f"admin_users/{ana}", change))[0] == 409
    await set_password(office.home.database, "eve", PASSWORD)
    assert (await office.asked("PATCH", f"admin_users/{ana}", change))[0] == 200


async def test_two_administrators_do_not_go_at_once(office: Office) -> None:
    """Of two administrators who are demoted at the same moment, one stays."""
    await create_user(office.home.database, "eve", PASSWORD, ["administrator"])
    ids = [await office.id_of(User, name) for name in ("ana", "eve")]
    answers = await asyncio.gather(
        *(office.asked("PATCH", f"admin_users/{each}", {"roles": []}) for each in ids)
    )
    statuses = sorted(status for status, _ in answers)
    # The one who asks may have been demoted first, and is then forbidden to go on.
    assert statuses in ([200, 403], [200, 409])


async def test_the_administrator_role_stays(office: Office) -> None:
    """Its grants and its name cannot be changed, and it cannot go."""
    role = await office.id_of(Role, "administrator")
    _, grants = await office.asked("GET", f"admin_grants?role={role}&limit=200")
    grant = grants["data"][0]["id"]
    for method, path, body in (
        ("DELETE", f"admin_roles/{role}", None),
        ("PATCH", f"admin_roles/{role}", {"name": "boss"}),
        ("DELETE", f"admin_grants/{grant}", None),
        ("PATCH", f"admin_grants/{grant}", {"action": "read", "resource": "book"}),
        ("POST", "admin_grants", {"role_id": role, "resource": "book", "action": "read"}),
    ):
        assert (await office.asked(method, path, body))[0] == 409, (method, path)
    several = {"items": [{"key": str(each["id"])} for each in grants["data"][:2]]}
    # As a POST, which httpx lets have a body.
    assert (await office.asked("POST", "admin_grants/bulk/delete", several))[0] == 409
    changed = await office.asked("PATCH", f"admin_roles/{role}", {"description": "All of it."})
    assert changed[0] == 200


async def test_a_role_that_somebody_has_stays(office: Office) -> None:
    """A role goes when nobody has it, and its grants with it."""
    viewer = await office.id_of(Role, "viewer")
    assert (await office.asked("DELETE", f"admin_roles/{viewer}"))[0] == 409
    vic = await office.id_of(User, "vic")
    await office.asked("PATCH", f"admin_users/{vic}", {"roles": []})
    assert (await office.asked("DELETE", f"admin_roles/{viewer}"))[0] == 204
    _, left = await office.asked("GET", "admin_grants?limit=200")
    assert not [each for each in left["data"] if each["role_id"] == viewer]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"resource": "bok", "action": "read"}, "unknown_resource"),
        ({"resource": "book", "action": "raed"}, "unknown_action"),
        ({"resource": "book", "action": "read", "rule": "owned"}, "unknown_rule"),
        ({"resource": "*", "action": "read", "rule": "own"}, "unknown_rule"),
        ({"resource": "book", "action": "read", "without": ["titel"]}, "unknown_without"),
        ({"resource": "book", "action": "read", "without": ["id"]}, "unknown_without"),
        ({"resource": "admin_*", "action": "read"}, "unknown_resource"),
    ],
)
async def test_a_grant_names_what_there_is(office: Office, body: dict[str, Any], code: str) -> None:
    """A grant of nothing is refused at the field that names nothing."""
    role = await office.id_of(Role, "viewer")
    assert await office.codes("POST", "admin_grants", {"role_id": role, **body}) == (422, [code])


async def test_nobody_gives_what_they_have_not(office: Office) -> None:
    """Who manages users and roles gives, takes and touches no more than they have themselves."""
    own = [
        Grant("book", "read"),
        *(
            Grant(f"admin_{name}", action)
            for name in ("user", "role", "grant")
            for action in ACTIONS
        ),
    ]
    viewer, administrator = [await office.id_of(Role, name) for name in ("viewer", "administrator")]
    ana, vic, nob = [await office.id_of(User, name) for name in ("ana", "vic", "nob")]
    async with person(office.home, "manager", own) as manager:
        scopes = [*EVERYTHING, "*:*"]
        token = await create_token(office.home.database, "manager", "all", None, scopes=scopes)
        office.api.headers["Authorization"] = f"Bearer {token}"
        _, role = await office.asked("POST", "admin_roles", {"name": "readers"})
        grant = {"role_id": role["id"], "resource": "book", "action": "read"}
        assert (await office.asked("POST", "admin_grants", grant))[0] == 201
        for body in (
            {**grant, "action": "delete"},
            {**grant, "resource": "author"},
            {**grant, "resource": "*"},
            {**grant, "resource": "admin_token", "action": "issue"},
        ):
            assert (await office.asked("POST", "admin_grants", body))[0] == 403, body
        for user, roles in ((nob, [administrator]), (nob, [viewer]), (vic, []), (ana, [])):
            status, _ = await office.asked("PATCH", f"admin_users/{user}", {"roles": roles})
            assert status == 403, (user, roles)
        assert (await office.asked("PATCH", f"admin_users/{ana}", {"active": False}))[0] == 403
        status, _ = await office.asked("PATCH", f"admin_users/{nob}", {"roles": [role["id"]]})
        assert status == 200
        mine = await office.id_of(User, "manager")
        taken = {"roles": [administrator]}
        assert (await office.asked("PATCH", f"admin_users/{mine}", taken))[0] == 403
        form = await manager.panel.get(f"/admin/admin_user/edit/{ana}")
        assert form.status_code in {200, 303, 403}


async def test_a_session_is_ended_as_a_record(office: Office) -> None:
    """Deleting somebody's session signs them out with the next request, and is in the log."""
    _, page = await office.asked("GET", "admin_sessions?limit=200")
    vic = await office.id_of(User, "vic")
    (session,) = [each["id"] for each in page["data"] if each["user_id"] == vic]
    async with office.home.client("vic") as client:
        assert (await client.get("/admin/")).status_code == 200
        assert (await office.asked("DELETE", f"admin_sessions/{session}"))[0] == 204
        assert (await client.get("/admin/")).status_code == 303
    assert (await office.events())[-1] == ("session_ended", "vic")


async def test_disabling_ends_what_is_open(office: Office) -> None:
    """Who is disabled is signed out at once, and their tokens are refused."""
    token = await create_token(office.home.database, "vic", "test", None)
    vic = await office.id_of(User, "vic")
    assert (await office.asked("PATCH", f"admin_users/{vic}", {"active": False}))[0] == 200
    async with office.home.client("vic") as client:
        assert (await client.get("/admin/")).status_code == 303
    office.api.headers["Authorization"] = f"Bearer {token}"
    assert (await office.asked("GET", "books"))[0] == 401


async def test_the_log_is_only_added_to(office: Office) -> None:
    """No door changes or deletes an event, not an administrator's either."""
    assert (await office.asked("GET", "admin_security_events"))[0] == 200
    for method in ("PATCH", "DELETE", "PUT"):
        assert (await office.asked(method, "admin_security_events/1", {}))[0] == 405
    assert (await office.asked("POST", "admin_security_events", {"event": "x"}))[0] == 405
    async with office.home.client("ana") as client:
        assert (await client.get("/admin/admin_security_event/list")).status_code == 200
        for page in ("edit/1", "create", "delete?key=1"):
            status = (await client.get(f"/admin/admin_security_event/{page}")).status_code
            assert status in {403, 404}


async def test_what_is_withheld_is_not_given_in_parts(office: Office) -> None:
    """Who sees less because of one of two grants cannot hand on the other alone."""
    own = [
        Grant("book", "read", None, frozenset({"isbn"})),
        Grant("book", "read", "own"),
        *(Grant(f"admin_{name}", action) for name in ("role", "grant") for action in ACTIONS),
    ]
    async with person(office.home, "half", own):
        scopes = [*EVERYTHING, "*:*"]
        token = await create_token(office.home.database, "half", "all", None, scopes=scopes)
        _, role = await office.asked("POST", "admin_roles", {"name": "given"})
        office.api.headers["Authorization"] = f"Bearer {token}"
        whole = {"role_id": role["id"], "resource": "book", "action": "read", "rule": "own"}
        assert (await office.asked("POST", "admin_grants", whole))[0] == 403
        less = {**whole, "without": ["isbn"]}
        assert (await office.asked("POST", "admin_grants", less))[0] == 201


def test_actions_of_a_declaration_can_be_given() -> None:
    """Who may do all four actions may give the others that a resource declares, but for our own."""
    everything = [Grant("*", action) for action in ACTIONS]
    assert covers(everything, [Grant("book", "publish"), Grant("book", "publish", "own")])
    assert covers([Grant("book", "publish")], [Grant("book", "publish", "own")])
    assert not covers(everything[:3], [Grant("book", "publish")])
    assert not covers(everything, [Grant("admin_user", "impersonate")])
    narrow = [Grant("book", action, "own") for action in ACTIONS]
    assert not covers(narrow, [Grant("book", "publish")])
