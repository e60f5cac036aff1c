"""What somebody hostile or curious tried against the API, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from api import Api, make_role, prepare_zoo, serving, zoo_on
from conftest import KINDS, FreshSettings, Kind
from sqlalchemy import text
from tomes import prepare

from admin_app.declaration import Grant

TRIAL = [("prefer", "tx=rollback")]
MINIMAL = [("prefer", "return=minimal")]
PATIENCE = 2.0
"""Seconds that no refusal of one body takes, even on a busy machine."""


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    async with zoo_on(fresh_settings, request.param) as found:
        yield found


async def test_whose_child_it_was(api: Api) -> None:
    """A record out of sight that goes with another item is as absent as one that never was."""
    await api.add("folders", {"name": "root"})
    await api.add("folders", {"name": "out of sight", "parent_id": 1})
    await api.add("folders", {"name": "in sight", "parent_id": 1})
    await make_role(
        api.database, "some", Grant("folder", "read", "some"), Grant("folder", "delete", "some")
    )
    api.token = await api.token_of("sam", "some")

    async def statuses(*keys: int) -> list[int]:
        items = [{"key": str(each)} for each in keys]
        target = "folders/bulk?atomic=false"
        answer = await api.call("DELETE", target, {"items": items}, headers=TRIAL)
        return [each["status"] for each in answer.json["result"]["items"]]

    assert await statuses(1, 2) == await statuses(1, 99) == [204, 404]
    assert await statuses(1, 3) == [204, 204]
    assert await statuses(1, 1) == [204, 204]


async def test_a_trial_of_a_purge(api: Api) -> None:
    """A dry run tells what would go for good, though it is in the trash."""
    await api.add("sheets", {"number": 1})
    await api.call("DELETE", "sheets/1")
    tried = await api.call("DELETE", "sheets/1?trash=only", headers=TRIAL)
    assert tried.json["counts"] == {"sheet": {"delete": 1}}
    assert [each["action"] for each in tried.json["changes"]] == ["delete"]
    (await api.call("GET", "sheets/1?trash=only&trash=with")).problem(400)


async def test_conditions_are_never_passed_over(api: Api) -> None:
    """A header that says which version is meant is heeded, or refused where it cannot be."""
    lamp = await api.add("lamps", {"name": "desk"})
    await api.add("lamps", {"name": "hall"})
    grants = (Grant("lamp", each) for each in api.registry["lamp"].actions)
    await make_role(api.database, "fitter", *grants)
    api.token = await api.token_of("fay", "fitter")
    tag = (await api.call("GET", "lamps/1")).header("etag") or ""
    up, brighter = "lamps/1/actions/turn-up", {"level": 1}
    stale = await api.call("POST", up, brighter, headers=[("if-match", '"99"')])
    stale.problem(412, "version_mismatch")
    assert await api.get("lamps/1") == lamp
    assert (await api.call("POST", up, brighter, headers=[("if-match", tag)])).status == 200
    assert (await api.call("POST", up, brighter, headers=[("if-match", "*")])).status == 200

    keys, new = {"keys": ["1"]}, {"name": "new"}
    for method, target, body, name in (
        ("POST", up, brighter, "if-none-match"),
        ("POST", "lamps/actions/turn-off", keys, "if-match"),
        ("POST", "lamps/actions/turn-off", keys, "if-none-match"),
        ("POST", "lamps", new, "if-match"),
        ("PATCH", "lamps/2", new, "if-none-match"),
        ("DELETE", "lamps/2", None, "if-none-match"),
    ):
        answer = await api.call(method, target, body, headers=[(name, "*")])
        assert answer.problem(400)["errors"][0]["pointer"].lower() == f"/{name}"
    assert (await api.get("lamps?count=exact"))["page"]["total"] == 2


async def test_a_preference_that_is_told_was_honoured(api: Api) -> None:
    """Where ``return=minimal`` is said to have been applied there is no body."""
    await api.add("lamps", {"name": "desk"})
    grants = (Grant("lamp", each) for each in api.registry["lamp"].actions)
    await make_role(api.database, "fitter", *grants)
    api.token = await api.token_of("fay", "fitter")
    matching = [("prefer", "return=minimal, max-affected=1")]
    for method, target, body, headers in (
        ("POST", "lamps/1/actions/turn-up", {"level": 1}, MINIMAL),
        ("PATCH", "lamps?name=desk", {"level": 2}, matching),
        ("DELETE", "lamps?name=desk", None, matching),
    ):
        answer = await api.call(method, target, body, headers=headers)
        assert (answer.status, answer.body) == (204, b"")
        assert "return=minimal" in (answer.header("preference-applied") or "")


UNKNOWN = {f"k{index}": 1 for index in range(80_000)}
FLOODS: dict[str, tuple[str, Any, int]] = {
    "members": ("specimens", UNKNOWN, 422),
    "members of an item": ("specimens/bulk", {"items": [UNKNOWN]}, 422),
    "items of an array": ("specimens", {"short": "a", "tags": [1] * 300_000}, 422),
    "parameters": ("specimens/query", UNKNOWN, 400),
    "conditions": ("specimens/query", {"filter": UNKNOWN}, 400),
    "empty conditions": ("specimens/query", {"filter": {"_or": [{}] * 250_000}}, 400),
    "operators": ("specimens/query", {"filter": {"id": UNKNOWN}}, 400),
    "includes": ("keepers/query", {"include": UNKNOWN}, 400),
}


@pytest.mark.parametrize("what", FLOODS)
async def test_a_flood_of_mistakes(fresh_settings: FreshSettings, what: str) -> None:
    """A body full of mistakes is refused at once, and tells no more than a few of them."""
    target, body, status = FLOODS[what]
    async with zoo_on(fresh_settings, "sqlite") as api:
        content = json.dumps(body).encode()
        began = time.process_time()
        problem = (await api.call("POST", target, raw=content)).problem(status)
        assert time.process_time() - began < PATIENCE
        assert 1 <= len(problem["errors"]) <= 100


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
async def test_one_long_text_many_times(fresh_settings: FreshSettings, kind: Kind) -> None:
    """What is included is weighed, because one long text may be part of every record."""
    settings = fresh_settings(kind, "tomes", prepare)
    async with serving(settings, models=("tomes",)) as api:
        await api.add("tomes", {"body": "x" * 1_000_000})
        items = [{"name": "a", "tome_id": 1}] * 100
        assert (await api.call("POST", "leaves/bulk", {"items": items})).status == 200
        refused = await api.call("GET", "leaves?include=tome&limit=100")
        assert refused.problem(400)["errors"][0]["code"] == "too_many_included"
        (await api.call("GET", "leaves?include=tome.листы.tome&limit=1")).problem(400)
        few = await api.get("leaves?include=tome&limit=5")
        assert {len(each["tome"]["body"]) for each in few["data"]} == {1_000_000}
        fields = quote('{"tome": {"fields": ["id"]}}')
        assert len((await api.get(f"leaves?include={fields}&limit=100"))["data"]) == 100

        lines = [("accept", "application/x-ndjson")]
        streamed = await api.call("GET", "leaves?include=tome", headers=lines)
        assert len(streamed.body.splitlines()) == len(items)

        inside = quote('{"листы": {"limit": 3}}')
        cut = await api.call("GET", f"tomes?fields=id&include={inside}")
        assert cut.header("truncated") == quote("листы")


async def test_a_read_ends(fresh_settings: FreshSettings) -> None:
    """A read that would take too long is given up on SQLite too, and the next is answered."""
    settings = fresh_settings("sqlite", "zoo", prepare_zoo)
    database = settings.database.model_copy(update={"statement_timeout": 0.5})
    async with serving(settings, database=database) as api:
        numbers = "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 3000)"
        async with api.database.engine.begin() as connection:
            many = f"INSERT INTO folder (id, version, name) {numbers} SELECT i, 1, 'a' FROM g"
            await connection.execute(text(many))
        slow = "folders?namesakes.namesakes.namesakes__all.name__ilike=%25b%25&limit=1"
        for _ in range(2):
            (await api.call("GET", slow)).problem(503, "too_slow")
            assert len((await api.get("folders?limit=2"))["data"]) == 2
            assert (await api.call("PATCH", "folders/2", {"name": "b"})).status == 200


INFINITE = {
    "sqlite": "UPDATE specimen SET double = 9e999, ratio = -9e999 WHERE id = 1",
    "postgresql": "UPDATE specimen SET double = 'Infinity', ratio = 'NaN' WHERE id = 1",
}


async def test_numbers_that_json_has_no_word_for(api: Api) -> None:
    """What an adopted table holds of infinities is null in every answer, and in nobody's way."""
    items = [{"short": "a"}, {"short": "b", "double": 1.0}, {"short": "c", "double": 2.0}]
    assert (await api.call("POST", "specimens/bulk", {"items": items})).status == 200
    async with api.database.engine.begin() as connection:
        await connection.execute(text(INFINITE[api.database.dialect]))
    for target in (
        "specimens?sort=id",
        "specimens?sort=id&fields=double,ratio",
        "specimens/1?fields=double",
        "specimens/aggregate?group=double&max=ratio",
    ):
        answer = await api.call("GET", target)
        assert answer.status == 200
        assert not any(word in answer.body for word in (b"Infinity", b"NaN"))
    lines = [("accept", "application/x-ndjson")]
    streamed = await api.call("GET", "specimens?sort=id&fields=double", headers=lines)
    assert streamed.body.splitlines()[0] == b'{"double":null}'
    for order, ids in (("-double", [1, 3, 2]), ("double", [2, 3, 1])):
        found = await api.walk(f"specimens?sort={order}&limit=1&fields=id")
        assert [each["id"] for each in found] == ids
    assert (await api.call("PATCH", "specimens/1", {"name": "q"})).status == 200
    (changed,) = await api.changes(action="update")
    assert changed["after"] == {"name": "q"}
    assert (await api.call("DELETE", "specimens/1")).status == 204


async def test_half_an_operator(api: Api) -> None:
    """A name that ends where its operator should begin is no name."""
    (await api.call("GET", "specimens?short__=x")).problem(400)
    (await api.call("POST", "specimens/query", {"filter": {"short__": "x"}})).problem(400)
