"""Lists: every row once in the order asked for, and filters that mean the same everywhere."""

from __future__ import annotations

import base64
import re

import hypothesis.strategies as st
import pytest
from api import Answer, Api, make_role, zoos
from conftest import FreshSettings
from hypothesis import given
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from walks import filled, ids
from zoo import sample

from admin_app import Base
from admin_app.declaration import Grant, Registry
from admin_app.errors import BadRequestError
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
