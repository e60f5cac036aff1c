"""Finding in lists: what narrows them, in words and in the address, and ways out of nothing."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

import pytest
from api import make_role
from eyes import DESK, PHONE, violations
from hands import press
from listed import statements
from narrowed import LIST, chips, links, rows
from panel import Client, Form, House
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app import Base
from admin_app.access.tables import Role, User, UserRole
from admin_app.declaration import Grant, Registry
from admin_app.models import Book
from admin_app.panel.lists.filters.marking import marking

JSON = {"Accept": "application/json"}


def form_url(field: str, listed: str = "", **more: Any) -> str:
    pairs = [("field", field), ("list", listed), *more.items()]
    return f"/admin/book/filter?{urlencode(pairs, doseq=True)}"


async def told(client: Client, field: str, listed: str = "", **more: Any) -> list[tuple[str, str]]:
    """The parameters of the list that a form leads to."""
    answer = await client.get(form_url(field, listed, **more))
    assert answer.status_code == 303, answer.text
    path = urlsplit(answer.headers["location"])
    assert path.path == LIST
    found = parse_qsl(path.query, keep_blank_values=True)
    listing = await client.get(answer.headers["location"])
    assert listing.status_code == 200, found
    return found


async def test_what_is_offered(embedded: House) -> None:
    """Declared filters come first, then everything else one may read, foreign keys as relations."""
    async with embedded.client() as client:
        page = (await client.get("/admin/book/filter?list=sort%3Dyear")).text
        first, _, more = page.partition("<details>")
        offered = re.findall(r"data-within>([^<]*)</a>", first)
        assert offered == ["Language", "Year", "Format", "Rating"]
        others = re.findall(r"data-within>([^<]*)</a>", more)
        assert {"Title", "Authors", "Lost on", "Added at", "Comments"} <= set(others)
        assert not set(offered) & set(others)
        assert (await client.get(links(page)["Language"])).status_code == 200
        for path in ("nothing", "added_by_id__eq", "comments.text", "x" * 3000, "\x00", "\ud800"):
            answer = await client.get(
                f"/admin/book/filter?{urlencode({'field': path}, errors='replace')}"
            )
            assert answer.status_code == 404, path
    async with embedded.client("nob") as client:
        assert (await client.get("/admin/book/filter")).status_code == 403
        assert (await client.get("/admin/book/advanced")).status_code == 403


async def test_what_is_hidden_is_not_there(embedded: House) -> None:
    """A hidden field is in no form, no count, no builder, and answers as one that is not there."""
    await make_role(embedded.database, "half", Grant("book", "read", None, frozenset({"language"})))

    async def work(transaction: AsyncSession) -> None:
        user = await transaction.scalar(select(User.id).where(User.name == "nob"))
        role = await transaction.scalar(select(Role.id).where(Role.name == "half"))
        transaction.add(UserRole(user_id=user, role_id=role))

    await embedded.database.write(work)
    async with embedded.client("nob") as client:
        answers = [
            await client.get(form_url(name, op="eq", value="eng")) for name in ("language", "lang")
        ]
        assert [each.status_code for each in answers] == [404, 404]
        for path in ("filter", "advanced", "advanced?join-0=all&of-0.0=language&v-0.0=eng"):
            page = await client.get(f"/admin/book/{path}")
            assert page.status_code == 200
            assert "Language" not in page.text
            assert 'value="language"' not in page.text
        listed = await client.get(f"{LIST}?language=eng")
        assert listed.status_code == 400
        assert "Unknown." in listed.text


async def test_forms_make_addresses(embedded: House) -> None:
    """What a form is told stands in the list's address, in the place of what it was."""
    async with embedded.client() as client:
        for field, given, expected in (
            ("year", {"op": "range", "value": ["1900", "1910"]}, [("year__between", "1900,1910")]),
            ("year", {"op": "range", "value": ["1900", ""]}, [("year__gte", "1900")]),
            ("year", {"op": "range", "value": ["", "1910"]}, [("year__lte", "1910")]),
            ("year", {"op": "range", "value": ["", " "]}, []),
            ("year", {"op": "eq", "value": [" 1910 ", ""]}, [("year", "1910")]),
            ("year", {"op": "ne", "value": ["-5"]}, [("year__ne", "-5")]),
            ("year", {"op": "null", "value": ["7"]}, [("year__isnull", "true")]),
            ("format", {"op": "in", "tick": ["ebook", "paperback"]},
             [("format__in", "ebook,paperback")]),
            ("format", {"op": "in", "tick": "ebook"}, [("format", "ebook")]),
            ("format", {"op": "nin", "tick": "ebook"}, [("format__nin", "ebook")]),
            ("format", {"op": "in"}, []),
            ("language", {"op": "contains", "value": "g", "tick": []},
             [("language__contains", "g")]),
            ("language", {"op": "contains", "value": "", "tick": "eng"}, [("language", "eng")]),
            ("language", {"op": "in", "value": "a, b", "tick": "eng"},
             [("language__in", "eng,a,b")]),
            ("authors", {"op": "in", "tick": ["1", "2"]}, [("authors__in", "1,2")]),
            ("authors", {"op": "filled"}, [("authors__isnull", "false")]),
            ("comments", {"op": "null"}, [("comments__isnull", "true")]),
            ("lost_on", {"op": "range", "value": ["2020-01-01", "today"]},
             [("lost_on__between", "2020-01-01,today")]),
            ("added_at", {"op": "gt", "value": "2020-01-01T10:00"},
             [("added_at__gt", "2020-01-01T10:00Z")]),
            ("added_at", {"op": "range", "value": ["2020-01-01", ""]},
             [("added_at__gte", "2020-01-01")]),
        ):  # fmt: skip
            assert await told(client, field, **given) == expected, (field, given)
        listed = "sort=-year&year__gte=1905&search=book&cursor=x&offset=3"
        found = await told(client, "year", listed, was="year__gte", op="eq", value="1906")
        assert found == [("sort", "-year"), ("year", "1906"), ("search", "book")]
        found = await told(client, "year", listed, op="range", value=["1907", ""])
        assert dict(found)["year__gte"] == "1907"
        found = await told(client, "year", listed, was="year__gte", op="range", value=["", ""])
        assert found == [("sort", "-year"), ("search", "book")]


