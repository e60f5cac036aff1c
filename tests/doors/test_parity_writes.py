"""One policy, every door, for writes: what is allowed, refused, written and told of is the same."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from conftest import KINDS, FreshSettings, Kind
from panel import SEED, Form, House
from parity import (
    ZOO,
    Person,
    Row,
    all_rows,
    everything_but,
    house_of,
    key_of,
    person,
)
from sqlalchemy import select

from admin_app.declaration import ACTIONS, SYSTEM, Grant, Origin, Resource
from admin_app.declaration import Kind as FieldKind
from admin_app.errors import AppError
from admin_app.records.trail.changes import Change
from admin_app.records.transfer import Import, Request, plan, read_table

DOORS = ("rest", "panel", "import")
WRITTEN = [
    "author", "book",
    *(pytest.param(each, marks=pytest.mark.slow) for each in ("reader", "comment", *ZOO)),
]  # fmt: skip


async def write(who: Person, resource: Resource, row: Row, changed: Row, door: str) -> bool:
    """Change a record through a door; whether it was done."""
    return await {"rest": _by_rest, "panel": _by_panel, "import": _by_import}[door](
        who, resource, row, changed
    )


async def _by_rest(who: Person, resource: Resource, row: Row, changed: Row) -> bool:
    path = f"/api/v1/{resource.plural}/{quote(key_of(resource, row), safe='')}"
    answer = await who.api.patch(path, json=changed)
    assert answer.status_code < 500, answer.text
    return answer.status_code == 200


async def _by_panel(who: Person, resource: Resource, row: Row, changed: Row) -> bool:
    path = f"/admin/{resource.name}/edit/{quote(key_of(resource, row), safe=',~')}"
    page = await who.panel.get(path)
    if page.status_code != 200:
        return False
    form = Form(page.text)
    named = {f"f-{name}": str(value) for name, value in changed.items()}
    fields = [*form.fields(*named), *named.items()]
    answer = await who.panel.post(
        path,
        content=_encoded(fields),
        headers={
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    assert answer.status_code < 500, answer.text
    return answer.status_code == 303


def _encoded(fields: list[tuple[str, str]]) -> str:
    return urlencode(fields)


async def _by_import(who: Person, resource: Resource, row: Row, changed: Row) -> bool:
    seen = who.house.records.registry_for(who.actor)
    keys = {each.name: row[each.name] for each in resource.key}
    line = json.dumps({**keys, **changed}).encode() + b"\n"
    try:
        table = read_table(io.BytesIO(line), "ndjson")
        fitted = plan(seen[resource.name], seen, Request(), table.columns)
        taken = Import(
            who.house.records, who.actor, fitted, "ndjson", origin=Origin("import"), atomic=True
        )
        parts = [part async for part in taken.run(table.rows)]
    except AppError:
        return False
    return sum(part.changed + part.unchanged for part in parts) == 1


def plain_texts(resource: Resource) -> list[str]:
    """The fields that any short text fits into, at every door in the same form."""
    return [
        each.name
        for each in resource.fields.values()
        if each.kind in {FieldKind.STRING, FieldKind.TEXT}
        and each.updatable
        and not each.sensitive
        and not any(each.name in reference.fields for reference in resource.references)
        and "\n" not in each.name
        and resource.name != "validated"
    ]


async def changes(home: House, resource: Resource) -> list[Mapping[str, Any]]:
    """What was told of the resource's updates, oldest first."""
    statement = (
        select(Change.__table__)
        .where(Change.resource == resource.name, Change.action == "update")
        .order_by(Change.id)
    )

    async def read(connection: Any) -> list[Mapping[str, Any]]:
        return list((await connection.execute(statement)).mappings())

    return await home.database.read(read)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WRITTEN)
