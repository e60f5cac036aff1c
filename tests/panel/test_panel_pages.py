"""What is true of lists, records and forms, as a client without a screen sees them."""

from __future__ import annotations

import re
from html import unescape

from pages import titles
from panel import Form, House


async def test_home_shows_what_one_may_see(home: House) -> None:
    """Home has a card with a count for each readable resource, and "New" only where one may."""
    async with home.client("ana") as client:
        text = (await client.get("/admin/")).text
        assert '<span class="number">30</span>' in text
        assert "/admin/book/create" in text
    async with home.client("vic") as client:
        text = (await client.get("/admin/")).text
        assert '<span class="number">30</span>' in text
        assert "/admin/book/create" not in text
    async with home.client("nob") as client:
        text = (await client.get("/admin/")).text
        assert "There is nothing here for you yet" in text
        assert "/admin/book/list" not in text


async def test_list(home: House) -> None:
    """A list has its declared columns, titles of relations, an honest count, and two pages."""
    async with home.client() as client:
        answer = await client.get("/admin/book/list")
        assert titles(answer.text) == [f"Book {number:02}" for number in range(1, 26)]
        heads = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]*)', answer.text)
        assert heads == ["Title", "Authors", "Year", "Language", "Format", "Rating"]
        assert "1\N{EN DASH}25 of 30" in answer.text
        first = answer.text.split('<th scope="row"')[1]
        assert re.findall(r">(Ann Uno|Bea Due|Ann Tre)</a>", first) == ["Ann Uno", "Bea Due"]
        assert "+1</span>" in first
        follow = re.search(r'rel="next" href="([^"]*)"', answer.text)
        assert follow is not None
        second = await client.get(follow[1].replace("&amp;", "&"))
        assert titles(second.text) == [f"Book {number}" for number in range(26, 31)]
        assert 'rel="next"' not in second.text
        back = re.search(r'rel="prev" href="([^"]*)"', second.text)
        assert back is not None
        again = await client.get(back[1].replace("&amp;", "&"))
        assert titles(again.text) == titles(answer.text)


async def test_list_statements(home: House) -> None:
    """A list takes at most six statements, however many records and relations it shows."""
    async with home.client() as client:
        for path in ("/admin/book/list", "/admin/comment/list", "/admin/book/list?authors=1"):
            await client.get(path)
            home.statements.clear()
            await client.get(path)
            reads = [each for each in home.statements if each.lstrip().upper().startswith("SELECT")]
            assert len(reads) <= 6, reads


async def test_search_sort_and_filters_are_in_the_address(home: House) -> None:
    """What the address says is what is listed, and each condition is a chip that can go."""
    async with home.client() as client:
        answer = await client.get("/admin/book/list?search=boo+2&sort=-year")
        assert titles(answer.text) == [f"Book {n}" for n in range(29, 19, -1)]
        assert 'aria-sort="descending"' in answer.text
        answer = await client.get(
            "/admin/book/list?year__gte=1925&format=ebook&authors=2&language__contains=en"
        )
        assert titles(answer.text) == ["Book 25", "Book 27", "Book 29"]
        chips = re.findall(
            r'<li class="chip"><a[^>]*>(.*?)</a><a class="drop" href="([^"]*)"', answer.text
        )
        assert [words for words, _ in chips] == [
            "Year from 1925",
            "Format is Ebook",
            "Authors is Bea Due",
            "Language contains en",
        ]
        without = await client.get(unescape(chips[0][1]))
        assert len(titles(without.text)) == 15


async def test_blank_controls_leave_the_address(home: House) -> None:
    """A filter form that is sent with empty controls comes to the address of what was filled in."""
    async with home.client() as client:
        answer = await client.get("/admin/book/list?language__contains=&year__gte=1930&search=")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/admin/book/list?year__gte=1930"


async def test_empty_list_names_what_emptied_it(home: House) -> None:
    """Where nothing fits, the page names the search and the filters, and ways out."""
    async with home.client() as client:
        text = (await client.get("/admin/book/list?search=zebra&year__gte=1901")).text
        assert "No book fits" in text
        drops = re.findall(r"<span>([^<]*)</span><span class=\"quiet\">([^<]*)</span>", text)
        assert ("search for “zebra”", "30") in drops
        assert ("Year from 1901", "0") in drops


async def test_details(home: House) -> None:
    """A record's page has labels, links to what it points to and what points to it, history."""
    async with home.client() as client:
        text = (await client.get("/admin/book/details/1")).text
        assert re.search(r"<title>Book 01 · Books · ", text)
        assert '<a href="/admin/author/details/1">Ann Uno</a>' in text
        assert text.count('href="/admin/comment/details/') == 10
        assert 'href="/admin/comment/list?book=1"' in text
        assert "Created in an import" in text
        listed = await client.get("/admin/comment/list?book=1")
        assert len(titles(listed.text)) == 12


async def test_history_tells_old_and_new(home: House) -> None:
    """After a change the record's page says who changed what, from what to what."""
    async with home.client() as client:
        form = await client.form("/admin/book/edit/1")
        await client.post("/admin/book/edit/1", form.changed(year="1999", authors=["", "2"]))
        text = (await client.get("/admin/book/details/1")).text
        event = text.split('<ol class="history">')[1].split("</li>")[0]
        assert "Changed in the panel" in event
        assert "<strong>ana</strong>" in event
        assert re.search(r"Year</dt><dd><del>1901</del> <ins>1999</ins>", event)
        assert "Ann Uno" in event
        assert "Ann Tre" in event


