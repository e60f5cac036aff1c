"""Five things that staff do all day, done in a browser, with every click and key counted.

Each character typed is a key, and so is a combination with Control; choosing in a select would be
two clicks. Nobody starts anywhere else than on the first page or on the list that is named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from conftest import FreshSettings, Kind, migrated
from hands import Hands
from panel import House, house, people
from playwright.async_api import Browser, Page, expect

from admin_app.database import Database
from admin_app.declaration import SYSTEM, Base, Origin, Registry
from admin_app.records import Records
from admin_app.settings import Settings

SEED = Origin("import", "seed")
LIST = "/admin/book/list"
ROWLING = "J.K. Rowling"
WRITTEN = 27
"""Her books."""
UNTOLD = 257
"""Books whose language is not known."""


async def prepare(settings: Settings) -> None:
    """An author with many books, and very many of nobody's in no language."""
    await migrated(settings)
    database = Database(settings)
    await people(database)
    records = Records(database, Registry.from_base(Base, ["admin_app.models"]), b"x" * 32)
    registry = records.registry

    async def work(writer: Any) -> None:
        for name in (ROWLING, "Harper Lee", "Zadie Smith"):
            await writer.create(registry["author"], {"name": name})
        for number in range(1, WRITTEN + 1):
            book = {"title": f"Harry Potter {number}", "authors": [1], "language": "eng"}
            await writer.create(registry["book"], book)
        gatsby = {"title": "The Great Gatsby", "year": 1924, "authors": [2], "language": "eng"}
        await writer.create(registry["book"], gatsby)
        for number in range(UNTOLD):
            await writer.create(registry["book"], {"title": f"Untold {number:03}", "authors": [3]})

    await records.write(SYSTEM, SEED, work)
    await database.close()


@asynccontextmanager
async def working(
    fresh: FreshSettings, kind: Kind, browser: Browser
) -> AsyncIterator[tuple[House, Page]]:
    """Somebody at work in a library of some size."""
    async with (
        house(fresh(kind, "panel_tasks", prepare)) as made,
        made.page(browser, viewport={"width": 1280, "height": 800}) as page,
    ):
        yield made, page


async def _find(made: House, resource: str, **asked: str) -> list[Any]:
    found = made.records.registry[resource]
    query = made.records.query(SYSTEM, found, list(asked.items()))
    return list((await made.records.page(SYSTEM, found, query)).rows)


async def test_find_a_book_and_mend_its_year(
    fresh_settings: FreshSettings, browser: Browser
) -> None:
    """By a part of its title, from the first page: at most 1 click and 18 keys."""
    async with working(fresh_settings, "sqlite", browser) as (made, page):
        hand = Hands(page)
        await page.goto("/admin/")
        await hand.press("Control+k")
        await expect(page.get_by_role("combobox")).to_be_focused()
        await hand.type("gatsby")
        await hand.press("Enter")
        await page.get_by_role("heading", name="The Great Gatsby").wait_for()
        await hand.press("e")
        await page.wait_for_url("**/edit/**")
        await hand.click(page.get_by_label("Year"))
        await hand.press("Control+a")
        await hand.type("1925")
        await hand.press("Enter")
        await expect(page.locator(".toast")).to_contain_text("Saved The Great Gatsby")
        assert hand.clicks <= 1
        assert hand.keys <= 18
        assert (await made.get("book", str(WRITTEN + 1))).values["year"] == 1925


async def test_add_a_book_with_a_new_author(
    fresh_settings: FreshSettings, browser: Browser
) -> None:
    """A title, and an author nobody has entered yet: at most 5 clicks and 18 keys."""
    async with working(fresh_settings, "sqlite", browser) as (made, page):
        hand = Hands(page)
        await page.goto(LIST)
        await hand.click(page.get_by_role("link", name="New book").first)
        await page.wait_for_url("**/create")
        await expect(page.get_by_label("Title", exact=True)).to_be_focused()
        await hand.type("Zed Rises")
        await hand.click(page.get_by_role("combobox", name="Authors"))
        await hand.type("Zed New")
        await hand.click(page.get_by_role("option", name="Create “Zed New”"))
        side = page.get_by_role("dialog")
        await hand.click(side.get_by_role("button", name="Create author"))
        await expect(page.locator("#f-authors .chip")).to_contain_text("Zed New")
        await hand.click(page.locator("[data-save]"))
        await expect(page.locator(".toast")).to_contain_text("Created Zed Rises")
        assert hand.clicks <= 5
        assert hand.keys <= 18
        (book,) = await _find(made, "book", title="Zed Rises")
        (author,) = await _find(made, "author", name="Zed New")
        assert (await made.get("book", str(book["id"]))).values["authors"] == [author["id"]]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