async def test_allowed_writes(fresh_settings: FreshSettings, kind: Kind, name: str) -> None:
    """The same change through each door writes the same record and tells the same change."""
    async with house_of(fresh_settings, kind, name) as home:
        resource = home.records.registry[name]
        grants = [Grant(name, action) for action in ACTIONS]
        async with person(home, "writer", [*everything_but(home, name), *grants]) as who:
            for field in plain_texts(resource)[:3]:
                told = []
                for number, door in enumerate(DOORS):
                    row = (await who.rows(resource))[0]
                    assert await write(who, resource, row, {field: f"v{number}"}, door), door
                    (*_, change) = await changes(home, resource)
                    assert (change["after"][field], change["key"]) == (
                        f"v{number}",
                        key_of(resource, row),
                    )
                    told.append((change["source"], change["actor_name"], {*change["before"]}))
                assert [each[:2] for each in told] == [(door, "writer") for door in DOORS]
                assert {field} <= told[0][2] == told[1][2] == told[2][2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WRITTEN)
async def test_refused_writes(fresh_settings: FreshSettings, kind: Kind, name: str) -> None:
    """What is read-only, hidden or not granted is written through no door, and nothing is told."""
    async with house_of(fresh_settings, kind, name) as home:
        resource = home.records.registry[name]
        every = await all_rows(home, resource)
        before = len(await changes(home, resource))
        others = everything_but(home, name)
        for number, field in enumerate(plain_texts(resource)[:3]):
            without = frozenset({field})
            cases = {
                "fixed": [Grant(name, "read"), Grant(name, "update", None, without)],
                "blind": [Grant(name, "read", None, without), Grant(name, "update")],
                "reads": [Grant(name, "read")],
                "never": [],
            }
            for case, grants in cases.items():
                async with person(home, f"{case} {number}", [*others, *grants]) as who:
                    row = next(iter(every.values()))
                    for door in DOORS:
                        done = await write(who, resource, row, {field: "changed"}, door)
                        # A control that the form has not is not read, so nothing is changed by it.
                        assert not done or door == "panel", (case, door)
        assert await all_rows(home, resource) == every
        assert len(await changes(home, resource)) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("door", DOORS)
async def test_a_row_stays_in_reach(fresh_settings: FreshSettings, kind: Kind, door: str) -> None:
    """A write that would move a row out of the rule that allows it is refused, and undone."""
    async with house_of(fresh_settings, kind, "dated") as home:
        resource = home.records.registry["dated"]
        every = await all_rows(home, resource)
        grants = [Grant("dated", "read"), Grant("dated", "update", "some")]
        async with person(home, "keeper of names", grants) as who:
            named = next(row for row in every.values() if row["name"] is not None)
            assert await write(who, resource, named, {"name": "other"}, door)
            body = {"name": None} if door != "panel" else {"name": ""}
            if door == "panel":
                assert not await _emptied(who, resource, named)
            else:
                assert not await write(who, resource, named, body, door)
            unnamed = next(row for row in every.values() if row["name"] is None)
            assert not await write(who, resource, unnamed, {"name": "mine now"}, door)
        after = await all_rows(home, resource)
        assert {row["name"] for row in after.values()} == {"other", None}


