"""What is true of lists: pages, orders, and what they cost."""

from __future__ import annotations

import re
from html import unescape

import pytest
from eyes import DESK, PHONE, violations
from listed import LIST, chosen, names, save, statements, way
from panel import Client, House
from playwright.async_api import Browser, expect


def words(html: str) -> str:
    """Which records of how many are shown."""
    found = re.search(r'<p class="count" role="status">([^<]*)</p>\s*<p class="sizes"', html)
    assert found is not None, html
    return found[1].replace("\N{EN DASH}", "-")


async def walked(client: Client, html: str, *labels: str) -> str:
    """The page that the buttons lead to, one after the other."""
    for label in labels:
        path = way(html, label)
        assert path is not None, label
        html = (await client.get(path)).text
    return html


async def test_every_page_says_where_it_is(home: House) -> None:
    """Walking on, back, to the end and to the start, each page says which of how many it shows."""
    async with home.client() as client:
        first = (await client.get(f"{LIST}?limit=10")).text
        assert words(first) == "1-10 of 30"
        assert way(first, "Previous") is None
        second = await walked(client, first, "Next")
        assert words(second) == "11-20 of 30"
        assert names(second) == [f"Book {number}" for number in range(11, 21)]
        assert words(await walked(client, second, "Previous")) == "1-10 of 30"
        last = await walked(client, first, "Last")
        assert words(last) == "21-30 of 30"
        assert names(last) == [f"Book {number}" for number in range(21, 31)]
        assert way(last, "Next") is None
        middle = await walked(client, last, "Previous")
        assert (words(middle), names(middle)) == ("11-20 of 30", names(second))
        assert words(await walked(client, middle, "Previous")) == "1-10 of 30"
        assert names(await walked(client, middle, "Next")) == names(last)
        assert words(await walked(client, middle, "First")) == "1-10 of 30"
        assert words((await client.get(f"{LIST}?limit=10&offset=15")).text) == "16-25 of 30"


async def test_last_page_of_any_order(home: House) -> None:
    """The last page ends as the whole list does, wherever records without a value stand."""
    async with home.client() as client:
        for order in ("format,-year", "-format:nullsfirst,title", "-format", "rating"):
            whole = names((await client.get(f"{LIST}?sort={order}&limit=50")).text)
            assert len(whole) == 30
            last = (await client.get(f"{LIST}?sort={order}&limit=7&place=-1")).text
            assert names(last) == whole[-7:]
            assert names(await walked(client, last, "Previous")) == whole[-14:-7]


async def test_a_place_that_cannot_be(embedded: House) -> None:
    """A number that somebody has put into an address is believed as far as the page bears it."""
    async with embedded.client() as client:
        second = way((await client.get(f"{LIST}?limit=10")).text, "Next")
        assert second is not None
        for place in ("1", "0", "x", "9" * 30, "1.5", "%00", "-0"):
            told = (await client.get(re.sub(r"place=\w+", f"place={place}", second))).text
            assert words(told) == "10 of 30", place
        assert (await client.get(second.replace("place=11", "place=-11"))).status_code == 400
        assert words((await client.get(f"{LIST}?place=999")).text) == "1-25 of 30"


