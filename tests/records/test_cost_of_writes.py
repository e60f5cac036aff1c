"""What writes cost in statements, and that doing them with few changes nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import Api, zoo_on
from conftest import KINDS, FreshSettings
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from together import grants, house, somebody, statements

AROUND = ("BEGIN", "SAVEPOINT", "RELEASE")
OTHERS = "admin_request_count"
"""What is written beside a request, now and then."""


@pytest.fixture(params=KINDS)
async def library(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[Api]:
    async with house(fresh_settings, request.param) as made:
        yield made


@pytest.fixture(params=KINDS)
async def zoo(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    async with zoo_on(fresh_settings, request.param) as made:
        yield made


def items(*each: Any) -> dict[str, Any]:
    return {"items": list(each)}


async def cost(api: Api, method: str, target: str, body: Any = None) -> list[str]:
    """The first words of the statements that a request takes."""
    with statements(api) as asked:
        answer = await api.call(method, target, body)
        assert answer.status < 300, answer
    if target.endswith("bulk"):
        assert all(each["status"] < 300 for each in answer.json["items"]), answer
    return [each.split()[0] for each in asked if not each.startswith(AROUND) and OTHERS not in each]


async def test_one_record(library: Api) -> None:
    """A record is written by a statement, told of by another, and not read again."""
    for number in range(2):  # The first has the caller and the tables' triggers looked up.
        made = await cost(library, "POST", "readers", _reader(number))
        record = f"readers/{number + 1}"
        changed = await cost(library, "PATCH", record, {"name": "new"})
        unchanged = await cost(library, "PATCH", record, {"name": "new"})
        gone = await cost(library, "DELETE", record)
        linked = await cost(library, "POST", "authors", {"name": f"a{number}"})
        relinked = await cost(library, "PATCH", "authors/1", {"born": number})
    sqlite = library.database.dialect == "sqlite"
    assert made == linked == (["INSERT", "INSERT"] if sqlite else ["WITH"])
    update = ["UPDATE", "INSERT"] if sqlite else ["WITH"]
    assert changed == ["SELECT", *update]
    assert unchanged == ["SELECT"]
    # Its set is read, as one of the two that an If-Match may be about.
    assert relinked == ["SELECT", "SELECT", *update]
    # What points to it is looked for and locked: comments alone.
    assert gone == ["SELECT", "SELECT", "DELETE", "INSERT"]


async def test_many_records(library: Api) -> None:
    """A thousand new records take as many statements as ten, and so do a thousand changes."""
    costs: dict[int, list[list[str]]] = {}
    start = 0
    for count in (2, 1, 10, 1_000):
        numbers = range(start, start + count)
        start += count
        made = await cost(library, "POST", "readers/bulk", items(*map(_reader, numbers)))
        keys = [str(number + 1) for number in numbers]
        edits = ({"key": key, "data": {"name": f"new {key}"}} for key in keys)
        changed = await cost(library, "PATCH", "readers/bulk", items(*edits))
        costs[count] = [made, changed]
    sqlite = library.database.dialect == "sqlite"
    alone = ["INSERT", "INSERT"] if sqlite else ["WITH"]
    assert costs[1] == [alone, ["SELECT", *(["UPDATE", "INSERT"] if sqlite else ["WITH"])]]
    at_once = ["SELECT", "INSERT", "INSERT", "SELECT", "SELECT"] if sqlite else ["WITH"]
    assert costs[10] == [at_once, ["SELECT", "UPDATE", "SELECT", "INSERT"]]
    # One statement takes so many values, and SQLAlchemy writes so many rows at once.
    assert [len(each) for each in costs[1_000]] <= [5, 6], costs[1_000]
    page = await library.get("readers?name=new%201013")
    assert [each["card_number"] for each in page["data"]] == ["1012"]


async def test_merging_many(zoo: Api) -> None:
    """Fifty records that are there are merged into, and updated by a file, as by ten."""
    await zoo.call("POST", "ruled/bulk", items(*({"code": f"c{n}"} for n in range(50))))

    async def taken(count: int, low: int) -> None:
        rows = "".join(f"c{number},{low}\n" for number in range(count))
        headers = [("content-type", "text/csv")]
        target = "ruled/import?match=code"
        answer = await zoo.call("POST", target, raw=f"code,low\n{rows}".encode(), headers=headers)
        assert answer.json["changed"] == count, answer

    counts = set()
    for low, count in enumerate((10, 10, 50)):  # The first has the tables' triggers looked up.
        with statements(zoo) as merged:
            given = items(*({"code": f"c{n}", "low": low} for n in range(count)))
            answer = await zoo.call("POST", "ruled/bulk?on_conflict=code", given)
        assert {each["status"] for each in answer.json["items"]} == {200}
        with statements(zoo) as imported:
            await taken(count, low + 100)
        if low:
            costs = ([each for each in some if OTHERS not in each] for some in (merged, imported))
            counts.add(tuple(map(len, costs)))
    assert len(counts) == 1


async def test_sets_that_a_file_repeats(library: Api) -> None:
    """A set that is as the file has it costs nothing; one that is not is written, and told of."""
    await library.add("authors", {"name": "a"})
    made = ({"title": f"b{number}", "authors": [1]} for number in range(50))
    await library.call("POST", "books/bulk", items(*made))

    async def taken(count: int, year: int, authors: str) -> int:
        lines = (f"b{number},{authors},{year}\n" for number in range(count))
        headers = [("content-type", "text/csv")]
        file = f"title,authors,year\n{''.join(lines)}".encode()
        target = "books/import?match=title"
        with statements(library) as asked:
            answer = await library.call("POST", target, raw=file, headers=headers)
        assert answer.json["changed"] == count, answer
        return len(asked)

    await taken(10, 1, "1")
    assert await taken(10, 2, "1") == await taken(50, 3, "1")
    await taken(2, 4, "")
    books = await library.walk("books?sort=id")
    assert [each["authors"] for each in books] == [[], [], *[[1]] * 48]
    told = (await library.get("books/1/history?limit=1"))["data"][0]
    assert (told["before"], told["after"]) == ({"year": 3, "authors": [1]}, {"year": 4})


async def test_many_deletes(library: Api) -> None:
    """A thousand records go, with all that goes along, by as many statements as ten."""
    costs = []
    for count in (2, 10, 1_000):  # The first has the caller and the tables' triggers looked up.
        author = (await library.call("POST", "authors", {"name": f"a{count}"})).json["id"]
        new = items(*({"title": str(n), "authors": [author]} for n in range(count)))
        made = (await library.call("POST", "books/bulk", new)).json["items"]
        keys = [each["key"] for each in made]
        said = items(*({"text": "t", "book_id": int(each)} for each in keys))
        await library.call("POST", "comments/bulk", said)
        body = items(*({"key": each} for each in keys))
        costs.append(await cost(library, "DELETE", "books/bulk", body))
        assert (await library.get("comments"))["data"] == []
        told = await library.get(f"authors/{author}/history?limit=1")
        assert told["data"][0]["before"] == {"books": [int(keys[-1])]}
    assert costs[1] == [
        *("SELECT", "SELECT"),  # The books and their sets, locked,
        *("SELECT", "SELECT"),  # what points to them,
        *("UPDATE", "SELECT"),  # the other ends of their sets,
        *("SELECT", "DELETE"),  # what goes along, as a whole, and links,
        *("DELETE", "DELETE"),
        *("INSERT", "INSERT"),
    ]
    # So many changes are written at once.
    assert costs[2] in ([*costs[1], *more] for more in ([], ["INSERT"], ["INSERT"] * 2))


async def test_one_refused_of_many(library: Api) -> None:
    """One that is refused costs the others little: it is looked for by halving."""
    new = items(*map(_reader, range(200)))
    keys = [each["key"] for each in (await library.call("POST", "readers/bulk", new)).json["items"]]
    keys[77] = "9999"
    for method, data in (("PATCH", {"data": {"name": "n"}}), ("DELETE", {})):
        with statements(library) as asked:
            body = items(*({"key": each, **data} for each in keys))
            answer = await library.call(method, "readers/bulk?atomic=false", body)
        told = [each["status"] for each in answer.json["items"]]
        assert told.count(404) == 1
        assert told[77] == 404
        assert len(asked) < len(keys), method
        with statements(library) as asked:
            (await library.call(method, "readers/bulk", body)).problem(404)
        assert len(asked) < len(keys), method


async def test_undoing_many(library: Api) -> None:
    """What made a thousand records is undone by as many statements as ten, or nearly."""
    costs = []
    for start, count in ((0, 2), (10, 10), (100, 1_000)):
        made = await library.call(
            "POST", "readers/bulk", items(*(_reader(start + n) for n in range(count)))
        )
        target = f"change-sets/{made.header('change-set')}/revert"
        costs.append(await cost(library, "POST", target))
        assert (await library.get("readers"))["data"] == []
    assert costs[2][: len(costs[1]) - 1] == costs[1][:-1]
    assert len(costs[1]) <= 12
    assert len(costs[2]) <= len(costs[1]) + 4


async def test_items_of_every_form(zoo: Api) -> None:
    """Items of which each gives other fields are made in their order, as if by themselves."""
    bodies = [
        *({"name": "a", "amount": n} for n in range(3)),
        {},
        {"amount": 4, "note": None},
        {"note": "n", "secret": "s", "price": "1.50"},
        {"price": "2.00", "note": "m"},
    ]
    answer = await zoo.call("POST", "computing/bulk", items(*bodies))
    alone = [(await zoo.call("POST", "computing", each)).json for each in bodies]
    together = [each["data"] for each in answer.json["items"]]
    assert [each["id"] for each in together] == [*range(1, len(bodies) + 1)]
    assert [_lasting(each) for each in together] == [_lasting(each) for each in alone]
    specimens = [{"short": "a", "document": None}, {"short": "b", "tags": None}, {"short": "c"}]
    answer = await zoo.call("POST", "specimens/bulk", items(*specimens))
    found = (await zoo.get("specimens?document__isnull=true&tags__isnull=true&sort=id"))["data"]
    assert found == [each["data"] for each in answer.json["items"]]


CHANGES: dict[str, list[dict[str, Any]]] = {
    "computing": [{"amount": 1}, {"amount": 1, "secret": "s"}, {"note": None}, {"amount": 7}, {}],
    "validated": [{"email": " A@b "}, {"email": "a@b"}, {"even": 4}, {"even": 2}, {"code": None}],
    "unversioned": [{"name": "a"}, {"name": None}, {"number": 1}, {"number": 1}, {"number": 0}],
    "specimens": [{"single": 0.1}, {"document": [1]}, {"document": None}, {"document": True}, {}],
}
NEW: dict[str, dict[str, Any]] = {
    "validated": {"email": "a@b", "even": 2},
    "specimens": {"short": "a", "document": 1},
}


async def test_sets_in_a_list(library: Api) -> None:
    """Sets that stay as they are cost nothing; those that do not are written by themselves."""
    for name in ("a", "b"):
        await library.add("authors", {"name": name})
    made = ({"title": f"b{number}", "authors": [1]} for number in range(60))
    await library.call("POST", "books/bulk", items(*made))

    async def changed(count: int, year: int, *others: int) -> list[str]:
        edits = (
            {"key": str(key), "data": {"year": year, "authors": [2] if key in others else [1]}}
            for key in range(1, count + 1)
        )
        return await cost(library, "PATCH", "books/bulk", items(*edits))

    await changed(10, 1)
    few, many = await changed(10, 2), await changed(60, 3)
    assert few == many
    assert len(many) <= 8, many
    some = await changed(60, 4, 20, 40)
    assert some.count("DELETE") == 2
    assert len(some) <= 40, some
    books = await library.walk("books?sort=id")
    assert {each["year"] for each in books} == {4}
    assert [each["id"] for each in books if each["authors"] == [2]] == [20, 40]
    history = (await library.get("books/20/history?limit=1"))["data"][0]
    assert history["before"] == {"year": 3, "authors": [1]}
    assert history["after"] == {"year": 4, "authors": [2]}


SETS: list[dict[str, Any]] = [
    {"name": "b", "labels": ["a"]},
    {"name": "c"},
    {"labels": ["a", "b"]},
    {"name": "d", "labels": {"add": ["a"], "remove": ["b"]}},
    {"name": "e", "labels": {"remove": ["a"]}},
    {"labels": {"set": []}, "boss_id": None},
    {},
    {"name": "f", "labels": {"add": []}},
    {"name": "g", "labels": ["a", "a"]},
    {"name": "h", "labels": ["b"]},
]


@pytest.mark.parametrize(
    "last",
    [
        {"labels": ["z"]},
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in ({}, {"friends": [1]}, {"labels": None})
        ),
    ],
)
async def test_sets_are_as_if_done_alone(zoo: Api, last: dict[str, Any]) -> None:
    """What becomes of records, of their other ends and of refused lists is the same either way."""
    changes = [*SETS, last, {"name": "i", "labels": {"add": ["a"]}}]
    await zoo.call("POST", "labels/bulk", items({"code": "a"}, {"code": "b"}))
    new = {"name": "a", "labels": ["a"]}
    made = [(await zoo.add("keepers", new))["id"] for _ in range(2 * len(changes))]
    alone, together = made[::2], made[1::2]
    answers = [
        await zoo.call("PATCH", f"keepers/{key}", data)
        for key, data in zip(alone, changes, strict=True)
    ]
    edits = [{"key": str(key), "data": data} for key, data in zip(together, changes, strict=True)]
    answer = await zoo.call("PATCH", "keepers/bulk?atomic=false", items(*edits))
    first = [each.json if each.status == 200 else each.pointers for each in answers]
    second = [
        each["data"] if each["status"] == 200 else _pointers(each["problem"])
        for each in answer.json["items"]
    ]
    assert [_lasting(each) if isinstance(each, dict) else each for each in second] == [
        _lasting(each) if isinstance(each, dict) else each for each in first
    ]
    told: dict[int, list[Any]] = {}
    mine = {str(key): number for number, key in enumerate(made)}
    for each in await zoo.changes(action="update"):
        cause = each["cause_id"]
        if each["resource"] == "keeper" and each["key"] in mine and cause is None:
            told.setdefault(mine[each["key"]], []).append((each["before"], each["after"]))
    assert [told.get(2 * each) for each in range(len(changes))] == [
        told.get(2 * each + 1) for each in range(len(changes))
    ]
    if answers[-2].status != 200:
        whole = await zoo.call("PATCH", "keepers/bulk", items(*edits))
        place = f"/items/{len(SETS)}/data"
        assert whole.pointers == [f"{place}{each}" for each in answers[-2].pointers]


def _pointers(error: dict[str, Any]) -> list[str]:
    return [each["pointer"].removeprefix(f"/items/{len(SETS)}/data") for each in error["errors"]]


async def test_sets_of_which_a_part_is_out_of_sight(zoo: Api) -> None:
    """What is not seen of a set stays, whether or not what is seen of it changes."""
    labels = [{"code": each, "name": "first" if each < "c" else "other"} for each in "abc"]
    await zoo.call("POST", "labels/bulk", items(*labels))
    keys = [(await zoo.add("keepers", {"name": "k", "labels": ["a", "c"]}))["id"] for _ in range(3)]
    role = [*grants("keeper", "read", "update"), *grants("label", "read", rule="some")]
    person = await somebody(zoo, *role)
    given: list[Any] = [["a"], ["a", "b"], {"remove": ["c"]}]
    edits = [
        {"key": str(key), "data": {"name": "n", "labels": data}}
        for key, data in zip(keys, given, strict=True)
    ]
    answer = await person.call("PATCH", "keepers/bulk", items(*edits))
    assert [each["data"]["labels"] for each in answer.json["items"]] == [["a"], ["a", "b"], ["a"]]
    found = await zoo.walk("keepers?sort=id&fields=name,labels")
    sets = (["a", "c"], ["a", "b", "c"], ["a", "c"])
    assert found == [{"name": "n", "labels": each} for each in sets]


@pytest.mark.parametrize("plural", CHANGES)
async def test_changes_are_as_if_done_alone(zoo: Api, plural: str) -> None:
    """Done together, changes answer and tell what they would have done one by one."""
    changes = CHANGES[plural]
    made = [await zoo.add(plural, NEW.get(plural, {})) for _ in range(2 * len(changes))]
    alone, together = made[::2], made[1::2]
    first = [
        (await zoo.call("PATCH", f"{plural}/{record['id']}", data)).json
        for record, data in zip(alone, changes, strict=True)
    ]
    edits = [
        {"key": str(record["id"]), "data": data}
        for record, data in zip(together, changes, strict=True)
    ]
    answer = await zoo.call("PATCH", f"{plural}/bulk", items(*edits))
    second = [each["data"] for each in answer.json["items"]]
    assert [_lasting(each) for each in second] == [_lasting(each) for each in first]
    for record, answered in zip(made, [e for p in zip(first, second, strict=True) for e in p]):  # noqa: B905
        assert await zoo.get(f"{plural}/{record['id']}") == answered
    told = [
        (each["before"], each["after"])
        for each in await zoo.changes(action="update")
        if "changed_at" not in (each["after"] or {})
    ]
    half = len(told) // 2
    assert told[:half] == told[half:]


async def test_reach_costs_nothing_where_the_statement_can_tell(zoo: Api) -> None:
    """PostgreSQL's INSERT tells whether the new row is in reach; SQLite is asked once more."""
    role = [*grants("ruled", "read"), *grants("ruled", "create", "update", rule="own")]
    person = await somebody(zoo, *role)
    costs = []
    for number in range(2):
        body = {"code": f"{person.name[:9]}{number}", "owner": person.name}
        with statements(zoo) as asked:
            made = await person.call("POST", "ruled", body)
            changed = await person.call("PATCH", f"ruled/{made.json['id']}", {"low": 1})
        assert (made.status, changed.status) == (201, 200)
        costs.append([each for each in asked if " ruled" in each])
        for nobody in (None, "somebody"):
            (await person.call("POST", "ruled", {"code": "x", "owner": nobody})).problem(403)
            record = f"ruled/{made.json['id']}"
            (await person.call("PATCH", record, {"owner": nobody})).problem(403)
    assert len(costs[-1]) == (5 if zoo.database.dialect == "sqlite" else 3), costs
    assert (await zoo.get("ruled?code=x"))["data"] == []


