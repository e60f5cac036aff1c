"""Facets: counts of values as a list is otherwise narrowed, soon, and of nothing out of sight."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from api import Api, make_role, zoos
from conftest import FreshSettings
from slowly import HARD, NUMBERS
from sqlalchemy import text
from zoo import sample

from admin_app.declaration import Grant
from admin_app.records.reads.facets import uncounted


async def facets(api: Api, plural: str, field: str, **parameters: Any) -> dict[str, Any]:
    """The facet of one field, and its values by value."""
    query = urlencode({"field": field, **parameters})
    (found,) = (await api.get(f"{plural}/facets?{query}"))["data"]
    assert found["field"] == field
    found["by"] = {each["value"]: each["count"] for each in found["values"]}
    return dict(found)


async def specimens(api: Api) -> list[dict[str, Any]]:
    bodies = [*sample("specimen"), *({"short": f"n{n}", "small": n % 3} for n in range(9))]
    return [await api.add("specimens", each) for each in bodies]


def counted(rows: list[dict[str, Any]], name: str) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for row in rows:
        found[row[name]] = found.get(row[name], 0) + 1
    return found


async def test_counts(fresh_settings: FreshSettings) -> None:
    """Each value has its count, the most frequent first; choices that nobody has are there too."""
    async with zoos(fresh_settings) as both:
        for api in both:
            rows = await specimens(api)
            for name in ("small", "flag", "sure", "mood", "name", "day", "exact", "token"):
                found = await facets(api, "specimens", name, limit=100)
                present = {value: count for value, count in found["by"].items() if count}
                assert present == counted(rows, name), name
                counts = [each["count"] for each in found["values"]]
                assert counts == sorted(counts, reverse=True)
                assert (found["more"], found["counted"]) == (False, True)
            assert {True, False} <= set((await facets(api, "specimens", "sure"))["by"])
            assert {"calm", "wild & free"} <= set((await facets(api, "specimens", "mood"))["by"])
            assert (await facets(api, "specimens", "short", limit=2))["more"]


async def test_what_it_counts(fresh_settings: FreshSettings) -> None:
    """The list's conditions count, those on the field itself do not, but in a group they do."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await specimens(api)
            some = await facets(api, "specimens", "small", small__in="0,1", short__startswith="n")
            assert some["by"] == {0: 3, 1: 3, 2: 3}
            tree = '{"_or": [{"small": 0}, {"small": 1}]}'
            some = await facets(api, "specimens", "small", filter=tree, short__startswith="n")
            assert some["by"] == {0: 3, 1: 3}
            both_at_once = await api.get("specimens/facets?field=small,sure&short__startswith=n")
            assert [each["field"] for each in both_at_once["data"]] == ["small", "sure"]


