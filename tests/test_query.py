"""Lists: every row once in the order asked for, and filters that mean the same everywhere."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis.strategies as st
import pytest
from api import Answer, Api, make_role, zoos
from conftest import FreshSettings
from hypothesis import given
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from zoo import sample

from admin_app import Base
from admin_app.declaration import Grant, Registry
from admin_app.errors import BadRequestError
from admin_app.records.queries.grammar import parse_query
from admin_app.records.queries.query import Sort
from admin_app.records.reads.cursor import read_cursor, write_cursor

COMPOSITE_SORTS = (
    "-flag,small,-day",
    "mood,colour,-exact",
    "-instant,lapse",
    "name,-token",
    "grade,level,-ratio,text",
    "flag:nullsfirst,-small:nullsfirst,day:nullsfirst",
)
MANY_LABELS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 21000)
INSERT INTO label (code, name, version)
SELECT 'c' || (100000 + i), CASE WHEN i % 3 > 0 THEN 'first' END, 1 FROM n
"""


@pytest.fixture(scope="module")
def specimens() -> Registry:
    """The zoo's resources, without a database."""
    return Registry.from_base(Base, ["zoo"])


async def filled(api: Api) -> list[dict[str, Any]]:
    """Every sample twice, so that there are ties."""
    return [await api.add("specimens", body) for body in [*sample("specimen"), *sample("specimen")]]


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


async def walked(api: Api, target: str) -> list[int]:
    """The ids of a list, walked forward, and back again, which must be the same rows."""
    forward: list[list[int]] = []
    page = await api.get(target)
    while True:
        forward.append(ids(page["data"]))
        if page["page"]["next"] is None:
            break
        page = await api.get(f"{target}&cursor={page['page']['next']}")
    backward = [forward[-1]]
    while page["page"]["previous"] is not None:
        page = await api.get(f"{target}&cursor={page['page']['previous']}")
        backward.append(ids(page["data"]))
    assert backward[::-1] == forward
    return [each for part in forward for each in part]


@pytest.mark.slow
async def test_every_row_once(fresh_settings: FreshSettings) -> None:
    """By every sort, up and down, page by page, forward and back: each row once, one order."""
    async with zoos(fresh_settings) as both:
        orders: list[dict[str, list[int]]] = []
        for api in both:
            everything = sorted(ids(await filled(api)))
            names = [
                each.name for each in api.registry["specimen"].fields.values() if each.sortable
            ]
            nulls_first = (f"-{name}:nullsfirst" for name in names[1::3])
            sorts = [*names, *(f"-{name}" for name in names[::3]), *nulls_first, *COMPOSITE_SORTS]
            found: dict[str, list[int]] = {}
            for sort in sorts:
                found[sort] = await walked(api, f"specimens?sort={sort}&limit=7")
                assert sorted(found[sort]) == everything, sort
                whole = await api.get(f"specimens?sort={sort}&limit=200")
                assert ids(whole["data"]) == found[sort], sort
            orders.append(found)
        for sort, order in orders[0].items():
            assert orders[1][sort] == order, sort


async def test_nulls_come_last(fresh_settings: FreshSettings) -> None:
    """Rows without a value come last in both directions, or first where that is asked for."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await filled(api)
            for sort in ("small", "-small", "day", "-name", "token", "-flag", "lapse"):
                for end in ("", ":nullsfirst"):
                    rows = await api.walk(f"specimens?sort={sort}{end}&limit=9")
                    empty = [row[sort.removeprefix("-")] is None for row in rows]
                    assert any(empty)
                    assert empty == sorted(empty, reverse=bool(end))


async def test_sorts_of_other_keys(fresh_settings: FreshSettings) -> None:
    """Lists of records with text, date and composite keys are walked like any other."""
    async with zoos(fresh_settings) as both:
        orders = []
        for api in both:
            found = []
            for name in ("text", "dated", "composite", "unique"):
                plural = api.registry[name].plural
                made = [await api.add(plural, body) for body in sample(name)]
                keys = ",".join(each.name for each in api.registry[name].key)
                for sort in (keys, f"-{keys}", "name", "-name"):
                    rows = await api.walk(f"{plural}?sort={sort}&limit=1")
                    assert len(rows) == len(made)
                    assert all(row in rows for row in made)
                    found.append(rows)
            orders.append(found)
        assert orders[0] == orders[1]


async def test_links_between_pages(fresh_settings: FreshSettings) -> None:
    """A page's Link header leads to its neighbours, with the same filters and order."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await filled(api)
            first = await api.call("GET", "specimens?sort=-small&limit=5&short__ne=plain")
            assert first.header("link") == (
                "</api/v1/specimens?sort=-small&limit=5&short__ne=plain"
                f'&cursor={first.json["page"]["next"]}>; rel="next"'
            )
            assert first.json["page"]["previous"] is None
            second = await follow(api, first, "next")
            back = await follow(api, second, "prev")
            assert back.json["data"] == first.json["data"]


