"""Cells of lists: edited where they stand, and what rows and keys do around them."""

from __future__ import annotations

import asyncio
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from conftest import FreshSettings
from eyes import DESK, PHONE, violations
from hands import Hands, press
from panel import SEED, Client, Form, House, library, menagerie
from parity import person
from playwright.async_api import Browser, Locator, Page, Route, expect

from admin_app.declaration import SYSTEM, Grant

YEAR = "/admin/book/cell/year/2"


async def put(client: Client, path: str, etag: str, fields: dict[str, str]) -> Any:
    """Send a cell's value, as the script does."""
    return await client.post(
        path,
        [("_etag", etag), *fields.items()],
        Accept="application/json",
        X_CSRF_Token=await client.token(),
    )


async def test_a_cell(home: House) -> None:
    """A cell gives its control and its version, and takes a value for that version alone."""
    book = home.records.registry["book"]
    async with home.client() as client:
        opened = (await client.get(YEAR)).json()
        assert 'value="1902"' in opened["html"]
        saved = await put(client, YEAR, opened["etag"], {"f-year": "1999"})
        assert (saved.status_code, saved.json()["html"]) == (200, "1999")
        assert saved.json()["etag"] != opened["etag"]
        assert [each.after for each in await home.changes()] == [{"year": 1999}]

        stale = await put(client, YEAR, opened["etag"], {"f-year": "2000"})
        assert (stale.status_code, stale.json()["html"]) == (412, "1999")
        over = await put(client, YEAR, stale.json()["etag"], {"f-year": "2000"})
        assert over.status_code == 200
        wrong = await put(client, YEAR, over.json()["etag"], {"f-year": "19x"})
        assert (wrong.status_code, wrong.json()["detail"]) == (422, "Enter a whole number.")
        huge = await put(client, YEAR, over.json()["etag"], {"f-year": "9" * 500})
        assert huge.status_code == 422
        title = (await client.get("/admin/book/cell/title/2")).json()
        empty = await put(client, "/admin/book/cell/title/2", title["etag"], {"f-title": ""})
        assert (empty.status_code, empty.json()["detail"]) == (422, "A value is needed.")
        none = await put(client, "/admin/book/cell/format/2", title["etag"], {"f-format": "ebook"})
        assert (none.status_code, "Ebook" in none.json()["html"]) == (200, True)

        assert (await client.post(YEAR, [("f-year", "1")])).status_code == 403
        for path in ("authors/2", "id/2", "nothing/2", "year/99", "year/x", "version/2"):
            assert (await client.get(f"/admin/book/cell/{path}")).status_code == 404, path
        assert (await client.get("/admin/admin_user/cell/name/1")).status_code == 404
    assert (await home.records.get(SYSTEM, book, (2,))).values["year"] == 2000


async def test_cells_one_may_edit(home: House) -> None:
    """Only the fields that one may set are editable, in rows that one may change."""
    grants = [Grant("book", "read"), Grant("book", "update", None, frozenset({"year"}))]
    async with person(home, "half", grants) as who:
        listed = (await who.panel.get("/admin/book/list")).text
        assert 'data-cells="language format rating"' in listed
        assert (await who.panel.get(YEAR)).status_code == 404
        assert (await who.panel.get("/admin/book/cell/language/2")).status_code == 200
    async with person(home, "reader", [Grant("book", "read")]) as who:
        assert 'data-cells=""' in (await who.panel.get("/admin/book/list")).text
        assert (await who.panel.get(YEAR)).status_code == 403


@pytest.mark.slow
async def test_every_kind_of_cell(fresh_settings: FreshSettings) -> None:
    """A cell that is opened and sent back untouched changes nothing, whatever its kind."""
    async with menagerie(fresh_settings, "sqlite") as zoo, zoo.client() as client:
        kinds = set()
        for name, resource in zoo.records.registry.items():
            listed = "" if resource.own else (await client.get(f"/admin/{name}/list?limit=1")).text
            cells = listed.partition('data-cells="')[2].partition('"')[0].split()
            key = unescape(listed.partition('<tr data-key="')[2].partition('"')[0])
            for each in cells if key else ():
                path = f"/admin/{name}/cell/{each}/{quote(key, safe='')}"
                opened = (await client.get(path)).json()
                fields = Form(f"<form>{opened['html']}</form>").fields()
                told = await put(client, path, opened["etag"], dict(fields))
                assert told.status_code == 200, (path, told.text)
                assert told.json()["etag"] == opened["etag"], path
                kinds.add(resource.fields[each].kind)
        assert len(kinds) >= len({"integer", "text", "boolean", "date", "enum"})
        assert await zoo.changes() == []


