"""JSON Patch (RFC 6902): what each operation does to a document, and to a record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api import Api, make_role, zoo_on, zoos
from conftest import KINDS, FreshSettings, Kind

from admin_app.declaration import Grant
from admin_app.errors import AppError, ConflictError, InvalidInputError
from admin_app.records.writes.json_patch import MAX_CARRIED, apply, parse

TYPE = [("content-type", "application/json-patch+json")]


def patched(document: Any, *operations: dict[str, Any]) -> Any:
    return apply(document, parse(json.dumps(operations).encode()))


DONE = [
    # RFC 6902, appendix A
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
    ({"f": [1, 3]}, [{"op": "add", "path": "/f/1", "value": 2}], {"f": [1, 2, 3]}),
    ({"baz": 1, "foo": 2}, [{"op": "remove", "path": "/baz"}], {"foo": 2}),
    ({"f": [1, 2, 3]}, [{"op": "remove", "path": "/f/1"}], {"f": [1, 3]}),
    ({"baz": 1}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
    (
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    ({"f": [1, 2, 3, 4]}, [{"op": "move", "from": "/f/1", "path": "/f/3"}], {"f": [1, 3, 4, 2]}),
    ({"a": [1, "x"]}, [{"op": "test", "path": "/a/1", "value": "x"}], {"a": [1, "x"]}),
    ({}, [{"op": "add", "path": "/a", "value": {"b": {}}, "xyz": 123}], {"a": {"b": {}}}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"f": ["a"]}, [{"op": "add", "path": "/f/-", "value": ["b"]}], {"f": ["a", ["b"]]}),
    # what it leaves to be found out
    ({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}], {"a": 1}),
    ({"": {"": 1}}, [{"op": "replace", "path": "//", "value": 2}], {"": {"": 2}}),
    ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": None}}], {"b": None}),
    ({"a": 1}, [{"op": "move", "from": "/a", "path": "/a"}], {"a": 1}),
    (
        {"a": [1]},
        [{"op": "copy", "from": "/a", "path": "/b"}, {"op": "add", "path": "/b/0", "value": 0}],
        {"a": [1], "b": [0, 1]},
    ),
]


@pytest.mark.parametrize(("document", "operations", "outcome"), DONE)
def test_operations(document: Any, operations: list[dict[str, Any]], outcome: Any) -> None:
    """What the RFC says an operation does is done, to a copy."""
    before = json.dumps(document)
    assert patched(document, *operations) == outcome
    assert json.dumps(document) == before


MISFITS = [
    ({"op": "add", "path": "/x/y", "value": 1}, "/0/path", "no_such_place"),
    ({"op": "remove", "path": "/x"}, "/0/path", "no_such_place"),
    ({"op": "replace", "path": "/x", "value": 1}, "/0/path", "no_such_place"),
    ({"op": "replace", "path": "/l/2", "value": 1}, "/0/path", "no_such_place"),
    ({"op": "add", "path": "/l/3", "value": 1}, "/0/path", "no_such_place"),
    ({"op": "add", "path": "/l/01", "value": 1}, "/0/path", "no_such_place"),
    ({"op": "add", "path": "/l/x", "value": 1}, "/0/path", "no_such_place"),
    ({"op": "remove", "path": "/l/-"}, "/0/path", "no_such_place"),
    ({"op": "add", "path": "/a/b", "value": 1}, "/0/path", "no_such_place"),
    ({"op": "copy", "from": "/x", "path": "/y"}, "/0/from", "no_such_place"),
    ({"op": "test", "path": "/a", "value": True}, "/0/value", "test_failed"),
    ({"op": "test", "path": "/a", "value": "1"}, "/0/value", "test_failed"),
    ({"op": "test", "path": "/l", "value": [2, 1]}, "/0/value", "test_failed"),
]
WRONG = [
    ([{"op": "spam", "path": "/a"}], "/0/op", "literal_error"),
    ([{"path": "/a"}], "/0/op", "required"),
    ([{"op": "add", "path": "/a"}], "/0/value", "required"),
    ([{"op": "copy", "path": "/a"}], "/0/from", "required"),
    ([{"op": "remove", "path": "a"}], "/0/path", "format"),
    ([{"op": "remove", "path": 1}], "/0/path", "string_type"),
    ([{"op": "remove", "path": "/a~2"}], "/0/path", "format"),
    ([{"op": "move", "from": "/a", "path": "/a/b"}], "/0/path", "bad_value"),
    ([{"op": "remove", "path": ""}], "/0/path", "dict_type"),
    ([{"op": "replace", "path": "", "value": 1}], "/0/path", "dict_type"),
    ({"op": "remove"}, "", "list_type"),
    ([{"op": "test", "path": "", "value": 1}] * 1001, "", "too_long"),
]


@pytest.mark.parametrize(("operation", "pointer", "code"), MISFITS)
def test_misfits(operation: dict[str, Any], pointer: str, code: str) -> None:
    """What does not fit the document is a conflict, told where it stands in the patch."""
    with pytest.raises(ConflictError) as caught:
        patched({"a": 1, "l": [1, 2]}, operation)
    (found,) = caught.value.errors
    assert (found.pointer, found.code) == (pointer, code)


@pytest.mark.parametrize(("patch", "pointer", "code"), WRONG)
def test_wrong(patch: Any, pointer: str, code: str) -> None:
    """What fits nowhere is refused, told where it stands in the patch."""
    with pytest.raises(InvalidInputError) as caught:
        apply({"a": 1, "l": [1, 2]}, parse(json.dumps(patch).encode()))
    found = caught.value.errors[0]
    assert (found.pointer, found.code) == (pointer, code)


BOMBS = [
    [{"op": "add", "path": "/a", "value": ["x" * 1000]}]
    + [{"op": "copy", "from": "/a", "path": "/a/-"}] * 40,
    [{"op": "copy", "from": "/a", "path": "/a/a"}] * 70,
    [{"op": "add", "path": "/a", "value": {}}]
    + [{"op": "add", "path": "/a" + "/a" * n, "value": {}} for n in range(1, 100)],
    [{"op": "add", "path": "/b", "value": "x" * (MAX_CARRIED // 2)}]
    + [{"op": "move", "from": "/b", "path": "/b"}, {"op": "copy", "from": "/b", "path": "/c"}] * 9,
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs(bomb: list[dict[str, Any]]) -> None:
    """A small patch that makes much of itself, or nests without end, is stopped."""
    with pytest.raises(InvalidInputError) as caught:
        patched({"a": {}}, *bomb)
    assert caught.value.errors[0].code in {"too_long", "too_deep"}


@pytest.mark.parametrize("raw", [b"", b"nope", b"[" * 100_000, b'["\\ud800"]', b"\xff", b"[1]"])
def test_no_patch_at_all(raw: bytes) -> None:
    """What is no patch is refused whatever it is."""
    with pytest.raises(AppError) as caught:
        parse(raw)
    assert caught.value.status in {400, 422}


async def call(api: Api, target: str, *operations: dict[str, Any], **options: Any) -> Any:
    headers = [*TYPE, *options.pop("headers", ())]
    return await api.call("PATCH", target, list(operations), headers=headers, **options)


async def test_records(fresh_settings: FreshSettings) -> None:
    """Columns, sets and the inside of JSON are patched; what differs is one update."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for code in "abc":
                await api.add("labels", {"code": code})
            await api.add("keepers", {"name": "k", "labels": ["a", "b"]})
            answer = await call(
                api,
                "keepers/1",
                {"op": "test", "path": "/id", "value": 1},
                {"op": "test", "path": "/labels/0", "value": "a"},
                {"op": "remove", "path": "/labels/0"},
                {"op": "add", "path": "/labels/-", "value": "c"},
                {"op": "replace", "path": "/name", "value": "n"},
            )
            assert answer.status == 200, answer
            assert (answer.json["name"], answer.json["labels"]) == ("n", ["b", "c"])
            assert answer.json["version"] == 2
            assert len(await api.changes(resource="keeper")) == 2
            emptied = await call(api, "keepers/1", {"op": "remove", "path": "/labels"})
            assert emptied.json["labels"] == []

            await api.add("specimens", {"short": "x", "whole": 1, "document": {"a": [1, {"b": 2}]}})
            answer = await call(
                api,
                "specimens/1",
                {"op": "add", "path": "/document/a/1/c", "value": 1.5},
                {"op": "move", "from": "/document/a/0", "path": "/document/z"},
                {"op": "remove", "path": "/whole"},
            )
            assert answer.json["document"] == {"a": [{"b": 2, "c": 1.5}], "z": 1}
            assert answer.json["whole"] is None
            etag = answer.header("etag")
            same = await call(api, "specimens/1", {"op": "replace", "path": "/id", "value": 1})
            assert (same.status, same.header("etag")) == (200, etag)


