"""``GET /api/v1/access/explain``: what it answers, to whom, and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from api import Api, make_role, zoo_on
from conftest import KINDS, FreshSettings

from admin_app.access import create_token, create_user
from admin_app.declaration import Grant

EXPLAIN = "access/explain"


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    """The zoo; an administrator's token, which must name our own resources to reach them."""
    async with zoo_on(fresh_settings, request.param) as made:
        await create_user(made.database, "ana", None, ["administrator"])
        scopes = ["*:*", "admin_user:read", "admin_grant:read"]
        made.token = await create_token(made.database, "ana", "test", None, scopes=scopes)
        grants = (
            Grant("ruled", "read", "own"),
            Grant("keeper", "read", None, frozenset({"boss_id"})),
        )
        await make_role(made.database, "keeper of rules", *grants)
        await create_user(made.database, "una", None, ["keeper of rules"])
        yield made


def asking(**given: str) -> str:
    return f"{EXPLAIN}?{urlencode(given)}"


async def test_an_explanation(api: Api) -> None:
    """Verdict, reason, grants and fields, for a resource and for a record of it."""
    made = await api.add("ruled", {"code": "a", "owner": "una"})
    other = await api.add("ruled", {"code": "b", "owner": "ana"})
    found = await api.get(asking(user="una", resource="ruled", action="read"))
    assert {name: found[name] for name in ("user", "resource", "action", "key")} == {
        "user": "una",
        "resource": "ruled",
        "action": "read",
        "key": None,
    }
    assert (found["verdict"], found["reason"]) == ("allowed", "rule")
    ((grant),) = found["grants"]
    assert grant.pop("id") > 0
    assert grant == {
        "role": "keeper of rules",
        "resource": "ruled",
        "action": "read",
        "rule": "own",
        "without": [],
        "true": None,
    }
    assert {each["name"] for each in found["fields"]} == {*api.registry["ruled"].fields}
    for record, verdict in ((made, "allowed"), (other, "denied")):
        found = await api.get(
            asking(user="una", resource="ruled", action="read", key=str(record["id"]))
        )
        assert (found["verdict"], found["grants"][0]["true"]) == (verdict, verdict == "allowed")


async def test_a_field(api: Api) -> None:
    """One field alone, with why it is hidden and by which grant."""
    found = await api.get(asking(user="una", resource="keeper", action="read", field="boss_id"))
    ((field),) = found["fields"]
    assert (field["name"], field["state"]) == ("boss_id", "hidden")
    assert [each["without"] for each in field["withheld_by"]] == [["boss_id"]]
    assert "keeper of rules" in field["why"]


async def test_an_absent_record(api: Api) -> None:
    """A record that is not there, or cannot be, is an answer and no error."""
    for key in ("4711", "x", "1,2"):
        found = await api.get(asking(user="una", resource="ruled", action="read", key=key))
        assert (found["verdict"], found["reason"], found["key"]) == ("denied", "absent", key)


UNASKABLE: tuple[tuple[str, dict[str, str]], ...] = (
    ("", {"/user": "", "/resource": "", "/action": ""}),
    ("user=una&resource=ruled", {"/action": "read"}),
    ("user=oona&resource=ruled&action=read", {"/user": "Did you mean una?"}),
    ("user=una&resource=ruld&action=read", {"/resource": "Did you mean ruled?"}),
    ("user=una&resource=ruled&action=raed", {"/action": "Did you mean read?"}),
    ("user=una&resource=ruled&action=read&field=cod", {"/field": "Did you mean code?"}),
    ("user=una&resource=ruled&action=read&fields=code", {"/fields": "Did you mean field?"}),
    ("user=una&user=ana&resource=ruled&action=read", {"/user": "once"}),
    ("user=una&resource=ruled&action=create&key=1", {"/key": "without one"}),
    ("user=%00&resource=%EF%BF%BD&action=%F0%9F%98%80", {"/resource": "", "/action": ""}),
    (f"user={'u' * 9000}&resource=ruled&action=read", {"/user": ""}),
)


async def test_what_cannot_be_asked(api: Api) -> None:
    """Unknown, missing and repeated names are refused, each with what is known."""
    for query, errors in UNASKABLE:
        answer = await api.call("GET", f"{EXPLAIN}?{query}")
        document = answer.problem(400, "bad_request")
        told = {each["pointer"]: each["detail"] for each in document["errors"]}
        assert {*told} == {*errors}
        for pointer, words in errors.items():
            assert words in told[pointer]


async def test_who_may_ask(api: Api) -> None:
    """Nobody without a token, without the grants, or with a token that does not reach them."""
    target = asking(user="una", resource="ruled", action="read")
    (await api.call("GET", target, anonymous=True)).problem(401)
    (await api.call("POST", target, {})).problem(405)
    document = await api.get("openapi.json")
    assert "/api/v1/access/explain" in document["paths"]
    for name, scopes in (("ann", None), ("ana", None), ("ana", ["admin_user:read"])):
        api.token = await create_token(api.database, name, "test", None, scopes=scopes)
        (await api.call("GET", target)).problem(403, "forbidden")
        (await api.call("GET", asking(user="leo", resource="x", action="y"))).problem(403)
        assert "/api/v1/access/explain" not in (await api.get("openapi.json"))["paths"]
