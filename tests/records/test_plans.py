"""A read that goes by a plan answers what it would without one, byte for byte, to whoever asks."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from api import Api, serving, zoo_on
from conftest import KINDS, FreshSettings
from hypothesis import given, settings
from hypothesis import strategies as st
from odd import prepare as prepare_odd
from sqlalchemy import event, text
from zoo import RESOURCES, sample

from admin_app.declaration import SYSTEM, Actor, Grant, Resource, acting
from admin_app.errors import NotFoundError
from admin_app.records.queries.form import FormlessError
from admin_app.records.queries.query import WHOLE, Query
from admin_app.records.reads.page_text import text_of
from admin_app.records.reads.plans import MOST_PLANS, Plans
from admin_app.records.transfer import Export

Pairs = list[tuple[str, str]]


@pytest.fixture(params=KINDS)
async def api(fresh_settings: FreshSettings, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """The zoo, with some records of each kind."""
    async with zoo_on(fresh_settings, request.param) as made:
        for name in RESOURCES:
            for body in sample(name):
                await made.add(made.registry[name].plural, body)
        yield made


def plans(api: Api) -> Plans:
    return api.records._plans


def query(api: Api, actor: Actor, resource: Resource, pairs: Pairs) -> Query:
    return api.records.query(actor, resource, pairs)


async def planned(api: Api, actor: Actor, resource: Resource, asked: Query) -> bytes | None:
    """The page by its plan; none where there is no plan."""
    with acting(actor):
        try:
            return (await plans(api).page_text(actor, resource, asked, None)).body
        except FormlessError:
            return None


async def unplanned(api: Api, actor: Actor, resource: Resource, asked: Query) -> bytes:
    with acting(actor):
        page = await api.records._page(actor, resource, asked)
    return text_of(api.records.registry_for(actor), page).body


async def same(api: Api, actor: Actor, resource: Resource, pairs: Pairs) -> bytes | None:
    """What a page by its plan is, which is the page without one."""
    asked = query(api, actor, resource, pairs)
    found = await planned(api, actor, resource, asked)
    if found is not None:
        assert found == await unplanned(api, actor, resource, asked), (resource.name, pairs)
    return found


async def test_every_kind_of_value(api: Api) -> None:
    """A page of each resource, whole and field by field, up and down and counted."""
    for name in RESOURCES:
        resource = api.registry[name]
        left = {each.name for each in resource.sets.values() if not _simple(api, each.target)}
        assert (await same(api, SYSTEM, resource, []) is None) == bool(left), name
        for each in (*resource.readable, *resource.sets):
            found = await same(api, SYSTEM, resource, [("fields", each)])
            assert (found is None) == (each in left), (name, each)
        for each in resource.sort:
            for term in (each, f"-{each}"):
                await same(api, SYSTEM, resource, [("sort", term), ("count", "exact")])


def _simple(api: Api, target: str) -> bool:
    """Whether keys of a resource are the same in JSON as in Python."""
    key = api.registry[target].key
    return len(key) == 1 and key[0].kind in {"integer", "string", "text"}


async def test_to_one_relations(api: Api) -> None:
    """What is included of a to-one relation is the same, missing and nested ones too."""
    found = 0
    for name in RESOURCES:
        resource = api.registry[name]
        for each in resource.relations.values():
            target = api.registry.target(each)
            fields = [one.name for one in target.readable.values() if one.kind != "text"][:4]
            for include in (each.name, *(f"{each.name}.{one}" for one in target.relations)):
                pairs = [("include", include)]
                await same(api, SYSTEM, resource, pairs)
                some = [*([resource.key[0].name]), *(f"{each.name}.{one}" for one in fields)]
                found += await same(api, SYSTEM, resource, [("fields", ",".join(some))]) is not None
                # By key SQLite writes a record where it finds its row.
                by_key = ("sort", ",".join(f"-{one.name}" for one in resource.key))
                await same(api, SYSTEM, resource, [("fields", ",".join(some)), by_key])
    assert found > 5


async def test_one_record(api: Api) -> None:
    """A record by its key: the same body and tag; an absent one is absent."""
    for name in RESOURCES:
        resource = api.registry[name]
        page = await api.records._page(SYSTEM, resource, query(api, SYSTEM, resource, []))
        for values in page.rows:
            key = resource.key_of(values)
            by_plan = await api.records.get_text(SYSTEM, resource, key)
            without = await api.records._get(SYSTEM, resource, key, WHOLE, "without")
            assert (by_plan.body, by_plan.etag) == (without.body, without.etag), name
            assert (await api.records.get(SYSTEM, resource, key)).values == without.values
    whole = api.registry["specimen"]
    with pytest.raises(NotFoundError):
        await api.records.get_text(SYSTEM, whole, (2**31 - 1,))


CONDITIONS = {
    "small__gte": st.integers(-5, 5).map(str),
    "small__in": st.lists(st.integers(-3, 3).map(str), min_size=1, max_size=3).map(",".join),
    "name__contains": st.text("a%_/\\'é", max_size=3),
    "name__startswith": st.text("a%_/\\'é", max_size=3),
    "flag": st.sampled_from(["true", "false"]),
    "day__between": st.just("2000-01-01,2030-01-01"),
    "mood": st.sampled_from(["calm", "wild & free"]),
    "money__lt": st.sampled_from(["0.00", "12.50"]),
    "ratio__isnull": st.sampled_from(["true", "false"]),
}


async def test_values_are_no_part_of_a_plan(api: Api) -> None:
    """Queries of one form are read by one plan, whatever the values, and each has its own rows."""
    specimen = api.registry["specimen"]
    for small, name in itertools.product(range(-2, 3), ("a", "%", "_", "/", "a%")):
        body = {**sample("specimen")[0], "small": small, "name": name}
        await api.add("specimens", body)
    pairs = [
        ("sort", "small"),
        ("count", "exact"),
        ("fields", "id,name,small"),
    ]
    drawn = st.fixed_dictionaries({}, optional=CONDITIONS)
    asked: list[Pairs] = []

    @settings(max_examples=30, deadline=None, database=None)
    @given(drawn)
    def draw(conditions: dict[str, str]) -> None:
        asked.append([*pairs, *conditions.items()])

    draw()
    for each in asked:
        for limit in ("3", "200"):
            assert await same(api, SYSTEM, specimen, [*each, ("limit", limit)]) is not None, each
    # Walking on and back.
    first = query(api, SYSTEM, specimen, [*pairs, ("limit", "4")])
    with acting(SYSTEM):
        page = await plans(api).page_text(SYSTEM, specimen, first, None)
        while page.next is not None:
            there = [*pairs, ("limit", "4"), ("cursor", page.next)]
            await same(api, SYSTEM, specimen, there)
            page = await plans(api).page_text(
                SYSTEM, specimen, query(api, SYSTEM, specimen, there), None
            )
            assert page.previous is not None
            await same(api, SYSTEM, specimen, [*there[:-1], ("cursor", page.previous)])
    kept = len(plans(api)._kept)
    for small in range(-9, 9):
        await same(api, SYSTEM, specimen, [*pairs, ("small__gte", str(small)), ("limit", "7")])
    assert len(plans(api)._kept) <= kept + 1


async def test_a_plan_is_for_who_may_the_same(api: Api) -> None:
    """Who is granted less has another plan; who is granted the same has it with own values.

    So has an export, whose statements are kept as well.
    """
    ruled = api.registry["ruled"]
    rule = next(iter(ruled.rules))
    everything = frozenset({Grant("ruled", "read")})
    hiding = frozenset({Grant("ruled", "read", without=frozenset({ruled.title}))})
    own = frozenset({Grant("ruled", "read", rule)})
    bodies: dict[tuple[str, int], bytes | None] = {}
    files: dict[tuple[str, int], bytes] = {}
    for _ in range(2):
        for user in (1, 2, 3):
            for what, grants in (("all", everything), ("hiding", hiding), ("own", own)):
                actor = Actor(user, f"user {user}", grants)
                seen = await same(api, actor, ruled, [("count", "exact")])
                assert bodies.setdefault((what, user), seen) == seen
                assert seen is not None
                export = Export(api.records, actor, ruled, [])
                file = b"".join([each async for each in export.portions("csv")])
                assert files.setdefault((what, user), file) == file
                assert file.count(b"\r\n") - 1 == len(json.loads(seen)["data"])
    assert ruled.title not in files["hiding", 1].decode().partition("\r\n")[0].split(",")
    assert ruled.title in files["all", 1].decode().partition("\r\n")[0].split(",")
    assert f'"{ruled.title}":' not in str(bodies["hiding", 1])
    assert f'"{ruled.title}":' in str(bodies["all", 1])


async def test_one_statement(api: Api) -> None:
    """A page with its count, its sets and a to-one relation is one statement."""
    told: list[str] = []
    engine = api.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *each: told.append(each[2]))
    await api.get("keepers?count=exact&fields=name,labels")
    assert sum("keeper" in each for each in told) == 1
    if api.database.dialect == "postgresql":
        assert "concat" in told[-1]


PRINTED: dict[str, list[Any]] = {
    "name": ['a"b\\c/', "\0\x01\x1f\x7f", "\t\n\r\b\f", "%s %d %%", "é\u2028🦉", "", "'", "null"],
    "big": [2**63 - 1, -(2**63), 0, -1],
    "units": [2**63 - 1, -(2**63), 0],
    "money": [0, 5, -5, 99, 100, -100, 12345, -12345],
    "day": ["0001-01-01", "9999-12-31"],
    "clock": ["00:00:00.000000", "23:59:59.999999", "10:00:00.500000", "10:00:00"],
    "instant": [
        *("2020-01-01 10:00:00.000000", "9999-12-31 23:59:59.999999"),
        # As ``CURRENT_TIMESTAMP`` and other programs write it.
        "2020-01-01 10:00:00",
    ],
    "flag": [0, 1, 2],
    "mood": ["CALM"],
}
"""What SQLite writes as JSON as we would."""
UNLIKE: dict[str, list[Any]] = {
    "big": ["x", 1.5, b"1"],
    "units": [1.5, "x"],
    "money": ["1.50"],
    "day": ["2020-1-1", '2020-"1-1', "=2+2,3,4,5", 20200101],
    "clock": ["10:00"],
    "instant": [
        *("2020-01-01T10:00:00", "2020-01-01 10:00", '2020-01-01 10:00:00.00"000'),
        # Shaped as usual, with what SQLite's own parser skips, reads, or does not know.
        *("2020-01-01 10:00:00.00000\n", "2020-01-01\t10:00:00.000000"),
        *("2020-01-01 10:00:00.00000Z", "2020-01-01 10:00:00 +05:00"),
        '2020-"1-01 10:00:00.000000',
    ],
    "name": [b"x"],
    "flag": ["x"],
    "mood": ["cross"],
}
"""What other programs may have stored."""


async def test_what_sqlite_prints(fresh_settings: FreshSettings) -> None:
    """It writes records that are stored as usual; any other is read as ever, or refused as ever."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        specimen = api.registry["specimen"]
        for values, usual in ((PRINTED, True), (UNLIKE, False)):
            for name, value in ((each, one) for each in values for one in values[each]):
                await _stored(api, name, value)
                pairs = [("fields", f"id,short,{name}")]
                plans(api)._unlike.clear()
                asked = query(api, SYSTEM, specimen, pairs)
                try:
                    expected = await unplanned(api, SYSTEM, specimen, asked)
                except Exception:  # noqa: BLE001 - whatever it is
                    expected = None
                if expected is not None:
                    assert await planned(api, SYSTEM, specimen, asked) in (expected, None)
                    found = await api.records.page_text(SYSTEM, specimen, asked)
                    assert found.body == expected, (name, value)
                if usual:
                    assert not plans(api)._unlike, (name, value)
                    assert expected is not None
                    plan = next(reversed(plans(api)._kept.values()))
                    assert plan is not None
                    # By itself what there is nothing to format of, else within a format.
                    native = specimen.fields[name].kind in {"integer", "string"}
                    word = "json_object" if native else "printf"
                    assert word in plan.prepared.sql
                else:
                    assert plans(api)._unlike or expected is None, (name, value)