async def at(cell: Locator) -> tuple[float, float]:
    """The middle of a cell, over which the row's link lies."""
    box = await cell.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def cell_of(page: Page, row: int, field: str) -> Locator:
    return page.locator(f"tbody tr:nth-child({row}) td[data-field={field}]")


@pytest.mark.slow
async def test_a_cell_that_says_why(
    embedded: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a reason is required Tab leads to it, and without it nothing is sent."""
    monkeypatch.setitem(vars(embedded.records.registry["book"].options), "reason", "required")
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto("/admin/book/list")
        cell = page.locator("tr[data-key='1'] td[data-field=year]")
        await cell.focus()
        await page.keyboard.press("Enter")
        why = page.get_by_label("Why?")
        await expect(why).to_be_visible()
        await page.keyboard.type("1999")
        await page.keyboard.press("Enter")
        await expect(why).to_be_focused()
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Tab")
        await expect(why).to_be_focused()
        await page.keyboard.type("It says so inside.")
        assert await violations(page, "label", "color-contrast") == []
        await page.keyboard.press("Enter")
        await expect(cell).to_have_text("1999")
    assert [each.reason for each in await embedded.changes()] == ["It says so inside."]


async def late(route: Route) -> None:
    """Answer so late that a page is left no sooner than somebody has thought of it."""
    await asyncio.sleep(1)
    await route.continue_()


@pytest.mark.slow
async def test_cells_in_a_browser(embedded: House, browser: Browser) -> None:
    """A double click or Enter edits, Tab goes on, Escape leaves; what is wrong stays in it."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto("/admin/book/list")
        year, language = cell_of(page, 2, "year"), cell_of(page, 2, "language")
        await page.mouse.dblclick(*await at(year))
        box = page.locator(".cell-form input[name=f-year]")
        await expect(box).to_be_focused()
        await page.keyboard.type("19x2")
        await page.keyboard.press("Enter")
        await expect(page.locator(".cell-form .error")).to_have_text("Enter a whole number.")
        assert await violations(page) == []
        await box.fill("1999")
        await page.keyboard.press("Tab")
        await expect(year).to_have_text("1999")
        await expect(page.locator(".cell-form input[name=f-language]")).to_be_focused()
        await page.keyboard.type("fre")
        await page.keyboard.press("Escape")
        await expect(language).to_have_text("eng")
        await expect(language).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.locator(".cell-form input").first.wait_for()
        book = embedded.records.registry["book"]
        await embedded.records.update(SYSTEM, book, (3,), {"language": "ger"}, origin=SEED)
        await page.keyboard.type("fre")
        await page.keyboard.press("Enter")
        await expect(page.locator(".cell-form .error")).to_contain_text("Changed meanwhile to ger")
        await page.keyboard.press("Enter")
        await expect(cell_of(page, 3, "language")).to_have_text("fre")
        # However slow the second click is, it counts as long as the list is there.
        await page.route("**/details/**", late)
        await page.mouse.click(*await at(year))
        await page.wait_for_timeout(400)
        await page.mouse.down(click_count=2)
        await page.mouse.up(click_count=2)
        await expect(page.locator(".cell-form input[name=f-year]")).to_be_focused()
        await page.keyboard.press("Escape")
        await page.mouse.click(*await at(year))
        await page.wait_for_url("**/admin/book/details/2*")
    changes = [(each.key, each.after) for each in await embedded.changes()]
    assert changes == [("2", {"year": 1999}), ("3", {"language": "fre"})]


@pytest.mark.slow
async def test_rows_are_ticked(embedded: House, browser: Browser) -> None:
    """Rows are ticked one by one, by range and by page; the toolbar keeps its place and size."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto("/admin/book/list")
        toolbar, said = page.locator(".toolbar"), page.locator("[data-chosen]")
        before = await toolbar.bounding_box()
        boxes = page.locator("tbody input[name=key]")
        await boxes.nth(1).click()
        await boxes.nth(4).click(modifiers=["Shift"])
        await expect(said).to_have_text("4 selected")
        assert await toolbar.bounding_box() == before
        await expect(page.locator(".every")).to_be_hidden()
        assert await violations(page) == []
        await page.locator("thead .pick input").click()
        await expect(said).to_have_text("25 selected")
        await page.get_by_text("Select all 30").click()
        await expect(said).to_have_text("All selected")
        await page.get_by_role("button", name="Clear the selection").click()
        await expect(page.get_by_role("link", name="New book")).to_be_visible()
        await page.locator("tbody a.cover").nth(2).focus()
        await page.keyboard.press("x")
        await expect(said).to_have_text("1 selected")
        # From row to row and to what is done with them, by single keys.
        await press(page, *"jjkx")
        await expect(page.get_by_role("link", name="Book 04", exact=True)).to_be_focused()
        await expect(said).to_have_text("2 selected")
        await page.keyboard.press("e")
        await page.get_by_role("heading", name="Change 2 books").wait_for()
        await expect(page.locator("[name=set]").first).to_be_focused()
        await page.goto("/admin/book/list")
        await press(page, "j", "Enter")
        await page.get_by_role("heading", name="Book 01").wait_for()
        await press(page, "e")
        await page.wait_for_url("**/edit/**")
        title = page.get_by_label("Title", exact=True)
        for _ in range(4):
            await page.keyboard.press("Tab")
            if await title.evaluate("each => each === document.activeElement"):
                break
        await expect(title).to_be_focused()


@pytest.mark.slow
async def test_the_language_of_257_books(fresh_settings: FreshSettings, browser: Browser) -> None:
    """257 filtered books get another language by six clicks and no key, with a look before."""
    async with library(fresh_settings, "sqlite") as home:
        book = home.records.registry["book"]

        async def fill(writer: Any) -> None:
            olds = [{"title": f"Old {number}", "language": "fra"} for number in range(257)]
            news = [{"title": f"New {number}", "language": "fre"} for number in range(3)]
            await writer.create_all(book, [*olds, *news])

        await home.records.write(SYSTEM, SEED, fill)
        async with home.page(browser, viewport=DESK) as page:
            await page.goto("/admin/book/list?language=fra")
            staff = Hands(page)
            await staff.click(page.locator("thead .pick input"))
            await staff.click(page.get_by_text("Select all 257"))
            await staff.click(page.get_by_role("button", name="Edit…"))
            await staff.click(page.get_by_role("checkbox", name="Language"))
            await staff.click(page.locator(".often button", has_text="fre"))
            await expect(page.locator(".preview")).to_contain_text("257 books change.")
            assert await violations(page) == []
            await staff.click(page.get_by_role("button", name="Set language of 257 books"))
            await expect(page.locator(".toast")).to_contain_text("Language of 257 books")
            assert (staff.clicks, staff.keys) == (6, 0)
        assert len({each.change_set for each in await home.changes()}) == 1


@pytest.mark.slow
async def test_an_author_who_has_books(embedded: House, browser: Browser) -> None:
    """An author is found and deleted, with the effects named, by two clicks and few keys."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto("/admin/author/list")
        staff = Hands(page)
        await staff.press("/")
        await staff.type("ann uno")
        await staff.press("Enter")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await staff.click(page.get_by_role("link", name="Ann Uno"))
        await page.get_by_role("heading", name="Ann Uno").wait_for()
        await staff.press("Delete")
        await expect(page.locator(".effects")).to_contain_text("16 books lose this author")
        assert await violations(page) == []
        await staff.click(page.get_by_role("button", name="Delete author"))
        await expect(page.locator(".toast")).to_contain_text("Deleted Ann Uno")
        assert (staff.clicks, staff.keys) <= (2, 18)


@pytest.mark.slow
async def test_without_scripts(embedded: House, browser: Browser) -> None:
    """Without JavaScript rows are ticked, changed after a look, and deleted all the same."""
    async with embedded.page(browser, java_script_enabled=False, viewport=DESK) as page:
        await page.goto("/admin/book/list?year__gte=1929")
        for box in await page.locator("tbody input[name=key]").all():
            await box.check()
        await page.get_by_role("button", name="Edit…").click()
        await page.get_by_role("checkbox", name="Pages").check()
        await page.get_by_label("Pages").last.fill("70")
        await page.get_by_role("button", name="Show what would change").click()
        await page.get_by_role("button", name="Set pages of 2 books").click()
        await expect(page.locator(".toast")).to_contain_text("Pages of 2 books")
        await page.locator("tbody input[name=key]").first.check()
        await page.get_by_role("button", name="Delete…").click()
        await page.get_by_role("button", name="Delete 1 book").click()
        await expect(page.locator(".toast")).to_contain_text("Deleted 1 book")


@pytest.mark.slow
async def test_on_a_phone(embedded: House, browser: Browser) -> None:
    """On a phone many are changed and deleted as well, within its width, without a fault."""
    await embedded.grant("ana", "book", "mark-found")
    async with embedded.page(browser, viewport=PHONE) as page:
        for path in (
            "/admin/book/bulk/edit?key=1&key=2", "/admin/book/bulk/delete?key=1&key=2",
            "/admin/book/action/mark-found?key=1", "/admin/author/delete?key=1",
        ):  # fmt: skip
            await page.goto(path)
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await page.evaluate(wide) <= 0, path
            assert await violations(page) == [], path
