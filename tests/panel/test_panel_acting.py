"""What staff do with many records at once, with declared actions, and with the trash."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlencode

import pytest
from conftest import KINDS, FreshSettings, Kind
from panel import SEED, Client, Form, House, library, menagerie
from parity import person

from admin_app.declaration import SYSTEM, Grant
from admin_app.records import Writer

EDIT, DELETE = "/admin/book/bulk/edit", "/admin/book/bulk/delete"


def chosen(*keys: int) -> str:
    """The query that says which records are ticked."""
    return urlencode([("key", str(each)) for each in keys])


async def filled(client: Client, path: str, **fields: str | list[str]) -> list[tuple[str, str]]:
    """What a bulk edit sends once fields are ticked and given their values."""
    form = await client.form(path)
    ticks = [("set", each) for each in fields]
    return [*form.changed(**fields), *ticks]


def text_of(html: str) -> str:
    """A page's text, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


async def fill(home: House, titles: Iterable[str]) -> None:
    """Add a book of each title."""

    async def work(writer: Writer) -> None:
        data = [{"title": each, "language": "eng"} for each in titles]
        await writer.create_all(home.records.registry["book"], data)

    await home.records.write(SYSTEM, SEED, work)


async def test_many_are_changed_after_a_look(home: House) -> None:
    """Ticked fields alone change, as the preview said, all in one change set; nothing before."""
    async with home.client() as client:
        sent = await filled(client, f"{EDIT}?{chosen(1, 2, 3)}", language="fre")
        nothing = await client.post(EDIT, [each for each in sent if each[0] != "set"])
        assert (nothing.status_code, "Tick the fields" in nothing.text) == (422, True)
        seen = await client.post(EDIT, sent)
        assert seen.status_code == 200
        assert "3 books change." in seen.text
        assert "Set language of 3 books" in seen.text
        assert seen.text.count("<del>eng</del>") == 3
        assert await home.changes() == []

        apply = [*Form(seen.text).fields(), ("_apply", "1")]
        other = [("f-language", "ger") if each[0] == "f-language" else each for each in apply]
        assert (await client.post(EDIT, other)).status_code == 409
        answer = await client.post(EDIT, apply)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/book/list")
        changes = await home.changes()
        assert [each.after for each in changes] == [{"language": "fre"}] * 3
        assert len({each.change_set for each in changes}) == 1
        again = await client.post(EDIT, apply)
        assert (again.status_code, "Something has changed" in again.text) == (409, True)
        assert "3 are like that already." in again.text
        assert len(await home.changes()) == 3
        assert "Changed" in text_of((await client.get("/admin/book/list")).text)


async def test_nobody_is_overwritten(home: House) -> None:
    """What somebody changed after the preview stays, and the page says that it is another now."""
    book = home.records.registry["book"]
    async with home.client() as client:
        seen = await client.post(
            EDIT, await filled(client, f"{EDIT}?{chosen(1, 2)}", language="fre")
        )
        await home.records.update(SYSTEM, book, (2,), {"language": "ger"}, origin=SEED)
        apply = [*Form(seen.text).fields(), ("_apply", "1")]
        refused = await client.post(EDIT, apply)
        assert (refused.status_code, "<del>ger</del>" in refused.text) == (409, True)
        assert (await home.get("book", "2")).values["language"] == "ger"
        apply = [*Form(refused.text).fields(), ("_apply", "1")]
        assert (await client.post(EDIT, apply)).status_code == 303
        assert (await home.get("book", "2")).values["language"] == "fre"


async def test_all_that_match(home: House) -> None:
    """All that a list finds are meant by its parameters; what is not in it stays as it is."""
    address = urlencode({"list": "year__gte=1926&sort=-year&limit=10", "all": "1"})
    async with home.client() as client:
        page = await client.get("/admin/book/list?year__gte=1926&limit=2")
        assert "Select all 5" in text_of(page.text)
        sent = await filled(client, f"{EDIT}?{address}", year="", authors=["3"])
        seen = await client.post(EDIT, [*sent, ("how-authors", "add")])
        assert "5 books change." in seen.text
        assert "Set 2 fields of 5 books" in seen.text
        answer = await client.post(EDIT, [*Form(seen.text).fields(), ("_apply", "1")])
        assert answer.headers["location"].endswith("year__gte=1926&sort=-year&limit=10")
        last, before = await home.get("book", "30"), await home.get("book", "25")
        assert (last.values["year"], sorted(last.values["authors"])) == (None, [1, 3])
        assert (before.values["year"], before.values["authors"]) == (1925, [2])

        for query in ("list=yeer%3D1&all=1", "", "all=2", f"list={'x' * 9000}&all=1"):
            assert (await client.get(f"{EDIT}?{query}")).status_code == 400, query
        gone = await client.get(f"{EDIT}?key=1&key=99&key=x")
        assert "2 of those you ticked are no longer there" in gone.text
        assert "Change 1 book" in gone.text