JOINED: dict[str, list[Any]] = {
    "name": ['a"b\\c/', "\0\x01\x1f\x7f", "%s %d", '"},{"', "é\u2028🦉", "", b"x", b"\xff", 5, 1.5],
    "version": [2**63 - 1, -(2**63), 1, 1.5, 1e300, "x", "1.50x", b"1"],
}


async def test_what_sqlite_joins(fresh_settings: FreshSettings) -> None:
    """An included record is that of the ordinary way, whatever is stored, or refused as there."""
    made = fresh_settings("sqlite", "odd", prepare_odd)
    async with serving(made, models=("odd",)) as api:
        town = await api.add("towns", {"name": "t", "active": True})
        for given in (town["id"], None, town["id"]):
            await api.add("houses", {"town_id": given})
        house = api.registry["house"]
        shapes = (
            ("fields", "id,town.id,town.name,town.version"),
            ("fields", "id,town.name,town.active,town.version"),
        )
        orders: tuple[Pairs, ...] = ([], [("sort", "-id"), ("offset", "1")], [("sort", "town_id")])
        for name, value in ((each, one) for each in JOINED for one in JOINED[each]):

            async def work(session: Any, name: str = name, value: Any = value) -> None:
                statement = text(f"UPDATE town SET {name} = :value")
                await session.execute(statement, {"value": value})

            await api.database.write(work)
            for shape, order in itertools.product(shapes, orders):
                plans(api)._unlike.clear()
                asked = query(api, SYSTEM, house, [shape, *order])
                try:
                    expected = await unplanned(api, SYSTEM, house, asked)
                except Exception:  # noqa: BLE001 - whatever it is
                    await planned(api, SYSTEM, house, asked)
                    assert plans(api)._unlike, (name, value)
                    continue
                found = await api.records.page_text(SYSTEM, house, asked)
                assert found.body == expected, (name, value, order)
        kept = [each.prepared.sql for each in plans(api)._kept.values() if each is not None]
        assert any("json_object" in each and "LEFT OUTER JOIN" in each for each in kept)