async def test_forms_know_what_is_in_force(embedded: House) -> None:
    """The form of a chip holds what the chip says; sent as it is, it changes nothing."""
    async with embedded.client() as client:
        for query, words in (
            ("year__between=1901,1905", "Year from 1901 to 1905"),
            ("year__gte=1901", "Year from 1901"),
            ("year__lte=1905", "Year up to 1905"),
            ("year=1901", "Year is 1901"),
            ("year__isnull=false", "Year is not empty"),
            ("format=ebook", "Format is Ebook"),
            ("format__in=ebook,paperback", "Format is one of Ebook, Paperback"),
            ("language__contains=n", "Language contains n"),
            ("language__ilike=E%25", "Language matches E%"),
            ("language__in=eng,fra", "Language is one of eng, fra"),
            ('title__in=a,"b, c"', "Title is one of a, b, c"),
            ("authors=2", "Authors is Bea Due"),
            ("authors__in=1,2", "Authors is one of Ann Uno, Bea Due"),
            ("comments__isnull=true", "Comments is empty"),
            ("rating__gte=4.50", "Rating from 4.50"),
            ("added_at__lt=2030-01-01T00:00:00Z", "Added at before 2030-01-01 00:00:00 UTC"),
            ("added_at__gte=now-3d", "Added at from 3 days ago"),
        ):
            page = (await client.get(f"{LIST}?{query}")).text
            assert chips(page) == [words]
            href = links(page)[words]
            answer = await client.get(href)
            assert answer.status_code == 200
            again = await client.get(f"/admin/book/filter?{urlencode(Form(answer.text).fields())}")
            assert answer.status_code == 200, query
            assert chips((await client.get(again.headers["location"])).text) == [words], query


async def test_counts_of_values(home: House) -> None:
    """Choices have counts of the list as otherwise narrowed; those of none are folded away."""
    async with home.client() as client:
        page = (
            await client.get(form_url("format", "year__lte=1910&format=ebook", was="format"))
        ).text
        found, _, folded = page.partition("Without records")
        counts = re.findall(
            r'value="(\w+)"( checked)?><span>(\w+)</span>(?:<span class="quiet">(\d+))?', found
        )
        assert counts == [("ebook", " checked", "Ebook", "5")]
        assert re.findall(r'<span>(\w+)</span><span class="quiet">0<', folded) == [
            "Hardcover",
            "Paperback",
            "Audiobook",
        ]
        assert "is empty (5)" in page
        page = (await client.get(form_url("language", "year__lte=1910"))).text
        assert '<span>eng</span><span class="quiet">10</span>' in page
        assert 'name="tick"' not in (await client.get(form_url("title"))).text
        page = (await client.get(form_url("format", "year=nonsense"))).text
        assert '<span>Ebook</span><span class="quiet">15</span>' in page


