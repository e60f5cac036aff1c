"""Declared actions: who may run them on what, what they leave behind, how they are documented."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import Api, make_role, zoo_on
from conftest import KINDS, FreshSettings
from zoo import sample
from zoo.doing import TOLD

from admin_app.declaration import Grant

OWN = [
    Grant("lamp", "read"),
    *(Grant("lamp", name, "own") for name in ("turn-up", "turn-off", "buy")),
]


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    """Two lamps, the first of them Lea's."""
    async with zoo_on(fresh_settings, request.param) as found:
        first, second = sample("lamp")
        await found.add("lamps", {**first, "owner": "lea"})
        await found.add("lamps", second)
        names = ("turn-up", "turn-off", "buy", "break-")
        await make_role(found.database, "technician", *(Grant("lamp", each) for each in names))
        await make_role(found.database, "lamplighter", *OWN)
        yield found


async def lit(api: Api) -> dict[int, int]:
    """How bright each lamp is."""
    page = await api.get("lamps?sort=id")
    return {each["id"]: each["level"] for each in page["data"]}


async def test_a_grant_of_its_own(api: Api) -> None:
    """Who may run an action need not be allowed what it does, and who may edit may not run it."""
    up = ("POST", "lamps/1/actions/turn-up", {"level": 7})
    (await api.call(*up)).problem(403)

    api.token = await api.token_of("lea", "lamplighter")
    (await api.call("PATCH", "lamps/1", {"level": 7})).problem(403)
    answer = await api.call(*up)
    assert (answer.status, answer.json) == (200, {"result": None})
    assert await lit(api) == {1: 7, 2: 0}

    change = (await api.changes(resource="lamp"))[-1]
    assert (change["actor_name"], change["action"]) == ("lea", "update")
    assert (change["before"], change["after"]) == ({"level": 3}, {"level": 7})


async def test_rows_of_a_rule(api: Api) -> None:
    """A grant by a rule reaches the rule's rows; for the resource as a whole it is not enough."""
    api.token = await api.token_of("lea", "lamplighter")
    (await api.call("POST", "lamps/2/actions/turn-up", {"level": 7})).problem(403)
    (await api.call("POST", "lamps/actions/buy", {"level": 1})).problem(403)
    both = await api.call("POST", "lamps/actions/turn-off", {"keys": ["1", "2"]})
    assert [each["pointer"] for each in both.problem(403)["errors"]] == ["/keys/1"]
    one = await api.call("POST", "lamps/actions/turn-off", {"keys": ["1"]})
    assert one.json == {"result": 1}
    assert await lit(api) == {1: 0, 2: 0}


async def test_out_of_sight(api: Api) -> None:
    """A lamp that somebody does not see is not there for an action either."""
    await make_role(api.database, "blind", Grant("lamp", "turn-up"), Grant("lamp", "read", "own"))
    api.token = await api.token_of("lea", "blind")
    assert (await api.call("POST", "lamps/1/actions/turn-up", {"level": 4})).status == 200
    hidden = await api.call("POST", "lamps/2/actions/turn-up", {"level": 4})
    absent = await api.call("POST", "lamps/9/actions/turn-up", {"level": 4})
    assert hidden.problem(404)["detail"] == absent.problem(404)["detail"]


async def test_on_the_resource(api: Api) -> None:
    """An action of the whole resource answers what it declares to return."""
    api.token = await api.token_of("tom", "technician", "lamplighter")
    answer = await api.call("POST", "lamps/actions/buy", {"level": 2, "note": "new"})
    assert answer.json == {"result": {"lamps": 3}}
    gone = await api.call("POST", "lamps/3/actions/break-")
    assert (gone.status, gone.json) == (200, {"result": None})
    assert await lit(api) == {1: 3, 2: 0}


