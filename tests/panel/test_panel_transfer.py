"""Files in the panel: a list to take along, a file to take in, on both databases."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from typing import Any

import httpx
import pytest
from conftest import KINDS, FreshSettings, Kind
from eyes import violations
from panel import Client, Form, House, library
from playwright.async_api import Browser, FilePayload, expect
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.tables import Role, RoleGrant, SecurityEvent, User, UserRole
from admin_app.declaration import SYSTEM
from admin_app.panel.transfer import previewing
from admin_app.records.transfer import trial
from admin_app.records.writes.undo import reverting

PATIENCE = 60
"""Seconds for what is done after an answer, on whatever machine."""
BOOKS = """\
Title;Year;Authors;ISBN;Notes
Book 03;1903;Bea Due;;x
Book 02;1999;Ann Uno;;x
Fresh;2001;Ann Uno, Bea Due;;x
Bad;soon;Ann Uno;;x
"""


async def send(client: Client, resource: str, name: str, content: bytes) -> str:
    """Send a file as the form does, and say where it leads."""
    answer = await client.http.post(
        f"/admin/{resource}/import",
        files={"file": (name, content)},
        data={"_csrf": await client.token()},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def chosen(form: Form, **fields: str) -> list[tuple[str, str]]:
    """What a form sends with some of its controls set otherwise; an empty one is not ticked."""
    return [*form.fields(*fields), *(each for each in fields.items() if each[1])]


async def tried(client: Client, where: str, **fields: str) -> str:
    """Say what the columns mean, and what would happen."""
    answer = await client.post(where, chosen(await client.form(where), **fields))
    assert answer.status_code == 303, answer.text
    page = await client.get(answer.headers["location"])
    assert page.status_code == 200
    return page.text


async def imported(client: Client, where: str) -> str:
    """Do it, and see what came of it."""
    form = Form((await client.get(f"{where}/preview")).text)
    answer = await client.post(f"{where}/run", form.fields())
    assert (answer.status_code, answer.headers["location"]) == (303, where)
    async with asyncio.timeout(PATIENCE):
        while "data-importing" in (page := (await client.get(where)).text):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return page


def shown(page: str) -> list[int]:
    """The counts of the tabs: new, changed, the same, refused."""
    return [int(each) for each in re.findall(r'<span class="count">(\d+)</span></a></li>', page)]


def told(page: str) -> list[int]:
    """The counts of a result."""
    return [int(each) for each in re.findall(r"<dd>(\d+)</dd>", page)]


async def logged(made: House) -> list[Any]:
    async def read(connection: Any) -> list[Any]:
        table = SecurityEvent.__table__
        statement = select(table).where(table.c.event == "exported").order_by(table.c.id)
        return list(await connection.execute(statement))

    return await made.database.read(read)


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("kind", KINDS)
async def test_import(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A file is understood, tried, taken in once, undone; its refused rows come back as a file."""
    async with library(fresh_settings, kind) as made, made.client() as client:
        where = await send(client, "book", "книги.csv", BOOKS.encode("cp1252"))
        page = (await client.get(where)).text
        form = dict(Form(page).fields())
        assert (form["format"], form["delimiter"], form["header"]) == ("csv", ";", "1")
        assert form["to-0"] == "title"
        assert form["to-2"] == "authors:name"
        assert form["to-4"] == ""
        assert (form["split-2"], form["match"]) == (",", "title")
        before = len(await made.changes())
        page = await tried(client, where, match="title")
        assert shown(page) == [1, 1, 1, 1]
        assert await made.changes() == []
        assert before == 0
        new = await client.get(f"{where}/preview?show=created")
        assert ">Fresh</th>" in new.text
        assert "Bea Due" in new.text
        changed = await client.get(f"{where}/preview?show=changed")
        assert "<del>1902</del> <ins>1999</ins>" in changed.text
        wrong = await client.get(f"{where}/preview?show=refused&page=9")
        assert '<td>Year</td><td data-label="Value">soon</td>' in wrong.text
        assert "Import 2 rows: 1 new, 1 changed" in wrong.text
        page = await imported(client, where)
        assert told(page) == [1, 1, 1, 1]
        assert (await made.get("book", "2")).values["year"] == 1999
        # Sent again it is not done again.
        answer = await client.post(f"{where}/run", [("_csrf", await client.token())])
        assert answer.status_code == 303
        assert told((await client.get(where)).text) == [1, 1, 1, 1]
        refused = await client.get(f"{where}/refused")
        header, row = rows_of(refused.content)
        assert header[-2:] == ["import_line", "import_reason"]
        assert row[:2] == ["Bad", "soon"]
        assert row[-2] == "5"
        assert "whole number" in row[-1]
        # What was chosen is remembered, and the refused rows are known again.
        where = await send(client, "book", "more.csv", refused.content.replace(b"soon", b"2003"))
        form = dict((await client.form(where)).fields())
        assert (form["to-2"], form["match"], form["to-5"], form["to-6"]) == (
            *("authors:name", "title"),
            *("", ""),
        )
        assert shown(await tried(client, where)) == [1, 0, 0, 0]
        assert told(await imported(client, where)) == [1, 0, 0, 0]
        undo = next(
            Form(each)
            for each in re.findall(r"<form\b.*?</form>", page, re.DOTALL)
            if "/undo/" in each
        )
        target = re.search(r'action="([^"]+)"', undo.html)
        assert target is not None
        answer = await client.post(target[1], undo.fields())
        assert answer.status_code == 303
        assert (await made.get("book", "2")).values["year"] == 1902


