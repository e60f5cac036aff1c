"""Batches: writes of several resources as one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import Answer, Api
from conftest import KINDS, FreshSettings
from together import grants, house, somebody

from admin_app.records.writes.bulk.batch import MAX_OPERATIONS


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    async with house(fresh_settings, request.param) as made:
        yield made


async def batch(api: Any, *operations: Any, **options: Any) -> Answer:
    found: Answer = await api.call("POST", "batch", {"operations": list(operations)}, **options)
    return found


def create(resource: str, called: str = "", /, **data: Any) -> dict[str, Any]:
    named = {"as": called} if called else {}
    return {"op": "create", "resource": resource, "data": data, **named}


def ref(name: str) -> dict[str, str]:
    return {"$ref": name}


async def test_a_batch(api: Api) -> None:
    """Operations are done one after the other, in one change set, with what earlier ones gave."""
    await api.add("authors", {"name": "old"})
    comments = {"create": [{"text": ref("a.name"), "reader_id": ref("r.id")}]}
    reader = {"name": "r", "email": "e", "card_number": "c", "joined": "2024-01-01"}
    answer = await batch(
        api,
        create("author", "a", name="new"),
        create("reader", "r", **reader),
        create("book", "b", title="t", authors={"add": [ref("a")]}, comments=comments),
        {"op": "update", "resource": "book", "key": ref("b"), "data": {"year": ref("b.version")}},
        {"op": "update", "resource": "author", "key": "1", "data": {"born": 1}, "if_match": '"1"'},
        {"op": "delete", "resource": "author", "key": "1"},
    )
    told = answer.json["operations"]
    assert [each["status"] for each in told] == [201, 201, 201, 200, 200, 204]
    assert [each["key"] for each in told] == ["2", "1", "1", "1", "1", "1"]
    assert (told[3]["data"]["year"], told[3]["data"]["authors"]) == (1, [2])
    assert "data" not in told[5]
    (comment,) = (await api.get("comments"))["data"]
    assert (comment["text"], comment["reader_id"], comment["book_id"]) == ("new", 1, 1)
    assert len({each["change_set"] for each in (await api.changes())[1:]}) == 1
    minimal = await batch(api, create("author", name="x"), headers=[("prefer", "return=minimal")])
    assert "data" not in minimal.json["operations"][0]


async def test_references(api: Api) -> None:
    """They name keys of any kind, also of several parts; in JSON they are values like any other."""
    answer = await batch(
        api,
        create("composite", "c", room="a,b", number=1),
        create("keeper", "k", name="k", composites=[ref("c")]),
        create("cage", name="n", keeper_id=ref("k"), room=ref("c.room"), number=ref("c.number")),
        create("specimen", short="s", document=ref("k")),
        create("specimen", short="s", document=[ref("nobody")]),
        {"op": "update", "resource": "composite", "key": ref("c"), "data": {"name": "x"}},
    )
    told = answer.json["operations"]
    assert told[1]["data"]["composites"] == ["a~2b,1"]
    assert (told[2]["data"]["keeper_id"], told[2]["data"]["room"]) == (1, "a,b")
    assert told[3]["data"]["document"] == ref("k")
    assert told[4]["data"]["document"] == [ref("nobody")]
    assert told[5]["key"] == "a~2b,1"


GOOD = create("author", "a", name="good")
WRONG: list[tuple[Any, int, str]] = [
    (create("author", name=1), 422, "/operations/1/data/name"),
    (create("author", name="good"), 409, "/operations/1/data/name"),
    (create("author", "a", name="x"), 422, "/operations/1/as"),
    (create("author", "a.b", name="x"), 422, "/operations/1/as"),
    (create("author", name=ref("b")), 422, "/operations/1/data/name"),
    (create("author", name=ref("a.nmae")), 422, "/operations/1/data/name"),
    (create("author", name=ref("a.born")), 422, "/operations/1/data/name"),
    (create("author", name={"$ref": 1}), 422, "/operations/1/data/name"),
    (create("author", name={"$ref": "a", "x": 1}), 422, "/operations/1/data/name"),
    (create("book", title="x", authors=[ref("b")]), 422, "/operations/1/data/authors/0"),
    (create("book", title="x", authors={"add": [9]}), 422, "/operations/1/data/authors/add/0"),
    (create("book", title="x", comments={"create": [{"text": ref("b")}]}), 422,
     "/operations/1/data/comments/create/0/text"),
    (create("book", title="x", comments={"create": [{}]}), 422,
     "/operations/1/data/comments/create/0/text"),
    (create("nothing"), 422, "/operations/1/resource"),
    ({"op": "update", "resource": "author", "key": "9", "data": {}}, 404, "/operations/1"),
    ({"op": "update", "resource": "author", "key": "x", "data": {}}, 404, "/operations/1/key"),
    ({"op": "update", "resource": "author", "key": 1, "data": {}}, 422, "/operations/1/key"),
    ({"op": "update", "resource": "author", "key": ref("b"), "data": {}}, 422, "/operations/1/key"),
    ({"op": "update", "resource": "author", "key": ref("a"), "data": {}, "if_match": '"9"'}, 412,
     "/operations/1"),
    ({"op": "update", "resource": "author", "key": ref("a")}, 422, "/operations/1/data"),
    ({"op": "delete", "resource": "author", "key": "9"}, 404, "/operations/1"),
    ({"op": "delete", "resource": "keeper", "key": "1"}, 409, "/operations/1"),
    ({"op": "delete", "resource": "author", "key": "1", "as": "x"}, 422, "/operations/1/as"),
    ({"op": "merge", "resource": "author"}, 422, "/operations/1"),
    ({"resource": "author"}, 422, "/operations/1"),
    ([], 422, "/operations/1"),
    (None, 422, "/operations/1"),
]  # fmt: skip


async def test_all_or_none(api: Api) -> None:
    """What cannot be done is pointed at, and nothing of the batch is."""
    await api.add("keepers", {"name": "k", "loans": {"create": [{"name": "l"}]}})
    before = await api.counts()
    for wrong, status, pointer in WRONG:
        answer = await batch(api, GOOD, wrong)
        assert answer.problem(status)["errors"][0]["pointer"] == pointer, wrong
    amiss: list[Any] = [[], [GOOD] * (MAX_OPERATIONS + 1), {}, None]
    for operations in amiss:
        body = {"operations": operations}
        assert (await api.call("POST", "batch", body)).problem(422)["errors"]
    (await api.call("POST", "batch?x=1", {"operations": [GOOD]})).problem(400)
    (await api.call("POST", "batch", raw=b"[")).problem(400)
    (await batch(api, GOOD, anonymous=True)).problem(401)
    assert await api.counts() == before


async def test_rights(api: Api) -> None:
    """A resource of which nothing is granted is not there; else each write asks its own rights."""
    await api.add("cages", {"name": "1"})
    await api.add("cages", {"name": "2"})
    who = await somebody(
        api,
        *grants("cage", "read", "update", rule="some"),
        *grants("label", "read"),
        *grants("unversioned", "create", "read", read={"name"}),
    )
    unknown = [await batch(who, create(name)) for name in ("author", "admin_user", "nothing")]
    assert {each.problem(422)["errors"][0]["code"] for each in unknown} == {"unknown_resource"}
    assert all("author" not in str(each.json["errors"]) for each in unknown)
    refused = await batch(who, create("label", code="x"))
    assert refused.problem(403)["errors"][0]["pointer"] == "/operations/0"
    update = {"op": "update", "resource": "cage", "data": {}}
    unseen, absent = [await batch(who, {**update, "key": key}) for key in ("2", "9")]
    assert unseen.problem(404)["errors"] == absent.problem(404)["errors"]
    assert (await batch(who, {**update, "key": "1"})).status == 200
    hidden, made_up = [
        await batch(
            who,
            create("unversioned", "a", name="secret"),
            create("unversioned", name=ref(f"a.{field}")),
        )
        for field in ("name", "nmae")
    ]
    assert hidden.problem(422)["errors"] == made_up.problem(422)["errors"]
    assert (await api.get("unversioned"))["data"] == []