async def follow(api: Api, answer: Answer, rel: str) -> Answer:
    (address,) = re.findall(rf'<([^>]*)>; rel="{rel}"', answer.header("link") or "")
    return await api.call("GET", address)


async def test_a_page_is_stable_under_writes(fresh_settings: FreshSettings) -> None:
    """Rows that come and go before a cursor's place move nothing behind it."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for n in range(6):
                await api.add("unversioned", {"name": f"n{n}", "number": n})
            page = await api.get("unversioned?sort=number&limit=3")
            await api.call("DELETE", f"unversioned/{page['data'][2]['id']}")
            await api.add("unversioned", {"name": "early", "number": -1})
            rest = await api.get(f"unversioned?sort=number&limit=3&cursor={page['page']['next']}")
            assert [row["number"] for row in rest["data"]] == [3, 4, 5]


async def test_walks_while_others_write(fresh_settings: FreshSettings) -> None:
    """Rows that stay are found once each, in order, whatever comes and goes between the pages."""
    sorts = ("-flag:nullsfirst,name", "day,-exact", "-instant:nullsfirst")
    async with zoos(fresh_settings) as both:
        for api in both:
            everything = ids(await filled(api))
            bodies = sample("specimen")
            for turn, sort in enumerate(sorts):
                order = ids(await api.walk(f"specimens?sort={sort}&limit=200"))
                assert sorted(order) == sorted(everything)
                for step in ("next", "previous"):
                    page = await api.get(f"specimens?sort={sort}&limit=8")
                    if step == "previous":
                        while page["page"]["next"]:
                            rest = f"specimens?sort={sort}&limit=8&cursor={page['page']['next']}"
                            page = await api.get(rest)
                    found: list[list[int]] = [ids(page["data"])]
                    passing: list[int] = []
                    while page["page"][step]:
                        passing += ids([await api.add("specimens", bodies[len(passing)])])
                        passing += ids([await api.add("specimens", bodies[turn])])
                        await api.call("DELETE", f"specimens/{passing.pop(0)}")
                        rest = f"specimens?sort={sort}&limit=8&cursor={page['page'][step]}"
                        page = await api.get(rest)
                        found.append(ids(page["data"]))
                    parts = found if step == "next" else found[::-1]
                    stayed = [each for part in parts for each in part if each in everything]
                    assert stayed == order, sort
                    for each in passing:
                        await api.call("DELETE", f"specimens/{each}")


async def test_offsets(fresh_settings: FreshSettings) -> None:
    """A page may begin at a number of rows, and is gone on from by its cursors."""
    async with zoos(fresh_settings) as both:
        for api in both:
            order = sorted(ids(await filled(api)))
            page = await api.call("GET", "specimens?offset=5&limit=4&count=estimated")
            assert ids(page.json["data"]) == order[5:9]
            assert page.json["page"]["total"] == len(order)
            assert ids((await follow(api, page, "next")).json["data"]) == order[9:13]
            assert ids((await follow(api, page, "prev")).json["data"]) == order[1:5]
            assert (await api.get("specimens?offset=10000"))["data"] == []
            for query, pointer in (
                ("offset=10001", "/offset"),
                ("offset=-1", "/offset"),
                ("offset=1&cursor=x", "/offset"),
            ):
                refused = await api.call("GET", f"specimens?{query}")
                refused.problem(400, "bad_request")
                assert refused.pointers == [pointer]
            assert "cursor" in refused.json["errors"][0]["detail"]


async def test_documents(fresh_settings: FreshSettings) -> None:
    """QUERY and POST take the parameters as a document, and answer pages with their cursors."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await filled(api)
            condition = {"_or": [{"small": {"lt": 0}}, {"flag__isnull": True}]}
            document = {"filter": condition, "sort": ["-small:nullsfirst", "name"], "limit": 3}
            query = urlencode({"filter": json.dumps(condition), "count": "exact"})
            expected = (await api.get(f"specimens?{query}"))["page"]["total"]
            for method, target in (("QUERY", "specimens"), ("POST", "specimens/query")):
                found: list[int] = []
                cursor = None
                while True:
                    answer = await api.call(method, target, {**document, "cursor": cursor})
                    assert answer.status == 200, answer
                    assert answer.header("link") is None
                    found += ids(answer.json["data"])
                    cursor = answer.json["page"]["next"]
                    if cursor is None:
                        break
                assert len(set(found)) == len(found) == expected
            refused = await api.call("QUERY", "specimens/1", {})
            refused.problem(405, "method_not_allowed")
            assert "QUERY" not in (refused.header("allow") or "")
            allowed = (await api.call("PUT", "specimens", {})).header("allow")
            assert allowed is not None
            assert "QUERY" in allowed
            nobody = await api.call("QUERY", "specimens", {}, anonymous=True)
            nobody.problem(401)