@pytest.mark.parametrize("kind", KINDS)
async def test_related_records_that_would_be_made(
    fresh_settings: FreshSettings, kind: Kind
) -> None:
    """They stand under the names the file gives them, whichever rows and parts of it do."""
    async with library(fresh_settings, kind) as made, made.client() as client:
        rows = "".join(f"Book of {each};Zed {each % 250}, Ann Uno\n" for each in range(300))
        where = await send(client, "book", "new.csv", f"Title;Authors\n{rows}".encode())
        page = await tried(client, where, **{"create-1": "1", "match": ""})
        assert shown(page) == [300, 0, 0, 0]
        assert re.search(r'>Ann Uno</a>.{0,90}<span class="quiet">Zed 0 \(new\)</span>', page)
        page = (await client.get(f"{where}/preview?show=created&page=5")).text
        assert all(f">Zed {each} (new)<" in page for each in range(200, 250))
        page = (await client.get(f"{where}/preview?show=created&page=6")).text
        assert all(f">Zed {each} (new)<" in page for each in range(50))


async def test_columns_in_any_language(home: House) -> None:
    """A column is known by its name, by its label, and by what that is in the reader's language."""
    async with home.client() as client:
        client.http.cookies.set("language", "ru", domain="127.0.0.1")
        where = await send(client, "book", "b.csv", b"TITLE;Source number;ISBN\nA;7;\n")
        form = dict((await client.form(where)).fields())
        assert [form[f"to-{each}"] for each in range(3)] == ["title", "source_id", "isbn"]
        where = await send(client, "book", "b.csv", "Название;Год\nA;1900\n".encode())
        form = dict((await client.form(where)).fields())
        assert [form[f"to-{each}"] for each in range(2)] == ["title", "year"]


