"""The first page, the search for everything, badges and banners, and copying a call."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from conftest import KINDS, FreshSettings, Kind
from eyes import violations
from hands import press
from panel import House, house, prepare_library
from playwright.async_api import Browser, expect
from sqlalchemy import update

from admin_app.access import create_token
from admin_app.models import Book
from admin_app.panel.house.recent import KEPT

JSON = {"Accept": "application/json"}


async def sections(home: House, term: str, name: str = "ana") -> dict[str, list[str]]:
    """What the palette finds: the titles by heading."""
    async with home.client(name) as client:
        answer = await client.http.get("/admin/search", params={"term": term}, headers=JSON)
    assert answer.status_code == 200
    return {
        each["label"]: [hit["title"] for hit in each["hits"]] for each in answer.json()["sections"]
    }


async def test_search_finds_records_of_every_kind(home: House) -> None:
    """Words find records under what they are, and lists to search further."""
    found = await sections(home, "book 01")
    assert found["Books"] == ["Book 01"]
    assert "Search books for book 01" in found["Search in"]
    assert "New book" not in found.get("Actions", ())
    assert (await sections(home, "ann tre"))["Authors"] == ["Ann Tre"]


async def test_search_finds_lists_and_actions(embedded: House) -> None:
    """Lists come first where their name begins so; ``>`` asks for actions alone."""
    found = await sections(embedded, "boo")
    assert next(iter(found)) == "Lists"
    assert found["Lists"] == ["Books"]
    assert list(await sections(embedded, "> new bo")) == ["Actions"]
    assert (await sections(embedded, "> new bo"))["Actions"] == ["New book"]
    everything = await sections(embedded, "")
    assert {"Books", "Authors", "Users"} <= set(everything["Lists"])
    assert {"New book", "Your account", "Rights by role"} <= set(everything["Actions"])


@pytest.mark.parametrize("term", ["\0", "%", "x" * 5000, "a\\"])
async def test_search_takes_anything(home: House, term: Any) -> None:
    """Nothing that can be typed is an error."""
    await sections(home, term)


async def test_search_shows_what_one_may_see(home: House) -> None:
    """Who may read their own books finds no others, and no list or action of anything else."""
    await home.grant("nob", "book", "read", "own")
    found = await sections(home, "", "nob")
    assert found["Lists"] == ["Books"]
    assert not any(each.startswith("New") for each in found["Actions"])
    assert "Rights by role" not in found["Actions"]
    assert "Books" not in await sections(home, "book 01", "nob")
    assert "Readers" not in await sections(home, "rea", "nob")
    assert (await sections(home, "rea", "vic"))["Readers"] == ["Rea"]


async def test_search_without_scripts(embedded: House) -> None:
    """The same is a page."""
    async with embedded.client() as client:
        html = (await client.get("/admin/search?term=book+01")).text
    assert '<a href="/admin/book/details/' in html
    assert "<title>Search everywhere" in html


async def test_recent_records(home: House) -> None:
    """Records that were looked at come first, once each, as long as one may see them."""
    async with home.client() as client:
        for key in (1, 2, 1):
            await client.get(f"/admin/book/details/{key}")
        answer = await client.http.get("/admin/search", headers=JSON)
        first = answer.json()["sections"][0]
        assert first["label"] == "Recent"
        assert [each["title"] for each in first["hits"]] == ["Book 01", "Book 02"]
        for key in range(1, KEPT + 5):
            await client.get(f"/admin/book/details/{key}")
        cookie = client.http.cookies["recent"]
        assert len(cookie) < 2000
    async with home.client("nob") as client:
        client.http.cookies.set("recent", cookie, domain="127.0.0.1")
        answer = await client.http.get("/admin/search", headers=JSON)
        assert "Recent" not in [each["label"] for each in answer.json()["sections"]]


@pytest.mark.parametrize("cookie", ["", "x", "bnVsbA==", "W1sxLDJdXQ==", "W1siYm9vayIsIngiXV0="])
async def test_recent_takes_any_cookie(embedded: House, cookie: str) -> None:
    """A cookie that is not ours is an empty one."""
    async with embedded.client() as client:
        client.http.cookies.set("recent", cookie, domain="127.0.0.1")
        answer = await client.http.get("/admin/search", headers=JSON)
        assert answer.json()["sections"][0]["label"] == "Lists"


async def test_first_page(home: House) -> None:
    """It tells what was changed, by oneself and by others, and shows the declared widgets."""
    form_of = "/admin/book/edit/3"
    async with home.client() as client:
        form = await client.form(form_of)
        await client.post(form_of, [*form.fields("f-title"), ("f-title", "Changed here")])
        html = (await client.get("/admin/")).text
        assert "Changed by me" in html
        assert "Book, changed by ana in the panel" in unescape(html)
        assert '<a href="/admin/book/details/3">Changed here</a>' in html
        for title in ("Lost books", "Books by language", "New books a month"):
            assert title in html
        assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d UTC", html)
        russian = await client.http.get("/admin/", headers={"Accept-Language": "ru"})
        assert "Утраченные книги" in russian.text
        assert "Lost books" in (await client.get("/admin/")).text, "to each in their language"
    async with home.client("nob") as client:
        html = (await client.get("/admin/")).text
        assert "Lost books" not in html
        assert "Changed here" not in html


async def test_trends_are_in_the_time_of_the_reader(home: House) -> None:
    """What was added on New Year's Eve in London was added in the new year in Tokyo."""
    eve = update(Book).values(added_at=datetime(2019, 12, 31, 20, tzinfo=UTC))
    await home.database.write(lambda session: session.execute(eve))
    async with home.client() as client:
        for zone, month in (("Europe/London", "2019-12"), ("Asia/Tokyo", "2020-01")):
            client.http.cookies.set("zone", zone, domain="127.0.0.1")
            trend = (await client.get("/admin/")).text.split("New books a month", 1)[1]
            assert {*re.findall(r"\b20\d\d-\d\d\b", trend.split("As of", 1)[0])} == {month}, zone