async def _emptied(who: Person, resource: Resource, row: Row) -> bool:
    """Whether the panel takes the name away: no text is told from an empty one by a box."""
    path = f"/admin/{resource.name}/edit/{key_of(resource, row)}"
    form = Form((await who.panel.get(path)).text)
    fields = [*form.fields("f-name"), ("f-name", ""), ("n-name", "on")]
    answer = await who.panel.post(
        path,
        content=_encoded(fields),
        headers={
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    return answer.status_code == 303


@pytest.mark.parametrize("kind", KINDS)
async def test_a_row_is_made_in_reach(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A create outside of the rule that allows it is refused, and leaves nothing."""
    async with house_of(fresh_settings, kind, "dated") as home:
        resource = home.records.registry["dated"]
        before = await all_rows(home, resource)
        grants = [Grant("dated", "read"), Grant("dated", "create", "some")]
        async with person(home, "maker of names", grants) as who:
            body = {"day": "2001-02-03", "name": None}
            assert (await who.api.post("/api/v1/dated", json=body)).status_code == 403
            assert await all_rows(home, resource) == before
            body["name"] = "named"
            assert (await who.api.post("/api/v1/dated", json=body)).status_code == 201


@pytest.mark.parametrize("kind", KINDS)
async def test_history(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A change of a hidden field, or to a record out of sight, is in no history one may read."""
    async with house_of(fresh_settings, kind, "keeper") as home:
        registry = home.records.registry
        keeper, cage = registry["keeper"], registry["cage"]
        await home.records.update(SYSTEM, keeper, (2,), {"name": "Marked"}, origin=SEED)
        await home.records.update(SYSTEM, cage, (1,), {"keeper_id": 2}, origin=SEED)
        blind = [Grant("keeper", "read", None, frozenset({"name"}))]
        async with person(home, "blind", [*everything_but(home, "keeper"), *blind]) as who:
            page = await who.panel.get("/admin/keeper/details/2")
            assert (page.status_code, "Marked" in page.text) == (200, False)
            past = await home.records.history(who.actor, keeper, (2,))
            assert not any("name" in {**each.before, **each.after} for each in past)
        some = [Grant("keeper", "read", "some")]
        async with person(home, "some", [*everything_but(home, "keeper"), *some]) as who:
            past = await home.records.history(who.actor, keeper, (2,))
            assert all(each.after.get("boss_id") is None for each in past)
            assert all(1 not in each.after.get("friends", ()) for each in past)
            assert [each.action for each in past].count("create") == 1
            (moved, *_) = await home.records.history(SYSTEM, cage, (1,))
            assert (moved.before, moved.after) == ({"keeper_id": 1}, {"keeper_id": 2})
            (moved, *_) = await home.records.history(who.actor, cage, (1,))
            assert (moved.before, moved.after) == ({}, {"keeper_id": 2})


@pytest.mark.parametrize("kind", KINDS)
async def test_effects_of_a_delete(fresh_settings: FreshSettings, kind: Kind) -> None:
    """What a delete does to records out of sight is neither shown nor counted."""
    async with house_of(fresh_settings, kind, "comment") as home:
        book = home.records.registry["book"]
        grants = [Grant("book", "read"), Grant("book", "delete")]
        async with person(home, "deleter", grants) as who:
            effects = await home.records.delete_effects(who.actor, book, (1,))
            assert [each.name for each, _ in effects.deleted] == ["book"]
            page = await who.panel.get("/admin/book/delete?key=1")
            assert page.status_code == 200
            assert "omment" not in page.text
    async with house_of(fresh_settings, kind, "keeper") as home:
        keeper = home.records.registry["keeper"]
        grants = [Grant("keeper", "read"), Grant("keeper", "delete")]
        async with person(home, "deleter", grants) as who:
            answer = await who.api.delete("/api/v1/keepers/1")
            assert (answer.status_code, "loan" in answer.text) == (409, False)
            page = await who.panel.get("/admin/keeper/delete?key=1")
            assert "Loan" not in page.text
            effects = await home.records.delete_effects(who.actor, keeper, (1,))
            assert [each.count for each in effects.blocked] == [0]


@pytest.mark.parametrize("kind", KINDS)
async def test_uniqueness(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A clash that involves a hidden field names the fields in sight, and no other."""
    async with house_of(fresh_settings, kind, "ruled") as home:
        grants = [
            Grant("ruled", "read", None, frozenset({"street"})),
            *(Grant("ruled", action) for action in ("create", "update")),
        ]
        await home.add("ruled", {"code": "x", "town": "other", "street": "s"})
        async with person(home, "blind", grants) as who:
            answer = await who.api.patch("/api/v1/ruled/3", json={"town": "t"})
            assert answer.status_code == 409
            assert "street" not in answer.text.lower()
            assert [each["pointer"] for each in answer.json()["errors"]] == ["/town"]


@pytest.mark.parametrize("kind", KINDS)
async def test_create_may_not_set(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A field that the grant to create is without is set by no door, and is read all the same."""
    async with house_of(fresh_settings, kind, "author") as home:
        author = home.records.registry["author"]
        before = await all_rows(home, author)
        grants = [
            Grant("author", "read"),
            Grant("author", "create", None, frozenset({"country", "books"})),
        ]
        async with person(home, "maker", grants) as who:
            bodies: tuple[Row, ...] = ({"country": "Peru"}, {"books": []})
            for body in bodies:
                answer = await who.api.post("/api/v1/authors", json={"name": "New", **body})
                assert answer.status_code == 422
                assert [each["code"] for each in answer.json()["errors"]] == ["unknown_field"]
            form = (await who.panel.get("/admin/author/create")).text
            assert ('name="f-name"' in form, 'name="f-country"' in form) == (True, False)
            assert 'name="f-books"' not in form
            assert not await _imported(who, author, {"name": "New", "country": "Peru"})
            assert await all_rows(home, author) == before
            answer = await who.api.post("/api/v1/authors", json={"name": "New"})
            assert (answer.status_code, answer.json()["country"]) == (201, None)


async def _imported(who: Person, resource: Resource, row: Row) -> bool:
    seen = who.house.records.registry_for(who.actor)
    try:
        table = read_table(io.BytesIO(json.dumps(row).encode()), "ndjson")
        fitted = plan(seen[resource.name], seen, Request(), table.columns)
        taken = Import(who.house.records, who.actor, fitted, "ndjson", origin=Origin("import"))
        parts = [part async for part in taken.run(table.rows)]
    except AppError:
        return False
    return sum(part.created for part in parts) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_answers_of_writes(fresh_settings: FreshSettings, kind: Kind) -> None:
    """What a write answers is what a read would: no hidden field, no record out of sight."""
    async with house_of(fresh_settings, kind, "cage") as home:
        grants = [
            Grant("cage", "read", None, frozenset({"room"})),
            *(Grant("cage", action) for action in ("create", "update")),
            Grant("keeper", "read", "some"),
            Grant("composite", "read"),
        ]
        cage = home.records.registry["cage"]
        async with person(home, "blind", grants) as who:
            made = (await who.api.post("/api/v1/cages", json={"name": "new"})).json()
            read = await who.json(f"cages/{made['id']}")
            changed = (await who.api.patch("/api/v1/cages/1", json={"name": "other"})).json()
            assert made == read
            assert changed == await who.json("cages/1")
            assert set(changed) == {"id", "version", "name", "keeper_id", "number"}
            assert changed["keeper_id"] is None
        (stored,) = [each for key, each in (await all_rows(home, cage)).items() if key == "1"]
        assert (stored["keeper_id"], stored["room"]) == (1, "a")


@pytest.mark.parametrize("kind", KINDS)
async def test_relations_to_nothing_in_sight(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A relation to a resource that one may not read is not there, nor is its foreign key."""
    async with house_of(fresh_settings, kind, "cage") as home:
        resource = home.records.registry["cage"]
        grants = [Grant("cage", action) for action in ACTIONS]
        async with person(home, "alone", grants) as who:
            row = (await who.rows(resource))[0]
            assert set(row) == {"id", "version", "name"}
            for name in ("keeper", "keeper_id", "composite", "room"):
                for query in (f"{name}=1", f"sort={name}"):
                    answer = await who.api.get(f"/api/v1/cages?{query}")
                    assert answer.status_code == 400
                    assert f" {name}," not in answer.json()["errors"][0]["detail"]
                answer = await who.api.patch("/api/v1/cages/1", json={name: None})
                assert answer.status_code == 422
            for page in ("list", "details/1", "edit/1", "create"):
                html = (await who.panel.get(f"/admin/cage/{page}")).text
                assert "Keeper" not in html
                assert "Composite" not in html
        only = [Grant("keeper", "read")]
        async with person(home, "only keepers", only) as who:
            row = (await who.rows(home.records.registry["keeper"]))[0]
            assert set(row) == {"id", "version", "name", "boss_id", "friends", "friend_of"}