async def test_only_what_is_in_sight(fresh_settings: FreshSettings) -> None:
    """Rows out of sight are not counted; a hidden field is refused as one that is not there."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for n in range(6):
                owner = "una" if n % 2 else "ann"
                await api.add("ruled", {"code": str(n), "town": f"t{n // 4}", "owner": owner})
            assert (await facets(api, "ruled", "town"))["by"] == {"t0": 4, "t1": 2}
            grant = Grant("ruled", "read", "own", frozenset({"street"}))
            await make_role(api.database, "half", grant)
            api.token = await api.token_of("una", "half")
            assert (await facets(api, "ruled", "town"))["by"] == {"t0": 2, "t1": 1}
            refusals = [
                (await api.call("GET", f"ruled/facets?field={name}")).problem(400)["errors"]
                for name in ("street", "streey")
            ]
            assert refusals[0] == refusals[1]
            assert "street" not in str(refusals)
            assert (await api.call("GET", "specimens/facets?field=small")).status == 403


async def test_relations(fresh_settings: FreshSettings) -> None:
    """Records that a relation leads to are counted by, with what they are called."""
    async with zoos(fresh_settings) as both:
        for api in both:
            ann, bob = [(await api.add("keepers", {"name": each}))["id"] for each in ("Ann", "Bob")]
            for number in (1, 2):
                room = {"room": "a,b", "number": number, "name": f"r{number}"}
                await api.add("composites", room)
            for name, keeper, at in (
                *(("x", ann, 1), ("x", bob, 1), ("x", bob, None), ("y", None, 2)),
            ):
                stands = {"room": "a,b", "number": at} if at else {}
                await api.add("cages", {"name": name, "keeper_id": keeper, **stands})
            by_keeper = [(bob, 2, "Bob"), (ann, 1, "Ann"), (None, 1, None)]
            assert titled(await facets(api, "cages", "keeper")) == by_keeper
            for its_own in (f"keeper={ann}", f"keeper_id__in={ann}", "keeper__isnull=true"):
                steered = await api.get(f"cages/facets?field=keeper&{its_own}")
                assert titled(steered["data"][0]) == by_keeper, its_own
            assert titled(await facets(api, "cages", "keeper", name="x")) == by_keeper[:2]
            narrowed = await facets(api, "cages", "keeper", **{"keeper.name": "Ann"})
            assert titled(narrowed) == [(ann, 1, "Ann")]
            composite = await facets(api, "cages", "composite")
            first, *others = titled(composite)
            assert first == ("a~2b,1", 2, composite["values"][0]["title"])
            assert {each[:2] for each in others} == {("a~2b,2", 1), (None, 1)}
            few = await facets(api, "cages", "keeper", limit=1)
            assert (titled(few), few["more"]) == (by_keeper[:1], True)
            for name in ("cages", "nobody"):  # a relation to many is none to count by
                answer = await api.call("GET", f"keepers/facets?field={name}")
                assert answer.problem(400)["errors"][0]["code"] == "unknown_field"

            assert (ann % 2, bob % 2) == (1, 0)
            await make_role(
                api.database, "looks", Grant("cage", "read"), Grant("keeper", "read", "some")
            )
            api.token = await api.token_of("una", "looks")
            # Who is out of sight is nobody: the same as who is not there.
            seen = titled(await facets(api, "cages", "keeper"))
            assert set(seen) == {(bob, 2, "Bob"), (None, 2, None)}
            empty = await api.get("cages?keeper__isnull=true")
            assert len(empty["data"]) == 2
            nameless = Grant("keeper", "read", None, frozenset({"name"}))
            await make_role(api.database, "blind", Grant("cage", "read"), nameless)
            api.token = await api.token_of("eva", "blind")
            assert "Bob" not in str(await facets(api, "cages", "keeper"))
            await make_role(api.database, "only", Grant("cage", "read"))
            api.token = await api.token_of("ivo", "only")
            answer = await api.call("GET", "cages/facets?field=keeper")
            assert answer.problem(400)["errors"][0]["code"] == "unknown_field"
            assert "keeper" not in answer.body.decode().partition('"errors"')[2]


def titled(found: dict[str, Any]) -> list[tuple[Any, int, str | None]]:
    return [(each["value"], each["count"], each.get("title")) for each in found["values"]]


async def test_it_gives_up_soon(
    fresh_settings: FreshSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting that takes too long is answered without counts, and says so."""
    monkeypatch.setattr("admin_app.records.service.counts.FACET_SECONDS", 0.05)
    async with zoos(fresh_settings) as both:
        for api in both:
            async with api.database.engine.begin() as connection:
                await connection.execute(text(NUMBERS[api.database.dialect]))
            late = await facets(api, "folders", "name", **dict(parse_qsl(HARD.partition("&")[2])))
            assert (late["by"], late["more"], late["counted"]) == ({}, False, False)
            mood = api.registry["specimen"].readable["mood"]
            choices = uncounted(mood).values
            assert [(each.value, each.count) for each in choices] == [
                ("calm", None),
                ("wild & free", None),
            ]


async def test_refusals(fresh_settings: FreshSettings) -> None:
    """What cannot be counted, and what steers a page, is refused by name."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for query, pointer in (
                ("", "/field"), ("field=", "/field"), ("field=data", "/field"),
                ("field=nope", "/field"), ("field=small,small", "/field"),
                ("field=a,b,c,d,e,f", "/field"),
                ("field=small&limit=0", "/limit"), ("field=small&limit=101", "/limit"),
                ("field=small&sort=small", "/sort"), ("field=small&cursor=x", "/cursor"),
                ("field=small&small=x", "/small"), ("field=small&filter=[", "/filter"),
                ("field=small&field=sure", "/field"), ("field=small&tz=Mars", "/tz"),
            ):  # fmt: skip
                answer = await api.call("GET", f"specimens/facets?{query}")
                answer.problem(400)
                assert answer.pointers[0] == pointer, query