BAD: list[tuple[str, object, int, str]] = [
    ("lamps/1/actions/turn-up", {"level": 11}, 422, "/level"),
    ("lamps/1/actions/turn-up", {"level": "7"}, 422, "/level"),
    ("lamps/1/actions/turn-up", {}, 422, "/level"),
    ("lamps/1/actions/turn-up", {"level": 7, "other": 1}, 422, "/other"),
    ("lamps/1/actions/turn-up", {"level": 2}, 422, "/level"),
    ("lamps/1/actions/turn-up", {"level": 7, "note": "a\x00b"}, 422, ""),
    ("lamps/actions/turn-off", {"keys": []}, 422, "/keys"),
    ("lamps/actions/turn-off", {"keys": ["1", "1"]}, 422, "/keys"),
    ("lamps/actions/turn-off", {"keys": [1]}, 422, "/keys/0"),
    ("lamps/actions/turn-off", {"keys": ["1", "nine"]}, 404, "/keys/1"),
    ("lamps/actions/turn-off", {"keys": ["1"], "parameters": {"x": 1}}, 422, "/parameters/x"),
    ("lamps/1/actions/break-", {"why": 1}, 422, "/why"),
]


async def test_bad_input(api: Api) -> None:
    """What cannot be done is refused with its place, and nothing is written."""
    api.token = await api.token_of("tom", "technician", "lamplighter")
    before = await api.counts()
    for target, body, status, pointer in BAD:
        answer = await api.call("POST", target, body)
        problem = answer.problem(status)
        assert [each["pointer"] for each in problem["errors"]] == [pointer], (body, problem)
    for target in ("lamps/1/actions/turn-up", "lamps/actions/turn-off", "lamps/1/actions/break-"):
        (await api.call("POST", f"{target}?x=1", {"level": 7})).problem(400)
        (await api.call("POST", target, raw=b"[")).problem(400)
    (await api.call("POST", "lamps/1/actions/buy", {"level": 1})).problem(404)
    (await api.call("POST", "lamps/actions/turn-up", {"level": 1})).problem(404)
    assert (await api.counts(), await lit(api)) == (before, {1: 3, 2: 0})


async def test_document(api: Api) -> None:
    """The document has the actions that its reader may run, with what they take and answer."""

    def paths(document: Any) -> list[str]:
        return [each for each in document["paths"] if "/actions/" in each]

    assert paths(await api.get("openapi.json")) == []
    api.token = await api.token_of("tom", "technician", "lamplighter")
    document = await api.get("openapi.json")
    assert len(paths(document)) == 4
    schemas = document["components"]["schemas"]
    assert schemas["LampTurnUpParameters"]["properties"]["level"]["maximum"] == 10
    assert schemas["LampTurnUpParameters"]["required"] == ["level"]
    assert schemas["LampTurnOffAnswer"]["properties"]["result"]["type"] == "integer"
    operation = document["paths"]["/api/v1/lamps/{key}/actions/turn-up"]["post"]
    assert operation["operationId"] == "runLampTurnUp"
    assert operation["description"] == "Make the lamp brighter."


async def test_after_commit(api: Api) -> None:
    """The hook is told once of what was written, and of nothing that was not."""
    TOLD.clear()
    made = await api.call("POST", "lamps", {"name": "new"}, headers=[("idempotency-key", "k1")])
    again = await api.call("POST", "lamps", {"name": "new"}, headers=[("idempotency-key", "k1")])
    assert (made.status, again.body) == (201, made.body)
    await api.call("PATCH", "lamps/1", {"level": 3})  # As it is.
    await api.call("PATCH", "lamps/1", {"level": 4}, headers=[("prefer", "tx=rollback")])
    (await api.call("PATCH", "lamps/1", {"level": "bright"})).problem(422)
    await api.call("PATCH", "lamps/1", {"level": 5})
    api.token = await api.token_of("tom", "technician", "lamplighter")
    await api.call("POST", "lamps/actions/turn-off", {"keys": ["1", "2"]})

    found = [
        (done.actor.name, done.origin.source, [(each.action, each.key) for each in done.changes])
        for done in TOLD
    ]
    assert found == [
        ("ann", "rest", [("create", (3,))]),
        ("ann", "rest", [("update", (1,))]),
        ("tom", "rest", [("update", (1,))]),
    ]
    (change,) = TOLD[1].changes
    assert (change.before, change.after) == ({"level": 3}, {"level": 5})


async def test_a_faulty_hook(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """What a hook raises is logged; the write is there, and the caller is told so."""
    assert (await api.call("POST", "lamps", {"name": "faulty"})).status == 201
    assert "after_commit of lamp failed" in caplog.text
    assert len(await lit(api)) == 3