async def test_mistakes_in_documents(fresh_settings: FreshSettings) -> None:
    """What is wrong in a document is refused where it stands, nothing of it being guessed."""
    deep: Any = {}
    for _ in range(10):
        deep = {"_not": deep}
    cases: list[tuple[Any, str]] = [
        ({"filter": {"_or": [{"id": 1}, {"nmae": "x"}]}}, "/filter/_or/1/nmae"),
        (
            {"filter": {"boss": {"some": {"labels": {"all": {"code": 1}}}}}},
            "/filter/boss/some/labels/all/code",
        ),
        ({"filter": {"name": {"near": "x"}}}, "/filter/name/near"),
        ({"filter": {"name": {}}}, "/filter/name"),
        ({"filter": {"id": "1"}}, "/filter/id"),
        ({"filter": {"id": True}}, "/filter/id"),
        ({"filter": {"id": None}}, "/filter/id"),
        ({"filter": {"id": 10**30}}, "/filter/id"),
        ({"filter": {"id": {"in": list(range(501))}}}, "/filter/id/in"),
        ({"filter": {"id": {"between": [1]}}}, "/filter/id/between"),
        ({"filter": {"name": "\x00"}}, "/filter/name"),
        ({"filter": {"labels": {"some": []}}}, "/filter/labels/some"),
        ({"filter": {"composites": {"in": ["a,1", "nothing"]}}}, "/filter/composites/in"),
        ({"filter": {"_or": []}}, "/filter/_or"),
        ({"filter": deep}, "/filter" + "/_not" * 10),
        ({"filter": {"_and": [{"id": 1}] * 200}}, "/filter/_and/99/id"),
        ({"filter": {"_and": [{"id__in": list(range(500))}] * 11}}, "/filter/_and/10/id__in"),
        ({"filter": {"boss.boss.boss.boss.name": "x"}}, "/filter/boss.boss.boss.boss.name"),
        (
            {"filter": {"_and": [{"boss.boss.boss.name": "x"}] * 7}},
            "/filter/_and/6/boss.boss.boss.name",
        ),
        ({"sort": {"name": 1}}, "/sort"),
        ({"sort": ["nope"]}, "/sort"),
        ({"limit": "5"}, "/limit"),
        ({"count": 1}, "/count"),
        ({"cursor": 5}, "/cursor"),
        ({"search": ["x"]}, "/search"),
        ({"fliter": {}}, "/fliter"),
    ]
    async with zoos(fresh_settings) as both:
        for api in both:
            for document, pointer in cases:
                refused = await api.call("POST", "keepers/query", document)
                refused.problem(400, "bad_request")
                assert refused.pointers == [pointer], document
            for raw in (b"[]", b"{", b'{"filter":{"name":"\\ud800"}}', b"[" * 5000, b"\xff"):
                (await api.call("POST", "keepers/query", raw=raw)).problem(400, "bad_request")


async def test_cursors_stay_short(fresh_settings: FreshSettings) -> None:
    """A list sorted by long texts is walked all the same, with cursors that fit a header."""
    async with zoos(fresh_settings) as both:
        for api in both:
            long = "y" * 50_000
            made = [
                await api.add("specimens", {"short": "x", "text": text})
                for text in (long + "b", long + "a", None, long, long, "x")
            ]
            for sort, order in (("text", (5, 3, 4, 1, 0, 2)), ("-text", (0, 1, 3, 4, 5, 2))):
                found = await walked(api, f"specimens?sort={sort}&limit=1")
                assert found == [made[each]["id"] for each in order]
            page = await api.call("GET", "specimens?sort=-text&limit=1")
            assert len(page.header("link") or "") < 1000
            await api.call("DELETE", f"specimens/{made[0]['id']}")
            gone = await api.call("GET", f"specimens?sort=-text&cursor={page.json['page']['next']}")
            assert gone.problem(400, "bad_request")["errors"][0]["pointer"] == "/cursor"


