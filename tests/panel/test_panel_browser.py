"""What is true of the panel in a browser: with scripts and without, by keyboard, in any colour."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conftest import FreshSettings
from eyes import DESK, PHONE, runs_over, violations
from panel import PASSWORD, House, menagerie
from playwright.async_api import Browser, expect


async def test_sign_in_and_out(embedded: House, browser: Browser) -> None:
    """Somebody signs in on the way to a page, comes to it, and leaves by the button."""
    async with embedded.page(browser, "") as page:
        await page.goto("/admin/book/details/1")
        await page.get_by_label("Name").fill("ana")
        await page.keyboard.press("Tab")
        await page.keyboard.type("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("not right")
        await expect(page.get_by_label("Password")).to_be_focused()
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Book 01")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
async def test_create_edit_delete(embedded: House, browser: Browser, scripts: bool) -> None:
    """A record is created, found, changed and deleted, with scripts and without."""
    async with embedded.page(browser, java_script_enabled=scripts) as page:
        await page.goto("/admin/")
        await page.get_by_role("link", name="New book", exact=True).click()
        await page.get_by_label("Title", exact=True).fill("Zulu")
        if scripts:
            await page.get_by_role("combobox", name="Authors").fill("tre")
            await page.get_by_role("option", name="Ann Tre").click()
        else:
            await page.get_by_label("Find: Authors").fill("tre")
            await page.get_by_label("Find: Authors").locator("..").get_by_role("button").click()
            await page.get_by_label("Ann Tre").check()
        await page.get_by_role("button", name="Create book").last.click()
        await expect(page.get_by_role("status")).to_have_text(re.compile("Created Zulu"))
        await (
            page.get_by_role("navigation", name="Breadcrumbs")
            .get_by_role("link", name="Books")
            .click()
        )
        await page.get_by_role("searchbox").fill("zul")
        await page.get_by_role("searchbox").press("Enter")
        await page.get_by_role("link", name="Zulu").click()
        await expect(page.get_by_role("link", name="Ann Tre")).to_be_visible()
        await page.get_by_role("link", name="Edit").click()
        await page.get_by_label("Year").fill("1999")
        await page.get_by_label("Year").press("Enter")
        await expect(page.get_by_role("status")).to_have_text(re.compile("Saved Zulu"))
        await page.get_by_role("link", name="Delete").click()
        await page.get_by_role("button", name="Delete book").click()
        await expect(page.locator(".toast")).to_have_text(re.compile("Deleted Zulu"))
    actions = [each.action for each in await embedded.changes() if each.resource == "book"]
    assert actions == ["create", "update", "delete"]


@pytest.mark.slow
async def test_lookup_by_keyboard(embedded: House, browser: Browser) -> None:
    """A look-up is used by keys alone, says aloud what it does, and never sends the form."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/book/edit/2")
        box = page.get_by_role("combobox", name="Authors")
        chips = page.locator("#f-authors .chip")
        options = page.locator("#f-authors").get_by_role("option")
        await expect(chips).to_have_count(1)
        await box.focus()
        await expect(box).to_have_attribute("aria-expanded", "true")
        await box.press("Escape")
        await expect(box).to_have_attribute("aria-expanded", "false")
        await page.keyboard.type("ann")
        await expect(options).to_have_text(["Ann TreRussia", "Create “ann”…"])
        await box.press("Backspace")
        await box.press("Backspace")
        await box.press("Backspace")
        await expect(options).to_have_count(3)
        await box.press("ArrowDown")
        first = options.first
        await expect(first).to_have_attribute("aria-selected", "true")
        marked = await first.get_attribute("id") or ""
        await expect(box).to_have_attribute("aria-activedescendant", marked)
        await box.press("ArrowDown")
        await box.press("ArrowUp")
        name = (await first.inner_text()).splitlines()[0]
        await box.press("Enter")
        await expect(chips).to_have_count(2)
        await expect(chips.last).to_contain_text(name)
        await box.press("Enter")
        assert page.url.endswith("/admin/book/edit/2")
        await box.press("Backspace")
        await expect(chips).to_have_count(1)
        await page.keyboard.type("due")
        await page.get_by_role("option", name="Bea Due").wait_for()
        await box.press("Enter")
        await page.get_by_label("Title", exact=True).press("Enter")
        await expect(page.locator(".toast")).to_contain_text("Saved")
    assert (await embedded.get("book", "2")).values["authors"] == [1, 2]


