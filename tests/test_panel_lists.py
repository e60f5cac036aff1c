"""What is true of lists: pages, columns, orders, and the views that are saved of them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from panel import Client, Form, House
from playwright.async_api import Browser, expect
from test_panel_browser import DESK, PHONE, violations

from admin_app.declaration import Actor
from admin_app.desk import list_views, preferences

LIST = "/admin/book/list"


def names(html: str) -> list[str]:
    """What the rows are called."""
    return re.findall(r'<th scope="row"[^>]*><a class="cover" href="[^"]*">([^<]*)</a>', html)


def heads(html: str) -> list[str]:
    """The fields of the columns."""
    return re.findall(r'<th scope="col" data-field="([^"]*)"', html)


def cells(html: str, name: str) -> list[str]:
    """The text of a column's cells."""
    found = re.findall(rf'<td data-field="{re.escape(name)}"[^>]*>(.*?)</td>', html)
    return [unescape(re.sub(r"<[^>]*>", "", each)) for each in found]


def words(html: str) -> str:
    """Which records of how many are shown."""
    found = re.search(r'<p class="count" role="status">([^<]*)</p>\s*<p class="sizes"', html)
    assert found is not None, html
    return found[1].replace("\N{EN DASH}", "-")


def way(html: str, label: str) -> str | None:
    """Where the button to another page leads."""
    found = re.search(rf'href="([^"]*)" aria-label="{label} page"', html)
    return None if found is None else unescape(found[1])


async def walked(client: Client, html: str, *labels: str) -> str:
    """The page that the buttons lead to, one after the other."""
    for label in labels:
        path = way(html, label)
        assert path is not None, label
        html = (await client.get(path)).text
    return html


def statements(house: House) -> list[str]:
    """What was asked of the database."""
    quiet = ("BEGIN", "COMMIT", "ROLLBACK", "SET ", "PRAGMA")
    return [each for each in house.statements if not each.lstrip().upper().startswith(quiet)]


async def chosen(client: Client, path: str = "/admin/book/columns", **fields: Any) -> str:
    """Apply the chooser of columns with some of its fields changed, and follow it to the list."""
    form = Form((await client.get(path)).text)
    data = [each for each in form.fields() if each[0] not in fields]
    for name, value in fields.items():
        data += [(name, each) for each in ([value] if isinstance(value, str) else value)]
    answer = await client.post("/admin/book/columns", data)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


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


async def _actor(home: House, name: str) -> Actor:
    users = home.records.registry["admin_user"]
    from admin_app.declaration import SYSTEM  # noqa: PLC0415

    query = home.records.query(SYSTEM, users, [("name", name)])
    (row,) = (await home.records.page(SYSTEM, users, query)).rows
    return Actor(row["id"], name)


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


async def save(client: Client, name: str, query: str = "", **fields: str) -> str:
    """Save a view of a list and tell where one comes to."""
    data = {"_csrf": await client.token(), "list": query, "act": "save", "name": name, **fields}
    answer = await client.post("/admin/book/views", list(data.items()))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def act(client: Client, what: str, **fields: str) -> int:
    """Press a button of the list of views."""
    data = {"_csrf": await client.token(), "act": what, **fields}
    return (await client.post("/admin/book/views", list(data.items()))).status_code


async def test_a_view_is_an_address(embedded: House) -> None:
    """A saved view leads to the list it was saved of, and says when it is not that any more."""
    async with embedded.client() as client:
        location = await save(client, "Old <b>", "year__lt=1910&sort=-year&cursor=x&place=26")
        assert dict(parse_qsl(urlsplit(location).query))["view"] == "1"
        listed = (await client.get("/admin/book/views?year__lt=1910&sort=-year&view=1")).text
        found = re.search(r'<a href="([^"]*)" aria-current="true">Old &lt;b&gt;', listed)
        assert found is not None
        url = unescape(found[1])
        assert url == f"{LIST}?year__lt=1910&sort=-year&view=1"
        text = (await client.get(url)).text
        assert names(text) == [f"Book 0{number}" for number in range(9, 0, -1)]
        assert "Old &lt;b&gt; · Books" in text
        assert "(changed)" not in text
        changed = (await client.get(f"{url}&language=eng")).text
        assert "(changed)" in changed
        assert await act(client, "replace:1", list="year__lt=1905&view=1") == 303
        listed = (await client.get("/admin/book/views")).text
        assert f'{LIST}?year__lt=1905&amp;view=1"' in listed
        assert await act(client, "rename:1", **{"name-1": "Older"}) == 303
        assert ">Older</a>" in (await client.get("/admin/book/views?sheet=1")).text
        for view in ("7", "x", "9" * 40, "%00", "none"):
            assert (await client.get(f"{LIST}?view={view}")).status_code == 200
        assert await act(client, "remove:1") == 303
        assert (await client.get(url)).status_code == 200
        assert await act(client, "remove:1") == 404
        assert await act(client, "nonsense:1") == 404