async def test_create_and_edit(home: House) -> None:
    """A record is created and changed by forms; each write says so once, on the next page."""
    async with home.client() as client:
        form = await client.form("/admin/book/create")
        answer = await client.post(
            "/admin/book/create", form.changed(title="New <b>", year="-44", authors=["", "1", "2"])
        )
        assert answer.status_code == 303
        place = answer.headers["location"]
        page = await client.get(place)
        assert "Created <strong>New &lt;b&gt;</strong>" in page.text
        assert "\N{MINUS SIGN}44" in page.text
        assert "Created <strong>" not in (await client.get(place)).text
        key = place.rsplit("/", 1)[1]
        record = await home.get("book", key)
        assert record.values["authors"] == [1, 2]
        assert record.values["added_by_id"] == 1
        edit = place.replace("details", "edit")
        form = await client.form(edit)
        answer = await client.post(edit, form.changed(pages="321"))
        assert "Saved <strong>" in (await client.get(answer.headers["location"])).text
        form = await client.form(edit)
        answer = await client.post(edit, form.fields())
        assert "Nothing to save in <strong>" in (await client.get(answer.headers["location"])).text
        created, changed = [each for each in await home.changes() if each.key == key]
        assert (created.source, created.actor_name) == ("panel", "ana")
        assert changed.after == {"pages": 321}
        assert changed.request_id


async def test_errors_stand_at_their_fields(home: House) -> None:
    """What is refused keeps all that was typed, and each reason stands at its field."""
    async with home.client() as client:
        form = await client.form("/admin/reader/create")
        answer = await client.post(
            "/admin/reader/create",
            form.changed(name="", email="r@example.org", card_number="1", joined="2024-13-01"),
        )
        assert answer.status_code == 422
        assert 'href="#f-name"' in answer.text
        assert "A value is needed." in answer.text
        kept = dict(Form(answer.text).fields())
        assert kept["f-joined"] == "2024-13-01"
        fields = Form(answer.text).changed(name="Rea", joined="2024-01-01")
        answer = await client.post("/admin/reader/create", fields)
        assert answer.status_code == 409
        assert "Another reader already has this value." in answer.text
        assert dict(Form(answer.text).fields())["f-email"] == "r@example.org"
        assert "UNIQUE" not in answer.text
        assert await home.changes() == []


async def test_check_constraint_is_said_in_words(home: House) -> None:
    """A rule of the database is refused in our words, at its field."""
    async with home.client() as client:
        form = await client.form("/admin/comment/edit/1")
        answer = await client.post("/admin/comment/edit/1", form.changed(stars="9"))
        assert answer.status_code == 422
        assert 'id="f-stars-error"' in answer.text


async def test_incomplete_form_overwrites_nothing(home: House) -> None:
    """A form that lost what it was opened with is shown again and not saved."""
    path = "/admin/book/edit/1"
    async with home.client() as client:
        form = await client.form(path)
        for lost in ("_etag", "_opened"):
            answer = await client.post(path, form.fields(lost))
            assert answer.status_code == 400
            assert "incomplete" in answer.text
            assert dict(Form(answer.text).fields())["f-title"] == "Book 01"
        assert await home.changes() == []


async def test_delete_names_its_effects(home: House) -> None:
    """A delete says in words what goes and what loses something, and does it by POST alone."""
    async with home.client() as client:
        answer = await client.get("/admin/book/delete?key=1")
        assert "Delete Book 01?" in answer.text
        assert "12 comments are deleted with it" in answer.text
        assert 'href="/admin/comment/list?book=1"' in answer.text
        answer = await client.get("/admin/author/delete?key=2")
        assert "15 books lose this author" in answer.text
        answer = await client.get("/admin/reader/delete?key=1")
        assert "12 comments lose their reader" in answer.text
        form = Form(answer.text)
        assert (await home.get("reader", "1")).title == "Rea"
        answer = await client.post("/admin/reader/delete", form.fields())
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/reader/list")
        assert "Deleted <strong>Rea</strong>" in (await client.get("/admin/reader/list")).text
        assert (await client.post("/admin/reader/delete", form.fields())).status_code == 404


async def test_delete_of_what_has_changed_asks_again(home: House) -> None:
    """A record that was changed after the confirmation was shown is not deleted by it."""
    async with home.client() as client:
        form = await client.form("/admin/reader/delete?key=1")
        edit = await client.form("/admin/reader/edit/1")
        await client.post("/admin/reader/edit/1", edit.changed(name="Reanna"))
        answer = await client.post("/admin/reader/delete", form.fields())
        assert answer.status_code == 412
        assert "has been changed" in answer.text
        answer = await client.post("/admin/reader/delete", Form(answer.text).fields())
        assert answer.status_code == 303


async def test_budgets(home: House) -> None:
    """Pages and files stay within their budgets."""
    for number in range(40):
        await home.add(
            "book",
            {"title": f"{number} " + "x" * 280, "authors": [1, 2, 3], "description": "y" * 2000},
        )
    async with home.client() as client:
        page = await client.get("/admin/book/list")
        assert len(page.content) <= 60_000
        assert len((await client.get("/admin/book/edit/1")).content) <= 100_000
        sizes = {path: len((await client.get(path)).content) for path in Form.assets(page.text)}
        assert len(sizes) <= 4
        assert sum(sizes.values()) <= 120_000