async def test_hasty_choice_is_of_what_was_typed(embedded: House, browser: Browser) -> None:
    """Enter right after typing chooses from what answers the text, never from an older list."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/book/edit/2")
        box = page.get_by_role("combobox", name="Authors")
        await box.focus()
        await page.locator("#f-authors [data-index]").first.wait_for()
        await page.keyboard.type("due")
        await page.keyboard.press("Enter")
        await expect(page.locator("#f-authors .chip")).to_have_count(2)
        await expect(page.locator("#f-authors .chip").last).to_contain_text("Bea Due")


async def test_to_one_lookup(embedded: House, browser: Browser) -> None:
    """A to-one look-up holds one record, and none when it is taken away."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/comment/edit/1")
        box = page.get_by_role("combobox", name="Book")
        await box.fill("book 09")
        await page.get_by_role("option", name="Book 09 1909").click()
        await expect(page.locator("#f-book .chip")).to_have_count(1)
        await page.get_by_role("button", name="Remove Rea").click()
        await page.get_by_role("button", name="Save").last.click()
        await expect(page.locator(".toast")).to_contain_text("Saved")
    values = (await embedded.get("comment", "1")).values
    assert (values["book_id"], values["reader_id"]) == (9, None)


@pytest.mark.slow
async def test_error_summary_has_the_focus(embedded: House, browser: Browser) -> None:
    """After a refused save the focus is on the summary, whose links lead to the fields."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/reader/create")
        await page.get_by_label("E-mail").fill("kept@example.org")
        await page.get_by_role("button", name="Create reader").last.click()
        summary = page.locator("#problems")
        await expect(summary).to_be_focused()
        await expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_label("Name")).to_have_accessible_description("A value is needed.")
        await expect(page.get_by_label("E-mail")).to_have_value("kept@example.org")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("#f-name$"))
        assert await violations(page) == []


async def test_colours_change_in_place(embedded: House, browser: Browser) -> None:
    """Light and dark change without losing what is typed, and stay after a reload."""
    async with embedded.page(browser, color_scheme="light") as page:
        await page.goto("/admin/book/create")
        await page.get_by_label("Title", exact=True).fill("half typed")
        before = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        async with page.expect_response("**/admin/theme"):
            await page.get_by_role("button", name="Dark colours").click()
        await expect(page.locator("body")).not_to_have_css("background-color", before)
        await expect(page.get_by_label("Title", exact=True)).to_have_value("half typed")
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


PAGES = (
    "/admin/", "/admin/book/list", "/admin/book/list?year__gte=1910&format=ebook",
    "/admin/book/list?search=zebra", "/admin/book/list?yeer=1", "/admin/book/details/1",
    "/admin/book/edit/1", "/admin/comment/create", "/admin/author/delete?key=2",
    "/admin/book/details/abc", "/admin/comment/list",
)  # fmt: skip


@pytest.mark.slow
async def test_axe(embedded: House, browser: Browser) -> None:
    """No page has a fault that axe knows, in light and in dark."""
    async with embedded.page(browser, viewport=DESK) as page:
        for path in PAGES:
            await page.goto(path)
            assert await violations(page) == [], path
        await page.goto("/admin/book/list")
        await page.get_by_text("Filter", exact=True).click()
        assert await violations(page) == []
        await page.goto("/admin/book/edit/2")
        await page.get_by_role("combobox", name="Authors").focus()
        await page.locator("[data-index]").first.wait_for()
        assert await violations(page) == []
    async with embedded.page(browser, "", viewport=DESK) as page:
        await page.goto("/admin/login")
        assert await violations(page) == []


@pytest.mark.slow
async def test_axe_on_a_phone(embedded: House, browser: Browser) -> None:
    """Nor does a phone's layout hide a name, blur a text or shrink a target."""
    rules = ("color-contrast", "target-size", "link-name", "button-name", "region", "heading-order")
    async with embedded.page(browser, viewport=PHONE) as page:
        for path in ("/admin/", "/admin/book/list", "/admin/book/list#menu", "/admin/book/edit/1"):
            await page.goto(path)
            assert await violations(page, *rules) == [], path


