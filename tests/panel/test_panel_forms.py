"""What is true of forms: how they are arranged, and what they never do twice."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from conftest import FreshSettings
from hands import press
from panel import Form, House, menagerie
from playwright.async_api import Browser, expect

from admin_app import ResourceOptions, Section, Tab, When
from admin_app.declaration.forms import check_form

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@contextmanager
def declared(house: House, resource: str, **options: Any) -> Iterator[None]:
    """Declare more of a resource for as long as the block runs."""
    found = house.records.registry[resource]
    before = found.options
    object.__setattr__(found, "options", replace(before, **options))
    try:
        yield
    finally:
        object.__setattr__(found, "options", before)


def questions(html: str) -> list[str]:
    return re.findall(r'data-question="(\w+)"', html)


async def test_sections_and_tabs(home: House) -> None:
    """A form has the sections and tabs that are declared; what they do not name comes last."""
    tabs = [
        Tab("Book", ["title", Section("Made", ["year", "authors"], "Who and when.")]),
        Tab("Rest", ["isbn"]),
    ]
    async with home.client() as client:
        html = (await client.get("/admin/book/create")).text
        assert questions(html)[:3] == ["title", "authors", "year"]
        assert re.findall(r"<h2>([^<]+)</h2>", html)[1:3] == ["The book", "This edition"]
        with declared(home, "book", form=tabs):
            html = (await client.get("/admin/book/edit/1")).text
            assert re.findall(r'data-tab="(\w+)"', html) == ["Book", "Rest", "More"]
            assert questions(html)[:4] == ["title", "year", "authors", "isbn"]
            assert "Who and when." in html
            every = set(questions(html))
            form = await client.form("/admin/book/edit/1")
            answer = await client.post("/admin/book/edit/1", form.changed(isbn="x" * 21))
            assert 'data-tab="Rest" data-faults="1"' in answer.text
            assert 'data-tab="Book" data-faults="0"' in answer.text
            assert 'href="#f-isbn"' in answer.text
        assert every == set(questions((await client.get("/admin/book/edit/1")).text))
        with declared(home, "book", form=()):
            html = (await client.get("/admin/book/create")).text
            assert questions(html)[0] == "title"
        html = (await client.get("/admin/reader/create")).text
        assert questions(html)[0] == "name"


def test_mistakes_in_the_declaration(embedded: House) -> None:
    """What a form's options get wrong is said by name, with what was probably meant."""
    book = embedded.records.registry["book"]
    wrong = ResourceOptions(
        form=[Tab("A", ["titel"]), "year", Section("B", ["year"])],
        units={"pagse": "p."},
        shown_when={"title": When("format", ["vinyl"]), "isbn": When("isbn", ["x"])},
        colors={"year": {1: "good"}, "format": {"vinyl": "bad", "ebook": "pink"}},  # type: ignore[dict-item]
    )
    found = "\n".join(check_form("Book", wrong, book.fields, book.relations))
    for words in (
        "form names 'titel', which is no field of it; did you mean 'title'?",
        "units names 'pagse', which is no field of it; did you mean 'pages'?",
        "form names 'year' twice",
        "form has tabs and other things beside them",
        "shown_when hides 'title', which must be filled in",
        "shown_when: 'format' is never 'vinyl'",
        "shown_when makes 'isbn' depend on itself",
        "colors names 'year', which is no choice",
        "colors: 'format' is never 'vinyl'",
        "'pink' is no colour",
    ):
        assert words in found, words
    assert list(check_form("Book", book.options, book.fields, book.relations)) == []


async def test_units_colours_and_conditions(fresh_settings: FreshSettings) -> None:
    """Units stand beside values, colours are words too, conditions are said where no script is."""
    async with menagerie(fresh_settings, "sqlite") as made, made.client() as client:
        body = {"short": "toned", "mood": "wild & free", "money": "12.50", "level": 3}
        key = (await made.add("specimen", body)).key_text
        html = (await client.get(f"/admin/specimen/edit/{key}")).text
        assert '<span class="quiet" id="f-money-unit">thalers</span>' in html
        assert 'aria-describedby="f-money-unit"' in html
        assert '<option class="bad" selected value="wild &amp; free">' in html
        assert 'data-when="f-mood" data-values="[&#34;wild \\u0026 free&#34;]"' in html
        assert "Only where Mood is Wild &amp; free." in html
        details = (await client.get(f"/admin/specimen/details/{key}")).text
        assert "12.50\N{NO-BREAK SPACE}thalers" in details
        assert '<span class="label bad">Wild &amp; free</span>' in details
        form = Form(html)
        calm = form.changed(mood="calm", level=None)
        assert (await client.post(f"/admin/specimen/edit/{key}", calm)).status_code == 303
        assert (await made.get("specimen", key)).values["level"] == 3


