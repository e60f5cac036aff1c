"""Many records that go at once, or come back: the same as one after another, for less."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from api import Api, zoo_on
from conftest import KINDS, FreshSettings
from sqlalchemy import insert, select
from together import statements
from zoo import Cage, Folder, Keeper, Label, Loan, Passport, Sheet, Staple, Visit
from zoo.relations import friendship, keeper_label
from zoo.stock import METADATA
from zoo.trash import sheet_staple

from admin_app.access.policies import Trash
from admin_app.declaration import SYSTEM, Actor, Grant, Key, Origin, Resource
from admin_app.errors import AppError
from admin_app.records import Writer
from admin_app.records.writes.bulk.items import Outcome, kept
from admin_app.records.writes.bulk.removals import delete_items, restore_items
from admin_app.records.writes.places import at

ORIGIN = Origin(source="import")
SPACE = 1_000
"""Keys that no other test gives."""
LIMITED = Actor(
    user_id=None,
    name="lea",
    grants=frozenset(
        {
            *(Grant(each, "read") for each in ("folder", "keeper", "label", "staple", "sheet")),
            *(Grant(each, "delete") for each in ("folder", "keeper", "label", "staple")),
            Grant("sheet", "delete", "own"),
        }
    ),
)
"""Who sees and deletes some of it."""
Act = Literal["delete", "purge", "restore"]
Items = Sequence[dict[str, Any]]
Work = Callable[..., Awaitable[list[Outcome]]]


@pytest.fixture(params=KINDS)
async def zoo(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    async with zoo_on(fresh_settings, request.param) as made:
        yield made


def world(chance: random.Random, size: int) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Rows that point to each other in every way there is."""
    ids = range(SPACE, SPACE + size)
    codes = [f"l{each}" for each in ids]

    def maybe(some: Sequence[Any], often: float) -> Any:
        return chance.choice(some) if chance.random() < often else None

    def pairs(some: Sequence[Any], others: Sequence[Any], often: float) -> list[tuple[Any, Any]]:
        return [(one, other) for one in some for other in others if chance.random() < often]

    def before(number: int, often: float) -> int | None:
        return maybe(range(SPACE, number), often) if number > SPACE else None

    friends = chance.choice((0, 0, 0.03))
    bosses = chance.choice((0, 0, 0.2))
    keepers = [{"id": n, "name": f"k{n}", "boss_id": before(n, bosses)} for n in ids]
    passports = [{"id": n, "number": str(n), "keeper_id": n} for n in ids if maybe(ids, 0.5)]
    loans = [
        {"id": n, "name": f"l{n}", "keeper_id": each} for n in ids if (each := maybe(ids, 0.05))
    ]
    sheets = [
        {
            "id": n,
            "number": n,
            "owner": maybe(["lea"], 0.8),
            "binned_at": datetime(2024, 1, 1, tzinfo=UTC) if n % 2 else None,
            "follows_id": before(n, 0.1),
        }
        for n in ids
    ]
    visits = pairs(ids, codes, 0.1)
    return [
        (Folder, [{"id": n, "name": f"f{n}", "parent_id": before(n, 0.3)} for n in ids]),
        (Label, [{"code": each, "name": each, "version": 1} for each in codes]),
        (Keeper, keepers),
        (Passport, passports),
        (Cage, [{"id": n, "name": f"c{n}", "keeper_id": maybe(ids, 0.8)} for n in ids]),
        (Loan, loans),
        (Visit, [{"keeper_id": one, "label_code": code} for one, code in visits]),
        (keeper_label, _links(pairs(ids, codes, 0.3))),
        (friendship, _links(pairs(ids, ids, friends))),
        (Staple, [{"id": n, "name": f"s{n}"} for n in ids]),
        (Sheet, sheets),
        (sheet_staple, _links(pairs(ids, ids, 0.3))),
    ]


def _links(pairs: Iterable[tuple[Any, Any]]) -> list[dict[str, Any]]:
    return [{"one": one, "other": other} for one, other in pairs]


def items_of(chance: random.Random, keys: Sequence[str]) -> list[dict[str, Any]]:
    found = [{"key": each} for each in chance.sample(keys, chance.randint(2, len(keys)))]
    if chance.random() < 0.2:
        found.append(dict(found[0]))
    if chance.random() < 0.15:
        found.insert(1, {"key": "999"})
    if chance.random() < 0.15:
        found[-1]["if_match"] = '"other"'
    return found