async def test_changes_are_told_alike(zoo: Api) -> None:
    """What many changes tell, in one document, is what each would tell by itself."""
    names = ["NaN", "\\u0000", '"\\', "Infinity", "é\u2028\U0001f600", "null", "7", " a\n"]
    for some in (names, names[4:]):  # With what has to be told one by one, and without.
        alone = [await zoo.add("unversioned", {"name": each}) for each in some]
        answer = await zoo.call("POST", "unversioned/bulk", items(*({"name": e} for e in some)))
        together = [each["data"] for each in answer.json["items"]]
        told = []
        for made in (alone, together):
            keys = [str(each["id"]) for each in made]
            rows = [await zoo.changes(resource="unversioned", key=key) for key in keys]
            assert [len(each) for each in rows] == [1] * len(some)
            told.append([(each["label"], each["before"], each["after"]) for (each,) in rows])
            assert [each["key_json"] for (each,) in rows] == [[int(key)] for key in keys]
        first, second = ([(a, b, {**c, "id": 0}) for a, b, c in each] for each in told)
        assert first == second
        assert [each["name"] for _, _, each in first] == some


async def test_each_in_their_own_reach(zoo: Api) -> None:
    """Two who hold the same grants reach each their own records, alone and together."""
    body = {"code": "x", "owner": None}
    role = [*grants("ruled", "read"), *grants("ruled", "update", rule="own")]
    people = [await somebody(zoo, *role) for _ in range(2)]
    keys = []
    for person in people:
        for number in range(2):
            made = await zoo.add(
                "ruled", {**body, "code": f"{person.name[:9]}{number}", "owner": person.name}
            )
            keys.append(str(made["id"]))
    for _ in range(2):
        for person, own, others in zip(people, (keys[:2], keys[2:]), (keys[2:], keys[:2])):  # noqa: B905
            for key in own:
                assert (await person.call("PATCH", f"ruled/{key}", {"low": 1})).status == 200
            for key in others:
                (await person.call("PATCH", f"ruled/{key}", {"low": 2})).problem(403)
            edits = [{"key": key, "data": {"low": None}} for key in own]
            assert (await person.call("PATCH", "ruled/bulk", items(*edits))).status == 200
            mixed = [*edits, {"key": others[0], "data": {"low": None}}]
            (await person.call("PATCH", "ruled/bulk", items(*mixed))).problem(403)
            away = [{"key": key, "data": {"owner": "away"}} for key in own]
            (await person.call("PATCH", "ruled/bulk", items(*away))).problem(403)


