"""Histories, change sets and reverts over REST."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import Answer, Api, make_role, zoo_on
from conftest import KINDS, FreshSettings

from admin_app.declaration import Grant


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    """A cage that was made, renamed twice, and put into a keeper's care."""
    async with zoo_on(fresh_settings, request.param) as found:
        await found.add("keepers", {"name": "k"})
        await found.add("cages", {"name": "a"})
        for body in ({"name": "b"}, {"name": "c", "keeper_id": 1}):
            reason = [("change-reason", "für b".encode())]
            assert (await found.call("PATCH", "cages/1", body, headers=reason)).status == 200
        yield found


async def history(api: Api, target: str = "cages/1") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.get(f"{target}/history"))["data"]
    return found


async def undone(api: Api, target: str, body: object, *headers: tuple[str, str]) -> Answer:
    answer = await api.call("POST", target, body, headers=headers)
    assert answer.status == 200, answer
    return answer


async def test_what_is_told(api: Api) -> None:
    """Each change says who, when, by which door, why, what it was before and became."""
    last, renamed, made = await history(api)
    assert last["before"] == {"name": "b", "keeper_id": None}
    assert last["after"] == {"name": "c", "keeper_id": 1}
    same = {"actor": "ann", "source": "rest", "resource": "cage", "key": "1", "impersonator": None}
    assert same.items() <= last.items()
    assert (last["title"], last["reason"], last["action"]) == ("c", "für b", "update")
    assert (last["reverts"], last["undone_by"], last["cause_id"]) == (None, None, None)
    assert (made["action"], made["before"], made["reason"]) == ("create", {}, "")
    assert len({each["change_set"] for each in (last, renamed, made)}) == 3
    assert last["at"].endswith("Z")
    one = await api.get(f"change-sets/{last['change_set']}")
    assert one == {
        "id": last["change_set"],
        "data": [last],
        "page": {"limit": 25, "next": None},
    }


async def test_pages(api: Api) -> None:
    """Pages are walked by cursor, known ones are not sent again, and wrong parameters refused."""
    page = await api.get("cages/1/history?limit=2")
    assert [each["after"]["name"] for each in page["data"]] == ["c", "b"]
    rest = await api.get(f"cages/1/history?limit=2&cursor={page['page']['next']}")
    assert [each["after"]["name"] for each in rest["data"]] == ["a"]
    assert rest["page"]["next"] is None
    answer = await api.call("GET", "cages/1/history")
    for place in ("cages/1/history", f"change-sets/{page['data'][0]['change_set']}"):
        for target in (place, "access/tokens", "access/explain?user=ann&resource=cage&action=read"):
            refused = await api.call("GET", target, headers=[("accept", "image/png")])
            refused.problem(406, "not_acceptable")
    known = [("if-none-match", str(answer.header("etag")))]
    assert (await api.call("GET", "cages/1/history", headers=known)).status == 304
    made = {"items": [{"name": str(number)} for number in range(5)]}
    done = await api.call("POST", "cages/bulk", made)
    place = f"change-sets/{done.header('change-set')}"
    first = await api.get(f"{place}?limit=3")
    rest = await api.get(f"{place}?limit=3&cursor={first['page']['next']}")
    names = [each["title"] for each in first["data"] + rest["data"]]
    assert (names, rest["page"]["next"]) == ([str(number) for number in range(5)], None)
    for wrong in ("limit=0", "limit=201", "limit=x", "limit=", "cursor=x", "cursor=-1", "x=1"):
        (await api.call("GET", f"cages/1/history?{wrong}")).problem(400)
    (await api.call("GET", f"cages/1/history?cursor={'9' * 30}")).problem(400)
    for target in ("cages/9/history", "cages/x/history", f"change-sets/{uuid.uuid4()}"):
        (await api.call("GET", target)).problem(404, "not_found")
    (await api.call("GET", "change-sets/x")).problem(404)


