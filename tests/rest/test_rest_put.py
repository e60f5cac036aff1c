"""PUT: what is sent replaces the record, or makes it under a key of the caller's."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime

import pytest
from api import make_role, serving, zoo_on, zoos
from conftest import KINDS, FreshSettings, Kind
from promises import prepare

from admin_app.declaration import Grant


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_sent(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A field that is not sent goes to its default, wherever that comes from, or to null."""
    settings = fresh_settings(kind, "promises", prepare)
    async with serving(settings, models=("promises",)) as api:
        body = {
            "code": "a", "name": "n", "note": "x", "plain": 1, "made": "x", "price": "9.90",
            "number": 1, "worded": 1, "words": "x", "sure": False, "summed": 9,
            "at": "2020-01-01T00:00:00Z", "secret": "s",
        }  # fmt: skip
        await api.add("defaulted", body)
        answer = await api.call("PUT", "defaulted/a", {"name": "m"})
        assert answer.status == 200, answer
        found = answer.json
        assert datetime.fromisoformat(found.pop("at")).year > 2020
        assert found == {
            "code": "a", "name": "m", "note": None, "plain": 3, "made": "made", "price": "0.00",
            "number": 7, "worded": 8, "words": "it's", "sure": True, "summed": 2,
        }  # fmt: skip
        (change,) = await api.changes(resource="defaulted", action="update")
        assert "secret" not in change["before"]
        made = await api.call("PUT", "defaulted/b", {"name": "m"})
        assert made.status == 201
        assert made.json == {**found, "code": "b", "at": made.json["at"]}


async def test_replace(fresh_settings: FreshSettings) -> None:
    """PUT asks for all that is needed, keeps sets, and a second time changes nothing."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("labels", {"code": "l"})
            await api.add("keepers", {"name": "boss"})
            await api.add("keepers", {"name": "k", "boss_id": 1, "labels": ["l"]})
            refused = await api.call("PUT", "keepers/2", {"boss_id": 1})
            refused.problem(422, "validation_failed")
            assert refused.pointers == ["/name"]
            replaced = await api.call("PUT", "keepers/2", {"name": "k2"})
            assert replaced.status == 200
            assert (replaced.json["boss_id"], replaced.json["labels"]) == (None, ["l"])
            again = await api.call("PUT", "keepers/2", {"name": "k2"})
            assert again.header("etag") == replaced.header("etag")
            for body in ({"name": "x", "id": 2}, {"name": "x", "version": 1}):
                (await api.call("PUT", "keepers/2", body)).problem(422)
            (await api.call("PUT", "keepers/9", {"name": "x"})).problem(404, "not_found")
            stale = await api.call("PUT", "keepers/2", {"name": "x"}, headers=[("if-match", '"1"')])
            stale.problem(412, "version_mismatch")


async def test_create_by_key(fresh_settings: FreshSettings) -> None:
    """A key that callers give is made by PUT, told apart by 201, at the address it was sent to."""
    async with zoos(fresh_settings) as both:
        for api in both:
            made = await api.call("PUT", "texts/a~1,b%20ç", {"name": "x"})
            made.problem(404)
            made = await api.call("PUT", "texts/a~1~2b%20%C3%A7", {"name": "x"})
            assert made.status == 201, made
            assert made.json == {"code": "a/,b ç", "name": "x"}
            assert (await api.get(made.header("location") or "")) == made.json
            assert (await api.call("PUT", "texts/c", {"code": "c"})).status == 201
            other = await api.call("PUT", "texts/c", {"code": "d"})
            other.problem(422, "validation_failed")
            assert other.pointers == ["/code"]
            key = "0B3C1F9E-0000-4000-8000-0000000000AB"
            (await api.call("PUT", f"uniques/{key}", {})).problem(404)
            assert (await api.call("PUT", f"uniques/{key.lower()}", {"id": key})).status == 201
            assert (await api.call("PUT", "composites/r,1", {"name": "x"})).status == 201
            assert (await api.call("PUT", "composites/r,1", {})).json["name"] is None


async def test_preconditions(fresh_settings: FreshSettings) -> None:
    """If-None-Match: * makes and never replaces, If-Match replaces and never makes."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        new, there = [("if-none-match", "*")], [("if-match", "*")]
        (await api.call("PUT", "texts/a", {}, headers=there)).problem(412, "version_mismatch")
        assert (await api.call("PUT", "texts/a", {}, headers=new)).status == 201
        (await api.call("PUT", "texts/a", {}, headers=new)).problem(412, "already_there")
        assert (await api.call("PUT", "texts/a", {}, headers=there)).status == 200
        post = await api.call("POST", "texts", {"code": "a"}, headers=new)
        post.problem(412, "already_there")
        assert (await api.call("POST", "texts", {"code": "b"}, headers=new)).status == 201
        (await api.call("POST", "texts", {"code": "b"})).problem(409, "unique_violation")
        tagged = [("if-none-match", '"1"')]
        (await api.call("PUT", "texts/a", {}, headers=tagged)).problem(400, "bad_request")


async def test_two_make_the_same(fresh_settings: FreshSettings) -> None:
    """Of many who PUT one new key at once one makes it and the others replace it."""
    async with zoos(fresh_settings) as both:
        for api in both:
            calls = (api.call("PUT", "texts/race", {"name": str(n)}) for n in range(12))
            statuses = Counter(each.status for each in await asyncio.gather(*calls))
            assert statuses == {201: 1, 200: 11}
            new = [("if-none-match", "*")]
            calls = (api.call("PUT", "texts/new", {}, headers=new) for _ in range(8))
            statuses = Counter(each.status for each in await asyncio.gather(*calls))
            assert statuses == {201: 1, 412: 7}


@pytest.mark.parametrize("kind", KINDS)
async def test_rights(fresh_settings: FreshSettings, kind: Kind) -> None:
    """PUT reaches what an update reaches; what one may not see or set stays as it is."""
    async with zoo_on(fresh_settings, kind) as api:
        await make_role(
            api.database,
            "some",
            Grant("ruled", "read", "own", frozenset({"street"})),
            Grant("ruled", "update", "own", frozenset({"town"})),
            Grant("text", "read"),
            Grant("text", "update"),
        )
        row = {"town": "t", "street": "s", "name": "n"}
        await api.add("ruled", {**row, "code": "mine", "owner": "bo"})
        await api.add("ruled", {**row, "code": "hers", "owner": "ann", "street": "z", "name": "m"})
        owner, api.token = api.token, await api.token_of("bo", "some")
        (await api.call("PUT", "ruled/2", {"code": "x", "owner": "bo"})).problem(404)
        (await api.call("PUT", "texts/new", {})).problem(404)
        for hidden in ("street", "town", "nope"):
            refused = await api.call("PUT", "ruled/1", {"code": "x", "owner": "bo", hidden: "y"})
            assert refused.pointers == [f"/{hidden}"]
        (await api.call("PUT", "ruled/1", {"code": "x", "owner": "ann"})).problem(403)
        assert (await api.call("PUT", "ruled/1", {"code": "x", "owner": "bo"})).status == 200
        api.token = owner
        found = await api.get("ruled/1")
        assert (found["town"], found["street"], found["name"]) == ("t", "s", None)