async def test_mistakes_are_said_in_words(embedded: House) -> None:
    """A form that cannot be used comes back with what was typed; a list names the part."""
    async with embedded.client() as client:
        answer = await client.get(form_url("year", op="eq", value="early"))
        assert answer.status_code == 400
        assert "Enter a whole number." in answer.text
        assert 'value="early"' in answer.text
        answer = await client.http.get(form_url("year", op="eq", value="early"), headers=JSON)
        assert answer.status_code == 400
        assert "Enter a whole number." in answer.json()["html"]
        assert "<html" not in answer.json()["html"]
        answer = await client.http.get(form_url("year", op="eq", value="1910"), headers=JSON)
        assert answer.json() == {"href": f"{LIST}?year=1910"}
        for query, words in (
            ("year__gte=x", "Year: Enter a whole number."),
            ("filter=%7B%22year%22%3A%22x%22%7D", "Advanced filter: Enter a whole number."),
            ("tz=Mars", "Time zone: Name a time zone there is"),
            ("added_at=now", "Added at: now is a moment"),
        ):
            answer = await client.get(f"{LIST}?{query}")
            assert answer.status_code == 400
            assert words in unescape(answer.text)
        for text in ("%00", "%ED%A0%80", "9" * 5000, "today-99999y"):
            for field in ("year", "title", "format", "authors", "added_at"):
                for op in ("eq", "in", "range", "nope"):
                    path = f"/admin/book/filter?field={field}&op={op}&value={text}&tick={text}"
                    assert (await client.get(path)).status_code in {303, 400}, path


async def added_just_now(home: House) -> datetime:
    """Let every book have been added now, which is the same day everywhere for a while."""
    left = 3600 - datetime.now(UTC).timestamp() % 3600
    if left < 10:
        await asyncio.sleep(left)
    now = datetime.now(UTC)
    await home.database.write(lambda session: session.execute(update(Book).values(added_at=now)))
    return now


async def test_moments(home: House) -> None:
    """Moments are narrowed by periods that stay words, and by years, months, days with counts."""
    now = await added_just_now(home)
    async with home.client() as client:
        page = (await client.get(form_url("added_at"))).text
        found = links(page)
        assert found["last 7 days"] == f"{LIST}?added_at__between=today-6d,today"
        listed = await client.get(found["today"])
        assert chips(listed.text) == ["Added at: today"]
        assert found[f"{now.year} 30"] == f"{LIST}?added_at={now.year}"
        month = (
            await client.get(form_url("added_at", f"added_at={now.year}", was="added_at"))
        ).text
        href = links(month)[f"{now:%Y-%m} 30"]
        assert href == f"{LIST}?added_at={now:%Y-%m}"
        assert links(month)["All years"] == LIST
        day = (await client.get(form_url("added_at", f"added_at={now:%Y-%m}", was="added_at"))).text
        listed = await client.get(links(day)[f"{now:%Y-%m-%d} 30"])
        assert chips(listed.text) == [f"Added at is {now:%Y-%m-%d}"]
        assert len(rows(listed.text)) == 25
        page = (await client.get(f"{LIST}?added_at=today&tz=Asia/Tokyo")).text
        assert chips(page) == ["Added at: today", "Days as in Asia/Tokyo"]


async def test_days_are_those_of_the_reader(home: House) -> None:
    """A day begins when it does for the reader, in lists and what is copied; counts say where."""
    now = await added_just_now(home)
    # A place where it is another day.
    place = "Pacific/Kiritimati" if now.hour >= 10 else "Pacific/Pago_Pago"
    local, other = (f"{each:%Y-%m-%d}" for each in (now.astimezone(ZoneInfo(place)), now))
    calls = "/admin/book/calls?sheet=1&"
    async with home.client() as client:
        client.http.cookies.set("zone", place, domain="127.0.0.1")
        for condition, count in ((local, 25), (other, 0), (f"{other}&tz=UTC", 25)):
            page = (await client.get(f"{LIST}?added_at={condition}")).text
            assert len(rows(page)) == count, condition
            assert ("Days as in" in page) == ("tz" in condition)
        asked = f"added_at={local[:7]}"
        month = (await client.get(form_url("added_at", asked, was="added_at"))).text
        assert links(month)[f"{local} 30"] == f"{LIST}?added_at={local}"
        copied = unescape((await client.get(f"{calls}added_at=today&sheet=1")).text)
        assert f"added_at=today&tz={place.replace('/', '%2F')}" in copied
        assert "tz=" not in (await client.get(f"{calls}year=1903")).text