async def test_a_form_that_is_sent_twice_writes_once(home: House) -> None:
    """However often a form is sent, also at once, it makes one record and leads to it."""
    async with home.client() as client:
        fields = (await client.form("/admin/book/create")).changed(title="Only once")
        answers = await asyncio.gather(*(client.post("/admin/book/create", fields) for _ in "abc"))
        answers.append(await client.post("/admin/book/create", fields))
        assert {each.status_code for each in answers} == {303}
        (place,) = {each.headers["location"] for each in answers}
        other = [(name, "Other" if name == "f-title" else text) for name, text in fields]
        again = await client.post("/admin/book/create", other)
        assert again.status_code == 422
        assert "This form was sent before" in again.text
        assert (
            await client.post("/admin/book/create", Form(again.text).fields())
        ).status_code == 303
        edit = place.replace("details", "edit")
        fields = (await client.form(edit)).changed(year="1999")
        assert [(await client.post(edit, fields)).status_code for _ in "ab"] == [303, 303]
        for forged in ("", "short", "x" * 300, "\0" * 30, "é" * 30):
            odd = [("_once", forged) if name == "_once" else (name, t) for name, t in fields]
            assert (await client.post(edit, odd)).status_code < 500
    actions = [(each.action, each.label) for each in await home.changes()]
    assert [each for each in actions if each[1] == "Only once"] == [
        ("create", "Only once"),
        ("update", "Only once"),
    ]


async def test_a_form_of_somebody_else_is_not_answered(home: House) -> None:
    """The key of a form stands for what its own user sent, and for nobody else."""
    await home.grant("vic", "book", "create")
    async with home.client() as ana, home.client("vic") as vic:
        fields = (await ana.form("/admin/book/create")).changed(title="Ana's")
        first = await ana.post("/admin/book/create", fields)
        token = ("_csrf", await vic.token())
        theirs = [each for each in fields if each[0] != "_csrf"]
        second = await vic.post("/admin/book/create", [*theirs, token])
        assert first.headers["location"] != second.headers["location"]


async def test_ways_to_save(home: House) -> None:
    """A save leads to the record, to the form again, or to an empty one."""
    async with home.client() as client:
        for then, place in (
            ("stay", "/admin/book/edit/"),
            ("another", "/admin/book/create"),
            ("?", "/admin/book/details/"),
        ):
            fields = (await client.form("/admin/book/create")).changed(title=f"A {then}")
            answer = await client.post("/admin/book/create", [*fields, ("_then", then)])
            assert answer.headers["location"].startswith(place), then
        path = "/admin/book/edit/1?list=sort%3D-year"
        fields = (await client.form(path)).changed(pages="9")
        answer = await client.post(path, [*fields, ("_then", "stay")])
        assert answer.headers["location"] == "/admin/book/edit/1?list=sort%3D-year"


async def test_duplicate(home: House) -> None:
    """A duplicate is a new record's form with everything but what is each one's own."""
    await home.add("book", {"title": "Twin", "source_id": 77, "authors": [1, 2], "pages": 5})
    async with home.client() as client:
        assert "/admin/book/create?copy=31" in (await client.get("/admin/book/details/31")).text
        form = await client.form("/admin/book/create?copy=31")
        sent = form.fields()
        assert ("f-title", "Twin") in sent
        assert ("f-pages", "5") in sent
        assert [text for name, text in sent if name == "f-authors" and text] == ["1", "2"]
        assert ("f-source_id", "") in sent
        answer = await client.post("/admin/book/create", form.changed(title="Twin's twin"))
        assert answer.status_code == 303
        for copied in ("9999", "x", "", "%00"):
            answer = await client.get(f"/admin/book/create?copy={copied}")
            assert answer.status_code == (404 if copied else 200)
    await home.limit("nob", "book", "own")
    await home.grant("nob", "book", "create")
    async with home.client("nob") as client:
        assert (await client.get("/admin/book/create?copy=31")).status_code == 404


