"""The columns of lists: named in the address, kept for one person, never what is hidden."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from eyes import DESK
from listed import LIST, _actor, chosen, heads, way
from panel import Form, House
from playwright.async_api import Browser, expect

from admin_app.desk import preferences


def cells(html: str, name: str) -> list[str]:
    """The text of a column's cells."""
    found = re.findall(rf'<td data-field="{re.escape(name)}"[^>]*>(.*?)</td>', html)
    return [unescape(re.sub(r"<[^>]*>", "", each)) for each in found]


async def test_columns_in_the_address(home: House) -> None:
    """An address may name columns: any field or relation, and fields of related records."""
    async with home.client() as client:
        text = (await client.get(f"{LIST}?columns=year,authors.country,title,id&limit=3")).text
        assert heads(text) == ["title", "year", "authors.country", "id"]
        assert cells(text, "year") == ["1901", "1902", "1903"]
        assert cells(text, "authors.country") == ["England +1", "England", "\N{EN DASH}"]
        follow = way(text, "Next")
        assert follow is not None
        assert heads((await client.get(follow)).text) == heads(text)
        comments = (await client.get("/admin/comment/list?columns=book.year,reader.email")).text
        assert heads(comments) == ["text", "book.year", "reader.email"]
        assert set(cells(comments, "reader.email")) == {"r@example.org"}


async def test_columns_that_are_not_there(embedded: House) -> None:
    """A column that is unknown or one too many is refused with what could be meant."""
    async with embedded.client() as client:
        for asked, said in (
            ("yeer", "Did you mean year?"), ("comments", "Unknown."), ("authors.nope", "Unknown."),
            ("authors.books.title", "Unknown."), ("%00", "Unknown."), ("x" * 5000, "Unknown."),
            (",".join(["year"] * 31), "At most 30 columns"),
        ):  # fmt: skip
            answer = await client.get(f"{LIST}?columns={asked}")
            assert answer.status_code == 400, asked
            assert said in answer.text, asked
        assert (await client.get("/admin/book/columns?columns=yeer")).status_code == 400


async def test_hidden_columns(home: House) -> None:
    """What somebody may not read is no column of theirs, whoever named it and wherever."""
    await home.grant("nob", "book", "read")
    async with home.client("nob") as client:
        for asked in ("authors", "authors.name", "authors.country"):
            hidden = await client.get(f"{LIST}?columns=title,{asked}")
            absent = await client.get(f"{LIST}?columns=title,nothing")
            assert hidden.status_code == absent.status_code == 400
            assert "authors" not in hidden.text.split("Known are")[1]
        text = (await client.get("/admin/book/columns")).text
        assert "authors" not in text
        token = ("_csrf", await client.token())
        form = [token, ("column", "authors"), ("order", "authors"), ("column", "year"),
                ("order", "year"), ("keep", "1")]  # fmt: skip
        assert (await client.post("/admin/book/columns", form)).status_code == 303
        assert heads((await client.get(LIST)).text) == ["title", "year"]
        form = [token, ("widths", "authors:100,year:200,authors.name:100")]
        assert (await client.post("/admin/book/widths", form)).status_code == 200
    kept = await preferences(home.database, await _actor(home, "nob"))
    assert kept == {"columns:book": ["title", "year"], "widths:book": {"year": 200}}


async def test_columns_of_ones_own(home: House) -> None:
    """Columns, their order and widths are kept for one person, and forgotten when asked."""
    usual = ["title", "authors", "year", "language", "format", "rating"]
    async with home.client() as client, home.client("vic") as other:
        location = await chosen(client, column=["pages", "title", "year"], **{"width:year": "120"})
        assert location == LIST
        text = (await client.get(LIST)).text
        assert heads(text) == ["title", "year", "pages"]
        assert re.findall(r'<col(?: width="(\d+)")?>', text)[-3:] == ["", "120", ""]
        assert heads((await other.get(LIST)).text) == usual
        form = Form((await client.get("/admin/book/columns")).text)
        moved = await client.post("/admin/book/columns", [*form.fields(), ("up", "pages")])
        assert moved.status_code == 200
        assert heads((await client.get(LIST)).text) == ["title", "year", "pages"]
        answer = await client.post("/admin/book/columns", Form(moved.text).fields())
        assert heads((await client.get(answer.headers["location"])).text) == [
            "title", "pages", "year",
        ]  # fmt: skip
        beyond = [*form.fields("beyond"), ("beyond", "authors.country"), ("add", "1")]
        added = await client.post("/admin/book/columns", [*beyond, ("sheet", "1")])
        assert "<html" not in added.text
        answer = await client.post("/admin/book/columns", Form(added.text).fields())
        assert heads((await client.get(LIST)).text) == [
            "title", "year", "pages", "authors.country",
        ]  # fmt: skip
        assert heads((await client.get(f"{LIST}?columns=rating")).text) == ["title", "rating"]
        assert await chosen(client, reset="1") == LIST
        assert heads((await client.get(LIST)).text) == usual