async def test_relations_without_a_script(embedded: House) -> None:
    """Related records are found by a button and ticked; several mean any of them."""
    async with embedded.client() as client:
        page = (await client.get(form_url("authors", find="1", term="ann", tick="2"))).text
        ticked = re.findall(r'name="tick" value="(\d+)"( checked)?', page)
        assert ticked == [("2", " checked"), ("3", ""), ("1", "")]
        fields = [*Form(page).fields("term"), ("tick", "3"), ("op", "in")]
        answer = await client.get(f"/admin/book/filter?{urlencode(fields)}")
        assert answer.headers["location"] == f"{LIST}?authors__in=2,3"


async def test_relations_with_their_counts(home: House) -> None:
    """The records that most of a list lead to are offered with counts, beside those looked for."""
    counted = r'value="(\d+)"( checked)?><span>([^<]*)</span><span class="quiet">(\d+)<'
    path = "/admin/comment/filter?field=reader&list="
    async with home.client() as client:
        await home.add("comment", {"book_id": 1, "text": "Unsigned"})
        page = (await client.get(path)).text
        assert re.findall(counted, page) == [("1", "", "Rea", "12")]
        assert "is empty (1)" in page
        fields = [*Form(page).fields("term"), ("tick", "1"), ("op", "in")]
        answer = await client.get(f"/admin/comment/filter?{urlencode(fields)}")
        assert answer.headers["location"] == "/admin/comment/list?reader=1"
        assert chips((await client.get(answer.headers["location"])).text) == ["Reader is Rea"]
        page = (await client.get(f"{path}reader%3D1&was=reader")).text
        assert not re.findall(counted, page)
        assert re.findall(r'name="tick" value="(\d+)"( checked)?', page) == [("1", " checked")]


async def test_nothing_found_says_what_to_drop(home: House) -> None:
    """An empty list has each condition with what there would be without it, in few statements."""
    async with home.client() as client:
        home.statements.clear()
        page = (await client.get(f"{LIST}?search=zebra&year__lte=1903&format=paperback")).text
        assert len(statements(home)) <= 6 + 3
        drops = re.findall(
            r'<li><a href="([^"]*)"><span>(.*?)</span><span class="quiet">(.*?)</span>', page
        )
        assert [(words, count) for _, words, count in drops] == [
            ("search for “zebra”", "0"), ("Year up to 1903", "0"), ("Format is Paperback", "0"),
        ]  # fmt: skip
        page = (await client.get(f"{LIST}?search=book&year__lte=1903&format=paperback")).text
        drops = re.findall(
            r'<li><a href="([^"]*)"><span>(.*?)</span><span class="quiet">(.*?)</span>', page
        )
        assert [(words, count) for _, words, count in drops] == [
            ("search for “book”", "0"), ("Year up to 1903", "0"), ("Format is Paperback", "3"),
        ]  # fmt: skip
        assert len(rows((await client.get(unescape(drops[2][0]))).text)) == 3


async def test_search(home: House) -> None:
    """Words are marked where they are found, a key leads to its record, the rest stays."""
    async with home.client() as client:
        page = (await client.get(f"{LIST}?search=boo+ann&sort=-year&year__gte=1920")).text
        assert "<mark>Boo</mark>k 30" in page
        assert "<mark>Ann</mark> Uno" in page
        form = Form(
            page,
            [*re.findall(r"<form\b[^>]*", page)].index(
                '<form class="search" method="get" action="/admin/book/list" role="search"'
            ),
        )
        assert form.fields("search") == [("sort", "-year"), ("year__gte", "1920")]
        found = links((await client.get(f"{LIST}?search=7")).text)
        assert found["Open book 7: Book 07"] == "/admin/book/details/7"
        home.statements.clear()
        await client.get(f"{LIST}?authors=2&comments.reader=1&year__gte=1900&format__in=ebook")
        assert len(statements(home)) <= 6, statements(home)
        home.statements.clear()
        await client.get(f"{LIST}?search=book&year__gte=1900")
        assert len(statements(home)) <= 6, statements(home)
        found = links((await client.get("/admin/reader/list?search=r@example.org")).text)
        assert any(each.startswith("Open reader r@example.org") for each in found)


