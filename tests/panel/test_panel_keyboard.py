"""The panel without a mouse, and the panel without scripts: what staff do all day works in both."""

from __future__ import annotations

import re

import pytest
from hands import press
from panel import House
from playwright.async_api import Browser, Locator, Page, expect

LIST = "/admin/book/list"
FAR = 80
"""Tabs that may be needed at most to come to something."""


async def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus, which can then be seen."""
    await wanted.first.wait_for()
    await page.wait_for_load_state()
    for _ in range(FAR):
        await page.keyboard.press("Tab")
        if await wanted.first.evaluate("each => each === document.activeElement"):
            break
    else:
        raise AssertionError(wanted)
    outline = await wanted.first.evaluate(
        "each => { const {outlineStyle, boxShadow} = getComputedStyle(each);"
        " return outlineStyle !== 'none' || boxShadow !== 'none'; }"
    )
    assert outline, f"{wanted} has the focus, and nothing shows it"


@pytest.mark.slow
async def test_by_keyboard_alone(embedded: House, browser: Browser) -> None:
    """From a list through a filter to a record, which is changed and then deleted."""
    async with embedded.page(browser) as page:
        await page.goto(LIST)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await tab_to(page, page.locator(".toolbar summary").filter(has_text="Filter"))
        await page.keyboard.press("Enter")
        await tab_to(page, page.locator(".offers").get_by_role("link", name="Format"))
        await page.keyboard.press("Enter")
        await tab_to(page, page.get_by_role("checkbox", name=re.compile("ebook", re.IGNORECASE)))
        await page.keyboard.press("Space")
        await tab_to(page, page.get_by_role("button", name="Apply"))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**format=ebook*")
        await expect(page.locator(".chip")).to_contain_text("Format")
        await tab_to(page, page.get_by_role("link", name="Book 03", exact=True))
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Book 03").wait_for()
        await press(page, "e")
        await page.wait_for_url("**/edit/**")
        await tab_to(page, page.get_by_label("Year"))
        await page.keyboard.press("Control+a")
        await page.keyboard.type("1999")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".toast")).to_contain_text("Saved Book 03")
        assert (await embedded.get("book", "3")).values["year"] == 1999
        await press(page, "Delete")
        await page.get_by_role("heading", name="Delete Book 03?").wait_for()
        await tab_to(page, page.get_by_role("button", name="Delete book"))
        await page.keyboard.press("Enter")
        await expect(page.locator(".toast")).to_contain_text("Deleted Book 03")
        await press(page, "z")
        await expect(page.locator(".toast")).to_contain_text("Undone")
        assert (await embedded.get("book", "3")).values["year"] == 1999


@pytest.mark.slow
async def test_a_new_record_by_keyboard_alone(embedded: House, browser: Browser) -> None:
    """With an author that is looked up and one that is made meanwhile, beside the form."""
    async with embedded.page(browser) as page:
        await page.goto(LIST)
        await page.keyboard.press("n")
        await expect(page.get_by_label("Title", exact=True)).to_be_focused()
        await page.keyboard.type("Quick")
        await tab_to(page, page.get_by_role("combobox", name="Authors"))
        await page.keyboard.type("due")
        await page.get_by_role("option", name="Bea Due").wait_for()
        await page.keyboard.press("Enter")
        await expect(page.locator("#f-authors .chip")).to_have_count(1)
        await page.keyboard.type("Nia Quattro")
        await page.get_by_role("option", name="Create “Nia Quattro”").wait_for()
        await page.keyboard.press("Enter")
        name = page.get_by_role("dialog").get_by_label("Name")
        await expect(name).to_be_focused()
        await expect(name).to_have_value("Nia Quattro")
        await page.keyboard.press("Enter")
        await expect(page.locator("#f-authors .chip")).to_have_count(2)
        await expect(page.get_by_role("combobox", name="Authors")).to_be_focused()
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".toast")).to_contain_text("Created Quick")
    assert (await embedded.get("book", "31")).values["authors"] == [2, 4]


@pytest.mark.slow
async def test_many_by_keyboard_alone(embedded: House, browser: Browser) -> None:
    """Rows are ticked, changed together, and the change is undone."""
    async with embedded.page(browser) as page:
        await page.goto(f"{LIST}?limit=10")
        for title in ("Book 01", "Book 02"):
            row = page.get_by_role("row").filter(has_text=title)
            await tab_to(page, row.get_by_role("checkbox"))
            await page.keyboard.press("Space")
        await expect(page.get_by_text("2 selected")).to_be_visible()
        edit = page.get_by_role("button", name="Edit…")
        await page.keyboard.press("Control+Home")
        await edit.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Change 2 books").wait_for()
        await tab_to(page, page.get_by_role("checkbox", name="Year", exact=True))
        await page.keyboard.press("Space")
        await page.keyboard.type("1555")
        await page.keyboard.press("Tab")
        apply = page.get_by_role("button", name="Set year of 2 books")
        await tab_to(page, apply)
        await page.keyboard.press("Enter")
        await expect(page.locator(".toast")).to_be_visible()
        assert (await embedded.get("book", "2")).values["year"] == 1555
        await press(page, "z")
        await expect(page.locator(".toast")).to_contain_text("Undone")
        assert (await embedded.get("book", "2")).values["year"] == 1902


@pytest.mark.slow
async def test_lists_without_scripts(embedded: House, browser: Browser) -> None:
    """Filtered, sorted, searched, paged, ticked and deleted, with no script at all."""
    async with embedded.page(browser, java_script_enabled=False) as page:
        await page.goto(f"{LIST}?limit=10")
        await page.get_by_role("link", name="Next").click()
        await expect(page.get_by_role("link", name="Book 11", exact=True)).to_be_visible()
        await page.get_by_role("columnheader", name="Year").get_by_role("link").click()
        await page.get_by_role("link", name="Filter", exact=True).click()
        await page.locator(".offers").get_by_role("link", name="Format").click()
        await page.get_by_role("checkbox", name=re.compile("ebook", re.IGNORECASE)).check()
        await page.get_by_role("button", name="Apply").click()
        await expect(page.locator(".chip")).to_contain_text("Format")
        await page.get_by_role("searchbox").fill("book 05")
        await page.get_by_role("searchbox").press("Enter")
        row = page.get_by_role("row").filter(has_text="Book 05")
        await row.get_by_role("checkbox").check()
        await page.get_by_role("button", name="Delete…").click()
        await page.get_by_role("button", name=re.compile("Delete 1 book")).click()
        await expect(page.locator(".toast")).to_be_visible()
        await page.locator(".toast").get_by_role("button", name="Undo").click()
        await expect(page.locator(".toast")).to_contain_text("Undone")
    assert (await embedded.get("book", "5")).values["title"] == "Book 05"