async def test_views_keep_columns(embedded: House) -> None:
    """A view saved with columns of one's own shows them to whoever it is shared with."""
    async with embedded.client() as client, embedded.client("vic") as other:
        await chosen(client, column=["title", "pages"])
        await save(client, "Pages", "sort=-pages", shared="1")
        listed = (await other.get("/admin/book/views")).text
        assert "shared by ana" in listed
        found = re.search(r'<a href="([^"]*)">Pages', listed)
        assert found is not None
        assert heads((await other.get(unescape(found[1]))).text) == ["title", "pages"]
        assert await act(other, "remove:1") == 404
        assert await act(other, "rename:1", **{"name-1": "x"}) == 404
        await save(other, "Theirs", "year=1900", shared="1")
        assert 'value="rename:2"' in (await client.get("/admin/book/views")).text
        assert 'value="rename:1"' not in (await other.get("/admin/book/views")).text
        assert await act(client, "unshare:2") == 303
        assert "Theirs" not in (await client.get("/admin/book/views")).text


async def test_a_view_opens_the_list(home: House) -> None:
    """One view of one's own choice stands at the plain address; all records stay within reach."""
    async with home.client() as client, home.client("vic") as other:
        await save(client, "Ebooks", "format=ebook", opens="1")
        answer = await client.get(LIST)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{LIST}?format=ebook&view=1"
        text = (await client.get(answer.headers["location"])).text
        assert len(names(text)) == 15
        assert f'href="{LIST}?view=none"' in text
        assert len(names((await client.get(f"{LIST}?view=none")).text)) == 25
        assert (await other.get(LIST)).status_code == 200
        assert await act(client, "unopen:1") == 303
        assert (await client.get(LIST)).status_code == 200
        await save(client, "All", "", opens="1")
        answer = await client.get(LIST)
        assert (await client.get(answer.headers["location"])).status_code == 200


async def test_pinned_views_stand_in_the_menu(home: House) -> None:
    """Pinned views stand in the menu of every page; what each holds is asked for afterwards."""
    async with home.client() as client, home.client("vic") as other:
        await save(client, "Ebooks", "format=ebook", pinned="1", shared="1")
        await save(client, "Broken", "nothing=1", pinned="1")
        entry = f'<a href="{LIST}?format=ebook&amp;view=1"'
        for path in ("/admin/", "/admin/author/list", "/admin/book/details/1"):
            assert entry in (await client.get(path)).text
        counts = await client.get("/admin/views/pinned")
        assert counts.json() == {"1": "15"}
        # Others' menus are theirs: a shared view is in them when they say so.
        assert entry not in (await other.get("/admin/")).text
        assert (await other.get("/admin/views/pinned")).json() == {}
        assert await act(other, "pin:1") == 303
        assert entry in (await other.get("/admin/")).text
        assert await act(client, "unpin:1") == 303
        assert entry not in (await client.get("/admin/")).text
        assert (await other.get("/admin/views/pinned")).json() == {"1": "15"}
        assert await act(client, "unshare:1") == 303
        assert entry not in (await other.get("/admin/")).text
        assert (await other.get("/admin/views/pinned")).json() == {}


async def test_views_are_seen_under_the_policy(home: House) -> None:
    """A shared view tells nobody what they may not read: no records, fields or counts."""
    async with home.client() as client, home.client("nob") as other:
        await save(client, "By one", "authors=1&columns=title,authors", shared="1")
        assert (await other.get("/admin/book/views")).status_code == 403
        assert await act(other, "pin:1") == 403
        await home.limit("nob", "book", "own")
        assert await act(other, "pin:1") == 303
        listed = (await other.get("/admin/")).text
        assert "By one" in listed
        assert (await other.get("/admin/views/pinned")).json() == {}
        answer = await other.get(f"{LIST}?authors=1&columns=title,authors&view=1")
        assert answer.status_code == 400
        assert "Ann" not in answer.text
        assert await act(other, "open:1") == 303
        assert (await other.get(LIST)).headers["location"].startswith(f"{LIST}?authors=1")
        assert "Show all books" in answer.text
    assert [each.name for each in await list_views(home.database, await _actor(home, "nob"))]


async def test_hostile_views_and_columns(home: House) -> None:
    """Whatever is sent to be kept, the answer is never a failure of ours, nor is the next page."""
    odd = ("\0", "x" * 6000, "%", "a=1&" * 300, "columns=\0", "💥" * 50)
    async with home.client() as client:
        for text in odd:
            token = ("_csrf", await client.token())
            given = text.encode("utf-8", "replace").decode()
            for path, name in (
                ("views", "name"), ("views", "list"), ("views", "act"), ("columns", "list"),
                ("columns", "order"), ("columns", "column"), ("columns", "sort"),
                ("columns", "width:title"), ("columns", "up"), ("columns", "beyond"),
                ("widths", "widths"),
            ):  # fmt: skip
                rest = {"act": "save", "name": "n", "add": "1"} if name == "beyond" else {}
                rest |= {"act": "save", "name": "n"} if path == "views" else {}
                data = {**rest, name: given}
                answer = await client.post(f"/admin/book/{path}", [token, *data.items()])
                assert answer.status_code < 500, (path, name, text)
                if answer.status_code == 303:
                    follow = await client.get(answer.headers["location"])
                    assert follow.status_code < 500, (path, name, text)
        assert (await client.get("/admin/")).status_code == 200
        assert (await client.get(f"{LIST}?view=none")).status_code == 200


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
