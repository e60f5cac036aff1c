"""Lists of new records that are written and told of at once, exactly as if one by one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import goods
import pytest
from api import Api, serving
from conftest import KINDS, FreshSettings
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from together import grants, somebody, statements

from admin_app.declaration import SYSTEM, Origin
from admin_app.records.writes.drafts import valid_items
from admin_app.records.writes.writer import Writer

ORIGIN = Origin("command line")
MINIMAL = [("prefer", "return=minimal")]
OWN = ("id", "code", "made_at")
"""Fields of a good that are no two records'."""


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    made = fresh_settings(request.param, "goods", goods.prepare)
    async with serving(made, models=("goods",)) as found:
        yield found


def body(*each: Any) -> dict[str, Any]:
    return {"items": list(each)}


async def at_once(api: Api, caller: Any, target: str, items: list[Any], *how: Any) -> bool:
    """Whether a list was written at once; it has to be written."""
    with statements(api) as asked:
        answer = await caller.call("POST", target, body(*items), headers=[*how])
    assert answer.status == 200, answer
    assert [each["status"] for each in answer.json["items"]] == [201] * len(items), answer
    sqlite = api.database.dialect == "sqlite"
    mark = "coalesce(max(" if sqlite else "WITH made AS"
    assert not any("ROLLBACK TO" in each for each in asked)
    return any(mark in each for each in asked)


async def obstacle(api: Api, name: str, *items: Any, actor: Any = SYSTEM) -> str | None:
    """What stands against writing these at once."""
    resource = api.registry[name]

    async def ask(writer: Writer) -> str | None:
        return await writer.obstacle(resource, list(items))

    return await api.records.write(actor, ORIGIN, ask)


async def test_as_if_one_by_one(api: Api) -> None:
    """Records and changes are the same, whatever the values, in the order of the items."""
    shelf = await api.add("shelves", {"name": "s"})
    items = [{**each, "shelf_id": shelf["id"]} for each in goods.items()]
    alone = [await api.add("goods", each) for each in items]
    liked = [{"name": "like", "like_id": each["id"]} for each in alone]
    alone += [await api.add("goods", each) for each in liked]
    assert await at_once(api, api, "goods/bulk", items, *MINIMAL)
    assert await at_once(api, api, "goods/bulk", liked)
    rows = await api.walk("goods?sort=id&limit=200")
    first, second = rows[: len(alone)], rows[len(alone) :]
    assert first == alone
    assert [_lasting(each) for each in second] == [_lasting(each) for each in first]
    assert len({each["code"] for each in rows}) == len(rows)
    told = await api.changes(resource="good")
    assert [each["key_json"] for each in told] == [[each["id"]] for each in rows]
    assert [each["key"] for each in told] == [str(each["id"]) for each in rows]
    for change, row in zip(told, rows, strict=True):
        assert change["after"] == {
            name: "•••" if name == "secret" else row[name] for name in change["after"]
        }
    half = len(told) // 2
    assert [_told(each) for each in told[:half]] == [_told(each) for each in told[half:]]
    assert {each["label"] for each in told} >= {"plain", "日本", "%_\\ %s %d"}
    texts = await _texts(api)
    assert [_digits(each) for each in texts[:half]] == [_digits(each) for each in texts[half:]]


def _lasting(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in OWN}


def _told(change: Any) -> dict[str, Any]:
    own = {"id", "change_set", "at", "tx", "request_id", "key", "key_json"}
    told = {name: value for name, value in change.items() if name not in own}
    return {**told, "after": _lasting(change["after"])}


async def _texts(api: Api) -> list[str]:
    """The facts of changes of goods, as they stand in the database."""
    asked = text("SELECT CAST(after AS TEXT) FROM admin_change WHERE resource = 'good' ORDER BY id")

    async def read(connection: Any) -> list[str]:
        return [*await connection.scalars(asked)]

    return await api.database.read(read)


def _digits(facts: str) -> str:
    """Facts without what is no two records', down to the order and the spaces."""
    plain = re.sub(r'"id":\d+', '"id":0', facts)
    plain = re.sub(r'"code":"[0-9a-f]+"', '"code":""', plain)
    return re.sub(r'"made_at":"[^"]+"', '"made_at":""', plain)