async def test_refusals(fresh_settings: FreshSettings) -> None:
    """What the record's fields refuse is told at the operation; nothing is written."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("keepers", {"name": "k"})
            before = await api.counts()
            for operations, status, pointers in (
                ([{"op": "test", "path": "/name", "value": "x"}], 409, ["/0/value"]),
                ([{"op": "remove", "path": "/name"}], 422, ["/0"]),
                ([{"op": "replace", "path": "/id", "value": 2}], 422, ["/0"]),
                ([{"op": "replace", "path": "/version", "value": 9}], 422, ["/0"]),
                ([{"op": "add", "path": "/nope", "value": 9}], 422, ["/0"]),
                (
                    [
                        {"op": "test", "path": "/name", "value": "k"},
                        {"op": "add", "path": "/labels/-", "value": "none"},
                    ],
                    422,
                    ["/1"],
                ),
            ):
                answer = await call(api, "keepers/1", *operations)
                answer.problem(status)
                assert answer.pointers == pointers, operations
            (await call(api, "keepers/2")).problem(404, "not_found")
            stale = await call(api, "keepers/1", headers=[("if-match", '"0"')])
            stale.problem(412, "version_mismatch")
            assert await api.counts() == before


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_hidden(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A hidden field is not there to be tested, copied or set; a row out of sight is absent."""
    async with zoo_on(fresh_settings, kind) as api:
        await make_role(
            api.database,
            "some",
            Grant("ruled", "read", "own", frozenset({"street"})),
            Grant("ruled", "update", "own"),
        )
        await api.add("ruled", {"code": "mine", "owner": "bo", "street": "s"})
        await api.add("ruled", {"code": "hers", "owner": "ann"})
        api.token = await api.token_of("bo", "some")
        for operation in (
            {"op": "test", "path": "/{}", "value": "s"},
            {"op": "copy", "from": "/{}", "path": "/name"},
            {"op": "add", "path": "/{}", "value": "x"},
        ):
            told = []
            for name in ("street", "nope"):
                given = {key: each.format(name) for key, each in operation.items()}
                answer = await call(api, "ruled/1", given)
                told.append((answer.status, answer.json["errors"]))
            assert told[0] == told[1]
        (await call(api, "ruled/2", {"op": "remove", "path": "/name"})).problem(404)