async def test_values_are_looked_at(home: House) -> None:
    """A wrong value is told at its field, before anything is looked at; a script gets the same."""
    async with home.client() as client:
        sent = await filled(client, f"{EDIT}?{chosen(1)}", year="soon", title="")
        answer = await client.post(EDIT, sent)
        assert answer.status_code == 422
        assert answer.text.count('class="error"') == 2
        told = await client.post(EDIT, sent, Accept="application/json")
        assert (told.status_code, "Enter a whole number" in told.json()["html"]) == (200, True)
        values = (await client.get("/admin/book/values?field=language")).json()["values"]
        assert values == [{"value": "eng", "count": 30}]
        assert (await client.get("/admin/book/values?field=nothing")).status_code == 400
        assert (await client.get("/admin/book/values?field=year,language")).status_code == 200
    assert await home.changes() == []


async def test_what_would_be_refused(home: House) -> None:
    """Records that one may not change are named with the reason, and can be left out."""
    for action, rule in (("create", None), ("update", "own")):
        await home.grant("vic", "book", action, rule)
    async with home.client("vic") as client:
        form = await client.form("/admin/book/create")
        await client.post("/admin/book/create", form.changed(title="Mine"))
        sent = await filled(client, f"{EDIT}?{chosen(1, 2, 31)}", pages="7")
        seen = await client.post(EDIT, sent)
        assert "2 would be refused and stay as they are" in seen.text
        assert "Set pages of 1 book" in seen.text
        fields = Form(seen.text).fields()
        whole = [*(each for each in fields if each[0] != "_leave"), ("_apply", "1")]
        assert (await client.post(EDIT, whole)).status_code in {403, 409}
        assert (await home.get("book", "31")).values["pages"] is None
        assert (await client.post(EDIT, [*fields, ("_apply", "1")])).status_code == 303
    assert (await home.get("book", "31")).values["pages"] == 7
    assert (await home.get("book", "1")).values["pages"] is None


async def test_only_what_one_may(home: House) -> None:
    """Fields that one may not set are not there, nor are pages, boxes and buttons one may not."""
    grants = [Grant("book", "read"), Grant("book", "update", None, frozenset({"language"}))]
    async with person(home, "half", grants) as who:
        page = await who.panel.get(f"{EDIT}?{chosen(1)}")
        assert 'value="year"' in page.text
        assert 'value="language"' not in page.text
        assert (await who.panel.get(f"{DELETE}?{chosen(1)}")).status_code == 403
        listed = await who.panel.get("/admin/book/list")
        assert ("bulk/edit" in listed.text, "bulk/delete" in listed.text) == (True, False)
        assert (await who.panel.get("/admin/book/action/mark-found?key=1")).status_code == 403
        assert (await who.panel.get("/admin/book/action/nothing?key=1")).status_code == 404
    async with home.client("vic") as client:
        listed = await client.get("/admin/book/list")
        assert 'name="key"' not in listed.text
        assert (await client.get(f"{EDIT}?{chosen(1)}")).status_code == 403
    async with home.client() as client:
        sent = await filled(client, f"{EDIT}?{chosen(1)}", pages="7")
        forged = [each for each in sent if each[0] != "_csrf"]
        assert (await client.post(EDIT, forged)).status_code == 403


