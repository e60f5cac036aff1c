"""The trash: what is in it is nowhere else, comes back whole, and goes for good only from there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import Api, make_role, zoo_on
from conftest import KINDS, FreshSettings

from admin_app.declaration import Grant


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    """Three sheets in a row, held by a staple; the first is in the trash."""
    async with zoo_on(fresh_settings, request.param) as found:
        await found.add("sheets", {"number": 1, "mark": "m", "owner": "lea"})
        await found.add("sheets", {"number": 2, "follows_id": 1, "owner": "lea"})
        await found.add("sheets", {"number": 3, "follows_id": 1})
        await found.add("staples", {"name": "s", "sheets": [1, 2, 3]})
        assert (await found.call("DELETE", "sheets/1")).status == 204
        yield found


async def ids(api: Api, target: str) -> list[int]:
    return [each["id"] for each in (await api.get(target))["data"]]


async def test_it_is_nowhere(api: Api) -> None:
    """What is in the trash is in no list, count, relation, filter, look-up or include."""
    assert await ids(api, "sheets?sort=id") == [2, 3]
    assert (await api.get("sheets?count=exact"))["page"]["total"] == 2
    (await api.call("GET", "sheets/1")).problem(404)
    (await api.call("PATCH", "sheets/1", {"number": 9})).problem(404)
    (await api.call("DELETE", "sheets/1")).problem(404)
    assert (await api.get("staples/1"))["sheets"] == [2, 3]
    assert await ids(api, "staples?sheets.number=1") == []
    assert await ids(api, "sheets?follows__isnull=true&sort=id") == [2, 3]
    second = await api.get("sheets/2?include=follows")
    assert (second["follows"], second["follows_id"]) == (None, 1)
    assert (await api.get("sheets/aggregate?count=*"))["data"][0]["count"] == 2
    lost = await api.call("POST", "sheets", {"number": 4, "follows_id": 1})
    assert lost.problem(422)["errors"][0]["code"] == "reference_not_found"


async def test_it_can_be_seen(api: Api) -> None:
    """Who may delete sees what is in the trash, alone or among the others."""
    assert await ids(api, "sheets?trash=only") == [1]
    assert await ids(api, "sheets?trash=with&sort=id") == [1, 2, 3]
    assert (await api.get("sheets?trash=with&count=exact"))["page"]["total"] == 3
    first = await api.get("sheets/1?trash=only")
    assert first["binned_at"].endswith("Z")
    assert (await api.get("sheets/2?trash=with"))["id"] == 2
    (await api.call("GET", "sheets/2?trash=only")).problem(404)
    found = await api.call("POST", "sheets/query", {"trash": "only", "fields": ["id"]})
    assert found.json["data"] == [{"id": 1}]


async def test_who_sees_it(api: Api) -> None:
    """Who may only read sees no trash; who may delete some rows sees those of them."""
    rows = Grant("sheet", "delete", "own")
    await make_role(api.database, "reads", Grant("sheet", "read"))
    await make_role(api.database, "cleans", Grant("sheet", "read"), rows)
    await api.call("DELETE", "sheets/3")

    api.token = await api.token_of("rob", "reads")
    assert await ids(api, "sheets?trash=only") == []
    assert await ids(api, "sheets?trash=with") == [2]
    (await api.call("GET", "sheets/1?trash=with")).problem(404)
    (await api.call("POST", "sheets/1/restore")).problem(404)

    api.token = await api.token_of("lea", "cleans")
    assert await ids(api, "sheets?trash=only") == [1]
    (await api.call("POST", "sheets/3/restore")).problem(404)
    assert (await api.call("POST", "sheets/1/restore")).status == 200


async def test_restored(api: Api) -> None:
    """A restored record is as it was, a version later, and in the sets it was in."""
    trashed = await api.call("GET", "sheets/1?trash=only")
    tag = [("if-match", trashed.header("etag") or "")]
    stale = await api.call("POST", "sheets/1/restore", headers=[("if-match", '"1"')])
    stale.problem(412)
    answer = await api.call("POST", "sheets/1/restore", headers=tag)
    assert answer.status == 200, answer
    assert {**trashed.json, "binned_at": None, "version": 4} == answer.json
    assert (answer.header("etag") or "").startswith('"4')
    assert (await api.get("staples/1"))["sheets"] == [1, 2, 3]
    (await api.call("POST", "sheets/1/restore")).problem(404)

    told = [(each["action"], each["before"], each["after"]) for each in await api.changes()]
    moved = trashed.json["binned_at"]
    assert told[-4:] == [
        ("update", {"binned_at": None}, {"binned_at": moved}),
        ("update", {"sheets": [1]}, {}),
        ("update", {"binned_at": moved}, {"binned_at": None}),
        ("update", {}, {"sheets": [1]}),
    ]


async def test_unique(api: Api) -> None:
    """A constraint on what is not in the trash lets another have the value, till it comes back."""
    assert (await api.call("POST", "sheets", {"number": 1, "mark": "n"})).status == 201
    taken = await api.call("POST", "sheets/1/restore")
    assert taken.problem(409, "unique_violation")["errors"][0]["pointer"] == "/number"
    assert await ids(api, "sheets?trash=only") == [1]
    mark = await api.call("POST", "sheets", {"number": 9, "mark": "m"})
    assert mark.problem(409, "unique_violation")["errors"][0]["pointer"] == "/mark"


async def test_purged(api: Api) -> None:
    """Only what is in the trash goes for good, and with it what always goes with a delete."""
    (await api.call("DELETE", "sheets/2?trash=only")).problem(404)
    (await api.call("DELETE", "sheets/2?trash=with")).problem(400)
    assert (await api.call("DELETE", "sheets/1?trash=only")).status == 204
    (await api.call("DELETE", "sheets/1?trash=only")).problem(404)
    assert await ids(api, "sheets?trash=with&sort=id") == [2, 3]
    assert (await api.get("sheets/2"))["follows_id"] is None
    actions = [each["action"] for each in await api.changes(resource="sheet", key="1")]
    assert actions[-1] == "delete"


async def test_dry_run_and_bulk(api: Api) -> None:
    """The trash is where every kind of delete leads, and where a dry run leaves nothing."""
    dry = await api.call("DELETE", "sheets/2", headers=[("prefer", "tx=rollback")])
    assert dry.json["changes"][0]["after"].keys() == {"binned_at"}
    assert await ids(api, "sheets?trash=only") == [1]
    body = {"items": [{"key": "2"}]}
    assert (await api.call("DELETE", "sheets/bulk", body)).status == 200
    prefer = [("prefer", "max-affected=5")]
    assert (await api.call("DELETE", "sheets?number=3", headers=prefer)).status == 200
    assert await ids(api, "sheets?trash=only&sort=id") == [1, 2, 3]


async def test_many(api: Api) -> None:
    """Many come back at once or go for good, all of them or as far as they can; told like one."""
    await api.call("DELETE", "sheets/bulk", {"items": [{"key": "2"}, {"key": "3"}]})
    assert await ids(api, "sheets") == []
    both = {"items": [{"key": "1"}, {"key": "2"}]}
    back = await api.call("POST", "sheets/bulk/restore", both)
    assert [(each["status"], each["data"]["id"]) for each in back.json["items"]] == [
        *((200, 1), (200, 2)),
    ]
    last = (await api.get("staples/1/history?limit=2"))["data"]
    assert [each["after"] for each in last] == [{"sheets": [2]}, {"sheets": [1]}]
    refused = await api.call("POST", "sheets/bulk/restore", {"items": [{"key": "3"}, {"key": "1"}]})
    assert refused.problem(404)["errors"][0]["pointer"] == "/items/1"
    parted = await api.call("POST", "sheets/bulk/restore?atomic=false", both)
    assert [each["status"] for each in parted.json["items"]] == [404, 404]

    await api.call("DELETE", "sheets/bulk", both)
    tagged = {"items": [{"key": "1", "if_match": '"1"'}, {"key": "2"}]}
    stale = await api.call("DELETE", "sheets/bulk?trash=only", tagged)
    assert stale.problem(412)["code"] == "version_mismatch"
    gone = await api.call("POST", "sheets/bulk/delete?trash=only", both)
    assert [each["status"] for each in gone.json["items"]] == [204, 204]
    assert await ids(api, "sheets?trash=with") == [3]
    (await api.call("DELETE", "sheets/bulk?trash=with", both)).problem(400)
    (await api.call("DELETE", "staples/bulk?trash=only", both)).problem(400)
    (await api.call("POST", "staples/bulk/restore", both)).problem(404)


async def test_bad_input(api: Api) -> None:
    """No body writes the field, and a resource without a trash knows of none."""
    for target, body in (("sheets", {"number": 7}), ("sheets/2", {})):
        method = "POST" if target == "sheets" else "PATCH"
        given: dict[str, Any] = {**body, "binned_at": None}
        assert (await api.call(method, target, given)).problem(422)
    (await api.call("GET", "sheets?trash=maybe")).problem(400)
    (await api.call("GET", "sheets/2?trash=")).problem(400)
    for target in ("staples?trash=only", "staples/1?trash=only"):
        errors = (await api.call("GET", target)).problem(400)["errors"]
        assert [each["code"] for each in errors] == ["unknown_parameter"]
    (await api.call("DELETE", "staples/1?trash=only")).problem(400)
    (await api.call("POST", "staples/1/restore")).problem(404)