async def test_a_change_set_is_undone(api: Api) -> None:
    """Every write names what it did; to undo it is told of, and can be undone as well."""
    answer = await api.call("DELETE", "keepers/1")
    deleted = answer.header("change-set")
    back = await undone(api, f"change-sets/{deleted}/revert", None)
    assert (back.json["changes"], back.json["skipped"]) == (2, [])
    assert (await api.get("cages/1"))["keeper_id"] == 1
    latest, taken, *_ = await history(api)
    assert latest["reverts"] == deleted
    assert taken["undone_by"] == back.json["change_set"] == back.header("change-set")
    again = await undone(api, f"change-sets/{back.json['change_set']}/revert", {})
    (await api.call("GET", "keepers/1")).problem(404)
    gone = await history(api, "keepers/1")
    assert [each["action"] for each in gone] == ["delete", "create", "delete", "create"]
    assert [each["undone_by"] for each in gone] == [None, again.json["change_set"], None, None]
    nothing = await undone(api, f"change-sets/{back.json['change_set']}/revert", {})
    assert nothing.json == {"change_set": None, "changes": 0, "skipped": []}
    assert nothing.header("change-set") is None


async def test_conflicts(api: Api) -> None:
    """What has changed since is refused, each with its values; the rest is undone if asked."""
    _, renamed, _ = await history(api)
    place = f"change-sets/{renamed['change_set']}/revert"
    answer = await api.call("POST", place, {})
    assert answer.status == 409
    conflict = {
        "resource": "cage",
        "key": "1",
        "title": "b",
        "field": "name",
        "code": "changed",
        "detail": "It has been changed since.",
        "was": "a",
        "left": "b",
        "now": "c",
    }
    problem = answer.json
    assert (problem["code"], problem["conflicts"]) == ("revert_conflict", [conflict])
    assert problem["errors"] == [
        {"pointer": "/cage/1/name", "code": "changed", "detail": "It has been changed since."}
    ]
    skipped = await undone(api, place, {"skip_conflicts": True})
    assert skipped.json == {"change_set": None, "changes": 0, "skipped": [conflict]}
    assert (await api.get("cages/1"))["name"] == "c"


async def test_a_record_is_put_back(api: Api) -> None:
    """By field, by change, to what it was after one or before it; with If-Match and with none."""
    last, renamed, made = await history(api)
    tag = str((await api.call("GET", "cages/1")).header("etag"))
    stale = [("if-match", '"1"')]
    body = {"change": last["id"], "fields": ["keeper_id"]}
    (await api.call("POST", "cages/1/revert", body, headers=stale)).problem(412)
    await undone(api, "cages/1/revert", body, ("if-match", tag))
    now = await api.get("cages/1")
    assert (now["name"], now["keeper_id"]) == ("c", None)
    await undone(api, "cages/1/revert", {"to": made["id"]})
    assert (await api.get("cages/1"))["name"] == "a"
    await undone(api, "cages/1/revert", {"to": last["id"]})
    await undone(api, "cages/1/revert", {"before": renamed["id"]})
    now = await api.get("cages/1")
    assert (now["name"], now["keeper_id"]) == ("a", None)
    await undone(api, "cages/1/revert", {"change": made["id"]})
    (await api.call("GET", "cages/1")).problem(404)
    gone = (await history(api))[0]
    await undone(api, "cages/1/revert", {"change": gone["id"]})
    assert (await api.get("cages/1"))["name"] == "a"


async def test_wrong_bodies(api: Api) -> None:
    """Whatever else is asked for is refused, and nothing written."""
    last, _, made = await history(api)
    before = await api.counts()
    good = {"change": last["id"]}
    bodies: list[Any] = [
        *({}, {"to": last["id"], **good}, {"to": last["id"], "fields": ["name"]}, []),
        *({"change": 0}, {"change": 2**63}, {"change": "1"}, {"change": True}, {"change": None}),
        *({"to": 10**30}, {"change": 999_999}, {"to": 999_999}, {"x": 1, **good}),
        *({"fields": [], **good}, {"fields": ["nothing"], **good}, {"fields": "name", **good}),
        *({"fields": ["\x00"], **good}, {"fields": [1], **good}),
        *({"change": made["id"], "fields": ["name"]}, {"before": made["id"]}),
        {"skip_conflicts": "yes", **good},
    ]
    for body in bodies:
        (await api.call("POST", "cages/1/revert", body)).problem(422)
    for raw in (b"{", b'{"fields": ["\\ud800"]}', b"[" * 1000):
        (await api.call("POST", "cages/1/revert", raw=raw)).problem(400)
    (await api.call("POST", "cages/1/revert?x=1", good)).problem(400)
    (await api.call("POST", "cages/9/revert", {"to": last["id"]})).problem(404)
    (await api.call("POST", "cages/9/revert", good)).problem(422)
    place = f"change-sets/{last['change_set']}/revert"
    (await api.call("POST", place, {"x": 1})).problem(422)
    (await api.call("POST", place, {}, headers=[("if-match", '"1"')])).problem(400)
    (await api.call("POST", f"change-sets/{uuid.uuid4()}/revert", {})).problem(404)
    for reason in (b"\xff", b"\x00".replace(b"\x00", b"\x01"), b"x" * 501):
        told = [("change-reason", reason)]
        (await api.call("POST", place, {}, headers=told)).problem(400)
    assert await api.counts() == before


