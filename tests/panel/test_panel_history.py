"""The past of records in the panel: timelines, comparing, putting back, Undo after a write."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from conftest import KINDS, FreshSettings
from eyes import violations
from panel import SEED, Client, Form, House, house, people, shelf
from playwright.async_api import Browser, expect

from admin_app.database import Database
from admin_app.declaration import SYSTEM


@pytest.fixture(params=KINDS)
async def home(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[House]:
    """A library in which the first book was changed twice by the API."""
    settings = fresh_settings(request.param)
    database = Database(settings)
    await people(database)
    await database.close()
    async with house(settings) as made:
        await shelf(made.records)
        await change(made, title="Book Uno", year=2001, description="line one\nline three")
        await change(made, title="Book One", authors=[1])
        yield made


async def change(home: House, key: int = 1, **fields: Any) -> None:
    book = home.records.registry["book"]
    await home.records.update(SYSTEM, book, (key,), fields, origin=SEED)


async def book(home: House, key: int = 1) -> tuple[Any, ...]:
    values = (await home.get("book", str(key))).values
    return values["title"], values["year"], sorted(values["authors"])


async def changes(home: House, key: str = "1") -> list[int]:
    """The numbers of a book's changes, oldest first."""
    resource = home.records.registry["book"]
    found = await home.records.timeline(SYSTEM, resource, resource.parse_key(key), 100)
    return [each.id for each in found.changes][::-1]


def undo_of(html: str) -> tuple[str, dict[str, str]]:
    """The form of the toast: where it goes and what it sends."""
    toast = re.search(r'<div class="toast".*?</div>', html, re.DOTALL)
    assert toast, html
    action = re.search(r'action="([^"]+)"', toast[0])
    assert action, toast[0]
    return action[1], dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', toast[0]))


async def undone(client: Client, answer: Any, words: tuple[str, ...] = ()) -> Any:
    """Follow a write to a page that says ``words``, and press Undo there."""
    assert answer.status_code == 303, answer.text
    page = await client.get(answer.headers["location"])
    assert all(each in page.text for each in words)
    action, fields = undo_of(page.text)
    assert (await client.post(action, [*{**fields, "_csrf": "x"}.items()])).status_code == 403
    return await client.post(action, [*fields.items()])


async def test_timeline(home: House) -> None:
    """Each change says who, when, by which door and what; a page is their own, and ends."""
    async with home.client() as client:
        await home.records.update(
            SYSTEM, home.records.registry["book"], (2,), {"year": 7}, origin=SEED
        )
        page = (await client.get("/admin/book/history/1")).text
        assert page.count('<li id="change-') == 3
        assert "<del>Book Uno</del> <ins>Book One</ins>" in page
        assert 'title="20' in page
        assert "in an import" in page
        assert "with 45 other changes" in page
        rail = (await client.get("/admin/book/details/1")).text
        assert rail.count('<li id="change-') == 3
        for number in range(30):
            await change(home, year=number)
        page = (await client.get("/admin/book/history/1")).text
        assert page.count('<li id="change-') == 25
        earlier = re.search(r'href="([^"]+)" rel="next"', page)
        assert earlier
        page = (await client.get(earlier[1])).text
        assert page.count('<li id="change-') == 8
        for wrong in ("/admin/book/history/999", "/admin/book/history/x", "/admin/no/history/1"):
            assert (await client.get(wrong)).status_code == 404
        assert (await client.get("/admin/book/history/1?before=x")).status_code == 200


async def test_compare(home: House) -> None:
    """Two versions stand side by side: only what differs, texts word by word."""
    made, first, last = await changes(home)
    async with home.client() as client:
        place = "/admin/book/compare/1"
        page = (await client.get(f"{place}?one={last}&other={made}")).text
        assert "line <del>two</del>" in page.replace("\n", " ").replace("one line", "line")
        assert "<ins>three</ins>" in page
        assert "Book <del>01</del>" in page
        assert "Language" not in page[page.index("<tbody>") :]
        assert page.count("Put back this version") == 1, "the other is as it is now"
        same = await client.get(f"{place}?one={first}&other={first}")
        assert "History of Book One" in same.text
        for wrong in (f"?one={made}&other=99999", "?one=x&other=y", "", f"?one={made}"):
            assert (await client.get(place + wrong)).status_code in {200, 404}, wrong
        sent = [("_csrf", await client.token()), ("to", str(made))]
        answer = await client.post("/admin/book/put-back/1", sent)
        assert answer.status_code == 303
        assert await book(home) == ("Book 01", 1901, [1, 2, 3])
        stale = [*sent[:1], ("to", str(last)), ("_etag", '"1"')]
        assert (await client.post("/admin/book/put-back/1", stale)).status_code == 412


