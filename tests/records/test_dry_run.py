"""Dry runs: a write answers what it would do, and does nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from api import Answer, Api, make_role, serving, zoo_on, zoos
from conftest import KINDS, FreshSettings, Kind
from promises import prepare

from admin_app.declaration import COMMAND_LINE, SYSTEM, Grant
from admin_app.records import Writer

ROLLBACK = ("prefer", "tx=rollback")


async def tried(api: Api, method: str, target: str, body: object = None, **options: Any) -> Answer:
    """A dry run, which must leave everything as it is."""
    before = await api.counts()
    headers = [ROLLBACK, *options.pop("headers", ())]
    answer = await api.call(method, target, body, headers=headers, **options)
    assert await api.counts() == before
    if answer.status < 400:
        assert answer.status == 200
        assert answer.header("content-type") == "application/vnd.admin-app.dry-run+json"
        assert "tx=rollback" in (answer.header("preference-applied") or "")
        assert set(answer.json) == {"status", "result", "changes", "counts"}
    return answer


async def test_every_verb(fresh_settings: FreshSettings) -> None:
    """Each verb tries what it would do, tells it change by change, and then does just that."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("labels", {"code": "l"})
            await api.add("keepers", {"name": "boss"})
            key = 0
            for method, pattern, body in (
                ("POST", "keepers", {"name": "k", "labels": ["l"]}),
                ("PATCH", "keepers/{}", {"name": "x"}),
                ("PUT", "keepers/{}", {"name": "y", "boss_id": 1}),
                ("PATCH", "keepers/{}", {"name": "y"}),
                ("POST", "keepers/bulk", {"items": [{"name": "a"}, {"name": "b"}]}),
                ("PATCH", "keepers?name=a", {"name": "c"}),
                ("DELETE", "keepers/{}", None),
            ):
                target = pattern.format(key)
                more = [("prefer", "max-affected=5")] if "?" in target else []
                dry = await tried(api, method, target, body, headers=more)
                assert dry.status == 200, (target, dry)
                marker = len(await api.changes())
                real = await api.call(method, target, body, headers=more)
                key = key or real.json["id"]
                assert dry.json["status"] == real.status, (target, real)
                if api.database.dialect == "sqlite":  # PostgreSQL's numbers are used up by trying.
                    assert dry.json["result"] == (real.json if real.body else None)
                told = [
                    (each["action"], each["resource"], each["before"], each["after"])
                    for each in (await api.changes())[marker:]
                ]
                found = dry.json["changes"]
                assert [(each["action"], each["resource"]) for each in found] == [
                    each[:2] for each in told
                ]
                if method != "POST":
                    assert [(each["before"], each["after"]) for each in found] == [
                        each[2:] for each in told
                    ]


async def test_what_goes_along(fresh_settings: FreshSettings) -> None:
    """A delete that is tried counts what cascades, what is cleared and what is unlinked."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("labels", {"code": "l"})
            await api.add("keepers", {"name": "k", "labels": ["l"]})
            await api.add("passports", {"number": "1", "keeper_id": 1})
            for name in "abc":
                await api.add("cages", {"name": name, "keeper_id": 1})
            dry = await tried(api, "DELETE", "keepers/1")
            assert (dry.json["status"], dry.json["result"]) == (204, None)
            assert dry.json["counts"] == {
                "keeper": {"delete": 1},
                "passport": {"delete": 1},
                "cage": {"update": 3},
                "label": {"update": 1},
            }
            assert dry.json["changes"][0]["title"] == "k"
            await api.add("loans", {"name": "l", "keeper_id": 1})
            (await tried(api, "DELETE", "keepers/1")).problem(409, "in_use")


async def test_refusals_are_the_same(fresh_settings: FreshSettings) -> None:
    """What would be refused is refused with the same problem."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("ruled", {"code": "a"})
            for method, target, body in (
                ("POST", "ruled", {"code": "a"}),
                ("POST", "ruled", {"code": "b", "low": 2, "high": 1}),
                ("POST", "ruled", {"nope": 1}),
                ("PATCH", "ruled/2", {"code": "b"}),
                ("PUT", "ruled/1", {}),
                ("DELETE", "ruled/2", None),
            ):
                dry = (await tried(api, method, target, body)).json
                real = (await api.call(method, target, body)).json
                del dry["request_id"], real["request_id"]
                assert dry == real


@pytest.mark.parametrize("kind", KINDS)
async def test_deferred_constraints(fresh_settings: FreshSettings, kind: Kind) -> None:
    """What the database checks only at the end is checked, and what was broken before is not."""
    async with serving(fresh_settings(kind, "promises", prepare), models=("promises",)) as api:
        await api.add("promises", {"name": "a"})
        promise = api.registry["promise"]

        async def broken(writer: Writer) -> None:
            await writer.create(promise, {"name": "b", "other_id": 1})
            # Past the plan, so that the constraint alone is left to say something.
            statement = promise.table.delete().where(promise.table.c.id == 1)
            await writer.connection.execute(statement)

        refusals = []
        for run in (api.records.rehearse, api.records.write):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - they are compared
                await run(SYSTEM, COMMAND_LINE, broken)
            refusals.append((type(caught.value), str(caught.value)))
            assert (await api.counts())["admin_change"] == 1
        assert refusals[0] == refusals[1]
        assert (await tried(api, "POST", "promises", {"name": "c", "other_id": 1})).status == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_no_more_than_one_may_see(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Records, fields and titles out of sight are in no dry run, and in no count of one."""
    async with zoo_on(fresh_settings, kind) as api:
        await make_role(
            api.database,
            "part",
            Grant("keeper", "read", None, frozenset({"name"})),
            Grant("keeper", "delete"),
            Grant("cage", "read", "some"),
        )
        await api.add("keepers", {"name": "secret"})
        await api.add("passports", {"number": "1", "keeper_id": 1})
        for name in "ab":
            await api.add("cages", {"name": name, "keeper_id": 1})
        api.token = await api.token_of("bo", "part")
        dry = await tried(api, "DELETE", "keepers/1")
        assert b"secret" not in dry.body
        assert dry.json["counts"] == {"keeper": {"delete": 1}, "cage": {"update": 1}}
        keeper, cage = dry.json["changes"]
        assert keeper["title"] == "Keeper 1"
        assert keeper["before"] == {"id": 1, "version": 1, "boss_id": None}
        assert cage == {
            "action": "update",
            "resource": "cage",
            "key": "1",
            "title": "a",
            "before": {"keeper_id": 1},
            "after": {"keeper_id": None},
        }


async def test_others_notice_nothing(fresh_settings: FreshSettings) -> None:
    """While one record is tried and tried again, others change it and lose nothing."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("specimens", {"short": "x", "whole": 0})

            async def change(at: int, api: Api = api) -> int:
                body = {"whole": at + 1}
                return (await api.call("PATCH", "specimens/1", body)).status

            async def tries(at: int, api: Api = api) -> int:
                body = {"whole": -at}
                call = api.call("PATCH", "specimens/1", body, headers=[ROLLBACK])
                return (await call).status

            pairs = ((change(at), tries(at)) for at in range(10))
            statuses = await asyncio.gather(*(each for pair in pairs for each in pair))
            assert set(statuses) == {200}
            assert len(await api.changes()) == 11
            found = await api.get("specimens/1")
            assert (found["version"], found["whole"] > 0) == (11, True)
