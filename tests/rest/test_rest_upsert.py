"""Upserts: a record is created, or merged into the one that has what must be unique."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import Api
from conftest import KINDS, FreshSettings
from together import grants, house, somebody, told

from admin_app.records.writes.bulk.upsert import unique_fields

IGNORE = [("prefer", "resolution=ignore-duplicates")]
BY_NAME = "authors?on_conflict=name"


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    async with house(fresh_settings, request.param) as made:
        yield made


async def test_merging(api: Api) -> None:
    """What is there keeps what is not sent; what is not there is created."""
    made = await api.call("POST", BY_NAME, {"name": "x", "born": 1, "country": "A"})
    assert (made.status, made.header("location")) == (201, "/api/v1/authors/1")
    merged = await api.call("POST", BY_NAME, {"name": "x", "born": 2})
    assert (merged.status, merged.json["version"]) == (200, 2)
    assert merged.header("etag") == (await api.call("GET", "authors/1")).header("etag")
    assert (merged.json["born"], merged.json["country"]) == (2, "A")
    again = await api.call("POST", BY_NAME, {"name": "x", "born": 2})
    assert (again.status, again.json) == (200, merged.json)
    ignored = await api.call("POST", BY_NAME, {"name": "x", "born": 3}, headers=IGNORE)
    assert (ignored.status, ignored.json) == (200, merged.json)
    assert ignored.header("preference-applied") == "resolution=ignore-duplicates"
    new = await api.call("POST", BY_NAME, {"name": "y", "born": 3}, headers=IGNORE)
    assert new.status == 201
    actions = [each["action"] for each in await api.changes()]
    assert actions == ["create", "update", "create"]


async def test_what_is_unique(api: Api) -> None:
    """It goes by keys, by constraints of several columns and by what a model makes of a value."""
    assert (await api.call("POST", "texts?on_conflict=code", {"code": "c"})).status == 201
    named = await api.call("POST", "texts?on_conflict=code", {"code": "c", "name": "n"})
    assert (named.status, named.json) == (200, {"code": "c", "name": "n"})
    body = {"code": "a", "town": "t", "street": "s", "low": 1}
    by_both = "ruled?on_conflict=street,town"
    assert (await api.call("POST", by_both, body)).status == 201
    changed = await api.call("POST", by_both, {**body, "code": "b"})
    assert (changed.status, changed.json["code"]) == (200, "b")
    by_key = "composites?on_conflict=room,number"
    for status in (201, 200):
        assert (await api.call("POST", by_key, {"room": "a", "number": 1})).status == status
    known = unique_fields(api.registry["ruled"])
    assert known == [("code",), ("town", "street")], "an index of some rows is not among them"
    assert unique_fields(api.registry["book"]) == [("source_id",)]


async def test_what_cannot_be(api: Api) -> None:
    """Fields that are not unique are refused with those that are; each must have a value."""
    for given in ("country", "nmae", "name,country", "name,name", "", "id", "name,"):
        answer = await api.call("POST", f"authors?on_conflict={given}", {"name": "x"})
        (error,) = answer.problem(400)["errors"]
        assert (error["pointer"], error["detail"]) == ("/on_conflict", "Give what is unique: name.")
    for body, pointer in (({}, "/name"), ({"name": None}, "/name"), ({"name": "x", "b": 1}, "/b")):
        assert (await api.call("POST", BY_NAME, body)).pointers == [pointer]
    null = await api.call("POST", "ruled?on_conflict=town,street", {"code": "c", "town": "t"})
    assert null.pointers == ["/street"]
    await api.add("ruled", {"code": "c", "town": "t", "street": "s"})
    await api.add("ruled", {"code": "d"})
    clash = {"code": "d", "town": "t", "street": "s"}
    other = await api.call("POST", "ruled?on_conflict=town,street", clash)
    assert other.problem(409, "unique_violation")["errors"][0]["pointer"] == "/code"
    (await api.call("POST", "comments?on_conflict=text", {"text": "x"})).problem(400)
    for raw in (b"[", b"[]", b"null", b"[" * 500, b'{"name": "x"'):
        refused = await api.call("POST", BY_NAME, raw=raw)
        assert refused.status in {400, 422}, raw


async def test_lists(api: Api) -> None:
    """A list is merged item by item; two items about one record only where each is by itself."""
    await api.add("authors", {"name": "x", "country": "A"})
    body = {"items": [{"name": "new"}, {"name": "x", "born": 1}]}
    answer = await api.call("POST", "authors/bulk?on_conflict=name", body)
    assert [each["status"] for each in answer.json["items"]] == [201, 200]
    assert answer.json["items"][1]["data"]["country"] == "A"
    twice = {"items": [{"name": "z"}, {"name": "x"}, {"name": "z", "born": 1}]}
    refused = await api.call("POST", "authors/bulk?on_conflict=name", twice)
    assert refused.problem(422)["errors"][0]["pointer"] == "/items/2/name"
    each_by_itself = await api.call("POST", "authors/bulk?on_conflict=name&atomic=false", twice)
    assert [each["status"] for each in each_by_itself.json["items"]] == [201, 200, 200]


async def test_at_once(api: Api) -> None:
    """Of twenty who upsert the same record at once one creates it, and none is refused."""
    answers = await asyncio.gather(
        *(api.call("POST", BY_NAME, {"name": "x", "born": n}) for n in range(20)),
    )
    assert Counter(each.status for each in answers) == {201: 1, 200: 19}
    body = {"items": [{"name": f"n{n}"} for n in range(5)]}
    answers = await asyncio.gather(
        *(api.call("POST", "authors/bulk?on_conflict=name", body) for _ in range(8)),
    )
    told_ = Counter(item["status"] for each in answers for item in each.json["items"])
    assert told_ == {201: 5, 200: 35}


async def test_rights(api: Api) -> None:
    """It takes the rights to create and change; what is out of sight clashes as for a create."""
    await api.add("ruled", {"code": "theirs", "owner": "somebody"})
    body = {"code": "theirs", "name": "new"}
    target = "ruled?on_conflict=code"
    for actions in (("read", "update"), ("create", "update"), ("read", "create")):
        who = await somebody(api, *grants("ruled", *actions))
        (await who.call("POST", target, body)).problem(403)
    ignoring = await who.call("POST", target, body, headers=IGNORE)
    assert (ignoring.status, ignoring.json["name"]) == (200, None)

    own = await somebody(
        api, *grants("ruled", "create"), *grants("ruled", "read", "update", rule="own")
    )
    for headers in ([], IGNORE):
        merged = await own.call("POST", target, body, headers=headers)
        plain = await own.call("POST", "ruled", body)
        assert merged.status == 409
        assert told(merged) == told(plain)
    mine = {"code": "mine", "owner": own.name}
    assert [(await own.call("POST", target, mine)).status for _ in range(2)] == [201, 200]

    hidden = await somebody(api, *grants("ruled", "read", "create", "update", read={"town"}))
    for given in ("town,street", "twon,street"):
        answer = await hidden.call("POST", f"ruled?on_conflict={given}", {"code": "x"})
        assert answer.problem(400)["detail"] == "Give what is unique: code."
    fixed = await somebody(api, *grants("ruled", "read", "create", "update", update={"name"}))
    kept = await fixed.call("POST", target, body)
    assert kept.problem(422)["errors"][0]["pointer"] == "/name"
    assert (await fixed.call("POST", target, {"code": "theirs", "low": 1})).json["low"] == 1


async def test_what_is_in_the_trash(api: Api) -> None:
    """It is not there to be merged into: what is unique without it is free, the rest clashes."""
    await api.add("sheets", {"number": 1, "mark": "m"})
    bulk = {"items": [{"key": "1"}, {"key": "1"}]}
    gone = await api.call("DELETE", "sheets/bulk", bulk)
    assert [each["status"] for each in gone.json["items"]] == [204, 204]
    for status in (201, 200):
        answer = await api.call("POST", "sheets?on_conflict=number", {"number": 1})
        assert (answer.status, answer.json["id"]) == (status, 2)
    (await api.call("POST", "sheets?on_conflict=mark", {"number": 2, "mark": "m"})).problem(409)
    headers = [("prefer", "max-affected=10")]
    matching = await api.call("DELETE", "sheets?id__gte=1", headers=headers)
    assert matching.json["keys"] == ["2"]
    (await api.call("DELETE", "sheets?id=1&trash=with", headers=headers)).problem(400)


async def test_lists_in_every_order(api: Api) -> None:
    """Lists of the same records, each in its own order, do not wait for each other in a circle."""
    codes = [f"c{number}" for number in range(20)]
    await api.call("POST", "ruled/bulk", {"items": [{"code": each} for each in codes]})
    orders = (codes, codes[::-1], codes[10:] + codes[:10])
    answers = await asyncio.gather(
        *(
            api.call(
                "POST",
                "ruled/bulk?on_conflict=code",
                {"items": [{"code": each, "low": low} for each in order]},
            )
            for low, order in enumerate(orders * 2)
        )
    )
    assert {each.status for each in answers} == {200}
    assert len({each["low"] for each in await api.walk("ruled")}) == 1
    assert {each["version"] for each in await api.walk("ruled")} == {7}


async def test_it_is_one_write(api: Api) -> None:
    """What was merged and then refused leaves nothing behind."""
    await api.add("authors", {"name": "x"})
    before = await api.counts()
    body: dict[str, Any] = {"items": [{"name": "new"}, {"name": "x", "books": [99]}]}
    answer = await api.call("POST", "authors/bulk?on_conflict=name", body)
    assert answer.problem(422)["errors"][0]["pointer"] == "/items/1/books/0"
    assert await api.counts() == before
