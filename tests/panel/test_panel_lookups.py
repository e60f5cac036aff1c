"""Look-ups without a script: text is searched, choices are ticked, nothing is guessed."""

from __future__ import annotations

from panel import Form, House


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
