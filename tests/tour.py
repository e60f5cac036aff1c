"""``make tour``: the pictures of the panel and what stands below them, from the running demo.

It serves the demo from a new database, does in a browser what the captions say, writes
``docs/images/panel-*.png`` and puts the tour between its marks in ``docs/panel.md``.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from conftest import CHROMIUM_OPTIONS, PROJECT
from panel import House, house, people
from playwright.async_api import Browser, Page, async_playwright

from admin_app.cli.demo import load_demo
from admin_app.database import Database
from admin_app.declaration import Base, Registry
from admin_app.records import Records
from admin_app.settings import DatabaseSection, Settings
from admin_app.startup import migrations

DOCUMENT = PROJECT / "docs" / "panel.md"
IMAGES = PROJECT / "docs" / "images"
BEGIN, END = "<!-- tour: begin -->", "<!-- tour: end -->"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
COLOURS = 64
MODELS = ("admin_app.models",)

Act = Callable[[Page], Awaitable[Any]]


@dataclass(frozen=True)
class Stop:
    """A picture: where it is taken after what has been done there, and what it shows."""

    name: str
    path: str
    caption: str
    act: Act | None = None
    dark: bool = False
    phone: bool = False


async def narrow(page: Page) -> None:
    """Open a filter."""
    await page.locator(".toolbar summary").filter(has_text="Filter").click()
    await page.locator(".offers").get_by_role("link", name="Language").click()
    await page.locator("form.narrow").wait_for()


async def delete(page: Page) -> None:
    """Come to what a delete would do."""
    await page.get_by_role("link", name="Charles Dickens", exact=True).click()
    await page.get_by_role("heading", name="Charles Dickens").wait_for()
    await page.keyboard.press("Delete")
    await page.locator(".effects").wait_for()


async def search_everywhere(page: Page) -> None:
    """Open the box that finds everything, and type."""
    await page.keyboard.press("Control+k")
    await page.keyboard.type("gatsby", delay=20)
    await page.get_by_role("option").first.wait_for()
    await page.wait_for_load_state("networkidle")


async def change_many(page: Page) -> None:
    """Change the language of a filter's books, up to the button that does it."""
    await page.locator("thead .pick input").check()
    await page.get_by_role("button", name="Edit…").click()
    await page.locator("[name=set][value=language]").check()
    await page.locator(".often button").first.click()
    await page.locator("[data-preview] button").first.wait_for()


async def make_author(page: Page) -> None:
    """Type an author that nobody has entered yet, and have it made beside the form."""
    await page.get_by_label("Title", exact=True).fill("A Book of Mine")
    await page.get_by_role("combobox", name="Authors").fill("Nobody Yet")
    await page.locator(".options .make").click()
    await page.locator("dialog.side form").wait_for()


STOPS = (
    Stop("home", "/admin/", "The first page: figures, what one did, what the team did"),
    Stop("list", "/admin/book/list", "A list, with fifteen of its records in sight"),
    Stop(
        "filters",
        "/admin/book/list?year__gte=1900&format=paperback",
        "What is in force stands as chips; each kind of value has a filter that fits it",
        narrow,
    ),
    Stop("record", "/admin/book/details/290", "A record, what points to it, and who changed it"),
    Stop("form", "/admin/book/edit/290", "Its form"),
    Stop(
        *("aside", "/admin/book/create"),
        "An author who is missing is made beside the form of the book",
        make_author,
    ),
    Stop(
        *("many", "/admin/book/list?language=it"),
        "A change of many records is shown before it is made",
        change_many,
    ),
    Stop(
        *("delete", "/admin/author/list?search=dickens"),
        "A delete names what happens to everything else",
        delete,
    ),
    Stop(
        *("search", "/admin/book/list", "`Ctrl+K` finds records, lists, views and actions"),
        search_everywhere,
        dark=True,
    ),
    Stop("history", "/admin/book/history/290", "Every change, which can be undone", dark=True),
    Stop("phone-list", "/admin/book/list", "On a phone a list is made of cards", phone=True),
    Stop("phone-form", "/admin/book/edit/290", "A form on a phone", phone=True, dark=True),
)


async def main() -> None:
    """Take the pictures and write the tour."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("No Chromium on the path: `apt-get install chromium` brings one.")
    folder = Path(tempfile.mkdtemp(prefix="tour-"))
    url = f"sqlite+aiosqlite:///{folder}/library.db"
    section = DatabaseSection(url=url, migrations=PROJECT / "migrations")
    settings = Settings(root=folder, database=section)
    try:
        await fill(settings)
        async with house(settings) as made, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=program, args=list(CHROMIUM_OPTIONS)
            )
            await work(made)
            for each in STOPS:
                await take(made, browser, each)
            await browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(told())


async def fill(settings: Settings) -> None:
    """The demo's records, and somebody to look at them."""
    await migrations(settings).upgrade()
    database = Database(settings)
    await people(database)
    records = Records(database, Registry.from_base(Base, MODELS), b"x" * 32)
    await load_demo(records, MODELS)
    await database.close()


async def work(made: House) -> None:
    """Do a little, so that there is something to see."""
    async with made.client() as client:
        for year in ("1926", "1925"):
            form = await client.form("/admin/book/edit/290")
            await client.post("/admin/book/edit/290", form.changed(year=year))
        for key in ("1", "8", "290"):
            await client.get(f"/admin/book/details/{key}")


async def take(made: House, browser: Browser, stop: Stop) -> None:
    """One picture."""
    size = PHONE if stop.phone else DESK
    scheme = "dark" if stop.dark else "light"
    async with made.page(
        browser, viewport=size, color_scheme=scheme, reduced_motion="reduce"
    ) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto(stop.path)
        if stop.act is not None:
            await stop.act(page)
        await page.wait_for_load_state("networkidle")
        (IMAGES / f"panel-{stop.name}.png").write_bytes(small(await page.screenshot()))


def small(picture: bytes) -> bytes:
    """The same with few colours, which is all it has, where Pillow is there to make it so."""
    try:
        from PIL import Image  # noqa: PLC0415 - not everybody has it
    except ImportError:
        return picture
    made = BytesIO()
    with Image.open(BytesIO(picture)) as opened:
        opened.convert("RGB").quantize(COLOURS).save(made, "PNG", optimize=True)
    return made.getvalue()


def told() -> str:
    """The tour, as Markdown."""
    return "\n\n".join(
        f"{each.caption}.\n\n![{each.caption}](images/panel-{each.name}.png)" for each in STOPS
    )


def write(text: str) -> None:
    """Put the tour between its marks; the rest of the document is people's."""
    document = DOCUMENT.read_text("utf-8")
    before, begun, rest = document.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        sys.exit(f"{DOCUMENT.name} has no marks {BEGIN} and {END}")
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