async def test_first_page_obeys_the_policy(home: House) -> None:
    """Numbers count the rows in sight, and no change of another row is told of."""
    await home.grant("nob", "book", "read", "own")
    async with home.client("nob") as client:
        html = (await client.get("/admin/")).text
    figure = html.split("Books by language", 1)[1].split("</section>", 1)[0]
    assert "<rect" not in figure
    assert "Changed by everybody" not in html
    async with home.client() as client:
        html = (await client.get("/admin/")).text
    assert "<rect" in html.split("Books by language", 1)[1].split("</section>", 1)[0]
    assert "Changed by everybody" in html


async def test_statements_of_the_first_page(home: House) -> None:
    """The first page asks the database no more often than it has parts."""
    async with home.client() as client:
        await client.get("/admin/")
        home.statements.clear()
        await client.get("/admin/")
    reads = [each for each in home.statements if each.lstrip().upper().startswith("SELECT")]
    assert len(reads) <= 24


async def test_copy_a_call(embedded: House) -> None:
    """The call that a list or a record offers to copy is that of the same records."""
    async with embedded.client() as client:
        html = unescape(
            (await client.get("/admin/book/calls?year__gte=1&sort=-title&columns=year")).text
        )
        assert f"'{embedded.url}/api/v1/books?year__gte=1&sort=-title'" in html
        for language in ("curl", "Python", "TypeScript"):
            assert f"Copy as {language}" in html
        html = unescape((await client.get("/admin/book/calls/1?sheet=1")).text)
        assert "<html" not in html
        assert json.dumps(f"{embedded.url}/api/v1/books/1") in html


@pytest.mark.parametrize("kind", KINDS)
async def test_badge_notice_and_read_only(fresh_settings: FreshSettings, kind: Kind) -> None:
    """The environment and the notice stand on each page; in read-only mode neither door writes."""
    said = {"environment": "production", "notice": "<Back at 9>", "read_only": True}
    settings = fresh_settings(kind, "panel_library", prepare_library)
    settings = settings.model_copy(update={"server": settings.server.model_copy(update=said)})
    async with house(settings) as made:
        token = await create_token(made.database, "ana", "t", None)
        async with made.client() as client:
            html = (await client.get("/admin/")).text
            assert '<span class="badge bad" title="Environment">production</span>' in html
            assert "&lt;Back at 9&gt;" in html
            assert "Read-only mode" in html
            assert "/create" not in html
            listed = (await client.get("/admin/book/list")).text
            assert not re.search("/create|/import|Edit…|Delete…", listed)
            assert "Export…" in listed
            record = (await client.get("/admin/book/details/3")).text
            assert not re.search("/edit/|/delete|/create|Undo<", record)
            form = await client.form("/admin/book/edit/3")
            given = [*form.fields("f-title"), ("f-title", "Kept as typed")]
            answer = await client.post("/admin/book/edit/3", given)
            assert answer.status_code == 503
            assert "Kept as typed" in answer.text
            assert "read-only mode" in answer.text
            api = {"Authorization": f"Bearer {token}"}
            answer = await client.http.patch("/api/v1/books/3", json={"year": 1}, headers=api)
            assert (answer.status_code, answer.json()["code"]) == (503, "read_only")
            assert (await client.http.get("/api/v1/books/3", headers=api)).status_code == 200
        assert (await made.get("book", "3")).values["title"] == "Book 03"


@pytest.mark.slow
async def test_palette(embedded: House, browser: Browser) -> None:
    """Ctrl+K, some letters, Enter: there one is; Escape gives the focus back."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/")
        await page.keyboard.press("Control+k")
        box = page.get_by_role("combobox", name="Search everywhere")
        await expect(box).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(box).to_be_hidden()
        await page.keyboard.press("Control+k")
        await page.keyboard.type("book 07")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Book 07")).to_be_visible()
        await press(page, "Control+k")
        first = page.get_by_role("option").first
        await expect(first).to_contain_text("Book 07")
        await expect(first).to_have_attribute("aria-selected", "true")
        assert await violations(page) == []
        await page.keyboard.type("> new reader")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/admin/reader/create")


@pytest.mark.slow
async def test_shortcuts(embedded: House, browser: Browser) -> None:
    """``?`` shows them on top of the page, and typing in a field is only typing."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/book/list")
        await page.keyboard.press("?")
        sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
        await expect(sheet).to_contain_text("Search everywhere")
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await expect(sheet).to_be_hidden()
        await page.keyboard.press("/")
        await page.keyboard.type("?gh")
        await expect(page.get_by_role("searchbox")).to_have_value("?gh")
        await page.get_by_role("heading", name="Books").click()
        await page.keyboard.type("gh")
        await page.wait_for_url("**/admin/")


@pytest.mark.slow
async def test_first_page_on_a_phone(embedded: House, browser: Browser) -> None:
    """The ways on stand at the bottom, nothing runs over the edge, and axe has no complaint."""
    async with embedded.page(browser, viewport={"width": 360, "height": 800}) as page:
        await page.goto("/admin/")
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        ways = page.get_by_role("navigation", name="Ways on")
        await ways.get_by_role("link", name="Menu").click()
        await (
            page.get_by_role("navigation", name="Resources")
            .get_by_role("link", name="Books")
            .click()
        )
        await page.get_by_role("navigation", name="Ways on").get_by_role("link", name="New").click()
        await page.wait_for_url("**/admin/book/create")