async def test_many_are_deleted(home: House) -> None:
    """A delete of many says what goes and loses what; it asks again when something has changed."""
    async with home.client() as client:
        path = f"{DELETE}?{chosen(1, 2)}"
        seen = await client.get(path)
        assert "12 comments are deleted with them" in seen.text
        assert "3 authors lose some of their books" in seen.text
        assert "Delete 2 books" in text_of(seen.text)
        await home.add("comment", {"book_id": 2, "text": "late"})
        book = home.records.registry["book"]
        await home.records.update(SYSTEM, book, (2,), {"pages": 9}, origin=SEED)
        assert (await client.post(DELETE, Form(seen.text).fields())).status_code == 409
        form = await client.form(path)
        answer = await client.post(DELETE, form.fields())
        assert answer.status_code == 303
        gone = [each for each in await home.changes() if each.action == "delete"]
        assert sorted((each.resource, each.key) for each in gone)[:2] == [
            ("book", "1"),
            ("book", "2"),
        ]
        assert len({each.change_set for each in gone}) == 1
        again = await client.post(DELETE, form.fields())
        assert "Delete 0 books?" in again.text
        assert "danger" not in again.text


async def test_very_many(fresh_settings: FreshSettings) -> None:
    """The number of very many is typed, and of more than can be written at once nothing is done."""
    async with library(fresh_settings, "sqlite") as home, home.client() as client:
        await fill(home, (f"Bulk {number}" for number in range(120)))
        address = urlencode({"list": "title__startswith=Bulk", "all": "1"})
        form = await client.form(f"{DELETE}?{address}")
        for typed in ("", "119"):
            fields = [*form.fields("typed"), ("typed", typed)]
            answer = await client.post(DELETE, fields)
            assert (answer.status_code, "Type 120" in answer.text) == (422, True)
        await fill(home, (f"More {number}" for number in range(1000)))
        for page in (EDIT, DELETE):
            answer = await client.get(f"{page}?all=1")
            assert "More than 1,000 books are chosen" in answer.text
            assert "<button class" not in answer.text.partition("<main")[2]
        answer = await client.post(DELETE, [*form.fields("typed"), ("typed", "120")])
        assert answer.status_code == 303
        assert "of 1,030" in text_of((await client.get("/admin/book/list")).text)


@pytest.mark.parametrize("kind", KINDS)
async def test_held_records_stay(fresh_settings: FreshSettings, kind: Kind) -> None:
    """What something depends on is named, and left out of what is deleted."""
    async with menagerie(fresh_settings, kind) as zoo, zoo.client() as client:
        free = (await zoo.add("keeper", {"name": "Free"})).key_text
        page = await client.get(f"/admin/keeper/bulk/delete?key=1&key={free}")
        assert "1 of them cannot be deleted and stays" in page.text
        assert "depend" in page.text
        assert "Delete 1 keeper" in page.text
        answer = await client.post("/admin/keeper/bulk/delete", Form(page.text).fields())
        assert answer.status_code == 303
        assert (await zoo.get("keeper", "1")).title
        assert (await client.get(f"/admin/keeper/details/{free}")).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
async def test_actions(fresh_settings: FreshSettings, kind: Kind) -> None:
    """An action shows what it would do, tells what is wrong at its parameters, and runs once."""
    async with menagerie(fresh_settings, kind) as zoo:
        for name in ("turn-up", "turn-off", "buy", "break-"):
            await zoo.grant("ana", "lamp", name)
        async with zoo.client() as client:
            record = await client.get("/admin/lamp/details/1")
            path = "/admin/lamp/action/turn-up"
            assert f"{path}?key=1" in record.text
            form = await client.form(f"{path}?key=1")
            for level, words in (("11", "10"), ("x", "whole"), ("0", "darker")):
                answer = await client.post(path, form.changed(level=level))
                assert (answer.status_code, words in answer.text) == (422, True), level
            seen = await client.post(path, form.changed(level="7"))
            assert "1 lamp changes." in seen.text
            assert await zoo.changes() == []
            run = [*Form(seen.text).fields(), ("_run", "1")]
            assert (await client.post(path, run)).status_code == 303
            assert (await client.post(path, run)).status_code == 303
            assert [each.after for each in await zoo.changes()] == [{"level": 7}]
            stale = [*Form(seen.text).fields("_once"), ("_run", "1")]
            assert (await client.post(path, stale)).status_code == 409

            path = "/admin/lamp/action/turn-off"
            seen = await client.get(f"{path}?all=1")
            assert "Turn off: 2 lamps" in text_of(seen.text)
            answer = await client.post(path, [*Form(seen.text).fields(), ("_run", "1")])
            assert answer.headers["location"] == "/admin/lamp/list"
            told = text_of((await client.get("/admin/lamp/list")).text)
            assert "Turn off: 2 lamps · result: 1" in told

            path = "/admin/lamp/action/buy"
            assert path in (await client.get("/admin/lamp/list")).text
            form = await client.form(path)
            run = [*form.changed(level="3", note="new"), ("_run", "1")]
            assert (await client.post(path, run)).status_code == 303
            seen = await client.get("/admin/lamp/action/break-?key=1")
            run = [*Form(seen.text).fields(), ("_run", "1")]
            answer = await client.post("/admin/lamp/action/break-", run)
            assert answer.headers["location"] == "/admin/lamp/list"
        async with zoo.client("vic") as client:
            assert "/action/" not in (await client.get("/admin/lamp/details/2")).text
            assert (await client.get("/admin/lamp/action/turn-up?key=2")).status_code == 403