async def test_as_any_write(api: Api) -> None:
    """A dry run keeps nothing, a key makes it happen once, a minimal answer says nothing."""
    last, *_ = await history(api)
    place, body = "cages/1/revert", {"change": last["id"]}
    tried = await api.call("POST", place, body, headers=[("prefer", "tx=rollback")])
    assert tried.json["changes"][0]["after"] == {"name": "b", "keeper_id": None}
    assert (await api.get("cages/1"))["name"] == "c"
    for replayed in (None, "true"):
        done = await undone(api, place, body, ("idempotency-key", "k"), ("change-reason", "r"))
        assert done.header("idempotent-replayed") == replayed
    again = [("idempotency-key", "k"), ("change-reason", "other")]
    (await api.call("POST", place, body, headers=again)).problem(422, "idempotency_key_reused")
    assert (await history(api))[0]["reason"] == "r"
    minimal = [("prefer", "return=minimal")]
    answer = await api.call("POST", place, {"to": last["id"]}, headers=minimal)
    assert (answer.status, answer.body) == (204, b"")


async def test_out_of_sight(api: Api) -> None:
    """Hidden fields and records are in no history, and are undone by nobody who cannot see them."""
    last, renamed, _ = await history(api)
    hidden = Grant("cage", "read", None, frozenset(["name"]))
    await make_role(api.database, "blind", hidden, Grant("cage", "update"))
    await make_role(api.database, "keeps", Grant("keeper", "read"))
    api.token = await api.token_of("bob", "blind")
    # Nor whose care it is in: keepers are out of sight.
    assert [each["action"] for each in await history(api)] == ["create"]
    assert (await history(api))[0]["title"] == "Cage 1"
    for each in (last, renamed):
        (await api.call("GET", f"change-sets/{each['change_set']}")).problem(404)
        (await api.call("POST", f"change-sets/{each['change_set']}/revert")).problem(404)
        (await api.call("POST", "cages/1/revert", {"change": each["id"]})).problem(422)
        (await api.call("POST", "cages/1/revert", {"before": each["id"]})).problem(422)
    api.token = await api.token_of("lea", "keeps")
    (await api.call("GET", "cages/1/history")).problem(403)
    (await api.call("POST", "cages/1/revert", {"to": last["id"]})).problem(403)
    (await api.call("GET", "cages/1/history", anonymous=True)).problem(401)


async def test_a_reason_is_required(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a declaration wants to know why, no write goes without, but one that undoes another."""
    monkeypatch.setitem(vars(api.registry["cage"].options), "reason", "required")
    *_, made = await history(api)
    before = await api.counts()
    for method, target, body in (
        ("POST", "cages", {"name": "x"}),
        ("PATCH", "cages/1", {"name": "x"}),
        ("DELETE", "cages/1", None),
        ("POST", "cages/bulk", {"items": [{"name": "x"}]}),
    ):
        (await api.call(method, target, body)).problem(422, "reason_required")
    assert await api.counts() == before
    assert (await api.call("DELETE", "keepers/1")).status == 204, "what goes along needs none"
    why = [("change-reason", "because")]
    assert (await api.call("PATCH", "cages/1", {"name": "x"}, headers=why)).status == 200
    assert (await history(api))[0]["reason"] == "because"
    await undone(api, f"change-sets/{(await history(api))[0]['change_set']}/revert", {})
    (await api.call("POST", "cages/1/revert", {"to": made["id"]})).problem(422, "reason_required")
    back = await api.call("POST", "cages/1/revert", {"to": made["id"]}, headers=why)
    assert back.status == 200
    assert (await history(api))[0]["reason"] == "because"
