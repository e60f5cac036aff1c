"""Several writers at once: one wins, the others are told, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from api import Answer, Api, zoos
from conftest import FreshSettings


async def at_once(*calls: Any) -> list[Answer]:
    return list(await asyncio.gather(*calls))


async def test_one_winner_of_one_version(fresh_settings: FreshSettings) -> None:
    """Of eight updates of one version one succeeds, the others answer 412 and leave no trace."""
    async with zoos(fresh_settings) as both:
        for api in both:
            made = await api.call("POST", "specimens", {"short": "x"})
            etag = made.header("etag") or ""
            answers = await at_once(
                *(
                    api.call("PATCH", "specimens/1", {"whole": n}, headers=[("if-match", etag)])
                    for n in range(1, 9)
                )
            )
            assert Counter(each.status for each in answers) == {200: 1, 412: 7}
            for each in answers:
                if each.status == 412:
                    each.problem(412, "version_mismatch")
            (winner,) = [each for each in answers if each.status == 200]
            assert await api.get("specimens/1") == winner.json
            assert (winner.header("etag") or "").startswith('"2.')
            assert len(await api.changes()) == 2


async def test_one_winner_without_a_version(fresh_settings: FreshSettings) -> None:
    """A model without a version column has entity tags all the same, and the same promise."""
    async with zoos(fresh_settings) as both:
        for api in both:
            made = await api.call("POST", "unversioned", {"name": "x"})
            headers = [("if-match", made.header("etag") or "")]
            answers = await at_once(
                *(
                    api.call("PATCH", "unversioned/1", {"number": n}, headers=headers)
                    for n in range(1, 9)
                )
            )
            assert Counter(each.status for each in answers) == {200: 1, 412: 7}
            got = await api.call("GET", "unversioned/1")
            assert got.header("etag") not in {None, made.header("etag")}


async def increment(api: Api, tries: int = 100) -> None:
    """Add one as a careful client does: read, write what was read plus one, again if it changed."""
    for _ in range(tries):
        read = await api.call("GET", "specimens/1")
        answer = await api.call(
            "PATCH",
            "specimens/1",
            {"whole": read.json["whole"] + 1},
            headers=[("if-match", read.header("etag") or "")],
        )
        if answer.status == 200:
            return
        assert answer.status in {412, 503}, answer
        await asyncio.sleep(0.005)
    raise AssertionError


async def test_no_increment_is_lost(fresh_settings: FreshSettings) -> None:
    """Forty concurrent increments by eight clients that retry make forty, told one by one."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("specimens", {"short": "x", "whole": 0})

            async def client(api: Api = api) -> None:
                for _ in range(5):
                    await increment(api)

            await asyncio.gather(*(client() for _ in range(8)))
            assert (await api.get("specimens/1"))["whole"] == 40
            steps = [
                (row["before"]["whole"], row["after"]["whole"]) for row in (await api.changes())[1:]
            ]
            assert steps == [(n, n + 1) for n in range(40)]


async def test_one_winner_of_a_unique_value(fresh_settings: FreshSettings) -> None:
    """Of several creates with one unique value one succeeds and the others are told the field."""
    async with zoos(fresh_settings) as both:
        for api in both:
            answers = await at_once(*(api.call("POST", "ruled", {"code": "x"}) for _ in range(6)))
            assert Counter(each.status for each in answers) == {201: 1, 409: 5}
            for each in answers:
                if each.status == 409:
                    found = each.problem(409, "unique_violation")
                    assert [error["pointer"] for error in found["errors"]] == ["/code"]
            assert len(await api.changes()) == 1


async def test_deleted_once(fresh_settings: FreshSettings) -> None:
    """Of several deletes of a record one succeeds and the others find nothing."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("specimens", {"short": "x"})
            answers = await at_once(*(api.call("DELETE", "specimens/1") for _ in range(5)))
            assert Counter(each.status for each in answers) == {204: 1, 404: 4}
            assert [row["action"] for row in await api.changes()] == ["create", "delete"]


async def test_crossed_links(fresh_settings: FreshSettings) -> None:
    """Records that link to each other from both ends at once end up linked, without an error."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for n in range(4):
                await api.add("keepers", {"name": f"k{n}"})
                await api.add("labels", {"code": f"l{n}"})
            answers = await at_once(
                *(
                    api.call("PATCH", f"keepers/{n + 1}", {"labels": ["l0", "l1", "l2", "l3"]})
                    for n in range(4)
                ),
            )
            assert {each.status for each in answers} <= {200, 503}
            for n, answer in enumerate(answers):
                expected = ["l0", "l1", "l2", "l3"] if answer.status == 200 else []
                assert (await api.get(f"keepers/{n + 1}"))["labels"] == expected


async def test_a_child_of_what_goes(fresh_settings: FreshSettings) -> None:
    """A create that refers to a record being deleted is refused, or goes with it and is told."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for turn in range(5):
                parent = (await api.add("folders", {"name": "p"}))["id"]
                removed, child = await at_once(
                    api.call("DELETE", f"folders/{parent}"),
                    api.call("POST", "folders", {"name": f"c{turn}", "parent_id": parent}),
                )
                assert child.status in {201, 422}, child
                assert removed.status in {204, 409, 503}, removed
                if child.status == 201 and removed.status == 204:
                    key = str(child.json["id"])
                    actions = [
                        row["action"] for row in await api.changes(resource="folder", key=key)
                    ]
                    assert actions == ["create", "delete"]