async def test_what_a_trigger_changes(zoo: Api) -> None:
    """What the database's own trigger makes of a record is answered and told."""

    async def add_trigger(session: AsyncSession) -> None:
        for statement in TRIGGERS[zoo.database.dialect]:
            await session.execute(text(statement))

    await zoo.database.write(add_trigger)
    made = await zoo.add("unversioned", {"name": "a"})
    assert made["number"] == 1
    answer = await zoo.call("PATCH", f"unversioned/{made['id']}", {"name": "b"})
    assert answer.json["number"] == 2
    tag = [("if-match", answer.header("etag") or "")]
    assert (
        await zoo.call("PATCH", f"unversioned/{made['id']}", {"name": "c"}, headers=tag)
    ).status == 200
    told = [each["after"] for each in await zoo.changes(action="update")]
    assert told == [{"name": "b", "number": 2}, {"name": "c", "number": 3}]


_RAISE = "UPDATE unversioned SET number = number + 1 WHERE id = NEW.id"
_UP = f"BEGIN {_RAISE}; RETURN NULL; END"
_ALWAYS = "ON unversioned FOR EACH ROW EXECUTE FUNCTION up()"
TRIGGERS = {
    "sqlite": [
        f"CREATE TRIGGER made AFTER INSERT ON unversioned BEGIN {_RAISE}; END",
        f"CREATE TRIGGER changed AFTER UPDATE OF name ON unversioned BEGIN {_RAISE}; END",
    ],
    "postgresql": [
        f"CREATE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS '{_UP}'",
        f"CREATE TRIGGER up AFTER INSERT OR UPDATE OF name {_ALWAYS}",
    ],
}