async def test_set_the_language_of_many(
    fresh_settings: FreshSettings, browser: Browser, kind: Kind
) -> None:
    """Of 257 books that a filter finds, with nothing programmed for it: at most 6 in all."""
    async with working(fresh_settings, kind, browser) as (made, page):
        hand = Hands(page)
        await page.goto(f"{LIST}?language__isnull=true")
        await hand.click(page.get_by_role("checkbox", name="Select every row of this page"))
        await hand.click(page.get_by_text(f"Select all {UNTOLD}"))
        await hand.click(page.get_by_role("button", name="Edit…"))
        await page.get_by_role("heading", name=f"Change {UNTOLD} books").wait_for()
        await hand.click(page.get_by_label("Language", exact=True).and_(page.locator("[name=set]")))
        await hand.click(page.locator(".often").get_by_role("button", name="eng"))
        await hand.click(page.get_by_role("button", name=f"Set language of {UNTOLD} books"))
        await expect(page.locator(".toast")).to_contain_text(str(UNTOLD))
        assert hand.clicks + hand.keys <= 6
        assert await _find(made, "book", language__isnull="true") == []


async def test_see_who_changed_it_and_undo_it(
    fresh_settings: FreshSettings, browser: Browser
) -> None:
    """Of a record: at most 2 clicks and 9 keys, of which the last undoes it."""
    async with working(fresh_settings, "sqlite", browser) as (made, page):
        book = made.records.registry["book"]
        key = (WRITTEN + 1,)
        vic = Origin("panel", "vic", address="127.0.0.1")
        await made.records.update(SYSTEM, book, key, {"year": 1066}, origin=vic)
        hand = Hands(page)
        await page.goto("/admin/")
        await hand.press("Control+k")
        await expect(page.get_by_role("combobox")).to_be_focused()
        await hand.type("gatsby")
        await hand.press("Enter")
        past = page.locator(".past")
        await expect(past.get_by_role("listitem").first).to_contain_text("1066")
        await expect(past.get_by_role("listitem").first.locator("strong")).not_to_be_empty()
        await hand.click(past.get_by_role("button", name="Undo").first)
        await expect(page.locator(".toast")).to_contain_text("Undone: The Great Gatsby")
        assert hand.clicks <= 2
        assert hand.keys <= 9
        assert (await made.get("book", str(key[0]))).values["year"] == 1924


async def test_delete_an_author_with_books(fresh_settings: FreshSettings, browser: Browser) -> None:
    """After reading what happens to her books: at most 2 clicks and 18 keys."""
    async with working(fresh_settings, "sqlite", browser) as (made, page):
        hand = Hands(page)
        await page.goto("/admin/")
        await hand.press("Control+k")
        await expect(page.get_by_role("combobox")).to_be_focused()
        await hand.type("rowling")
        await hand.press("Enter")
        await page.get_by_role("heading", name=ROWLING).wait_for()
        await hand.press("Delete")
        await page.get_by_role("heading", name=f"Delete {ROWLING}?").wait_for()
        await expect(page.locator(".effects")).to_contain_text(f"{WRITTEN} books")
        await expect(page.locator(".effects")).to_contain_text("Harry Potter 1")
        await hand.click(page.get_by_role("button", name="Delete author"))
        await expect(page.locator(".toast")).to_contain_text(f"Deleted {ROWLING}")
        assert hand.clicks <= 2
        assert hand.keys <= 18
        assert await _find(made, "author", name=ROWLING) == []
