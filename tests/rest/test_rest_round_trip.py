"""What goes in comes out: every kind of value through REST, the same from both databases."""

from __future__ import annotations

import re
from typing import Any

import pytest
from api import Api, zoos
from conftest import FreshSettings
from zoo import RESOURCES, sample

SERVER_MADE = ("made_at", "changed_at")
"""Instants that a server gives, so no two are the same."""


def settled(body: bytes) -> bytes:
    """An answer without what a server makes up by itself."""
    pattern = "|".join(SERVER_MADE).encode()
    return re.sub(rb'"(' + pattern + rb')":"[^"]+"', rb'"\1":"-"', body)


def same(sent: dict[str, Any], got: dict[str, Any]) -> None:
    """All that was sent is answered, value and type."""
    for name, value in sent.items():
        assert (got[name], type(got[name])) == (value, type(value)), name


async def stored(api: Api, name: str) -> list[dict[str, Any]]:
    """Store the samples of a resource, after those of all it refers to."""
    records: list[dict[str, Any]] = []
    for each in RESOURCES[: RESOURCES.index(name) + 1]:
        records = [await api.add(api.registry[each].plural, body) for body in sample(each)]
    return records


@pytest.mark.slow
async def test_create_and_read(fresh_settings: FreshSettings) -> None:
    """Every sample is answered as it was sent: by create, get and list, and by both databases."""
    async with zoos(fresh_settings) as both:
        for name in RESOURCES:
            answers: list[list[bytes]] = []
            for api in both:
                plural = api.registry[name].plural
                bodies = []
                for body in sample(name):
                    made = await api.call("POST", plural, body)
                    assert made.status == 201, (name, body, made)
                    hidden = {"secret"} & set(body)
                    same({key: body[key] for key in body if key not in hidden}, made.json)
                    address = api.address(name, made.json)
                    assert made.header("location") is not None
                    got = await api.call("GET", made.header("location") or "")
                    assert got.body == (await api.call("GET", address)).body
                    if not api.registry[name].sets:
                        assert got.body == made.body
                    bodies.append(settled(got.body))
                listed = await api.walk(f"{plural}?limit=2")
                singly = [await api.get(api.address(name, each)) for each in listed]
                assert listed == singly
                assert len(listed) == len(bodies)
                page = await api.call("GET", f"{plural}?limit=200&count=exact")
                answers.append([*bodies, settled(page.body)])
            assert answers[0] == answers[1], name


@pytest.mark.slow
async def test_unchanged_patch(fresh_settings: FreshSettings) -> None:
    """Sending a record back as it was read changes nothing: no version, no row, no change."""
    async with zoos(fresh_settings) as both:
        for api, name in [(api, name) for api in both for name in RESOURCES]:
            resource = api.registry[name]
            for body in sample(name):
                await api.add(resource.plural, body)
            known = {key for key, each in resource.fields.items() if each.updatable}
            known |= {key for key, each in resource.sets.items() if each.writable}
            before = len(await api.changes())
            for number, record in enumerate(await api.walk(resource.plural)):
                address = api.address(name, record)
                body = {key: value for key, value in record.items() if key in known}
                whole = await api.call("PATCH", address, body)
                assert (whole.status, whole.json) == (200, record), whole
                for key, value in body.items() if number < 2 else ():
                    answer = await api.call("PATCH", address, {key: value})
                    assert (answer.status, answer.json) == (200, record), (key, answer)
            assert len(await api.changes()) == before


@pytest.mark.slow
async def test_patch_of_each_field(fresh_settings: FreshSettings) -> None:
    """One field changed is one field changed: the others stay, the version rises by one."""
    async with zoos(fresh_settings) as both:
        seen: list[list[Any]] = []
        for api in both:
            await stored(api, "specimen")
            target = await api.add("specimens", {"short": "target"})
            address = f"specimens/{target['id']}"
            answers: list[Any] = []
            for body in sample("specimen"):
                for name, value in body.items():
                    changed = target[name] != value
                    answer = await api.call("PATCH", address, {name: value})
                    expected = {
                        **target,
                        name: value,
                        "version": target["version"] + int(changed),
                    }
                    assert (answer.status, answer.json) == (200, expected), (name, value)
                    target = answer.json
                    answers.append(answer.body)
            number = sum(1 for row in await api.changes(resource="specimen", key=str(target["id"])))
            assert number == target["version"]
            seen.append(answers)
        assert seen[0] == seen[1]