@pytest.mark.slow
async def test_axe_zoo(fresh_settings: FreshSettings, browser: Browser) -> None:
    """Nor has any form or page of any kind of value and relation."""
    async with menagerie(fresh_settings, "sqlite") as made, made.page(browser) as page:
        for path in (
            "/admin/specimen/edit/2", "/admin/specimen/details/2", "/admin/specimen/list",
            "/admin/keeper/edit/1", "/admin/keeper/details/1", "/admin/computing/edit/1",
        ):  # fmt: skip
            await page.goto(path)
            assert await violations(page) == [], path


async def test_fifteen_records_on_a_desk(embedded: House, browser: Browser) -> None:
    """At 1280 by 800 fifteen records and every column are wholly in sight, in few nodes."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto("/admin/book/list")
        bottom = await page.evaluate("document.querySelector('.turn').getBoundingClientRect().top")
        bottoms = await page.evaluate(
            "[...document.querySelectorAll('tbody tr')].map(e => e.getBoundingClientRect().bottom)"
        )
        assert sum(each <= bottom for each in bottoms) >= 15
        assert await page.evaluate("document.documentElement.scrollWidth") <= 1280
        assert await page.evaluate("document.querySelectorAll('*').length") <= 700


@pytest.mark.slow
async def test_phone(embedded: House, browser: Browser) -> None:
    """On a phone records are cards, nothing runs over the edge, and fingers find their targets."""
    async with embedded.page(browser, viewport=PHONE, has_touch=True) as page:
        for path in PAGES:
            await page.goto(path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
        await page.goto("/admin/book/list")
        cards = await page.evaluate(
            "[...document.querySelectorAll('tbody tr')].map(e => e.getBoundingClientRect().height)"
        )
        assert all(60 <= each <= 96 for each in cards)
        small = await page.evaluate(
            """[...document.querySelectorAll('main :is(a, button, input), header :is(a, button)')]
            .filter(e => e.checkVisibility() && !e.matches('.unseen, .cover, td *'))
            .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])
            .filter(([_, height]) => height < 43.5)"""
        )
        assert small == []
        await page.locator("tbody .cover").first.click()
        await page.get_by_role("link", name="Edit", exact=True).click()
        await page.wait_for_url("**/edit/**")
        await page.get_by_role("link", name="Menu", exact=True).click()
        await page.get_by_role("link", name="Readers").click()
        await expect(page.get_by_role("heading", name="Readers")).to_be_visible()


@pytest.mark.slow
async def test_nothing_runs_over_the_edge(embedded: House, browser: Browser) -> None:
    """At no width does a page scroll sideways, however long its values are."""
    long = "A very long title of very many words, " * 5
    author = await embedded.add("author", {"name": long, "country": "x" * 80})
    await embedded.add(
        "book", {"title": long, "authors": [author.key[0], 1], "language": "abc", "year": -99999}
    )
    await embedded.add("comment", {"book_id": 31, "text": "w" * 300, "reader_id": 1, "stars": 5})
    paths = (
        *PAGES, "/admin/book/list?search=very", "/admin/book/details/31", "/admin/book/edit/31",
        "/admin/book/create", "/admin/author/list", "/admin/reader/list", "/admin/comment/edit/13",
        "/admin/comment/details/13", "/admin/comment/delete?key=13",
    )  # fmt: skip
    async with embedded.page(browser) as page:
        assert await runs_over(page, *paths) == []


@pytest.mark.slow
async def test_nothing_of_the_zoo_runs_over_the_edge(
    fresh_settings: FreshSettings, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do values of any kind or lists of any number of columns."""
    async with menagerie(fresh_settings, "sqlite") as made, made.page(browser) as page:
        resource = made.records.registry["specimen"]
        paths = ("/admin/specimen/details/2", "/admin/specimen/edit/2", "/admin/keeper/list")
        assert await runs_over(page, *paths) == []
        names = tuple(resource.readable)
        for count in (1, 3, 4, 5, 6, 7, 8, 9, len(names)):
            monkeypatch.setitem(vars(resource), "list", names[-count:])
            assert await runs_over(page, "/admin/specimen/list") == [], count