async def test_what_it_answers(api: Api) -> None:
    """Whole records, keys alone, a change set that can be undone; a rehearsal keeps nothing."""
    items = [{"name": f"n{number}"} for number in range(5)]
    whole = await api.call("POST", "goods/bulk", body(*items))
    brief = await api.call("POST", "goods/bulk", body(*items), headers=MINIMAL)
    keys = [each["key"] for each in (*whole.json["items"], *brief.json["items"])]
    assert keys == [str(number) for number in range(1, 11)]
    for each in whole.json["items"]:
        assert each["data"] == await api.get(f"goods/{each['key']}")
    assert [[*each] for each in brief.json["items"]] == [["index", "status", "key"]] * 5
    told = await api.changes(resource="good")
    assert [str(each["change_set"]) for each in told] == [
        *([whole.header("change-set")] * 5),
        *([brief.header("change-set")] * 5),
    ]
    undone = await api.call("POST", f"change-sets/{brief.header('change-set')}/revert", {})
    assert undone.status in {200, 404}, undone
    dry = [("prefer", "tx=rollback, return=minimal")]
    before = await api.counts()
    rehearsed = await api.call("POST", "goods/bulk", body(*items), headers=dry)
    assert len(rehearsed.json["changes"]) == 5, rehearsed
    assert await api.counts() == before
    key = [*MINIMAL, ("idempotency-key", '"once"')]
    once = [await api.call("POST", "goods/bulk", body(*items), headers=key) for _ in range(2)]
    assert once[0].body == once[1].body
    assert (await api.counts())["good"] == before["good"] + 5


async def test_what_stands_against_it(api: Api) -> None:
    """Each reason for going one by one, and that nothing else is one."""
    a, b = {"name": "a"}, {"name": "b"}
    assert await obstacle(api, "good", a, b) is None
    assert await obstacle(api, "good", a, {"name": "b", "long": None}, {"name": "c"}) is None
    assert await obstacle(api, "good", a) == "few"
    assert await obstacle(api, "good", a, {**b, "level": 1}) == "forms"
    assert await obstacle(api, "good", a, {**b, "count": 1}) == "forms"
    assert await obstacle(api, "good", a, {"name": " "}) == "title"
    assert await obstacle(api, "good", a, {**b, "shelf": {}}) == "sets"
    assert await obstacle(api, "hooked", a, b) == "hooks"
    assert await obstacle(api, "reasoned", a, b) == "reason"
    assert await obstacle(api, "tidied", a, b) == "model"
    assert await obstacle(api, "coded", {**a, "code": "a"}, {**b, "code": "b"}) == "key"
    assert await obstacle(api, "weighed", a, b) == "types"
    assert await obstacle(api, "untitled", {"number": 1}, {"number": 2}) == "title"
    assert await obstacle(api, "asked", a, b) == "defaults"
    # SQLite's own words for now are not those that are stored otherwise.
    dated = "defaults" if api.database.dialect == "sqlite" else None
    assert await obstacle(api, "dated", a, b) == dated

    async def told(writer: Writer) -> list[str | None]:
        resource = api.registry["shelf"]
        found = [await writer.obstacle(resource, [a, b])]
        made = await writer.create(resource, a)
        await writer.update(resource, made.key, b)
        return [*found, await writer.obstacle(resource, [a, b])]

    assert await api.records.write(SYSTEM, ORIGIN, told) == [None, "told"]

    async def listed(writer: Writer) -> str | None:
        writer.list_changes()
        return await writer.obstacle(api.registry["shelf"], [a, b])

    assert await api.records.write(SYSTEM, ORIGIN, listed) == "told"