async def test_columns_for_this_address_alone(embedded: House) -> None:
    """Columns that are not to be kept stand in the address, with the order that was chosen."""
    async with embedded.client() as client:
        path = "/admin/book/columns?year__gte=1920&sort=-year&cursor=x&columns=title,pages"
        location = await chosen(
            client, path, column=["title", "pages", "isbn"], sort=["language", "-pages", "language"]
        )
        pairs = dict(parse_qsl(urlsplit(location).query))
        assert pairs == {
            "year__gte": "1920",
            "sort": "language,-pages",
            "columns": "title,pages,isbn",
        }
        assert (await client.get(location)).status_code == 200
        assert await chosen(client, "/admin/book/columns?sort=-year", sort=["title"]) == LIST
    assert await preferences(embedded.database, await _actor(embedded, "ana")) == {}


async def test_density(embedded: House) -> None:
    """How close rows stand is one's own choice, for every page."""
    async with embedded.client() as client:
        await chosen(client, density="compact")
        for path in (LIST, "/admin/", "/admin/book/details/1"):
            assert 'data-density="compact"' in (await client.get(path)).text
        await chosen(client, density="nonsense")
        assert "data-density" not in (await client.get(LIST)).text


@pytest.mark.slow
async def test_orders_and_widths_by_hand(embedded: House, browser: Browser) -> None:
    """Shift adds a head to the order, turns it and takes it out; an edge is dragged and kept."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto(LIST)
        year = page.get_by_role("columnheader", name="Year").get_by_role("link")
        for order in ("title,year", "title,-year", None):
            await year.click(modifiers=["Shift"])
            await page.wait_for_url(f"**/list?sort={order}" if order else "**/list?sort=title")
        await year.focus()
        await page.keyboard.press("Shift+Enter")
        await page.wait_for_url("**/list?sort=title,year")
        await year.click()
        await page.wait_for_url("**/list?sort=year")
        head = page.get_by_role("columnheader", name="Authors")
        box = await head.bounding_box()
        assert box is not None
        edge, middle = box["x"] + box["width"] - 1, box["y"] + 18
        await page.mouse.move(edge, middle)
        await page.mouse.down()
        await page.mouse.move(edge + 80, middle, steps=4)
        async with page.expect_response("**/book/widths") as kept:
            await page.mouse.up()
        assert (await kept.value).ok
        await page.goto(LIST)
        wider = await head.bounding_box()
        assert wider is not None
        assert wider["width"] > box["width"] + 40


@pytest.mark.slow
async def test_chooser_and_views_by_keyboard(embedded: House, browser: Browser) -> None:
    """Columns are chosen and a view is saved beside the list, by keys alone."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto(LIST)
        opener = page.locator("summary[title=Columns]")
        await opener.focus()
        await page.keyboard.press("Enter")
        down = page.get_by_role("button", name="Move Authors down")
        await down.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".chooser li").nth(2)).to_contain_text("Authors")
        await expect(down).to_be_focused()
        await page.get_by_label("Rating", exact=True).focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("columnheader")).to_have_text(
            ["Title", "Year", "Authors", "Language", "Format"]
        )
        opener = page.locator("summary[title=Views]")
        await opener.focus()
        await page.keyboard.press("Enter")
        await page.get_by_label("Save this view as").fill("Mine")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/list?view=1")
        await expect(page.locator("summary[title=Views]")).to_contain_text("Mine")
        pinned = page.get_by_role("navigation", name="Resources").get_by_role("link", name="Mine")
        await expect(pinned).to_contain_text("30")
        await page.keyboard.press("Escape")
        await page.locator("summary[title=Views]").click()
        await page.get_by_role("button", name="Open the list with Mine").wait_for()
        await page.keyboard.press("Escape")
        await expect(page.locator("summary[title=Views]")).to_be_focused()
