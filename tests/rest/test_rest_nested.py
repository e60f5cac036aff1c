"""Writes of a record with its links: edits of sets, and children within their parent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import Api
from conftest import KINDS, FreshSettings
from together import grants, house, somebody, told

from admin_app.declaration.schemas import MAX_CHILDREN
from admin_app.records.writes.children import MAX_DEPTH


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    async with house(fresh_settings, request.param) as made:
        yield made


async def authors(api: Api, count: int) -> list[int]:
    return [(await api.add("authors", {"name": f"a{n}"}))["id"] for n in range(count)]


async def test_a_set_is_edited(api: Api) -> None:
    """A set takes what it becomes, or what to add and remove; the same change follows from both."""
    one, two, three = await authors(api, 3)
    book = await api.add("books", {"title": "b", "authors": {"add": [one, two, two]}})
    assert book["authors"] == [one, two]
    place = f"books/{book['id']}"
    changed = await api.call("PATCH", place, {"authors": {"add": [three], "remove": [one, 999]}})
    assert changed.json["authors"] == [two, three]
    change = (await api.changes(resource="book", action="update"))[-1]
    assert (change["before"], change["after"]) == ({"authors": [one]}, {"authors": [three]})
    assert (await api.call("PATCH", place, {"authors": {"set": [one]}})).json["authors"] == [one]
    version = (await api.get(place))["version"]
    for nothing in ({}, {"add": [one]}, {"remove": [two]}, {"set": [one]}, [one]):
        assert (await api.call("PATCH", place, {"authors": nothing})).json["version"] == version


WRONG_EDITS: list[tuple[Any, str, str]] = [
    ({"add": [1], "remove": [1]}, "/authors/remove/0", "repeated"),
    ({"add": [1, 999]}, "/authors/add/1", "reference_not_found"),
    ({"set": [999]}, "/authors/set/0", "reference_not_found"),
    ({"set": [1], "add": [1]}, "/authors/add", "unknown_field"),
    ({"add": ["1"]}, "/authors/add/0", "int_type"),
    ({"add": None}, "/authors/add", "list_type"),
    ({"more": []}, "/authors/more", "unknown_field"),
    ("1", "/authors", "list_type"),
    ({"add": [2**70]}, "/authors/add/0", "less_than_equal"),
]


async def test_wrong_edits(api: Api) -> None:
    """An edit that cannot be is refused where it is wrong, and nothing is written."""
    await authors(api, 1)
    await api.add("books", {"title": "b"})
    before = await api.counts()
    for given, pointer, code in WRONG_EDITS:
        answer = await api.call("PATCH", "books/1", {"authors": given})
        (error,) = answer.problem(422)["errors"]
        assert (error["pointer"], error["code"]) == (pointer, code)
    assert await api.counts() == before


async def test_edits_at_once(api: Api) -> None:
    """Of twelve who add to one set from both ends at once, each finds theirs in it."""
    keys = await authors(api, 12)
    book = (await api.add("books", {"title": "b"}))["id"]
    answers = await asyncio.gather(
        *(
            api.call("PATCH", f"books/{book}", {"authors": {"add": [key]}})
            if key % 2
            else api.call("PATCH", f"authors/{key}", {"books": {"add": [book]}})
            for key in keys
        )
    )
    assert {each.status for each in answers} == {200}
    assert (await api.get(f"books/{book}"))["authors"] == keys


async def test_edits_leave_alone_what_is_out_of_sight(api: Api) -> None:
    """Who does not see a member of a set neither removes it nor learns that it is there."""
    await api.add("labels", {"code": "seen", "name": "first"})
    await api.add("labels", {"code": "unseen", "name": "other"})
    await api.add("keepers", {"name": "k", "labels": ["seen", "unseen"]})
    who = await somebody(
        api, *grants("keeper", "read", "update"), *grants("label", "read", rule="some")
    )
    for edit in ({"remove": ["unseen"]}, {"remove": ["absent"]}, {"set": ["seen"]}):
        answer = await who.call("PATCH", "keepers/1", {"labels": edit})
        assert (answer.status, answer.json["labels"]) == (200, ["seen"])
    hidden, absent = [
        await who.call("PATCH", "keepers/1", {"labels": {"add": [each]}})
        for each in ("unseen", "absent")
    ]
    assert told(hidden) == told(absent)
    assert (await who.call("PATCH", "keepers/1", {"labels": {"set": []}})).json["labels"] == []
    assert (await api.get("keepers/1"))["labels"] == ["unseen"]


async def test_children_with_their_parent(api: Api) -> None:
    """Children come, change and go with their parent, in one change set, and none by omission."""
    body = {"title": "b", "comments": {"create": [{"text": "one", "stars": 5}, {"text": "two"}]}}
    book = await api.add("books", body)
    assert "comments" not in book
    edit = {
        "create": [{"text": "three"}],
        "update": [{"key": "1", "data": {"text": "uno"}, "if_match": '"1"'}],
        "delete": [{"key": "2", "if_match": '"1"'}],
    }
    answer = await api.call("PATCH", "books/1", {"year": 1900, "comments": edit})
    assert (answer.status, answer.json["year"]) == (200, 1900)
    found = (await api.get("comments?sort=id"))["data"]
    assert [(each["text"], each["book_id"]) for each in found] == [("uno", 1), ("three", 1)]
    changes = await api.changes()
    assert len({each["change_set"] for each in changes}) == 2
    assert [(each["action"], each["resource"]) for each in changes[3:]] == [
        ("update", "book"),
        ("update", "comment"),  # Into the trash.
        ("update", "comment"),
        ("create", "comment"),
    ]
    assert changes[4]["after"].keys() == {"deleted_at"}
    version = answer.json["version"]
    more = await api.call("PATCH", "books/1", {"comments": {"create": [{"text": "four"}]}})
    assert more.json["version"] == version, "the parent is what it was"
    assert len((await api.get("comments"))["data"]) == 3


async def test_children_of_children(api: Api) -> None:
    """They nest, with keys of several parts too, to a depth and a number that are bounded."""
    tree = {"create": [{"name": "b", "children": {"create": [{"name": "c"}]}}]}
    await api.add("folders", {"name": "a", "children": tree})
    found = (await api.get("folders?sort=id"))["data"]
    assert [(each["name"], each["parent_id"]) for each in found] == [
        ("a", None),
        ("b", 1),
        ("c", 2),
    ]
    change = {"children": {"update": [{"key": "3", "data": {"name": "C"}}]}}
    edit = {"children": {"update": [{"key": "2", "data": change}]}}
    assert (await api.call("PATCH", "folders/1", edit)).status == 200
    assert (await api.get("folders/3"))["name"] == "C"
    parts = {"create": [{"position": 1, "name": "p"}]}
    await api.add("composites", {"room": "a,b", "number": 3, "parts": parts})
    (part,) = (await api.get("parts"))["data"]
    assert part == {"room": "a,b", "number": 3, "position": 1, "name": "p"}
    deep: dict[str, Any] = {"name": "x"}
    for _ in range(MAX_DEPTH + 1):
        deep = {"name": "x", "children": {"create": [deep]}}
    refused = await api.call("POST", "folders", deep)
    assert refused.problem(422)["errors"][0]["code"] == "too_deep"
    half = [{"name": "x"}] * (MAX_CHILDREN // 2)
    two = [{"name": "y", "children": {"create": half}} for _ in range(2)]
    many = await api.call("POST", "folders", {"name": "z", "children": {"create": two}})
    assert many.problem(422)["errors"][0]["code"] == "too_long"
    assert len((await api.get("folders"))["data"]) == 3


WRONG_CHILDREN: list[tuple[Any, int, str]] = [
    ({"create": [{"text": "x"}, {"text": 1}]}, 422, "/comments/create/1/text"),
    ({"create": [{"text": "x"}, {"text": "x", "stars": 9}]}, 422, "/comments/create/1/stars"),
    ({"create": [{"text": "x", "book_id": 1}]}, 422, "/comments/create/0/book_id"),
    ({"create": [{"text": "x", "reader_id": 9}]}, 422, "/comments/create/0/reader_id"),
    ({"create": [{"text": "x", "more": 9}]}, 422, "/comments/create/0/more"),
    ({"create": [1]}, 422, "/comments/create/0"),
    ({"create": {}}, 422, "/comments/create"),
    ({"update": [{"key": "1", "data": {"book_id": 2}}]}, 422, "/comments/update/0/data/book_id"),
    ({"update": [{"key": "1", "data": {"stars": "1"}}]}, 422, "/comments/update/0/data/stars"),
    ({"update": [{"key": 1, "data": {}}]}, 422, "/comments/update/0/key"),
    ({"update": [{"key": "2", "data": {}}]}, 404, "/comments/update/0"),
    ({"update": [{"key": "9", "data": {}}]}, 404, "/comments/update/0"),
    ({"update": [{"key": "x", "data": {}}]}, 404, "/comments/update/0"),
    ({"update": [{"key": "1", "data": {}, "if_match": '"7"'}]}, 412, "/comments/update/0"),
    ({"delete": ["1", "2"]}, 404, "/comments/delete/1"),
    ({"delete": ["1", "1"]}, 404, "/comments/delete/1"),
    ({"delete": [{"key": "1", "if_match": '"7"'}]}, 412, "/comments/delete/0"),
    ({"delete": [{"key": "2"}]}, 404, "/comments/delete/0"),
    ({"delete": [{"if_match": '"1"'}]}, 422, "/comments/delete/0/key"),
    ({"delete": [{"key": "1", "data": {}}]}, 422, "/comments/delete/0/data"),
    ({"delete": [1]}, 422, "/comments/delete/0"),
    ({"remove": ["1"]}, 422, "/comments/remove"),
    (None, 422, "/comments"),
    ([], 422, "/comments"),
]  # fmt: skip


async def test_wrong_children(api: Api) -> None:
    """A child that cannot be written is pointed at, and its parent is not written either."""
    await api.add("books", {"title": "b", "comments": {"create": [{"text": "mine"}]}})
    await api.add("books", {"title": "c", "comments": {"create": [{"text": "theirs"}]}})
    before = await api.changes()
    for edit, status, pointer in WRONG_CHILDREN:
        answer = await api.call("PATCH", "books/1", {"title": "new", "comments": edit})
        assert answer.problem(status)["errors"][0]["pointer"] == pointer
    assert await api.changes() == before


async def test_children_are_written_with_their_own_rights(api: Api) -> None:
    """Who may not write a child may not through its parent, and what is hidden is not there."""
    await api.add("keepers", {"name": "k", "cages": {"create": [{"name": "1"}, {"name": "2"}]}})
    every = grants("keeper", "read", "update")
    create = {"cages": {"create": [{"name": "x", "room": None}]}}

    stranger = await somebody(api, *every)
    made_up = {"birds": create["cages"]}
    hidden, unknown = [
        await stranger.call("PATCH", "keepers/1", each) for each in (create, made_up)
    ]
    assert hidden.pointers == ["/cages"]
    assert unknown.pointers == ["/birds"]
    assert hidden.json["errors"][0]["detail"] == unknown.json["errors"][0]["detail"]

    reader = await somebody(api, *every, *grants("cage", "read"))
    refused = await reader.call("PATCH", "keepers/1", {"name": "new", **create})
    assert refused.problem(403)["errors"][0]["pointer"] == "/cages"
    assert (await api.get("keepers/1"))["name"] == "k"

    some = await somebody(api, *every, *grants("cage", "read", "update", "delete", rule="some"))
    for way in ({"update": [{"key": "{}", "data": {}}]}, {"delete": ["{}"]}):
        unseen, absent = [
            await some.call("PATCH", "keepers/1", {"cages": _filled(way, key)}) for key in "29"
        ]
        assert unseen.status == 404
        assert told(unseen) == told(absent)
    update = {"update": [{"key": "1", "data": {"name": "one"}}]}
    assert (await some.call("PATCH", "keepers/1", {"cages": update})).status == 200

    without = grants("cage", "create", "read", create={"room"}, read={"room"})
    narrow = await somebody(api, *every, *without)
    withheld = await narrow.call("PATCH", "keepers/1", create)
    assert withheld.problem(422)["errors"][0]["pointer"] == "/cages/create/0/room"


def _filled(way: Any, key: str) -> Any:
    """The edit with a key in the place of the braces."""
    if isinstance(way, dict):
        return {name: _filled(each, key) for name, each in way.items()}
    if isinstance(way, list):
        return [_filled(each, key) for each in way]
    return way.format(key)