async def test_heads_stay_in_sight(embedded: House, browser: Browser) -> None:
    """On a desk the heads of a list stay under the bar; where it is narrow the table scrolls."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto("/admin/book/list")
        for width in (1140, 1280, 1600):
            await page.set_viewport_size({"width": width, "height": 600})
            await page.evaluate("scrollTo(0, 300)")
            top = await page.evaluate(
                "document.querySelector('thead th').getBoundingClientRect().y"
            )
            assert round(top) == 48, width
        await page.set_viewport_size({"width": 768, "height": 600})
        card = page.locator(".sheet-of-rows")
        await card.evaluate("card => { scrollTo(0, 0); card.scrollLeft = 1000 }")
        await expect(page.get_by_role("columnheader", name="Rating")).to_be_in_viewport(ratio=0.9)


@pytest.mark.slow
async def test_text_left_in_a_lookup(embedded: House, browser: Browser) -> None:
    """Text that was typed into a look-up and chosen nothing by is refused and stays there."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/book/edit/2")
        box = page.get_by_role("combobox", name="Authors")
        await box.fill("nosuch")
        await page.get_by_role("button", name="Save").last.click()
        await expect(page.locator("#problems")).to_contain_text("Choose one from the list")
        await expect(box).to_have_value("nosuch")
        await expect(box).to_have_attribute("aria-invalid", "true")
        await expect(box).to_have_accessible_description("Choose one from the list, or clear this.")
        assert await violations(page) == []
        await box.fill("due")
        await page.get_by_role("option", name="Bea Due").click()
        await box.fill("due")
        await page.get_by_role("button", name="Save").last.click()
        await expect(page.locator("#problems")).to_be_visible()
        await expect(page.locator("#f-authors .chip")).to_have_count(2)
        await box.fill("")
        await page.get_by_role("button", name="Save").last.click()
        await expect(page.locator(".toast")).to_contain_text("Saved")
    assert (await embedded.get("book", "2")).values["authors"] == [1, 2]


@pytest.mark.slow
async def test_chosen_file_is_asked_for_again(
    fresh_settings: FreshSettings, browser: Browser
) -> None:
    """A browser empties a file's control when a page comes back, so the page says so."""
    async with menagerie(fresh_settings, "sqlite") as made, made.page(browser) as page:
        await page.goto("/admin/specimen/edit/1")
        chosen: Any = {"name": "x.bin", "mimeType": "text/plain", "buffer": b"12345"}
        await page.get_by_label("Blob").set_input_files(chosen)
        await page.get_by_label("Document").fill("{")
        await page.get_by_role("button", name="Save").last.click()
        await expect(page.get_by_label("Blob")).to_have_accessible_description(
            "Choose the file again."
        )
        assert await violations(page) == []
        await page.get_by_label("Blob").set_input_files(chosen)
        await page.get_by_label("Document").fill("{}")
        await page.get_by_role("button", name="Save").last.click()
        await expect(page.locator(".toast")).to_be_visible()
        assert (await made.get("specimen", "1")).values["blob"] == b"12345"