async def test_columns_that_have_a_name_in_theirs(home: House) -> None:
    """One that names a field among other words goes there, if both are the only ones that do."""
    header = "book_id;original_publication_year;original_title;title_url;language_code;rating_sum"
    header += ";averageRating;Main author;formatted;file format;number of pages;Pages (print)"
    known = {
        "original_publication_year": "year",
        "original_title": "original_title",
        "title_url": "title",
        "language_code": "language",
        "Main author": "",
        "file format": "format",
    }
    async with home.client() as client:
        where = await send(client, "book", "b.csv", f"{header}\n{';' * 11}\n".encode())
        form = dict((await client.form(where)).fields())
        found = {name: form[f"to-{place}"] for place, name in enumerate(header.split(";"))}
        assert {name: to for name, to in found.items() if to or name in known} == known
        header = "title;title_url;Publication year;year of birth"
        where = await send(client, "book", "b.csv", f"{header}\n;;;\n".encode())
        form = dict((await client.form(where)).fields())
        assert [form[f"to-{each}"] for each in range(4)] == ["title", "", "", ""]


async def test_a_file_too_long_to_be_counted(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows are tried; that there are more is said, and what cannot be done with them."""
    monkeypatch.setattr(trial, "MOST_TRIED", 200)
    monkeypatch.setattr(previewing, "MOST_COUNTED", 250)
    monkeypatch.setattr(previewing, "MOST_ATOMIC", 240)
    rows = "".join(f"A {each}\n" for each in range(400)).encode()
    async with home.client() as client:
        where = await send(client, "author", "a.csv", b"name\n" + rows)
        sent = chosen(await client.form(where), atomic="1")
        refused = await client.post(where, sent)
        assert refused.status_code == 413
        assert "At most 240 rows are imported all or none." in refused.text
        page = await tried(client, where)
        assert "The first 200 of more than 250 rows were tried." in page
        assert '<button class="primary">Import all rows</button>' in page
        assert told(await imported(client, where)) == [400, 0, 0, 0]
        empty = await send(client, "author", "e.csv", b"name\n" + b"\n" * 200_000)
        assert "The file has more than 100,000 empty lines." in (await client.get(empty)).text


async def undone(client: Client, url: str, **fields: str) -> httpx.Response:
    """Undo what is too much for one request, and wait until it is told what came of it."""
    sent = [("_csrf", await client.token()), ("next", "/admin/reader/list"), *fields.items()]
    answer = await client.post(url, sent)
    assert answer.status_code == 303, answer.text
    where, script = answer.headers["location"], {"Accept": "application/json"}
    async with asyncio.timeout(PATIENCE):
        while (await client.http.get(where, headers=script)).json()["running"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return await client.get(where)


@pytest.mark.parametrize("kind", KINDS)
async def test_undoing_a_large_import(
    fresh_settings: FreshSettings, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is undone in parts; what stands in the way is shown, and the rest is undone on demand."""
    monkeypatch.setattr(reverting, "MOST_REVERTED", 20)
    monkeypatch.setattr(reverting, "PART", 7)
    rows = "".join(f"R {each},r{each}@example.org,C{each},2020-01-01\n" for each in range(30))
    content = f"name,email,card_number,joined\n{rows}".encode()
    async with library(fresh_settings, kind) as made, made.client() as client:
        readers = made.records.registry["reader"]
        everyone = made.records.query(SYSTEM, readers, [("count", "exact")])

        async def count() -> int:
            return await made.records.count(SYSTEM, readers, everyone)

        before = await count()
        where = await send(client, "reader", "readers.csv", content)
        await tried(client, where)
        page = await imported(client, where)
        assert told(page) == [30, 0, 0, 0]
        found = re.search(r'action="(/admin/undo/[^"]+)"', page)
        assert found is not None
        listed = await client.get("/admin/reader/list?email=r3@example.org")
        there = re.search(r"/admin/reader/details/(\d+)", listed.text)
        assert there is not None
        form = await client.form(f"/admin/reader/edit/{there[1]}")
        await client.post(f"/admin/reader/edit/{there[1]}", form.changed(name="Other"))
        stopped = await undone(client, found[1])
        assert "Nothing has been undone." in stopped.text
        assert "<dd>Other</dd>" in stopped.text
        assert 'name="skip" value="1"' in stopped.text
        assert await count() == before + 30
        done = await undone(client, found[1], skip="1")
        assert (done.status_code, done.headers["location"]) == (303, "/admin/reader/list")
        page = (await client.get(done.headers["location"])).text
        assert "Undone: <strong>29 changes" in page
        assert await count() == before + 1
        redo = re.search(r'action="(/admin/undo/[^"]+)"', page)
        assert redo is not None
        await undone(client, redo[1])
        assert await count() == before + 30
        async with made.client("vic") as other:
            assert (await other.get(str(stopped.url))).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_kept_of_an_import_is_whose_it_is(
    fresh_settings: FreshSettings, kind: Kind
) -> None:
    """Nobody else finds a file; who may write nothing cannot send one; nothing of a trial stays."""
    async with library(fresh_settings, kind) as made:
        async with made.client() as client:
            where = await send(client, "author", "a.csv", b"name\nNew One\n")
            assert shown(await tried(client, where)) == [1, 0, 0, 0]
            gone = "/admin/author/import/00000000-0000-0000-0000-000000000000"
            for path in (gone, "/admin/author/import/x", where.replace("author", "book")):
                assert (await client.get(path)).status_code == 404
            assert (await client.get(f"{where}/refused")).status_code == 404
        await made.grant("vic", "author", "create")
        async with made.client("vic") as other:
            assert (await other.get(where)).status_code == 404
            assert (await other.get(f"{where}/preview")).status_code == 404
            answer = await other.post(f"{where}/run", [("_csrf", await other.token())])
            assert answer.status_code == 404
            assert (await other.get("/admin/book/import")).status_code == 403
            # What somebody may not do is refused row by row.
            mine = await send(other, "author", "a.csv", b"name,country\nAnn Uno,Peru\n")
            page = await tried(other, mine, match="name")
            assert shown(page) == [0, 0, 0, 1]
            assert "You may not update" in page


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_hidden_is_in_no_file(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A withheld field is in no export, no template, no mapping and no preview, as if unknown."""
    async with library(fresh_settings, kind) as made:

        async def work(transaction: AsyncSession) -> None:
            user = await transaction.scalar(select(User.id).where(User.name == "nob"))
            role = Role(name="no ratings")
            transaction.add(role)
            await transaction.flush()
            for action in ("read", "create", "update"):
                transaction.add(
                    RoleGrant(
                        role_id=role.id, resource="book", action=action, without=["rating", "year"]
                    )
                )
            transaction.add(UserRole(user_id=user, role_id=role.id))

        await made.database.write(work)
        async with made.client("nob") as client:
            for values in ("read", "stored"):
                for format_ in ("csv", "ndjson"):
                    query = f"all=1&columns=all&values={values}&format={format_}"
                    answer = await client.get(f"/admin/book/export/file?{query}")
                    assert answer.status_code == 200
                    assert "ating" not in answer.text
                    assert "4.5" not in answer.text
            for wrong in ("columns%3Drating", "rating%3D4.5", "sort%3Drating"):
                answer = await client.get(f"/admin/book/export/file?all=1&list={wrong}")
                assert answer.status_code == 400, wrong
            template = await client.get("/admin/book/import/template")
            assert "rating" not in template.text
            where = await send(
                client, "book", "b.csv", b"title,rating,authors\nBook 02,1,Ann Uno\n"
            )
            form = dict((await client.form(where)).fields())
            # Authors are not theirs to see either.
            assert (form["to-0"], form["to-1"], form["to-2"]) == ("title", "", "")
            answer = await client.post(
                where, chosen(await client.form(where), **{"to-1": "rating"})
            )
            assert answer.status_code == 400
            assert "There is no such field" in answer.text
            page = await tried(client, where, match="title")
            assert shown(page) == [0, 0, 1, 0]
            assert "4.5" not in page


@pytest.mark.parametrize("kind", KINDS)
async def test_files_of_every_kind(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Encodings, workbooks and JSON are told apart; what cannot be read is said in words."""
    cyrillic = "имя;страна\nЮлия Ц;Дания\n"
    files = {
        "1251.csv": (cyrillic.encode("cp1251"), "cp1251"),
        "16.csv": (cyrillic.encode("utf-16"), "utf-16"),
        "16le.csv": ("name,country\nLeo,Peru\n".encode("utf-16-le"), "utf-16-le"),
        "1252.csv": ("name;country\nRené;Perú\n".encode("cp1252"), "cp1252"),
        "8.csv": (cyrillic.encode("utf-8-sig"), "utf-8"),
    }
    async with library(fresh_settings, kind) as made, made.client() as client:
        for name, (content, encoding) in files.items():
            where = await send(client, "author", name, content)
            form = dict((await client.form(where)).fields())
            assert form["encoding"] == encoding, name
            page = await tried(client, where, **{"to-0": "name", "to-1": "country", "match": ""})
            assert shown(page) == [1, 0, 0, 0], name
        headless = await send(client, "author", "x.csv", b"Ann,1990\nBea,1991\n")
        assert "header" not in dict((await client.form(headless)).fields())
        for name, content in (
            ("a.json", b'[{"name": "J"}, {"name": "K", "born": 1990}, 3]'),
            ("a.ndjson", b'{"name": "J"}\n{"name": "K", "born": 1990}\n3\n'),
        ):
            where = await send(client, "author", name, content)
            assert shown(await tried(client, where)) == [2, 0, 0, 1], name
        for name, content, words in (
            ("a.json", b'[{"name": "J"},\n {"name": }]', "line 2, column 11"),
            ("a.xlsx", b"PK\x03\x04 nothing", "not an XLSX workbook"),
            ("a.csv", b"\n\n", "no header"),
            ("a.csv", b"a\x00b\n1", "no header|not UTF"),
        ):
            where = await send(client, "author", name, content)
            answer = await client.get(where)
            assert answer.status_code == 200
            assert re.search(words, answer.text), (name, answer.text)
        token = await client.token()
        empty = await client.http.post(
            "/admin/author/import",
            files={"file": ("a.csv", b"")},
            data={"_csrf": token},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert empty.status_code == 422
        for format_ in ("csv", "xlsx"):
            file = await client.get(f"/admin/book/import/template?format={format_}")
            where = await send(client, "book", f"t.{format_}", file.content)
            targets = [each for each in (await client.form(where)).fields() if each[0][:3] == "to-"]
            assert len(targets) > 5
            assert all(value for _, value in targets), targets


@pytest.mark.parametrize("kind", KINDS)
async def test_export(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A list's records, order and columns, for people or for an import, written into the log."""
    async with library(fresh_settings, kind) as made, made.client() as client:
        await made.add("author", {"name": "=1+1", "born": -5})
        page = await client.get("/admin/book/list?year__gte=1929&sort=-year")
        link = re.search(r'href="([^"]*/book/export\?[^"]*)"', page.text)
        assert link is not None
        form = await client.form(link[1].replace("&amp;", "&"))
        assert "2 records" in (await client.get(link[1].replace("&amp;", "&"))).text

        async def file(**fields: str) -> bytes:
            query = httpx.QueryParams([*form.fields(*fields), *fields.items()])
            answer = await client.http.get("/admin/book/export/file", params=query)
            assert answer.status_code == 200, answer.text
            assert "attachment" in answer.headers["content-disposition"]
            return answer.content

        read = rows_of(await file())
        assert [each[0] for each in read[1:]] == ["Book 30", "Book 29"]
        assert read[0][0] == "Title"
        assert "Authors" in read[0]
        assert read[1][read[0].index("Authors")] == "Ann Uno"
        stored_ = rows_of(await file(values="stored"))
        assert stored_[0][:2] == ["id", "title"]
        assert "authors" in stored_[0]
        lines = [json.loads(each) for each in (await file(format="ndjson")).splitlines()]
        assert [each["Title"] for each in lines] == ["Book 30", "Book 29"]
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(await file(format="xlsx", columns="all")))
        first, *rest = sheet.get_sheet_by_index(0).to_python()
        assert rest[0][first.index("Year")] == 1930
        assert rest[0][first.index("Rating")] == 4.5
        answer = await client.get("/admin/author/export/file?values=stored&columns=all&key=4")
        assert b"'=1+1" in answer.content
        assert answer.content.count(b"\r\n") == 2
        answer = await client.get("/admin/author/export/file?format=xlsx&key=4&key=1")
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
        assert "=1+1" in [each[0] for each in sheet.get_sheet_by_index(0).to_python()]
        for wrong in ("list=nothing%3D1", "list=columns%3Dnothing"):
            answer = await client.get(f"/admin/book/export/file?all=1&{wrong}")
            assert answer.status_code == 400
        events = await logged(made)
        assert [(each.actor_name, each.subject, each.source) for each in events] == (
            [("ana", "book", "panel")] * 4 + [("ana", "author", "panel")] * 2
        )
        assert [each.details["rows"] for each in events] == [2, 2, 2, 2, 1, 2]
        assert "year__gte" in events[0].details["asked"]
        assert events[2].details["format"] == "ndjson"


@pytest.mark.slow
async def test_in_a_browser(fresh_settings: FreshSettings, browser: Browser) -> None:
    """From a file to its records and back, with the keyboard; a long one shows how far it is."""
    kind: Kind = "sqlite"
    async with (
        library(fresh_settings, kind) as made,
        made.page(browser) as page,
    ):
        await page.goto("/admin/author/list")
        await page.get_by_role("link", name="Import").click()
        rows = "name;country\n" + "".join(f"Author {each};Peru\n" for each in range(2_100))
        await page.get_by_label("File").set_input_files(
            FilePayload(name="a.csv", mimeType="text/csv", buffer=rows.encode())
        )
        await page.get_by_role("button", name="Go on").press("Enter")
        await expect(page.get_by_role("cell", name="Author 0 · Author 1")).to_be_visible()
        await page.get_by_role("button", name="Show what would happen").press("Enter")
        await expect(page.get_by_text("The first 2,000 of 2,100 rows were tried.")).to_be_visible()
        await page.get_by_role("button", name="Import 2,100 rows").press("Enter")
        await expect(page.get_by_text("The import is done.")).to_be_visible(timeout=PATIENCE * 1000)
        await page.get_by_role("button", name="Undo the import").click()
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await page.goto("/admin/author/list")
        await page.get_by_role("link", name="Export").click()
        await page.get_by_label("Excel (XLSX)").check()
        async with page.expect_download() as waiting:
            await page.get_by_role("button", name="Download").click()
        download = await waiting.value
        assert download.suggested_filename == "authors.xlsx"


@pytest.mark.slow
async def test_without_scripts_and_accessible(
    fresh_settings: FreshSettings, browser: Browser
) -> None:
    """Every page of it works without JavaScript, and axe finds nothing."""
    async with library(fresh_settings, "sqlite") as made, made.client() as client:
        where = await send(client, "book", "b.csv", BOOKS.encode("cp1252"))
        await tried(client, where, match="title")
        async with made.page(browser) as page:
            for path in (
                *("/admin/book/export", "/admin/book/import", where),
                *(f"{where}/preview?show={each}" for each in ("created", "changed", "refused")),
            ):
                await page.goto(path)
                assert await violations(page) == [], path
        async with made.page(browser, java_script_enabled=False) as page:
            await page.goto(f"{where}/preview")
            await page.get_by_role("button", name="Import 2 rows: 1 new, 1 changed").click()
            await expect(page.get_by_text("The import is done.")).to_be_visible()
