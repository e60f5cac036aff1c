"""Writes of many records: lists of items, and what a filter finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import Api
from conftest import KINDS, FreshSettings
from together import grants, house, somebody, statements, told

from admin_app.records.writes.bulk.items import MAX_ITEMS
from admin_app.rest.bulk import MAX_BULK_BODY
from admin_app.rest.requests import MAX_BODY

TEN = [("prefer", "max-affected=10")]


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    async with house(fresh_settings, request.param) as made:
        yield made


def items(*each: Any) -> dict[str, Any]:
    return {"items": list(each)}


def statuses(answer: Any) -> list[int]:
    assert answer.status == 200, answer
    assert [each["index"] for each in answer.json["items"]] == [*range(len(answer.json["items"]))]
    return [each["status"] for each in answer.json["items"]]


async def named(api: Api, count: int) -> list[str]:
    """Keys of so many new authors."""
    body = items(*({"name": f"a{n}"} for n in range(count)))
    answer = await api.call("POST", "authors/bulk", body)
    assert statuses(answer) == [201] * count
    return [each["key"] for each in answer.json["items"]]


async def test_lists(api: Api) -> None:
    """A list of items is created, changed and deleted in one change set each."""
    keys = await named(api, 3)
    changed = await api.call(
        "PATCH",
        "authors/bulk",
        items(
            {"key": keys[0], "data": {"born": 1}, "if_match": '"1"'},
            {"key": keys[1], "data": {"born": 2}},
            {"key": keys[0], "data": {"died": 3}, "if_match": '"2"'},
        ),
    )
    assert statuses(changed) == [200, 200, 200]
    assert changed.json["items"][2]["data"]["version"] == 3
    body = items({"key": keys[0]}, {"key": keys[1], "if_match": '"2"'})
    gone = await api.call("DELETE", "authors/bulk", body)
    assert gone.json["items"][0] == {"index": 0, "status": 204, "key": keys[0]}
    by_post = await api.call("POST", "authors/bulk/delete", items({"key": keys[2]}))
    assert statuses(by_post) == [204]
    assert (await api.get("authors"))["data"] == []
    changes = await api.changes()
    assert [each["action"] for each in changes] == ["create"] * 3 + ["update"] * 3 + ["delete"] * 3
    assert len({each["change_set"] for each in changes}) == 4


async def test_without_data(api: Api) -> None:
    """Who prefers the minimum is told keys and statuses alone."""
    answer = await api.call(
        "POST", "authors/bulk", items({"name": "x"}), headers=[("prefer", "return=minimal")]
    )
    assert set(answer.json["items"][0]) == {"index", "status", "key"}
    assert answer.header("preference-applied") == "return=minimal"


WRONG_NEW: list[tuple[str, Any, int, str]] = [
    ("authors", items({"name": "x"}, {"name": 1}), 422, "/items/1/name"),
    ("authors", items({"name": "x"}, {"name": "a1"}), 409, "/items/1/name"),
    ("authors", items({"name": "x"}, {"name": "y"}, {"name": "x"}), 409, "/items/2/name"),
    ("comments", items({"text": "x", "book_id": 9}), 422, "/items/0/book_id"),
    ("books", items({"title": "x"}, {"title": "x", "authors": [9]}), 422, "/items/1/authors/0"),
    ("validated", items({"email": "a@b"}, {"email": "ab"}), 422, "/items/1/email"),
    ("authors", items(), 422, "/items"),
    ("authors", items(*[{"name": "x"}] * (MAX_ITEMS + 1)), 422, "/items"),
    ("authors", items(None), 422, "/items/0"),
    ("authors", {"items": {}}, 422, "/items"),
    ("authors", {"items": [{"name": "x"}], "more": 1}, 422, "/more"),
]
WRONG_CHANGES: list[tuple[Any, int, str]] = [
    (items({"key": "1", "data": {}}, {"key": "9", "data": {}}), 404, "/items/1"),
    (items({"key": "x", "data": {}}), 404, "/items/0/key"),
    (items({"key": "1", "data": {"born": "1"}}), 422, "/items/0/data/born"),
    (items({"key": "1", "data": {"name": "a1"}}), 409, "/items/0/data/name"),
    (items({"key": "1", "data": {}, "if_match": '"9"'}), 412, "/items/0"),
    (items({"key": "1"}), 422, "/items/0/data"),
    (items({"key": 1, "data": {}}), 422, "/items/0/key"),
]


async def test_all_or_none(api: Api) -> None:
    """What cannot be written is pointed at, and none of the others is written either."""
    await named(api, 2)
    await api.add("keepers", {"name": "k", "loans": {"create": [{"name": "l"}]}})
    before = await api.counts()
    for plural, body, status, pointer in WRONG_NEW:
        answer = await api.call("POST", f"{plural}/bulk", body)
        assert answer.problem(status)["errors"][0]["pointer"] == pointer, body
    for body, status, pointer in WRONG_CHANGES:
        answer = await api.call("PATCH", "authors/bulk", body)
        assert answer.problem(status)["errors"][0]["pointer"] == pointer, body
    gone = await api.call("DELETE", "authors/bulk", items({"key": "1"}, {"key": "9"}))
    assert gone.problem(404)["errors"][0]["pointer"] == "/items/1"
    held = await api.call("DELETE", "keepers/bulk", items({"key": "1"}))
    (error,) = held.problem(409, "in_use")["errors"]
    assert (error["pointer"], error["detail"]) == ("/items/0", "1 loan points to it.")
    one = await api.call("PATCH", "authors/bulk", items(), headers=[("if-match", '"1"')])
    one.problem(400)
    for query in ("atomic=maybe", "more=1", "atomic=true&atomic=true"):
        (await api.call("POST", f"authors/bulk?{query}", items({"name": "x"}))).problem(400)
    assert await api.counts() == before


async def test_as_far_as_it_goes(api: Api) -> None:
    """Without ``atomic`` each item is answered with what became of it, and the good ones stay."""
    await named(api, 2)
    new = items(
        {"name": "x"}, {"name": "x"}, {"nam": "y"}, {"name": "z", "books": [9]}, {"name": "w"}
    )
    answer = await api.call("POST", "authors/bulk?atomic=false", new)
    assert statuses(answer) == [201, 409, 422, 422, 201]
    problems = [each.get("problem") for each in answer.json["items"]]
    assert [each and each["errors"][0]["pointer"] for each in problems] == [
        *(None, "/items/1/name", "/items/2/name", "/items/3/books/0", None),
    ]
    assert problems[1]["request_id"] == answer.header("x-request-id")
    change = items(
        {"key": "1", "data": {"born": 1}}, {"key": "9", "data": {}}, {"key": "2", "data": 1}
    )
    assert (await api.call("PATCH", "authors/bulk?atomic=false", change)).status == 422
    change["items"][2]["data"] = {"name": "a0"}
    answer = await api.call("PATCH", "authors/bulk?atomic=false", change)
    assert statuses(answer) == [200, 404, 409]
    gone = items({"key": "1"}, {"key": "1"}, {"key": "9"}, {"key": "2", "if_match": '"9"'})
    answer = await api.call("DELETE", "authors/bulk?atomic=false", gone)
    assert statuses(answer) == [204, 204, 404, 412]
    names = [each["name"] for each in (await api.get("authors?sort=name"))["data"]]
    assert names == ["a1", "w", "x"]
    actions = [each["action"] for each in await api.changes()]
    assert actions == ["create"] * 4 + ["update", "delete"]


async def test_what_goes_with_another_item(api: Api) -> None:
    """A record that its parent took along is deleted as well, whichever of them comes first."""
    for order in ("123", "321", "213"):
        tree = {"create": [{"name": "b", "children": {"create": [{"name": "c"}]}}]}
        root = (await api.add("folders", {"name": "a", "children": tree}))["id"]
        keys = [str(root + int(each) - 1) for each in order]
        answer = await api.call("DELETE", "folders/bulk", items(*({"key": key} for key in keys)))
        assert statuses(answer) == [204, 204, 204]


async def test_few_statements(api: Api) -> None:
    """A hundred records take as many statements as ten; the offending one is found among them."""
    counts = []
    for count in (10, 100):
        body = items(*({"title": f"t{n}", "year": n} for n in range(count)))
        with statements(api) as asked:
            assert (await api.call("POST", "books/bulk", body)).status == 200
        counts.append(len(asked))
    assert counts[1] <= counts[0], counts
    body = items(*({"name": f"n{n}"} for n in range(300)))
    body["items"][217]["name"] = "n5"
    with statements(api) as asked:
        assert (await api.call("POST", "authors/bulk", body)).pointers == ["/items/217/name"]


async def test_larger_bodies(api: Api) -> None:
    """A list may be larger than a record, and has an end all the same."""
    text = "x" * 2000
    body = items(*({"title": "t", "description": text} for _ in range(MAX_BODY // 2000 + 10)))
    assert (await api.call("POST", "books/bulk", body)).status == 200
    huge = b'{"items": [' + b" " * MAX_BULK_BODY + b"]}"
    (await api.call("POST", "books/bulk", raw=huge)).problem(413)


async def test_what_a_filter_finds(api: Api) -> None:
    """All that match are changed or deleted, each with its change, if they are not too many."""
    keys = await named(api, 3)
    await api.add("authors", {"name": "other"})
    target = "authors?name__startswith=a"
    answer = await api.call("PATCH", target, {"born": 1}, headers=TEN)
    assert answer.json == {"affected": 3, "keys": keys}
    assert answer.header("preference-applied") == "max-affected=10"
    changed = await api.changes(action="update")
    assert [each["key"] for each in changed] == keys
    assert len({each["change_set"] for each in changed}) == 1
    few = [("prefer", "max-affected=2")]
    for method, body in (("PATCH", {"born": 2}), ("DELETE", None)):
        answer = await api.call(method, target, body, headers=few)
        answer.problem(409, "too_many_affected")
    clash = await api.call("PATCH", target, {"name": "same"}, headers=TEN)
    assert "Author 2" in clash.problem(409, "unique_violation")["detail"]
    assert len(await api.changes()) == 7
    nothing = await api.call("PATCH", "authors?name=z", {"born": 9}, headers=TEN)
    assert nothing.json == {"affected": 0, "keys": []}
    (await api.call("PATCH", "authors?name=z", {"born": "9"}, headers=TEN)).problem(422)
    gone = await api.call("DELETE", target, headers=TEN)
    assert gone.json["affected"] == 3
    assert [each["name"] for each in (await api.get("authors"))["data"]] == ["other"]


UNCLEAR = [
    ("authors?name=a0", []),
    ("authors?name=a0", [("prefer", "max-affected=1001")]),
    ("authors?name=a0", [("prefer", "max-affected=x")]),
    ("authors?name=a0", [("prefer", "max-affected=-1")]),
    ("authors", TEN),
    ("authors?filter={}", TEN),
    ("authors?name=a0&limit=1", TEN),
    ("authors?name=a0&sort=name", TEN),
    ("authors?name=a0&include=books", TEN),
    ("authors?nmae=a0", TEN),
    ("authors?name=a0", [*TEN, ("if-match", '"1"')]),
]


async def test_unclear_filters(api: Api) -> None:
    """A write by filter says what is meant and how many that may be, or does nothing."""
    await named(api, 1)
    before = await api.counts()
    for target, headers in UNCLEAR:
        for method, body in (("PATCH", {"born": 1}), ("DELETE", None)):
            (await api.call(method, target, body, headers=headers)).problem(400)
    assert await api.counts() == before


async def test_a_tree_by_filter(api: Api) -> None:
    """Records that go with others that match are deleted once."""
    tree = {"create": [{"name": "b"}]}
    await api.add("folders", {"name": "a", "children": tree})
    answer = await api.call("DELETE", "folders?id__gte=1", headers=TEN)
    assert answer.json == {"affected": 2, "keys": ["1", "2"]}


async def test_filters_are_asked_again_of_locked_rows(api: Api) -> None:
    """Of many who take what matches at once, each record is taken by one."""
    await named(api, 4)
    answers = await asyncio.gather(
        *(
            api.call("PATCH", "authors?born__isnull=true", {"born": n}, headers=TEN)
            for n in range(8)
        )
    )
    assert {each.status for each in answers} == {200}
    assert sum(each.json["affected"] for each in answers) == 4


async def test_rows_and_fields_of_others(api: Api) -> None:
    """Rows out of sight and hidden fields are in none of it; rows out of reach are refused."""
    for number in range(4):
        await api.add("cages", {"name": f"c{number}", "room": None})
    who = await somebody(
        api,
        *grants("cage", "read", rule="some", read={"room"}),
        *grants("cage", "update", "delete", rule="some", update={"room"}),
    )
    for method, target, more in (
        ("PATCH", "cages/bulk", {"data": {"name": "x"}}),
        ("DELETE", "cages/bulk", {}),
        ("POST", "cages/bulk/delete", {}),
    ):
        unseen, absent = [
            await who.call(method, target, items({"key": key, **more})) for key in ("2", "99")
        ]
        assert unseen.status == 404
        assert told(unseen) == told(absent)
    (await who.call("POST", "cages/bulk?atomic=false", items({"name": "x"}))).problem(403)
    hidden, unknown = [
        await who.call("PATCH", "cages/bulk", items({"key": "1", "data": {name: "x"}}))
        for name in ("room", "roam")
    ]
    assert hidden.pointers == ["/items/0/data/room"]
    assert hidden.json["errors"][0]["detail"] == unknown.json["errors"][0]["detail"]
    (await who.call("PATCH", "cages?room=x", {"name": "x"}, headers=TEN)).problem(400)
    (await who.call("PATCH", "cages?id__gt=0", {"room": "x"}, headers=TEN)).problem(422)
    found = await who.call("PATCH", "cages?id__gt=0", {"name": "x"}, headers=TEN)
    assert found.json == {"affected": 2, "keys": ["1", "3"]}
    reader = await somebody(
        api, *grants("cage", "read"), *grants("cage", "update", "delete", rule="some")
    )
    before = await api.changes()
    for method, body in (("PATCH", {"name": "y"}), ("DELETE", None)):
        refused = await reader.call(method, "cages?id__gt=0", body, headers=TEN)
        assert "Cage 2" in refused.problem(403)["detail"]
    listed = await reader.call(
        "DELETE", "cages/bulk?atomic=false", items({"key": "1"}, {"key": "2"})
    )
    assert [each["status"] for each in listed.json["items"]] == [204, 403]
    assert len(await api.changes()) == len(before) + 1


async def test_new_records_are_in_reach(api: Api) -> None:
    """Of a list each record must be one that its maker may create."""
    who = await somebody(api, *grants("ruled", "read", "create", rule="own"))
    mine = {"owner": who.name}
    body = items({"code": "a", **mine}, {"code": "b", "owner": "else"}, {"code": "c", **mine})
    refused = await who.call("POST", "ruled/bulk", body)
    assert refused.problem(403)["errors"][0]["pointer"] == "/items/1"
    assert statuses(await who.call("POST", "ruled/bulk?atomic=false", body)) == [201, 403, 201]