async def test_the_trash(home: House) -> None:
    """What is in the trash is listed there, shown as such, restored, and deleted for good."""
    async with home.client() as client:
        seen = await client.get("/admin/comment/delete?key=1")
        assert "It goes to the trash" in seen.text
        nothing = (await client.get("/admin/comment/list?trash=only")).text
        assert "The trash is empty" in nothing
        assert "/admin/comment/create" not in nothing.partition('class="bottom"')[0]
        usual = (await client.get("/admin/comment/list")).text
        assert "/admin/comment/create" in usual.partition('class="bottom"')[0]
        assert (await client.post("/admin/comment/delete", Form(seen.text).fields())).is_redirect
        listed = await client.get("/admin/comment/list?trash=only")
        assert "Said 00" in listed.text
        assert "bulk/restore" in listed.text
        assert "bulk/edit" not in listed.text
        assert "trash=only" in (await client.get("/admin/comment/list")).text
        page = await client.get("/admin/comment/details/1")
        assert "This is in the trash" in page.text
        assert re.search(r"Deleted at</dt><dd>.{,30}\d\d:\d\d:\d\d UTC", page.text)
        assert "/comment/edit/1" not in page.text
        assert (await client.get("/admin/comment/edit/1")).status_code == 404
        form = Form(
            page.text,
            next(
                place
                for place, each in enumerate(re.findall(r"<form\b.*?</form>", page.text, re.DOTALL))
                if "/restore" in each
            ),
        )
        for _ in range(2):
            answer = await client.post("/admin/comment/restore", form.fields())
            assert answer.status_code in {303, 404}
        assert "/comment/edit/1" in (await client.get("/admin/comment/details/1")).text

        seen = await client.get("/admin/comment/delete?key=1")
        await client.post("/admin/comment/delete", Form(seen.text).fields())
        seen = await client.get("/admin/comment/delete?key=1&trash=only")
        assert "for good" in seen.text
        answer = await client.post("/admin/comment/delete", Form(seen.text).fields())
        assert answer.headers["location"] == "/admin/comment/list?trash=only"
        assert (await client.get("/admin/comment/details/1")).status_code == 404
        assert (await client.get("/admin/book/delete?key=1&trash=only")).status_code == 200
        assert (
            await client.post(
                "/admin/book/restore", [("_csrf", await client.token()), ("key", "1")]
            )
        ).status_code == 404
        seen = await client.get("/admin/comment/delete?key=2")
        await client.post("/admin/comment/delete", Form(seen.text).fields())
    async with home.client("vic") as client:
        assert (await client.get("/admin/comment/details/2")).status_code == 404
        assert "Said 01" not in (await client.get("/admin/comment/list?trash=only")).text


