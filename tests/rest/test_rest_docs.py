"""The document as a page: in a browser, under our policy, without another server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from eyes import DESK, PHONE, violations
from panel import House
from playwright.async_api import Browser, Page, expect

from admin_app.access import create_token

DOCS = "/api/v1/docs"


async def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(await page.evaluate(script))


async def shot(page: Page, name: str) -> None:
    """Keep a picture, where somebody asks for pictures."""
    folder = os.environ.get("SHOTS")
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def test_reading_and_trying(embedded: House, browser: Browser) -> None:
    """With a token one reads what it may do, finds an operation, and tries it."""
    token = await create_token(embedded.database, "ana", "docs", None)
    async with embedded.page(browser, "", viewport=DESK) as page:
        await page.goto(DOCS)
        await page.get_by_label("API token").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.locator("#said")).to_contain_text("A valid API token is needed")
        await page.get_by_label("API token").fill(token)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Books", exact=True)).to_be_visible()
        await page.get_by_label("Find an operation").fill("get books")
        operation = page.locator("details.operation:visible").filter(has_text="Read one of books")
        await expect(operation).to_have_count(1)
        await expect(page.get_by_role("heading", name="Authors", exact=True)).to_be_hidden()
        await operation.locator("> summary").click()
        await operation.get_by_label("key").fill("1")
        await operation.get_by_role("button", name="Try it").click()
        await expect(operation.get_by_role("status")).to_contain_text('"title": "Book 01"')
        await shot(page, "docs-light")
        listing = page.locator("details.operation").filter(has_text="GET/api/v1/booksList books")
        await page.get_by_label("Find an operation").fill("listBooks")
        await listing.locator("> summary").click()
        await listing.get_by_label("Query").fill("nope=1")
        await listing.get_by_role("button", name="Try it").click()
        await expect(listing.get_by_role("status")).to_contain_text("unknown_parameter")


@pytest.mark.slow
async def test_axe_and_width(embedded: House, browser: Browser) -> None:
    """Axe finds nothing on the pages, in light and dark, and none is wider than a phone."""
    token = await create_token(embedded.database, "ana", "docs", None)
    async with embedded.page(browser, "", viewport=PHONE) as page:
        for path in ("/errors/", "/errors/version_mismatch", DOCS):
            await page.goto(path)
            assert await violations(page) == [], path
            assert await sideways(page) <= 0, path
            await shot(page, path.strip("/").replace("/", "-"))
        await page.get_by_label("API token").fill(token)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Books", exact=True)).to_be_visible()
        await page.get_by_label("Find an operation").fill("books")
        for name in ("Read one of books", "Create a record of books"):
            operation = page.locator("details.operation").filter(has_text=name)
            await operation.locator("> summary").first.click()
            for each in await operation.locator(".inside details > summary").all():
                await each.click()
        assert await violations(page) == []
        assert await sideways(page) <= 0
        await shot(page, "docs-phone-dark")
