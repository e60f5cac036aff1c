"""What is true of lists, records, forms and deletes, as a client without a screen sees them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from panel import SEED, Form, House

from admin_app.declaration import Actor, Grant


def titles(html: str) -> list[str]:
    found = re.findall(r'<th scope="row"[^>]*><a class="cover" href="[^"]*">(.*?)</a>', html)
    return [re.sub(r"</?mark>", "", each) for each in found]


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


async def test_bad_parameters_are_said(home: House) -> None:
    """An address that cannot be read is a page with status 400 that names each mistake."""
    async with home.client() as client:
        for query, word in (
            ("yeer=1", "Did you mean year?"), ("year=x", "Enter a whole number."),
            ("sort=authors", "Cannot sort by authors"), ("cursor=x", "This cursor is not"),
            ("limit=9999", "Between 1 and 200"), ("year=1&year=2", "more than once"),
            ("authors=x", "There is no such author"), ("search=%00", "NUL"),
        ):  # fmt: skip
            answer = await client.get(f"/admin/book/list?{query}")
            assert answer.status_code == 400, query
            assert word in answer.text
            assert "Show all books" in answer.text


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
        assert "Created by an import" in text
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


async def test_a_forged_notice_is_not_shown(home: House) -> None:
    """The sentence after a write comes from this session's server or is not shown."""
    async with home.client() as client:
        client.http.cookies.set("notice", "WyJzYXZlZCIsICJldmlsIl0=")
        assert "evil" not in (await client.get("/admin/")).text


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


ODD = (
    "", "%00", "%ff", "%F0%9F", "a/b", "..", "%2e%2e", "~", "~9", "x" * 3000, "-1", "1e9",
    "%0d%0a", "'", "[", "//[", ",,,", "%ED%A0%80", "9223372036854775808",
)  # fmt: skip
ADDRESSES = (
    "book/list?{}", "book/list?year={}", "book/list?cursor={}", "book/list?sort={}",
    "book/list?search={}", "book/list?{}=1", "book/list?authors={}", "book/list?year__in={}",
    "book/list?added_at__gte={}", "book/details/{}", "book/edit/{}", "book/delete?key={}",
    "{}/list", "book/file/{}/1", "book/ajax/lookup?name=authors&term={}", "login?next={}",
    "setup/{}", "statics/{}", "{}",
)  # fmt: skip


async def test_odd_addresses(home: House) -> None:
    """Whatever an address holds, the answer is never a failure of ours."""
    async with home.client() as client:
        for address in ADDRESSES:
            for odd in ODD:
                answer = await client.get("/admin/" + address.format(odd))
                assert answer.status_code < 500, (address, odd)