@pytest.mark.parametrize("kind", KINDS)
async def test_many_in_the_trash(kind: Kind, fresh_settings: FreshSettings) -> None:
    """Ticked records in the trash come back, or go for good; those that cannot come back stay."""
    only = "list=trash%3Donly"
    async with menagerie(fresh_settings, kind) as zoo, zoo.client() as client:
        sheet, keys = zoo.records.registry["sheet"], list[int]()
        for number in (101, 102, 103):
            for last in (False, True):
                made = await zoo.add("sheet", {"number": number})
                keys.append(int(made.key_text))
                if number < 103 or not last:
                    await zoo.records.delete(SYSTEM, sheet, made.key, origin=SEED)
        first, _, third, _, held, kept = keys
        ticked = chosen(first, third, held, kept, 7_777)
        seen = await client.get(f"/admin/sheet/bulk/restore?{only}&{ticked}")
        assert "Restore 3 sheets?" in seen.text
        assert "1 of them cannot be restored and stays" in seen.text
        assert "2 of those you ticked are no longer there" in seen.text
        form = Form(seen.text).fields()
        answer = await client.post("/admin/sheet/bulk/restore", form)
        assert answer.headers["location"] == "/admin/sheet/list?trash=only"
        assert (await zoo.get("sheet", str(third))).values["number"] == 102
        again = await client.post("/admin/sheet/bulk/restore", form)
        assert again.status_code == 200
        assert "1 of them cannot be restored and stays" in again.text
        seen = await client.get(f"/admin/sheet/bulk/delete?{only}&all=1")
        assert "Delete 3 sheets for good?" in seen.text
        assert "They go to the trash" not in seen.text
        answer = await client.post("/admin/sheet/bulk/delete", Form(seen.text).fields())
        assert answer.headers["location"] == "/admin/sheet/list?trash=only"
        assert "The trash is empty" in (await client.get("/admin/sheet/list?trash=only")).text
        assert (await client.get(f"/admin/sheet/details/{kept}")).status_code == 200
        assert (await client.get(f"/admin/sheet/details/{held}")).status_code == 404
        assert (await client.get(f"/admin/sheet/bulk/edit?key=1&{only}")).status_code == 400
        assert (await client.get("/admin/sheet/bulk/restore?key=1")).status_code == 404


async def test_a_grave_delete_asks_for_the_name(home: House) -> None:
    """With many records that go along, the name has to be typed; the first of them are named."""
    for number in range(9):
        await home.add("comment", {"book_id": 1, "text": f"More {number}"})
    async with home.client() as client:
        author = text_of((await client.get("/admin/author/delete?key=1")).text)
        assert "16 books lose this author show Book 01 , Book 02 , Book 04 +13" in author
        form = await client.form("/admin/book/delete?key=1")
        assert "Type Book 01 to go on" in text_of(form.html)
        wrong = await client.post("/admin/book/delete", [*form.fields("typed"), ("typed", "x")])
        assert (wrong.status_code, 'aria-invalid="true"' in wrong.text) == (422, True)
        assert (await home.get("book", "1")).title == "Book 01"
        right = [*form.fields("typed"), ("typed", " Book 01 ")]
        assert (await client.post("/admin/book/delete", right)).status_code == 303


NASTY = ("", "\x00", "9" * 400, "1e400", "NaN", "[" * 500, "{}", "a" * 9000, "1,2", "~", "<script>")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_sent_is_our_fault(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Whatever keys, parameters, values and versions are sent, the answer is no failure."""
    async with menagerie(fresh_settings, kind) as zoo, zoo.client() as client:
        await zoo.grant("ana", "lamp", "turn-up")
        page = await client.get("/admin/specimen/bulk/edit?all=1")
        names = re.findall(r'name="set" value="([^"]*)"', page.text)
        token = ("_csrf", await client.token())
        for text in NASTY:
            asked = [("key", text)], [("all", "1"), ("list", f"id={text}")], [("all", text)]
            sent = [("_apply", "1"), ("_previewed", text), ("_state", text), ("_etag", text)]
            for each in asked:
                for path in ("specimen/bulk/edit", "specimen/bulk/delete", "lamp/action/turn-up"):
                    answer = await client.get(f"/admin/{path}?{urlencode(each)}")
                    assert answer.status_code < 500, (path, text)
                    answer = await client.post(f"/admin/{path}", [token, *each, *sent])
                    assert answer.status_code < 500, (path, text)
            for name in names:
                values = [token, ("all", "1"), ("set", name), (f"f-{name}", text)]
                answer = await client.post("/admin/specimen/bulk/edit", values)
                assert answer.status_code < 500, (name, text)
                answer = await client.post(f"/admin/specimen/cell/{name}/1", [*values, *sent])
                assert answer.status_code < 500, (name, text)