async def test_rules_of_a_create(api: Api) -> None:
    """Each row is asked for; one out of reach, and nothing is written."""
    shelf = await api.add("shelves", {"name": "s", "owner": "nobody"})
    mine, reading = grants("good", "create", rule="own"), grants("good", "read")
    shelves = [*grants("shelf", "read"), *grants("shelf", "create", rule="own")]
    person = await somebody(api, *mine, *reading, *shelves)
    assert await at_once(api, person, "goods/bulk", [{"name": "a"}] * 3)
    own = {"name": "a", "owner": person.name}
    assert await at_once(api, person, "shelves/bulk", [own] * 3, *MINIMAL)
    before = await api.counts()
    for other in ({"name": "b", "owner": "ann"}, {"name": "b"}, {"name": "b", "owner": None}):
        answer = await person.call("POST", "shelves/bulk", body(own, own, other), headers=MINIMAL)
        answer.problem(403)
        some = await person.call("POST", "shelves/bulk?atomic=false", body(own, other, own))
        assert [each["status"] for each in some.json["items"]] == [201, 403, 201]
        before["shelf"] += 2
        before["admin_change"] += 2
    after = await api.counts()
    assert {name: after[name] for name in ("shelf", "admin_change")} == {
        name: before[name] for name in ("shelf", "admin_change")
    }
    shelved = await somebody(api, *grants("good", "create", rule="shelved"), *shelves, *reading)
    answer = await shelved.call("POST", "goods/bulk", body(*[{"name": "a"}] * 2))
    answer.problem(403)
    # Another's shelf is there to be seen, and none of theirs to fill.
    on_it = {"name": "a", "shelf_id": shelf["id"]}
    (await shelved.call("POST", "goods/bulk", body(on_it, on_it))).problem(403)
    assert (await api.counts())["good"] == after["good"]


async def test_references_out_of_sight(api: Api) -> None:
    """What refers to nothing in sight is refused by its place, for each actor anew."""
    role = [*grants("good", "create", "read"), *grants("shelf", "read", rule="own")]
    people = [await somebody(api, *role) for _ in range(2)]
    for person in people:
        await api.add("shelves", {"name": "s", "owner": person.name})
    for person, own, other in zip(people, (1, 2), (2, 1), strict=True):
        good = {"name": "a", "shelf_id": own}
        assert await at_once(api, person, "goods/bulk", [good, good, {**good, "shelf_id": None}])
        for missing in (other, 99, 2**63 - 1, -1):
            wrong = {"name": "a", "shelf_id": missing}
            answer = await person.call("POST", "goods/bulk", body(good, wrong, good))
            answer.problem(422)
            assert answer.pointers == ["/items/1/shelf_id"]
            answer = await person.call("POST", "goods", wrong)
            answer.problem(422)
            assert answer.pointers == ["/shelf_id"]


async def test_what_the_database_refuses(api: Api) -> None:
    """A refusal names the item, and the others are not there."""
    code = [{"name": "a", "code": str(number)} for number in range(4)]
    assert await at_once(api, api, "goods/bulk", code[:2], *MINIMAL)
    before = await api.counts()
    for wrong in ([code[2], code[3], code[1]], [code[2], code[3], code[2]]):
        answer = await api.call("POST", "goods/bulk", body(*wrong), headers=MINIMAL)
        answer.problem(409)
        assert answer.pointers == ["/items/2/code"]
        assert await api.counts() == before
    some = await api.call("POST", "goods/bulk?atomic=false", body(*code))
    assert [each["status"] for each in some.json["items"]] == [409, 409, 201, 201]


async def test_as_many_as_there_are(api: Api) -> None:
    """Rows that share a statement keep their order, their keys and what is told of them."""
    last = [await api.add("shelves", {"name": str(number)}) for number in range(5)]
    for each in last[2:]:  # SQLite gives no number twice.
        assert (await api.call("DELETE", f"shelves/{each['id']}")).status == 204
    start = last[-1]["id"] + 1
    for count, how in ((2 * 64 + 8 + 3, MINIMAL), (64, MINIMAL), (71, []), (2, MINIMAL)):
        items = [
            {"name": f"n{number}", "owner": None if number % 3 else "ann", "cost": f"{number}.50"}
            for number in range(count)
        ]
        answer = await api.call("POST", "shelves/bulk", body(*items), headers=how)
        keys = [*range(start, start + count)]
        assert [each["key"] for each in answer.json["items"]] == [str(key) for key in keys]
        rows = await api.walk(f"shelves?sort=id&limit=50&id__gte={start}")
        assert [each["id"] for each in rows] == keys
        assert [{name: row[name] for name in items[0]} for row in rows] == items
        told = await api.changes(resource="shelf", action="create")
        assert [each["after"] for each in told[-count:]] == rows
        start += count