async def _stored(api: Api, name: str, value: Any) -> None:
    """Leave one specimen, with that value as it stands."""

    async def work(session: Any) -> None:
        await session.execute(text("DELETE FROM specimen"))
        statement = (
            f"INSERT INTO specimen (short, sure, version, {name}) VALUES ('x', 0, 1, :value)"
        )
        await session.execute(text(statement), {"value": value})

    await api.database.write(work)


async def test_plans_are_bounded(api: Api) -> None:
    """However many forms clients think of, so many are kept."""
    resource = api.registry["specimen"]
    names = [each for each, field in resource.readable.items() if field.kind == "integer"]
    for some in itertools.islice(itertools.permutations(names), 30):
        pairs = [("fields", ",".join(some))]
        assert await same(api, SYSTEM, resource, pairs) is not None
    assert len(plans(api)._kept) <= MOST_PLANS


async def test_after_the_table_has_changed(api: Api) -> None:
    """A plan outlives a column that is added to its table."""
    resource = api.registry["ruled"]
    before = await same(api, SYSTEM, resource, [])

    async def alter(session: Any) -> None:
        await session.execute(text("ALTER TABLE ruled ADD COLUMN later INTEGER"))

    await api.database.write(alter)
    for _ in range(3):
        assert await same(api, SYSTEM, resource, []) == before


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field is as one that has an index."""
    monkeypatch.setattr("admin_app.records.reads.halves.is_indexed", lambda _: True)


@pytest.mark.usefixtures("indexed")
async def test_orders_with_nulls(api: Api) -> None:
    """Pages are those of the order, however they are read: with nulls, and where there are none."""
    given = [3, None, 1, 2, None, 2, 5]
    rows = [await api.add("specimens", {"short": "o", "whole": each}) for each in given]
    filled = [each for each in rows if each["whole"] is not None]
    empty = [each["id"] for each in rows if each["whole"] is None]
    tree = quote('{"_and": [{"whole": {"isnull": false}}]}')
    for sign, nulls in (("", ""), ("-", ""), ("", ":nullsfirst"), ("-", ":nullsfirst")):
        filled.sort(key=lambda each: each["id"])
        filled.sort(key=lambda each: each["whole"], reverse=sign == "-")
        keys = [each["id"] for each in filled]
        for limit in (2, 3):
            target = f"specimens?sort={sign}whole{nulls}&short=o&limit={limit}"
            for condition in ("whole__gte=0", "whole__in=1,2,3,5", f"filter={tree}"):
                assert await _there_and_back(api, f"{target}&{condition}") == keys
                assert "NULLS" not in _last_plan(api)
            everything = [*empty, *keys] if nulls else [*keys, *empty]
            assert await _there_and_back(api, target) == everything
            some = await api.get(f"{target}&offset=3&count=exact")
            assert [each["id"] for each in some["data"]] == everything[3 : 3 + limit]
            assert some["page"]["total"] == len(everything)
            halved = api.database.dialect == "postgresql" and (sign == "-") == (not nulls)
            assert ("UNION ALL" in _last_plan(api)) == halved, target


async def test_indexes_with_nulls_last(api: Api) -> None:
    """An order says of nulls what it says where no index is of the plain field."""
    await api.get("specimens?sort=-whole&whole__gte=0&fields=id")
    assert "NULLS LAST" in _last_plan(api)


def _last_plan(api: Api) -> str:
    plan = next(reversed(plans(api)._kept.values()))
    assert plan is not None
    return plan.prepared.sql


async def _there_and_back(api: Api, target: str) -> list[int]:
    """The keys of a list, page by page, which are the same from its end."""
    pages = [await api.get(target)]
    while (cursor := pages[-1]["page"]["next"]) is not None:
        pages.append(await api.get(f"{target}&cursor={cursor}"))
    back = pages[-1:]
    while (cursor := back[0]["page"]["previous"]) is not None:
        back.insert(0, await api.get(f"{target}&cursor={cursor}"))
    assert [each["data"] for each in pages] == [each["data"] for each in back]
    return [row["id"] for each in pages for row in each["data"]]


async def test_a_null_that_is_not_declared(api: Api) -> None:
    """A column that has lost its NOT NULL is answered as null where one is, and breaks nothing."""
    for column, kind in (("short", "VARCHAR(12)"), ("sure", "BOOLEAN")):

        async def loosen(session: Any, column: str = column, kind: str = kind) -> None:
            await session.execute(text(f"ALTER TABLE specimen DROP COLUMN {column}"))
            await session.execute(text(f"ALTER TABLE specimen ADD COLUMN {column} {kind}"))

        await api.database.write(loosen)
        page = (await api.get(f"specimens?fields=id,name,{column}&count=exact"))["data"]
        assert [each[column] for each in page] == [None] * len(page)
        assert page
        key = page[0]["id"]
        assert (await api.get(f"specimens/{key}?fields={column}"))[column] is None
        assert (await api.get(f"specimens/{key}"))[column] is None
        for form in ("application/x-ndjson", "text/csv"):
            address, accepted = f"specimens?fields=id,{column}", [("accept", form)]
            answer = await api.call("GET", address, headers=accepted)
            assert answer.status == 200
            lines = answer.body.decode().splitlines()
            found = [json.loads(each)[column] or "" for each in lines if each[0] == "{"]
            found += [each.split(",")[1] for each in lines[1:] if form == "text/csv"]
            assert found == [""] * len(page)


@pytest.fixture(params=KINDS)
async def odd(fresh_settings: FreshSettings, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """Models with odd names, and some records."""
    made = fresh_settings(request.param, "odd", prepare_odd)
    async with serving(made, models=("odd",)) as api:
        await api.add("tags", {"name": "a"})
        for value in (1, 5, 7):
            await api.add("pages", {"value": value, "record": f"r{value}", "tags": [1]})
        for active in (True, False):
            town = await api.add("towns", {"name": "t", "active": active})
            await api.add("houses", {"town_id": town["id"]})
        yield api


async def test_names_like_our_own(odd: Api) -> None:
    """A field called ``value`` or ``record`` and a table called ``page`` are read as any other."""
    page = odd.registry["page"]
    ruled = Actor(1, "u", frozenset({Grant("page", "read", "five"), Grant("tag", "read")}))
    for actor, keys in ((SYSTEM, 3), (ruled, 1)):
        for pairs in (
            [],
            [("value__in", "1,5,7"), ("value__gte", "1")],
            [("record__startswith", "r"), ("value__in", "1,5,7"), ("count", "exact")],
        ):
            found = await same(odd, actor, page, pairs)
            assert found is not None
            assert found.count(b'"tags":[1]') == keys


async def test_a_relation_that_asks_for_more(odd: Api) -> None:
    """Where a relation has a condition of its own, what is included fulfils it."""
    for include, names in (("town", [1, 2]), ("living_town", [1, None])):
        rows = (await odd.get(f"houses?include={include}&sort=id"))["data"]
        assert [each[include] and each[include]["id"] for each in rows] == names


async def test_a_hidden_version(odd: Api) -> None:
    """Who does not see the version has a tag of the whole record, however little is shown."""
    hidden = frozenset({"version"})
    grants = {Grant("page", action, without=hidden) for action in ("read", "update")}
    actor = Actor(1, "u", frozenset(grants))
    page = odd.registry["page"]
    shape = odd.records.shape(actor, page, [("fields", "id")])
    some = await odd.records.get_text(actor, page, (1,), shape)
    whole = await odd.records.get_text(actor, page, (1,))
    assert some.state == whole.state
    assert some.etag != whole.etag


async def test_what_nothing_interrupts_goes_to_a_thread(odd: Api) -> None:
    """On SQLite patterns, and counts of a whole table, are not for the event loop."""
    page = odd.registry["page"]
    for pairs, lengthy in (
        ([("value", "1")], False),
        ([("text__contains", "x")], True),
        ([("count", "exact")], True),
        ([("count", "capped")], False),
        ([("count", "exact"), ("value", "1")], False),
    ):
        await same(odd, SYSTEM, page, pairs)
        plan = next(reversed(plans(odd)._kept.values()))
        assert plan is not None
        assert plan.prepared.lengthy is lengthy, pairs