async def test_counts(fresh_settings: FreshSettings) -> None:
    """The total is given where it is asked for, of the filtered list."""
    async with zoos(fresh_settings) as both:
        for api in both:
            rows = await filled(api)
            matching = [row for row in rows if row["short"] in {"plain", " "}]
            for count, total in (
                ("none", None),
                ("exact", len(matching)),
                ("capped", len(matching)),
            ):
                page = await api.get(f"specimens?limit=2&short__in=plain,%20&count={count}")
                assert (len(page["data"]), page["page"]["total"]) == (2, total)


async def test_estimates(fresh_settings: FreshSettings) -> None:
    """Beyond the cap PostgreSQL estimates, for who may read every row; others are told the cap."""

    async def fill(transaction: AsyncSession) -> None:
        await transaction.execute(text(MANY_LABELS))
        await transaction.execute(text("ANALYZE"))

    async with zoos(fresh_settings) as both:
        for api, beyond in zip(both, (10_001, 21_000), strict=True):
            await api.database.write(fill)
            await make_role(api.database, "most", Grant("label", "read", "some"))
            for query, exact, estimated in (
                ("", 21_000, beyond),
                ("&code__lt=c100501", 500, 500),
            ):
                for count, total in (("exact", exact), ("estimated", estimated)):
                    page = await api.get(f"labels?limit=1&count={count}{query}")
                    assert page["page"]["total"] == total
            api.token = await api.token_of("una", "most")
            half = await api.get("labels?limit=1&count=estimated")
            assert half["page"]["total"] == 10_001


def by(rows: list[dict[str, Any]], name: str, test: Any) -> list[int]:
    return [row["id"] for row in rows if row[name] is not None and test(row[name])]


async def test_filters(fresh_settings: FreshSettings) -> None:
    """Every kind's operators find what they say, on both databases."""
    cases: list[tuple[str, str, str, Any]] = [
        ("small", "gt", "0", lambda value: value > 0),
        ("small", "between", "-32768,0", lambda value: value <= 0),
        ("big", "eq", "9007199254740993", lambda value: value == 2**53 + 1),
        ("big", "nin", "0,9223372036854775807", lambda value: value not in {0, 2**63 - 1}),
        ("exact", "lte", "0", lambda value: float(value) <= 0),
        (
            "exact",
            "in",
            "99999999999999.9999,12.5",
            lambda v: v in {"99999999999999.9999", "12.5000"},
        ),
        ("money", "between", "-1,1", lambda value: -1 <= float(value) <= 1),
        ("ratio", "lt", "0.1", lambda value: value < 0.1),
        ("ratio", "eq", "0.1", lambda value: value == 0.1),
        ("single", "eq", "0.1", lambda value: abs(value - 0.1) < 1e-6),
        ("day", "lt", "1000-01-01", lambda value: value < "1000-01-01"),
        ("clock", "gte", "12:30", lambda value: value >= "12:30:00"),
        ("local", "gt", "2026-11-20T14:29", lambda value: value > "2026-11-20T14:29"),
        (
            "instant",
            "eq",
            "2026-11-20T09:30:00-05:00",
            lambda value: value == "2026-11-20T14:30:00Z",
        ),
        ("instant", "lte", "0001-01-01T00:00:00Z", lambda value: value == "0001-01-01T00:00:00Z"),
        ("lapse", "lt", "PT0S", lambda value: value.startswith("-")),
        ("lapse", "eq", "PT26H30M", lambda value: value == "P1DT2H30M"),
        ("flag", "eq", "true", lambda value: value),
        ("flag", "ne", "true", lambda value: not value),
        ("mood", "eq", "wild & free", lambda value: value == "wild & free"),
        ("rank", "in", "2", lambda value: value == 2),
        ("colour", "in", "deep blue,grün", lambda value: value in {"deep blue", "grün"}),
        ("level", "ne", "1", lambda value: value != 1),
        ("token", "eq", "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF", lambda value: value[0] == "f"),
        ("name", "eq", "", lambda value: value == ""),
        ("name", "contains", "wo", lambda value: "wo" in value),
        ("name", "contains", "TWO", lambda value: "TWO" in value),
        ("name", "ilike", "%TWO%", lambda value: "two" in value),
        ("name", "like", "%two%", lambda value: "two" in value),
        ("name", "like", "nul_", lambda value: value == "null"),
        ("name", "like", r"nul\_", lambda value: False),
        ("name", "startswith", " ", lambda value: value.startswith(" ")),
        ("name", "endswith", "👧", lambda value: value.endswith("👧")),
        ("short", "contains", "%_\\", lambda value: "%_\\" in value),
        ("short", "in", '"\'; --",plain', lambda value: value in {"'; --", "plain"}),
        ("text", "startswith", "line\n", lambda value: value.startswith("line\n")),
        ("document", "isnull", "false", lambda value: True),
        ("blob", "isnull", "false", lambda value: True),
        ("tags", "isnull", "false", lambda value: True),
    ]
    async with zoos(fresh_settings) as both:
        for api in both:
            rows = await filled(api)
            for name, operator, text, test in cases:
                query = urlencode({f"{name}__{operator}": text, "limit": 200})
                page = await api.get(f"specimens?{query}")
                assert ids(page["data"]) == by(rows, name, test), (name, operator, text)
            nothing = await api.get("specimens?limit=200&document__isnull=true")
            assert ids(nothing["data"]) == [row["id"] for row in rows if row["document"] is None]