def test_marks_are_safe() -> None:
    """What is marked is escaped before, and what is searched for is no pattern."""
    book = Registry.from_base(Base, ["admin_app.models"])["book"]
    mark = marking(book, ("a", "<b>", "("))
    assert (
        mark("A <b> (a) bar", "title")
        == "<mark>A</mark> <mark>&lt;b&gt;</mark> <mark>(</mark><mark>a</mark>) bar"
    )
    assert mark("<b> a", "year") == "&lt;b&gt; a"
    assert marking(book, ())("<i>", "title") == "&lt;i&gt;"


async def opened(page: Page, words: str) -> None:
    """Open what narrows the list, and choose a field."""
    await page.locator("summary", has_text=re.compile("^Filter$")).click()
    await page.locator(".offers").wait_for()
    link = page.locator(".offers").get_by_role("link", name=words, exact=True)
    if not await link.is_visible():
        await page.locator(".offers summary").click()
    await link.click()


@pytest.mark.slow
async def test_filters_in_the_browser(embedded: House, browser: Browser) -> None:
    """Filters are chosen beside what was clicked, by mouse and by keys, and become chips."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto(LIST)
        await opened(page, "Format")
        form = page.get_by_role("form", name="Filter by Format")
        await expect(form.get_by_role("combobox")).to_be_focused()
        await form.get_by_label("Ebook").check()
        await page.keyboard.press("Enter")
        await expect(page.locator(".chips .chip")).to_have_text(re.compile("Format is Ebook"))
        await expect(page).to_have_url(f"{embedded.url}{LIST}?format=ebook")
        await opened(page, "Year")
        await page.get_by_label("Value").fill("x")
        assert await violations(page) == []
        await page.get_by_role("button", name="Apply").click()
        await expect(page.get_by_role("alert")).to_contain_text("whole number")
        await expect(page.get_by_label("Value")).to_be_focused()
        await page.get_by_label("How Year is compared").select_option("is")
        await expect(page.get_by_label("To", exact=True)).to_be_hidden()
        await page.get_by_label("Value").fill("1903")
        await page.keyboard.press("Enter")
        await expect(page.locator(".chips > .chip")).to_have_count(2)
        chip = page.locator("summary", has_text="Year is 1903")
        await chip.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Value")).to_have_value("1903")
        await page.keyboard.press("Escape")
        await expect(page.get_by_label("Value")).to_be_hidden()
        await expect(chip).to_be_focused()
        await page.get_by_role("link", name="Remove the filter Format is Ebook").click()
        await expect(page.locator(".chips > .chip")).to_have_count(1)
        await press(page, "/")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await opened(page, "Authors")
        await page.get_by_role("combobox", name="Authors", exact=True).fill("due")
        await page.get_by_role("option", name="Bea Due").click()
        await page.get_by_role("button", name="Apply").click()
        await expect(page.locator(".chips > .chip").last).to_contain_text("Authors is Bea Due")


@pytest.mark.slow
async def test_filters_without_a_script(embedded: House, browser: Browser) -> None:
    """Without JavaScript the same forms are pages of their own, on a phone as well."""
    async with embedded.page(browser, viewport=PHONE, java_script_enabled=False) as page:
        await page.goto(LIST)
        await page.get_by_role("link", name="Filter", exact=True).click()
        await page.get_by_role("link", name="Format").click()
        await page.get_by_label("Ebook").check()
        await page.get_by_role("button", name="Apply").click()
        await page.get_by_role("link", name="Format is Ebook", exact=True).click()
        await page.get_by_label("How Format is compared").select_option("is none of")
        await page.get_by_role("button", name="Apply").click()
        await expect(page.locator(".chips .chip")).to_contain_text("Format is not Ebook")
        await page.get_by_role("link", name="Filter", exact=True).click()
        await page.get_by_role("link", name=re.compile("Advanced")).click()
        await page.get_by_label("What").select_option("Year")
        await page.get_by_role("button", name="Update").click()
        await page.get_by_label("Value").fill("1904")
        await page.get_by_role("button", name="Apply").click()
        await expect(page.locator(".chips .chip").last).to_contain_text("Year is 1904")


@pytest.mark.slow
async def test_sheets_on_a_phone(embedded: House, browser: Browser) -> None:
    """On a phone what narrows the list comes up from below, whole and free of barriers."""
    async with embedded.page(browser, viewport=PHONE) as page:
        for field in ("Added at", "Authors", "Language"):
            await page.goto(f"{LIST}?year__gte=1900")
            await opened(page, field)
            await expect(page.get_by_role("button", name="Apply")).to_be_in_viewport()
            assert await violations(page) == []
            wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide
        await page.goto("/admin/book/advanced")
        assert await violations(page) == []