async def test_putting_back(home: House) -> None:
    """One field of one change, or all of it; and that can be undone, and done again."""
    _, first, last = await changes(home)
    async with home.client() as client:
        token = ("_csrf", await client.token())

        async def put(*fields: tuple[str, str]) -> Any:
            return await client.post("/admin/book/put-back/1", [token, *fields])

        answer = await put(("change", str(first)), ("field", "year"))
        assert answer.headers["location"].endswith("/book/history/1")
        assert await book(home) == ("Book One", 1901, [1])
        answer = await put(("change", str(last)), ("field", "authors"))
        assert await book(home) == ("Book One", 1901, [1, 2, 3])
        again = await undone(client, answer)
        assert await book(home) == ("Book One", 1901, [1])
        await undone(client, again, words=(">Redo</button>", "Undone by ana"))
        assert await book(home) == ("Book One", 1901, [1, 2, 3])
        assert (await put()).status_code == 400
        assert (await put(("change", "99999"))).status_code == 422
        assert (await put(("change", str(first)), ("field", "nothing"))).status_code == 422


async def test_what_has_changed_since(home: House) -> None:
    """A page shows both values of each, and offers the rest."""
    _, first, _ = await changes(home)
    async with home.client() as client:
        token = ("_csrf", await client.token())
        sent = [token, ("change", str(first)), ("next", "/admin/book/details/1")]
        answer = await client.post("/admin/book/put-back/1", sent)
        assert answer.status_code == 409
        assert await book(home) == ("Book One", 2001, [1])
        for words in ("It is now", "Book One", "The change left", "Book Uno", "Undo the rest"):
            assert words in answer.text
        rest = [*sent, ("skip", "1")]
        answer = await client.post("/admin/book/put-back/1", rest)
        assert answer.headers["location"] == "/admin/book/details/1"
        assert await book(home) == ("Book One", 1901, [1])
        evil = [*sent[:1], ("to", str(first)), ("next", "https://evil.test/")]
        answer = await client.post("/admin/book/put-back/1", evil)
        assert answer.headers["location"] == "/admin/"


async def test_undo_after_each_write(home: House) -> None:
    """Create, save and delete hand out what undoes them; a record that is gone leads to a list."""
    async with home.client() as client:
        form = await client.form("/admin/author/create")
        made = await client.post("/admin/author/create", form.changed(name="Una"))
        place = made.headers["location"]
        back = await undone(client, made)
        assert back.headers["location"] == "/admin/author/list"
        assert (await client.get(place)).status_code == 404
        form = await client.form("/admin/author/edit/1")
        saved = await client.post("/admin/author/edit/1", form.changed(country="Wales"))
        await undone(client, saved)
        assert (await home.get("author", "1")).values["country"] == "England"
        page = (await client.get("/admin/author/delete?key=1")).text
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page[page.index("<main") :]))
        sent = {
            "key": "1",
            "_etag": fields["_etag"].replace("&#34;", '"'),
            "_csrf": fields["_csrf"],
        }
        sent["typed"] = "Ann Uno"
        deleted = await client.post("/admin/author/delete", [*sent.items()])
        async with home.client("vic") as other:
            assert (await other.get("/admin/author/details/1")).status_code == 404
            assert "no longer there" in (await other.get("/admin/author/history/1")).text
        await undone(client, deleted)
        assert await book(home) == ("Book One", 2001, [1])
        assert (await client.get("/admin/author/details/1")).status_code == 200


async def test_change_sets(home: House) -> None:
    """A change set has a page of what it did, with one button for all of it."""
    found = await home.records.timeline(SYSTEM, home.records.registry["book"], (1,), 1)
    place = f"/admin/changes/{found.changes[0].change_set}"
    async with home.client() as client:
        page = (await client.get(place)).text
        assert "What command line did" in page
        assert "1 change" in page
        undo = place.replace("changes", "undo")
        sent = [("_csrf", await client.token()), ("next", place)]
        answer = await client.post(undo, sent)
        assert answer.headers["location"] == place
        assert await book(home) == ("Book Uno", 2001, [1, 2, 3])
        answer = await client.post(undo, sent)
        page = (await client.get(answer.headers["location"])).text
        assert "nothing left to undo" in page
        for wrong in ("x", str(uuid4())):
            assert (await client.get(f"/admin/changes/{wrong}")).status_code == 404
            assert (await client.post(f"/admin/undo/{wrong}", sent)).status_code == 404
    async with home.client("nob") as client:
        assert (await client.get(place)).status_code == 404
        assert (await client.post(undo, [("_csrf", await client.token())])).status_code == 404
    async with home.client("vic") as client:
        page = (await client.get(place)).text
        assert "Book Uno" in page
        assert (await client.get("/admin/book/history/1")).text.count("<span>Undo") == 0