async def test_what_must_be_chosen(home: House) -> None:
    """A reference that a record needs is called optional only where it may be out of sight."""
    await home.limit("nob", "book", "own")
    for action in ("read", "create", "update"):
        await home.grant("nob", "comment", action)
    await home.grant("nob", "book", "create")
    async with home.client("nob") as client:
        html = (await client.get("/admin/comment/create")).text
        assert re.search(r"<(legend|label)[^>]*>Book</", html)
        form = await client.form("/admin/comment/create")
        answer = await client.post("/admin/comment/create", form.changed(text="Fine"))
        assert answer.status_code == 422
        form = await client.form("/admin/book/create")
        made = await client.post("/admin/book/create", form.changed(title="Of nob"))
        mine = made.headers["location"].rpartition("/")[2].partition("?")[0]
        other = (await home.add("comment", {"text": "Else", "book_id": 1})).key_text
        seen = (await home.add("comment", {"text": "Mine", "book_id": int(mine)})).key_text
        optional = r'<legend>Book <span class="quiet">optional</span></legend>'
        for key, named in ((seen, False), (other, True)):
            html = (await client.get(f"/admin/comment/edit/{key}")).text
            assert bool(re.search(optional, html)) is named
            form = await client.form(f"/admin/comment/edit/{key}")
            path = f"/admin/comment/edit/{key}"
            assert (await client.post(path, form.changed(text="New"))).status_code == 303
        form = await client.form(f"/admin/comment/edit/{seen}")
        emptied = await client.post(f"/admin/comment/edit/{seen}", form.changed(book=""))
        assert emptied.status_code == 422
        assert "A value is needed." in emptied.text


async def test_pictures(fresh_settings: FreshSettings) -> None:
    """Real pictures are shown as what they are and can do nothing; all else is downloaded only."""
    async with menagerie(fresh_settings, "sqlite") as made, made.client() as client:
        for content, media_type in (
            (PNG[:64], "image/png"), (b"GIF89a<script>", "image/gif"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"RIFF\0\0\0\0WEBP", "image/webp"),
            (b"<svg onload='x'>", None), (b" \x89PNG", None), (b"RIFF", None), (b"%PDF", None),
        ):  # fmt: skip
            wire = base64.b64encode(content).decode()
            key = (await made.add("specimen", {"short": "p", "sure": True, "blob": wire})).key_text
            answer = await client.get(f"/admin/specimen/file/blob/{key}?look=1")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.content == content
            kind = answer.headers["content-type"]
            if media_type is None:
                assert kind == "application/octet-stream"
                assert answer.headers["content-disposition"].startswith("attachment")
            else:
                assert (kind, answer.headers["content-disposition"]) == (media_type, "inline")
                assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
            html = (await client.get(f"/admin/specimen/edit/{key}")).text
            assert ('class="picture"' in html) is (media_type is not None)
            answer = await client.get(f"/admin/specimen/file/blob/{key}")
            assert answer.headers["content-disposition"].startswith("attachment")


async def test_no_value_is_a_tick(fresh_settings: FreshSettings) -> None:
    """JSON is null, an empty list or false, and the tick alone takes a value away."""
    path = "/admin/specimen/edit/1"
    async with menagerie(fresh_settings, "sqlite") as made, made.client() as client:
        for typed, expected in (("[]", []), ("false", False), ('""', ""), ("{}", {})):
            fields = (await client.form(path)).changed(document=typed)
            assert (await client.post(path, fields)).status_code == 303
            assert (await made.get("specimen", "1")).values["document"] == expected
        form = await client.form(path)
        assert (
            await client.post(path, [*form.fields(), ("f-document-clear", "1")])
        ).status_code == 303
        assert (await made.get("specimen", "1")).values["document"] is None
        assert "f-document-clear" not in (await client.get(path)).text
        answer = await client.post(path, (await client.form(path)).changed(document="[1,\n 2,,]"))
        assert "in line 2, column 4." in answer.text


async def test_neighbours(home: House) -> None:
    """A record's pages lead to the next one in the order of the list that it was found in."""
    async with home.client() as client:
        html = (await client.get("/admin/book/list?sort=-year&format=ebook")).text
        assert "/admin/book/details/29?list=sort%3D-year%26format%3Debook" in html.replace(
            "sort=-year%26format%3Debook", "sort%3D-year%26format%3Debook"
        )
        for page in ("details", "edit"):
            walked = []
            place = f"/admin/book/{page}/29?list=sort%3D-year%26format%3Debook"
            while place:
                html = (await client.get(place)).text
                walked.append(int(re.findall(rf"/{page}/(\d+)", place)[0]))
                found = re.search(r'href="([^"]+)" rel="next"', html)
                place = found[1].replace("&amp;", "&") if found else ""
            assert walked == list(range(29, 0, -2))
        back = re.search(r'href="([^"]+)" rel="prev"', html)
        assert back is not None
        assert "/3?" in back[1]
        for odd in ("", "sort=nothing", "%00", "filter=%5B", "search=book", "a" * 3000, "year=x"):
            answer = await client.http.get("/admin/book/details/5", params={"list": odd})
            assert answer.status_code == 200
            assert ('rel="next"' in answer.text) is (odd in {"", "%00", "a" * 3000})
    await home.limit("nob", "book", "own")
    async with home.client("nob") as client:
        assert (await client.get("/admin/book/details/5?list=")).status_code == 404