async def test_beyond_the_cap(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more records than are counted the page says so; what was walked is known all the same."""
    for module in ("records.reads.counting", "panel.lists.paging", "panel.display"):
        monkeypatch.setattr(f"admin_app.{module}.COUNT_CAP", 12)
    async with home.client() as client:
        first = (await client.get(f"{LIST}?limit=20&language=eng")).text
        assert words(first) == "1-20 of 12+"
        assert words(await walked(client, first, "Next")) == "21-30 of 30"
        last = await walked(client, first, "Last")
        assert words(last) == "Last 20 of 12+"
        assert words(await walked(client, last, "Previous")) == "21-30 from the end of 12+"
        assert words((await client.get(f"{LIST}?search=book")).text) == "1-25 of 30"
        for module in ("matches", "pages"):
            monkeypatch.setattr(f"admin_app.records.reads.{module}.RANKED", 7)
        first = (await client.get(f"{LIST}?search=book&limit=20")).text
        assert words(first) == "1-20 of 7+"
        assert words(await walked(client, first, "Next")) == "21-30 of 30"
        assert words((await client.get(f"{LIST}?search=book&count=exact")).text) == "1-25 of 30"


async def test_sizes_of_a_page(embedded: House) -> None:
    """A page may be as large as the resource allows; the choice begins at the start."""
    async with embedded.client() as client:
        answer = (await client.get(f"{LIST}?sort=-year&limit=10&offset=10")).text
        sizes = re.search(r'<p class="sizes">(.*?)</p>', answer, re.DOTALL)
        assert sizes is not None
        assert re.findall(r">(\d+)<", sizes[1]) == ["10", "25", "50", "100", "200"]
        hrefs = [unescape(each) for each in re.findall(r'href="([^"]*)"', sizes[1])]
        assert hrefs[0] == f"{LIST}?sort=-year&limit=25"
        assert len(hrefs) == 4


async def test_statements_of_a_list(home: House) -> None:
    """A page takes six statements at most: session, place, records, names; whatever is chosen."""
    paths = (
        LIST, "/admin/comment/list", f"{LIST}?authors=1", f"{LIST}?search=book",
        f"{LIST}?columns=title,authors,authors.country,authors.born,year&sort=year,-title",
        "/admin/comment/list?columns=text,book,book.year,reader,reader.email", f"{LIST}?place=-1",
    )  # fmt: skip
    async with home.client() as client:
        await client.post(
            "/admin/book/views",
            [("_csrf", await client.token()), ("act", "save"), ("name", "x"), ("pinned", "1")],
        )
        for path in paths:
            await client.get(path)
            home.statements.clear()
            assert (await client.get(path)).status_code == 200
            assert len(statements(home)) <= 6, statements(home)


async def test_order_by_several(embedded: House) -> None:
    """The heads say by what a list is ordered, and in which rank."""
    async with embedded.client() as client:
        text = (await client.get(f"{LIST}?sort=language,-year,format")).text
        assert 'data-order="language,-year,format"' in text
        found = dict(re.findall(r'<th scope="col" data-field="(\w+)"(.*?)</th>', text))
        ranks = {name: re.findall(r'class="rank">(\d)', each) for name, each in found.items()}
        assert ranks == {
            "title": [], "authors": [], "year": ["2"], "language": ["1"], "format": ["3"],
            "rating": [],
        }  # fmt: skip
        assert 'aria-sort="ascending"' in found["language"]
        assert text.count("aria-sort") == 1
        assert '<span class="unseen">descending</span>' in found["year"]
        assert f'href="{LIST}?sort=year"' in found["year"]
        usual = (await client.get(LIST)).text
        assert 'data-order="title"' in usual
        assert "rank" not in usual
        assert f'href="{LIST}?sort=-title"' in usual
        searched = (await client.get(f"{LIST}?search=book")).text
        assert 'data-order=""' in searched
        assert "aria-sort" not in searched


async def test_budgets_of_a_list(embedded: House, browser: Browser) -> None:
    """Fifteen records and all columns on a desk, seven cards on a phone, in few nodes and bytes."""
    async with embedded.page(browser, viewport=DESK) as page:
        answer = await page.goto(LIST)
        assert answer is not None
        assert len(await answer.body()) <= 60 * 1024
        assert await page.evaluate("document.querySelectorAll('*').length") <= 700
        bottom = await page.evaluate("document.querySelector('.turn').getBoundingClientRect().top")
        bottoms = await page.evaluate(
            "[...document.querySelectorAll('tbody tr')].map(e => e.getBoundingClientRect().bottom)"
        )
        assert sum(each <= bottom for each in bottoms) >= 15
        for head in await page.get_by_role("columnheader").all():
            await expect(head).to_be_in_viewport(ratio=1)
        assert await page.evaluate("document.querySelector('.toolbar').offsetHeight") <= 48
    async with embedded.page(browser, viewport=PHONE, has_touch=True) as page:
        await page.goto(LIST)
        seen = await page.evaluate(
            """(() => {
                const bar = document.querySelector('.bottom')?.getBoundingClientRect().top ?? 844;
                return [...document.querySelectorAll('tbody tr')]
                    .filter(e => e.getBoundingClientRect().bottom <= bar).length;
            })()"""
        )
        assert seen >= 7
        first = page.locator("tbody tr").first
        await expect(first.locator("td:visible")).to_have_count(3)


async def test_wide_lists_keep_heads_and_names(embedded: House, browser: Browser) -> None:
    """A list wider than the window scrolls in its card: heads and names stay, a row is one link."""
    columns = "title,year,language,pages,isbn,format,rating,added_at,description,source_id,id"
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto(f"{LIST}?columns={columns}&limit=50")
        card = page.locator(".sheet-of-rows")
        box = await card.bounding_box()
        assert box is not None
        await card.evaluate("card => { card.scrollLeft = 2000; card.scrollTop = 300 }")
        head = await page.get_by_role("columnheader", name="Title").bounding_box()
        assert head is not None
        assert abs(head["y"] - box["y"]) < 2
        assert head["x"] < box["x"] + 48
        assert await page.evaluate("document.documentElement.scrollWidth") <= 1280
        await page.locator('td[data-field="id"]').nth(12).click()
        await expect(page).to_have_url(re.compile("/admin/book/details/13"))


@pytest.mark.slow
async def test_what_is_cut_off_is_told(embedded: House, browser: Browser) -> None:
    """A name that is cut off is told in full beside it, on hover and on focus."""
    long = "A title of many words " * 8
    await embedded.add("book", {"title": long, "authors": [1]})
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto(f"{LIST}?search=many")
        link = page.locator("tbody a.cover")
        await link.focus()
        await expect(page.locator(".tip")).to_contain_text("A title of many words A title")
        await page.keyboard.press("Escape")
        await expect(page.locator(".tip")).to_have_count(0)
        await page.mouse.move(5, 5)
        await page.locator("tbody th").hover()
        await expect(page.locator(".tip")).to_be_visible()


@pytest.mark.slow
async def test_axe(embedded: House, browser: Browser) -> None:
    """Nothing that axe knows is wrong with lists, wide or narrow, or with what opens beside."""
    wide = f"{LIST}?columns=title,year,language,pages,isbn,format,rating,added_at,source_id,id"
    async with embedded.client() as client:
        await save(client, "Mine", pinned="1")
        await chosen(client, **{"width:year": "120"})
    async with embedded.page(browser, viewport=DESK) as page:
        for path in (LIST, wide, "/admin/book/columns", "/admin/book/views"):
            await page.goto(path)
            assert await violations(page) == [], path
        await page.goto(LIST)
        for name, shown in (("Columns", ".chooser"), ("Views", ".save-view")):
            await page.locator(f"summary[title={name}]").click()
            await page.locator(shown).wait_for()
            assert await violations(page) == [], name
    async with embedded.page(browser, viewport=PHONE, has_touch=True) as page:
        await page.goto(LIST)
        assert await violations(page) == []