async def test_why(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a declaration wants to know why, forms and deletes ask, and histories tell."""
    monkeypatch.setitem(vars(home.records.registry["author"].options), "reason", "required")
    async with home.client() as client:
        delete = (await client.get("/admin/author/delete?key=3")).text
        assert re.search(r'<input[^>]* name="_reason"[^>]* required', delete)
        form = await client.form("/admin/author/edit/3")
        sent = form.changed(country="Wales")
        answer = await client.post("/admin/author/edit/3", sent)
        assert answer.status_code == 422
        assert "saying why" in answer.text
        given = [each for each in sent if each[0] != "_reason"]
        answer = await client.post("/admin/author/edit/3", [*given, ("_reason", " They\nmoved. ")])
        assert answer.status_code == 303, answer.text
        assert (
            '<p class="reason">They moved.</p>'
            in (await client.get("/admin/author/history/3")).text
        )


async def test_why_wherever_one_writes(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell, a form at the side and a version that is put back ask as well."""
    monkeypatch.setitem(vars(home.records.registry["book"].options), "reason", "required")
    first, *_ = await changes(home)
    async with home.client() as client:
        token = await client.token()
        script = {"Accept": "application/json", "X_CSRF_Token": token}
        assert 'data-cells="year' in (await client.get("/admin/book/list")).text
        path = "/admin/book/cell/year/1"
        cell = (await client.get(path)).json()
        assert re.search(r'<input[^>]* name="_reason"[^>]* required', cell["html"])
        sent = [("_etag", cell["etag"]), ("f-year", "7")]
        answer = await client.post(path, sent, **script)
        assert (answer.status_code, "saying why" in answer.json()["detail"]) == (422, True)
        answer = await client.post(path, [*sent, ("_reason", "counted")], **script)
        assert (answer.status_code, answer.json()["html"]) == (200, "7")

        path = "/admin/book/side/1?depth=1"
        form = await client.form(path)
        sent = [(name, "8" if name == "s1-year" else text) for name, text in form.fields()]
        answer = await client.post(path, sent)
        assert answer.status_code == 422
        assert 'href="#s1-reason">Why?</a>' in answer.text
        given = [each for each in sent if each[0] != "_reason"]
        answer = await client.post(path, [*given, ("_reason", "once more")])
        assert answer.json()["key"] == "1", answer.text

        path = "/admin/book/put-back/1"
        answer = await client.post(path, [("_csrf", token), ("to", str(first))])
        assert answer.status_code == 422
        form = Form(answer.text)
        assert dict(form.fields())["to"] == str(first)
        given = [each for each in form.fields() if each[0] != "_reason"]
        assert (await client.post(path, [*given, ("_reason", "it was right")])).status_code == 303
        told = (await client.get("/admin/book/history/1")).text
    assert re.findall('<p class="reason">(.*?)</p>', told) == [
        *("it was right", "once more", "counted")
    ]
    assert await book(home) == ("Book 01", 1901, [1, 2, 3])


@pytest.mark.slow
async def test_who_changed_it_and_undo_it(fresh_settings: FreshSettings, browser: Browser) -> None:
    """From a list: nine keys to find it, two clicks to see who changed it and undo that."""
    settings = fresh_settings("sqlite")
    database = Database(settings)
    await people(database)
    await database.close()
    async with house(settings) as made:
        await shelf(made.records)
        await change(made, 7, year=1)
        async with made.page(browser) as page:
            await page.goto("/admin/book/list")
            keys = ["/", *"book 07", "Enter"]
            for key in keys:
                await page.keyboard.press(key)
            await page.wait_for_url("**search=book*")
            await page.get_by_role("link", name="Book 07").first.click()
            history = page.locator(".past")
            await expect(history).to_contain_text("command line")
            await history.get_by_role("button", name="Undo").first.click()
            toast = page.locator("[data-toast]")
            await expect(toast).to_contain_text("Undone: Book 07")
            assert (len(keys), (await book(made, 7))[1]) == (9, 1907)
            async with page.expect_navigation():
                await toast.get_by_role("button", name="Redo").click()
            await expect(toast).to_contain_text("Undone: Book 07")
            assert (await book(made, 7))[1] == 1
            await page.goto("/admin/book/history/7")
            await page.get_by_role("button", name="Compare two versions").click()
            await page.get_by_role("heading", name="Two versions of Book 07").wait_for()
            assert await violations(page) == []
            for place in ("/admin/book/history/7", "/admin/book/details/7"):
                await page.goto(place)
                assert await violations(page) == []
            await change(made, 7, year=2)
            await page.goto("/admin/book/history/7")
            await page.get_by_role("button", name="Undo").nth(1).click()
            await page.get_by_role("heading", name="Some of it has changed since").wait_for()
            assert await violations(page) == []
            await page.go_back()
            await page.get_by_role("link", name="an undoing").first.click()
            await page.get_by_role("heading", name="What ana did").wait_for()
            assert await violations(page) == []