async def test_budget_of_a_form(home: House) -> None:
    """A form is small and takes few statements, however many records there are around it."""
    async with home.client() as client:
        await client.get("/admin/book/edit/1")
        home.statements.clear()
        answer = await client.get("/admin/book/edit/1?list=sort%3Dyear")
        assert len(answer.content) <= 100_000
        assert len(home.statements) <= 14, "\n".join(home.statements)


@pytest.mark.slow
async def test_keys_of_a_form(embedded: House, browser: Browser) -> None:
    """Ctrl+S saves and stays, Ctrl+Enter saves and leaves, J and K walk through the list."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/book/list?sort=-year")
        await page.get_by_role("link", name="Book 29").click()
        await expect(page.get_by_role("heading", name="Book 29")).to_be_visible()
        await press(page, "j")
        await expect(page.get_by_role("heading", name="Book 28")).to_be_visible()
        await press(page, "k")
        await expect(page.get_by_role("heading", name="Book 29")).to_be_visible()
        await page.get_by_role("link", name="Edit").click()
        await page.get_by_label("Pages").fill("12")
        await press(page, "Control+s")
        await expect(page.locator(".toast")).to_contain_text("Saved")
        await expect(page).to_have_url(re.compile("/book/edit/29"))
        await page.get_by_label("Pages").fill("13")
        await press(page, "Control+Enter")
        await expect(page).to_have_url(re.compile("/book/details/29"))
    assert (await embedded.get("book", "29")).values["pages"] == 13


async def test_tabs_and_conditions_in_a_browser(embedded: House, browser: Browser) -> None:
    """Tabs are used by keys, a tab with an error opens; what a condition hides is not sent."""
    from eyes import violations  # noqa: PLC0415 - it brings axe along

    tabs = [Tab("Book", ["title", "format", "pages"]), Tab("Rest", ["isbn"])]
    when = {"pages": When("format", ["hardcover", "paperback"])}
    with declared(embedded, "book", form=tabs, shown_when=when):
        async with embedded.page(browser) as page:
            await page.goto("/admin/book/create")
            await expect(page.get_by_label("ISBN")).to_be_hidden()
            await expect(page.get_by_label("Pages")).to_be_hidden()
            await page.get_by_label("Format").select_option("Paperback")
            await page.get_by_label("Pages").fill("12")
            await page.get_by_label("Format").select_option("Ebook")
            await expect(page.get_by_label("Pages")).to_be_hidden()
            await page.get_by_label("Title", exact=True).fill("Tabbed")
            await page.get_by_role("tab", name="Book").press("ArrowRight")
            await page.get_by_label("ISBN").fill("x" * 20)
            await page.get_by_label("ISBN").evaluate("e => { e.value = 'x'.repeat(30) }")
            await page.get_by_role("button", name="Create book").last.click()
            await expect(page.get_by_role("tab", name="Rest 1")).to_have_attribute(
                "aria-selected", "true"
            )
            assert await violations(page) == []
            await page.get_by_role("tab", name="Book").click()
            await page.locator("#problems a").click()
            await expect(page.get_by_label("ISBN")).to_be_visible()
            await page.get_by_label("ISBN").fill("1")
            await page.keyboard.press("Control+Enter")
            await expect(page.locator(".toast")).to_contain_text("Created")
    assert (await embedded.get("book", "31")).values["pages"] is None


@pytest.mark.slow
async def test_json_is_laid_out_without_losing_a_digit(
    fresh_settings: FreshSettings, browser: Browser
) -> None:
    """The button "Format" changes white space alone, and says what is wrong with no JSON."""
    async with menagerie(fresh_settings, "sqlite") as made, made.page(browser) as page:
        await page.goto("/admin/specimen/edit/1")
        area = page.get_by_label("Document")
        button = page.locator("[data-tidy=f-document]")
        await area.fill('{"a":[1.0,12345678901234567890,{}],"b":"x, {y}","c":[]}')
        await button.click()
        await expect(area).to_have_value(
            '{\n  "a": [\n    1.0,\n    12345678901234567890,\n    {}\n  ],\n'
            '  "b": "x, {y}",\n  "c": []\n}'
        )
        await area.fill("{")
        await button.click()
        await expect(page.get_by_text("This is not JSON:")).to_be_visible()
        await area.fill("{}")