async def test_filters_by_relation(fresh_settings: FreshSettings) -> None:
    """A relation is filtered by the keys of its records, in their one text form."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for name in ("composite", "label", "keeper"):
                for body in sample(name):
                    await api.add(api.registry[name].plural, body)
            for query, expected in (
                ("boss.name=Ana", [2]),
                ("boss.boss__isnull=true&boss.staff.name=Bo", [2]),
                ("friends__none.name=Ana", [1]),
                ("labels__all.name__isnull=false", [2]),
                ("labels.keepers.labels.name=first", [1]),
                ("staff=2", [1]),
                ("labels=l~11", [1]),
                ("labels__in=l~11,~3query", [1]),
                ("labels__isnull=true", [2]),
                ("composites=" + quote("a~2b~1c,-5"), [1]),
                ("composites__in=" + quote('"a,1","~4,0"'), [1]),
                ("boss=1", [2]),
                ("boss__isnull=true", [1]),
                ("friends=1&friend_of=1", [2]),
                ("search=ana", [1, 2]),
                ("search=bo%20ana", [2]),
                ("search=FIRST", [1]),
            ):
                page = await api.get(f"keepers?{query}")
                assert ids(page["data"]) == expected, query


def test_every_mistake_is_named(specimens: Registry) -> None:
    """A query with several mistakes is refused with all of them, each at its parameter."""
    pairs = [("shrot", "x"), ("limit", "0"), ("sort", "nope"), ("whole", "x"), ("count", "all")]
    with pytest.raises(BadRequestError) as caught:
        parse_query(specimens["specimen"], specimens, pairs)
    found = {each.path[0]: each for each in caught.value.errors}
    assert set(found) == {name for name, _ in pairs}
    assert "Did you mean short?" in found["shrot"].detail
    assert "short" in found["sort"].detail


@given(st.data())
def test_cursors(specimens: Registry, data: st.DataObject) -> None:
    """A cursor reads back what it was made of, for its list and order only; no other is taken."""
    resource = specimens["specimen"]
    fields = data.draw(
        st.lists(st.sampled_from(["small", "name", "flag"]), unique=True).map(
            lambda names: [resource.fields[name] for name in [*names, "id"]]
        )
    )
    sort = [Sort(field, data.draw(st.booleans())) for field in fields]
    values = {
        "small": data.draw(st.none() | st.integers(-(2**15), 2**15 - 1)),
        "name": data.draw(
            st.none()
            | st.text(
                # No database holds the others.
                st.characters(exclude_characters="\x00", codec="utf-8"),
                max_size=20,
            )
        ),
        "flag": data.draw(st.none() | st.booleans()),
        "id": data.draw(st.integers(-(2**63), 2**63 - 1)),
    }
    backward = data.draw(st.booleans())
    text = write_cursor(b"secret", resource.name, sort, values, backward=backward)
    position = read_cursor(b"secret", resource.name, sort, text)
    assert position.values == tuple(values[each.field.name] for each in sort)
    assert position.backward == backward
    turned = [Sort(each.field, not each.descending) for each in sort]
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1
    forged = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    for secret, name, order, cursor in (
        (b"other", resource.name, sort, text),
        (b"secret", "other", sort, text),
        (b"secret", resource.name, turned, text),
        (b"secret", resource.name, sort, forged),
        (b"secret", resource.name, sort, text[:-1]),
    ):
        with pytest.raises(BadRequestError):
            read_cursor(secret, name, order, cursor)