async def together(
    writer: Writer, resource: Resource, items: Items, act: Act, *, atomic: bool
) -> list[Outcome]:
    """What is asked, as the bulk writes do it."""
    if act == "restore":
        return await restore_items(writer, resource, items, atomic=atomic)
    return await delete_items(writer, resource, items, atomic=atomic, purge=act == "purge")


async def one_by_one(
    writer: Writer, resource: Resource, items: Items, act: Act, *, atomic: bool
) -> list[Outcome]:
    """What is asked, done by nothing but the writes of one record."""
    keys = [resource.parse_key(each["key"]) for each in items]
    place: Trash = "only" if act == "purge" else "without"
    known = {*await writer.find(resource, resource.key, keys, sets=False, trash=place)}
    gone: set[Key] = set()

    async def one(index: int) -> Outcome:
        key, tags = keys[index], [items[index]["if_match"]] if "if_match" in items[index] else None
        with at(("items", index)):
            if act == "restore":
                made = await writer.restore(resource, key, if_match=tags)
                return Outcome("updated", key, made)
            if key not in gone:
                remove = writer.purge if act == "purge" else writer.delete
                effects = await remove(resource, key, if_match=tags)
                gone.update({each for owner, each in effects.deleted if owner is resource} & known)
                gone.add(key)
        return Outcome("deleted", key)

    each = one if atomic else kept(writer, one)
    return [await each(index) for index in range(len(items))]


def told(outcomes: list[Outcome]) -> list[Any]:
    return [
        (each.result, each.key, each.error and (each.error.code, each.error.detail))
        for each in outcomes
    ]


async def everything(writer: Writer) -> dict[str, list[Any]]:
    """All rows there are; whether a version was raised, and not by how many of the deletes."""
    found = {}
    for table in METADATA.sorted_tables:
        rows = (await writer.connection.execute(select(table))).mappings().all()
        plain = [
            {
                name: value if name not in {"version", "binned_at"} else value not in {1, None}
                for name, value in row.items()
            }
            for row in rows
        ]
        found[table.name] = sorted(map(repr, plain))
    return found


def trail(writer: Writer) -> Counter[str]:
    return Counter(
        repr((
            each.action, each.resource.name, each.key, each.label,
            _timeless(each.before), _timeless(each.after),
            each.cause and (each.cause.action, each.cause.resource.name, each.cause.key),
        ))
        for each in writer.changes
    )  # fmt: skip


def _timeless(facts: Any) -> Any:
    return facts and sorted((k, bool(v) if k == "binned_at" else v) for k, v in facts.items())


async def rehearsed(api: Api, seed: int, work: Work, name: str, act: Act) -> tuple[Any, int]:
    """What comes of it, and its cost in statements, in a world that is gone afterwards."""
    chance = random.Random(seed)
    rows, resource = world(chance, 30 if seed % 3 == 2 else 8), api.registry[name]
    here = next(some for table, some in rows if table is resource.model)
    place = [each for each in here if bool(each.get("binned_at")) == (act != "delete")]
    items = items_of(chance, [str(each.get("id", each.get("code"))) for each in place])

    async def run(writer: Writer) -> tuple[Any, int]:
        for table, some in rows:
            if some:
                await writer.connection.execute(insert(table), some)
        with statements(api) as asked:
            try:
                outcomes = told(await work(writer, resource, items, act, atomic=seed % 2 > 0))
            except AppError as error:
                return (error.code, error.detail, [each.path for each in error.errors]), 0
        return (outcomes, await everything(writer), trail(writer)), len(asked)

    actor = SYSTEM if seed % 4 < 2 else LIMITED
    return (await api.records.rehearse(actor, ORIGIN, run)).result


ACTS: tuple[tuple[str, Act], ...] = (
    ("folder", "delete"),
    ("keeper", "delete"),
    ("label", "delete"),
    ("staple", "delete"),
    ("sheet", "delete"),
    ("sheet", "purge"),
    ("sheet", "restore"),
)


@pytest.mark.parametrize(
    "seeds", [range(2), pytest.param(range(2, 32), marks=pytest.mark.slow)], ids=["few", "many"]
)
async def test_the_same_as_one_after_another(zoo: Api, seeds: Sequence[int]) -> None:
    """What is left, what is told, what is refused and how is the same as one after another."""
    cheaper = 0
    for resource, act in ACTS:
        for seed in seeds:
            found, cost = await rehearsed(zoo, seed, together, resource, act)
            expected, usual = await rehearsed(zoo, seed, one_by_one, resource, act)
            assert found == expected, (resource, act, seed)
            cheaper += cost < usual
    assert cheaper > len(ACTS) * len(seeds) / 4