async def test_text_forms_that_mean_the_same(fresh_settings: FreshSettings) -> None:
    """Values may be written in several ways; each is stored, found and answered in one."""
    forms: dict[str, tuple[Any, list[Any]]] = {
        "instant": (
            "2026-01-31T14:30:00Z",
            ["2026-01-31T15:30:00+01:00", "2026-01-31t14:30:00.000z", "2026-01-31 04:30-10:00"],
        ),
        "lapse": ("P8DT1M", ["P1W1DT60S", "P8DT0H1M0.0S", "PT192H1M"]),
        "exact": ("1.5000", ["1.5", "15e-1", "+1.50", 1.5, "001.5"]),
        "units": ("100", ["1e2", 100, "100", "100.0"][:3]),
        "ratio": (2.0, [2, 2.0, 2e0]),
        "single": (0.10000000149011612, [0.1]),
        "clock": ("14:30:00", ["14:30", "14:30:00.000000"]),
        "local": ("2026-01-31T14:30:00", ["2026-01-31T14:30", "2026-01-31T14:30:00.0"]),
        "token": (
            "ffffffff-ffff-4fff-bfff-ffffffffffff",
            ["FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF", "ffffffffffff4fffbfffffffffffffff"],
        ),
        "document": (1, [1, 1.0]),
    }
    async with zoos(fresh_settings) as both:
        for api in both:
            for name, (canonical, writings) in forms.items():
                made = await api.add("specimens", {"short": "x", name: canonical})
                assert made[name] == canonical
                for writing in writings:
                    answer = await api.call("PATCH", f"specimens/{made['id']}", {name: writing})
                    assert answer.json == made, (name, writing, answer)
                    again = await api.add("specimens", {"short": "x", name: writing})
                    assert again[name] == canonical


async def test_defaults(fresh_settings: FreshSettings) -> None:
    """What is not sent comes from the column's default, be it Python's or the database's."""
    async with zoos(fresh_settings) as both:
        for api in both:
            made = await api.add("computing", {})
            expected = {
                "name": "unnamed",
                "price": "9.90",
                "amount": 7,
                "note": "from the database",
                "doubled": 14,
                "made_by": "ann",
                "changed_at": None,
                "shout": "UNNAMED",
                "much": False,
            }
            assert expected.items() <= made.items()
            assert made["made_at"].endswith("Z")
            changed = await api.call("PATCH", "computing/1", {"amount": 101, "note": None})
            assert {"doubled": 202, "much": True, "note": None}.items() <= changed.json.items()
            assert changed.json["changed_at"].endswith("Z")
            assert changed.json["made_at"] == made["made_at"]
            key = (await api.add("uniques", {}))["id"]
            assert (await api.get(f"uniques/{key}"))["id"] == key


async def test_numbers_are_never_given_again(fresh_settings: FreshSettings) -> None:
    """A deleted record's automatic key is not given to another one."""
    async with zoos(fresh_settings) as both:
        for api in both:
            first = await api.add("unversioned", {"name": "first"})
            assert (await api.call("DELETE", f"unversioned/{first['id']}")).status == 204
            second = await api.add("unversioned", {"name": "second"})
            assert second["id"] > first["id"]


async def test_computed_too_large(fresh_settings: FreshSettings) -> None:
    """What a computed column would be too small for is refused by both, and nothing is written."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("computing", {"amount": 5})
            before = await api.counts()
            large = {"amount": 1_600_000_000}
            answers = [
                await api.call("POST", "computing", large),
                await api.call("PATCH", "computing/1", large),
                await api.call("POST", "computing/bulk", {"items": [{}, large]}),
            ]
            assert [each.problem(422)["code"] for each in answers] == ["validation_failed"] * 3
            assert await api.counts() == before
            assert (await api.get("computing/1"))["doubled"] == 10