async def test_hostile_forms(home: House) -> None:
    """Whatever a form is filled with, the answer is a page, never a failure."""
    async with home.client() as client:
        token = ("_csrf", await client.token())
        opened = (await client.form("/admin/book/edit/1")).fields()
        hostile: list[list[tuple[str, str]]] = [
            [], [("f-title", "")], [("f-title", "x\0y")], [("f-title", "x" * 400)],
            [("f-title", "x" * 2_000_000)], [("f-title", "a"), ("f-year", "9" * 100_000)],
            [("f-title", "a"), ("f-authors", "x")], [("f-title", "a"), ("f-authors", "99")],
            [("f-title", "a"), *[("f-authors", str(n)) for n in range(3000)]],
            [("f-title", "a"), ("f-format", "vinyl")], [("f-title", "a"), ("f-rating", "1e9999")],
            [("_find", "f-authors"), ("f-authors-term", "\0")],
            [("f-title", "a"), ("f-added_at", "x")],
        ]  # fmt: skip
        for fields in hostile:
            answer = await client.post("/admin/book/create", [*fields, token])
            assert 400 <= answer.status_code < 500 or "_find" in dict(fields), fields[:1]
            assert "<form" in answer.text
            changed = dict(fields)
            rest = [each for each in opened if each[0] not in changed]
            answer = await client.post("/admin/book/edit/1", [*rest, *fields])
            assert answer.status_code < 500
        for fields in ([("_opened", "[1]")], [("_opened", "{")], [("_opened", '{"title": 1}')]):
            rest = [each for each in opened if each[0] != "_opened"]
            assert (await client.post("/admin/book/edit/1", [*rest, *fields])).status_code == 400
        huge = "f-title=" + "x" * (33 * 1024 * 1024)
        answer = await client.http.post(
            "/admin/book/create",
            content=huge,
            headers={
                "Sec-Fetch-Site": "same-origin",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        assert answer.status_code == 413
        for kind, content in (
            ("multipart/form-data", b"x"), ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
            ("application/json", b"{}"), ("", b"\xff\xfe"),
        ):  # fmt: skip
            answer = await client.http.post(
                "/admin/book/create",
                content=content,
                headers={"Sec-Fetch-Site": "same-origin", "Content-Type": kind},
            )
            assert 400 <= answer.status_code < 500


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


async def test_lookup(home: House) -> None:
    """A look-up offers the records that contain every word, the first ones for no word."""
    async with home.client() as client:
        path = "/admin/book/ajax/lookup?name=authors"
        found = (await client.get(f"{path}&term=ann+tre")).json()
        assert found == {"results": [{"key": "3", "title": "Ann Tre", "detail": "Russia"}]}
        assert len((await client.get(path)).json()["results"]) == 3
        assert (await client.get(f"{path}&term=%00")).status_code == 400
        for name in ("", "comments", "title", "nothing"):
            answer = await client.get(f"/admin/book/ajax/lookup?name={name}")
            assert answer.status_code == 404
    async with home.client("nob") as client:
        assert (await client.get(path)).status_code == 403


async def test_find_without_javascript(home: House) -> None:
    """The button "Find" gives the form back with all that was typed and the choices to tick."""
    async with home.client() as client:
        form = await client.form("/admin/comment/create")
        fields = [
            *form.changed(text="typed\r\nalready"),
            ("_find", "f-book"),
            ("f-book-term", "book 07"),
        ]
        fields = [each for each in fields if each != ("f-book-term", "")]
        answer = await client.post("/admin/comment/create", fields)
        assert answer.status_code == 200
        assert 'type="radio" name="f-book" value="7"' in answer.text
        form = Form(answer.text)
        assert dict(form.fields())["f-text"] == "typed\r\nalready"
        answer = await client.post("/admin/comment/create", form.changed(book="7"))
        assert answer.status_code == 303
        key = answer.headers["location"].rsplit("/", 1)[1]
        values = (await home.get("comment", key)).values
        assert (values["book_id"], values["text"]) == (7, "typed\nalready")


async def test_text_left_in_a_lookup_is_refused(home: House) -> None:
    """Text in a look-up by which nothing was chosen is refused there, with what it finds."""
    async with home.client() as client:
        for path in ("/admin/book/edit/2", "/admin/book/create"):
            form = await client.form(path)
            for term in ("nosuch", "\0", "ann"):
                fields = form.changed(**{"title": "New", "authors-term": term})
                answer = await client.post(path, fields)
                assert answer.status_code == 422, term
                assert "Choose one from the list, or clear this." in answer.text
                assert 'id="f-authors-error"' in answer.text
                kept = dict(Form(answer.text).fields())
                assert kept["f-title"] == "New"
                assert term == "\0" or kept["f-authors-term"] == term
            assert await home.changes() == []
        found = Form(answer.text)
        assert 'type="checkbox" name="f-authors" value="3"' in found.html
        answer = await client.post(path, found.fields())
        assert answer.status_code == 422
        changed = found.changed(authors=["", "2"])
        changed = [(name, "due" if name == "f-authors-term" else text) for name, text in changed]
        assert (await client.post(path, changed)).status_code == 422
        cleared = found.changed(**{"authors-term": ""})
        assert (await client.post(path, cleared)).status_code == 303
        fields = [each for each in found.changed(authors=["", "3"]) if each[0] != "_once"]
        answer = await client.post(path, fields)
        assert answer.status_code == 303
        key = answer.headers["location"].rsplit("/", 1)[1]
        assert (await home.get("book", key)).values["authors"] == [3]


async def test_two_searches_without_javascript(home: House) -> None:
    """Text that led to a choice in one look-up is no mistake while another is searched."""
    path = "/admin/comment/create"
    async with home.client() as client:
        form = await client.form(path)
        fields = form.changed(**{"text": "x", "book-term": "book 07"})
        form = Form((await client.post(path, [*fields, ("_find", "f-book")])).text)
        fields = form.changed(**{"book": "7", "reader-term": "rea"})
        form = Form((await client.post(path, [*fields, ("_find", "f-reader")])).text)
        answer = await client.post(path, form.changed(reader="1"))
        assert answer.status_code == 303
        values = (await home.get("comment", answer.headers["location"].rsplit("/", 1)[1])).values
        assert (values["book_id"], values["reader_id"]) == (7, 1)


async def test_rights(home: House) -> None:
    """Who may not do something sees no button for it, and is refused in words when trying."""
    async with home.client("vic") as client:
        text = (await client.get("/admin/book/details/1")).text
        assert "/admin/book/edit/" not in text
        assert "/admin/book/delete" not in text
        assert "/admin/book/create" not in (await client.get("/admin/book/list")).text
        token = ("_csrf", await client.token())
        for path in ("/admin/book/create", "/admin/book/edit/1", "/admin/book/delete?key=1"):
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "You may not" in answer.text
            answer = await client.post(path, [token, ("key", "1"), ("f-title", "x")])
            assert answer.status_code == 403
    async with home.client("nob") as client:
        for path in ("/admin/book/list", "/admin/book/details/1", "/admin/book/details/9999"):
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "Book 01" not in answer.text
    assert await home.changes() == []


async def test_rows_out_of_sight(home: House) -> None:
    """What a rule hides is on no page: not listed, not named, not offered, not found, not taken."""
    await home.limit("nob", "book", "own")
    for resource in ("author", "comment"):
        for action in ("read", "create", "update"):
            await home.grant("nob", resource, action)
    registry = home.records.registry
    nob = Actor(user_id=3, name="nob", grants=frozenset({Grant("book", "create")}))
    own = await home.records.create(nob, registry["book"], {"title": "My own"}, origin=SEED)
    async with home.client("nob") as client:
        assert titles((await client.get("/admin/book/list")).text) == ["My own"]
        assert (await client.get(f"/admin/book/details/{own.key_text}")).status_code == 200
        for path in ("/admin/book/details/1", "/admin/book/edit/1", "/admin/book/delete?key=1"):
            answer = await client.get(path)
            assert answer.status_code in {403, 404}
            assert "Book 01" not in answer.text
        for path in ("/admin/comment/list", "/admin/comment/details/1", "/admin/comment/edit/1"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert "Book 01" not in answer.text
            assert "/admin/book/details" not in answer.text
        found = (await client.get("/admin/comment/ajax/lookup?name=book&term=book")).json()
        assert found == {"results": []}
        form = await client.form("/admin/comment/create")
        answer = await client.post("/admin/comment/create", form.changed(text="x", book="1"))
        assert answer.status_code == 422
        assert "There is no such book." in answer.text
        form = await client.form("/admin/comment/edit/1")
        answer = await client.post("/admin/comment/edit/1", form.changed(text="still there"))
        assert answer.status_code == 303
        assert (await home.get("comment", "1")).values["book_id"] == 1


async def test_refusals_are_pages(home: House) -> None:
    """What is not there, or not allowed, is a page in the chrome with the request's number."""
    async with home.client() as client:
        for path in (
            "/admin/book/details/9999", "/admin/book/details/abc", "/admin/book/edit/1,2",
            "/admin/book/details/01", "/admin/book/delete?key=x", "/admin/book/delete",
            "/admin/none/list", "/admin/none", "/admin/book/export/csv", "/admin/book/details/a/b",
            "/admin/book/1/title/download/", "/admin/book/1/title/preview/",
            "/admin/book/action/x?pks=1", "/admin/book/details/9223372036854775808",
        ):  # fmt: skip
            answer = await client.get(path)
            assert answer.status_code == 404, path
            assert "<h1>Nothing here</h1>" in answer.text
            assert 'aria-label="Resources"' in answer.text
            assert answer.headers["x-request-id"] in answer.text
        for path in ("/admin/logout", "/admin/theme"):
            answer = await client.get(path)
            assert answer.status_code == 405, path
            assert "This cannot be done this way" in answer.text
        assert (await client.http.delete("/admin/book/delete?pks=1")).status_code == 405
        assert (await client.get("/admin")).headers["location"] == "/admin/"


async def test_failure_is_a_page(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of ours is a page in the chrome with the number to quote, and nothing inner."""

    async def broken(*_: object) -> None:
        msg = "a secret of the inside"
        raise RuntimeError(msg)

    async with home.client() as client:
        monkeypatch.setattr("admin_app.panel.house.home.cards", broken)
        answer = await client.get("/admin/")
        assert answer.status_code == 500
        assert "Something went wrong on our side" in answer.text
        assert answer.headers["x-request-id"] in answer.text
        assert "secret of the inside" not in answer.text
        assert 'aria-label="Resources"' in answer.text


async def test_values_are_escaped(home: House) -> None:
    """Markup in values is text on every page."""
    evil = "<script>alert(1)</script>\"'"
    author = await home.add("author", {"name": evil, "country": evil})
    await home.add("book", {"title": evil, "authors": [author.key[0]], "description": evil})
    async with home.client() as client:
        for path in (
            "/admin/author/list", "/admin/book/list?search=script", "/admin/author/details/4",
            "/admin/author/edit/4", "/admin/author/delete?key=4", "/admin/book/details/31",
            "/admin/book/edit/31", "/admin/book/list?authors=4",
            "/admin/book/list?search=%3Cscript",
        ):  # fmt: skip
            text = (await client.get(path)).text
            assert "<script>alert" not in text, path


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
