"""Lists: every row once in the order asked for, and filters that mean the same everywhere."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis.strategies as st
import pytest
from api import Answer, Api, zoos
from conftest import FreshSettings
from hypothesis import given
from zoo import sample

from admin_app import Base
from admin_app.declaration import Registry
from admin_app.errors import BadRequestError
from admin_app.records.cursor import read_cursor, write_cursor
from admin_app.records.grammar import parse_query
from admin_app.records.query import Sort

COMPOSITE_SORTS = (
    "-flag,small,-day",
    "mood,colour,-exact",
    "-instant,lapse",
    "name,-token",
    "grade,level,-ratio,text",
)


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


async def test_every_row_once(fresh_settings: FreshSettings) -> None:
    """By every sort, up and down, page by page, forward and back: each row once, one order."""
    async with zoos(fresh_settings) as both:
        orders: list[dict[str, list[int]]] = []
        for api in both:
            everything = sorted(ids(await filled(api)))
            names = [
                each.name for each in api.registry["specimen"].fields.values() if each.sortable
            ]
            sorts = [*names, *(f"-{name}" for name in names[::3]), *COMPOSITE_SORTS]
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
    """Rows without a value come last in both directions."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await filled(api)
            for sort in ("small", "-small", "day", "-name", "token", "-flag", "lapse"):
                rows = await api.walk(f"specimens?sort={sort}&limit=9")
                empty = [row[sort.removeprefix("-")] is None for row in rows]
                assert any(empty)
                assert empty == sorted(empty)


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
            st.none() | st.text(st.characters(exclude_characters="\x00"), max_size=20)
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