async def test_what_goes_without_a_savepoint(api: Api) -> None:
    """What is the first of its transaction is undone with it, and tried again one by one."""
    code = [{"name": "a", "code": str(number)} for number in range(4)]
    with statements(api) as asked:
        assert (await api.call("POST", "goods/bulk", body(*code[:2]))).status == 200
    assert not any("SAVEPOINT" in each for each in asked)
    before = await api.counts()
    heard: list[frozenset[str]] = []
    api.database.on_commit(heard.append)
    with statements(api) as asked:
        answer = await api.call("POST", "goods/bulk", body(code[2], code[1]), headers=MINIMAL)
    answer.problem(409)
    assert answer.pointers == ["/items/1/code"]
    assert not heard
    assert await api.counts() == before
    # What has more to be undone than that, or less.
    for target, how in (
        ("goods/bulk", "tx=rollback"),
        ("goods/bulk?atomic=false", "return=minimal"),
    ):
        with statements(api) as asked:
            headers = [("prefer", how)]
            answer = await api.call("POST", target, body(*code[2:]), headers=headers)
        assert answer.status == 200, answer
        assert any("SAVEPOINT" in each for each in asked)


async def test_an_update_that_is_foretold(api: Api) -> None:
    """What the database makes of a value is told, once, and not what was foreseen."""
    made = await api.add("goods", {"name": "a", "money": "1.00"})
    address = f"goods/{made['id']}"
    for change, told in (
        ({"money": "1.5"}, {"money": "1.50"}),
        ({"name": "b"}, {"name": "b"}),
        ({"secret": "s", "mood": "calm"}, {"secret": "•••", "mood": "calm"}),
        ({"money": "1.5", "flag": True}, {"flag": True}),
        ({"money": "1.5"}, None),
    ):
        before = await api.changes(resource="good")
        answer = await api.call("PATCH", address, change)
        assert answer.status == 200
        after = await api.changes(resource="good")
        new = [
            {name: value for name, value in each["after"].items() if name != "changed_at"}
            for each in after[len(before) :]
        ]
        assert new == ([] if told is None else [told])
    shelf = await api.add("shelves", {"name": "s"})
    address = f"shelves/{shelf['id']}"
    for name in ("t", " ", "é"):
        assert (await api.call("PATCH", address, {"name": name})).status == 200
    told_ = await api.changes(resource="shelf", action="update")
    assert [each["label"] for each in told_] == ["t", "Shelf 1", "é"]
    assert [each["before"]["name"] for each in told_] == ["s", "t", " "]
    for cost in ("1.5", "1.50", "1.2"):
        assert (await api.call("PATCH", address, {"cost": cost})).status == 200
    told_ = (await api.changes(resource="shelf", action="update"))[3:]
    assert [each["after"] for each in told_] == [{"cost": "1.50"}, {"cost": "1.20"}]


async def test_triggers(api: Api) -> None:
    """A trigger before or after a row is one of the reasons."""
    sqlite = api.database.dialect == "sqlite"
    trigger = "BEFORE INSERT ON shelf"

    async def add(session: AsyncSession) -> None:
        if sqlite:
            await session.execute(text(f"CREATE TRIGGER t {trigger} BEGIN SELECT 1; END"))
            return
        words = "BEGIN NEW.name := repeat(NEW.name, 0); RETURN NEW; END"
        await session.execute(
            text(f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS '{words}'")
        )
        await session.execute(text(f"CREATE TRIGGER t {trigger} FOR EACH ROW EXECUTE FUNCTION f()"))

    await api.database.write(add)
    a, b = {"name": "a"}, {"name": "b"}
    assert await obstacle(api, "shelf", a, b) == "triggers"
    answer = await api.call("POST", "shelves/bulk", body(a, b))
    told = await api.changes(resource="shelf")
    name = "a" if sqlite else ""
    assert answer.json["items"][0]["data"]["name"] == name
    assert told[0]["after"]["name"] == name
    assert told[0]["label"] == (name or "Shelf 1")


async def test_others_are_told(api: Api) -> None:
    """Whoever listens to commits hears of the tables that were written to."""
    heard: list[frozenset[str]] = []
    api.database.on_commit(heard.append)
    answer = await api.call("POST", "shelves/bulk", body({"name": "a"}, {"name": "b"}))
    assert answer.status == 200
    assert any(each >= {"shelf", "admin_change"} for each in heard), heard
    assert valid_items(api.registry["shelf"], b'{"items":[{"name":1}]}') is None