def _reader(number: int) -> dict[str, Any]:
    return {
        "name": "r",
        "email": f"{number}@example.org",
        "card_number": str(number),
        "joined": "2020-01-01",
    }


def _lasting(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what differs from one write to the next."""
    own = ("id", "made_at", "changed_at")
    return {name: value for name, value in record.items() if name not in own}


async def test_nothing_of_a_record_goes_sqlalchemys_way(library: Api) -> None:
    """A record is written by the driver's own means, and only where it can say all of it."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    engine = library.database.engine.sync_engine
    for number in range(2):  # The first has the tables' triggers looked up.
        seen.clear()
        event.listen(engine, "after_cursor_execute", note)
        try:
            made = await library.call("POST", "readers", _reader(number))
            record = f"readers/{made.json['id']}"
            assert (await library.call("PATCH", record, {"name": "new"})).status == 200
            refused = await library.call("POST", "readers", _reader(number))
            several = [_reader(100 * (number + 1) + each) for each in range(20)]
            assert (await library.call("POST", "readers/bulk", items(*several))).status == 200
            assert (await library.call("DELETE", record)).status == 204
        finally:
            event.remove(engine, "after_cursor_execute", note)
        assert refused.problem(409)["errors"], refused
    ours = [each for each in seen if not each.startswith(AROUND) and OTHERS not in each]
    # What holds a record is looked for before it is deleted.
    assert all(each.startswith("SELECT") for each in ours), ours


async def test_a_connection_that_was_cut_off(library: Api) -> None:
    """A write whose connection died before anything was sent is done on another one."""
    if library.database.dialect == "sqlite":
        return
    made = await library.call("POST", "readers", _reader(1))
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    mine = f"{cut} AND datname = current_database()"
    await library.database.read(lambda connection: connection.execute(text(mine)))
    again = [await library.call("POST", "readers", _reader(each)) for each in (2, 3)]
    assert [each.status for each in (made, *again)] == [201] * 3


async def test_a_write_that_nobody_waits_for(library: Api) -> None:
    """One that is given up half-way leaves nothing behind, and its connection to nobody."""
    for delay in range(4):
        task = asyncio.create_task(library.call("POST", "readers", _reader(delay)))
        for _ in range(5 * delay):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    there = {each["card_number"] for each in (await library.get("readers"))["data"]}
    for number in range(4):
        answer = await library.call("POST", "readers", _reader(number))
        assert answer.status == (409 if str(number) in there else 201), answer
    assert len((await library.get("readers"))["data"]) == 4
