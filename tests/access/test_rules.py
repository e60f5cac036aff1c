"""A role that reaches only the rows of a rule: those rows at both doors, and no others."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from api import allow, forbid, make_role
from commands import Commands, write_settings
from conftest import KINDS, FreshSettings
from panel import House, library, session_of
from ports import http_client
from sqlalchemy import insert, select

from admin_app.access import create_token, create_user
from admin_app.access.secret import digest
from admin_app.access.tables import Session
from admin_app.database import Database
from admin_app.declaration import Grant
from admin_app.records.trail.changes import Change
from admin_app.settings import Settings

OWN = [Grant("book", action, "own") for action in ("read", "update", "delete")]
REST = [Grant("book", "create"), Grant("author", "read"), Grant("comment", "read")]


class Una:
    """Somebody who reaches her own books, at both doors."""

    def __init__(self, home: House, api: httpx.AsyncClient) -> None:
        self.home = home
        self.api = api

    async def json(self, path: str) -> Any:
        answer = await self.api.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def titles(self, path: str) -> list[str]:
        return [each["title"] for each in (await self.json(path))["data"]]


@pytest.fixture(params=KINDS)
async def una(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Una]:
    """Thirty books of nobody's, and one of hers, with an author who has others."""
    async with library(fresh_settings, request.param) as home:
        await make_role(home.database, "keeper of her own", *OWN, *REST)
        user = await create_user(home.database, "una", None, ["keeper of her own"])
        admin = await home.database.read(_ana)
        row = {**admin, "user_id": user, "token_hash": digest(session_of("una"))}
        await home.database.write(lambda each: each.execute(insert(Session), [row]))
        token = await create_token(home.database, "una", "test", None)
        headers = {"Authorization": f"Bearer {token}"}
        async with http_client(home.url, headers=headers) as api:
            made = await api.post("/api/v1/books", json={"title": "Hers", "authors": [1, 2]})
            assert (made.status_code, made.json()["id"]) == (201, 31)
            yield Una(home, api)


async def _ana(connection: Any) -> dict[str, Any]:
    row = (await connection.execute(Session.__table__.select().limit(1))).mappings().one()
    return {name: value for name, value in row.items() if name != "id"}


@pytest.mark.parametrize(
    "query",
    ["", "?search=h", "?sort=-year", "?title__contains=e", "?authors=1", "?id__in=1,2,31"],
)
async def test_a_list_holds_only_her_rows(una: Una, query: str) -> None:
    """However a list is asked for, it holds the rows of the rule, and so does its count."""
    assert await una.titles(f"books{query}") == ["Hers"]
    counted = await una.json(f"books{query}{'&' if query else '?'}count=exact")
    assert counted["page"]["total"] == 1


async def test_a_row_out_of_sight_is_absent(una: Una) -> None:
    """Reading, changing and deleting a row out of sight answer as for one that does not exist."""
    for method, body in (("GET", None), ("PATCH", {"title": "Mine now"}), ("DELETE", None)):
        answers = []
        for key in (1, 4711):
            answer = await una.api.request(method, f"/api/v1/books/{key}", json=body)
            document = answer.json()
            answers.append((answer.status_code, document["code"], document["detail"]))
        assert answers == [(404, "not_found", "There is no such book.")] * 2
    assert (await una.home.get("book", "1")).values["title"] == "Book 01"


async def test_her_own_row_is_hers(una: Una) -> None:
    """The rows of the rule can be read, changed and deleted."""
    changed = await una.api.patch("/api/v1/books/31", json={"year": 2026})
    assert (changed.status_code, changed.json()["year"]) == (200, 2026)
    assert (await una.api.delete("/api/v1/books/31")).status_code == 204


async def test_what_no_grant_allows_is_refused(una: Una) -> None:
    """An action that no grant names is refused at both doors, a resource too."""
    refused = await una.api.patch("/api/v1/authors/1", json={"name": "Other"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await una.api.get("/api/v1/readers")).status_code == 403
    async with una.home.client("una") as client:
        assert (await client.get("/admin/author/edit/1")).status_code == 403
        assert (await client.get("/admin/reader/list")).status_code == 403


async def test_absent_comes_before_forbidden(una: Una) -> None:
    """What may not be changed at all answers 404 where it is absent and 403 where it is seen."""
    for method, body in (("PATCH", {"name": "Other", "books": [31]}), ("DELETE", None)):
        statuses = [
            (await una.api.request(method, f"/api/v1/authors/{key}", json=body)).status_code
            for key in (4711, 1)
        ]
        assert statuses == [404, 403]


async def test_relations_show_only_her_rows(una: Una) -> None:
    """A relation holds no key of a row out of sight, and such a row cannot be referred to."""
    assert (await una.json("authors/1"))["books"] == [31]
    await allow(una.home.database, "keeper of her own", Grant("comment", "create"))
    refused = await una.api.post("/api/v1/comments", json={"book_id": 1, "text": "Seen"})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"pointer": "/book_id", "code": "reference_not_found", "detail": "There is no such book."}
    ]
    made = await una.api.post("/api/v1/comments", json={"book_id": 31, "text": "Hers"})
    assert made.status_code == 201


async def test_the_panel_shows_the_same_rows(una: Una) -> None:
    """List, record, form, delete page, look-up and count of the panel reach what REST reaches."""
    await allow(una.home.database, "keeper of her own", Grant("comment", "create"))
    async with una.home.client("una") as client:
        listed = (await client.get("/admin/book/list")).text
        assert re.findall(r'<th scope="row"[^>]*><a [^>]*>([^<]*)', listed) == ["Hers"]
        assert '<span class="number">1</span>' in (await client.get("/admin/")).text
        for page in ("details/1", "edit/1", "delete?key=1"):
            assert (await client.get(f"/admin/book/{page}")).status_code == 404
        for page in ("details/31", "edit/31", "delete?key=31"):
            assert (await client.get(f"/admin/book/{page}")).status_code == 200
        found = await client.get("/admin/comment/ajax/lookup?name=book&term=")
        assert [each["title"] for each in found.json()["results"]] == ["Hers"]
        author = (await client.get("/admin/author/details/1")).text
        assert "Hers" in author
        assert "Book 0" not in author


async def test_a_grant_taken_back_ends_at_once(una: Una) -> None:
    """Once the grants are gone the next request is refused."""
    await forbid(una.home.database, "keeper of her own", *OWN)
    assert (await una.api.get("/api/v1/books")).status_code == 403
    assert (await una.api.get("/api/v1/books/31")).status_code == 403


def test_role_commands(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roles are made, granted, given, reviewed, taken back and deleted by commands."""
    command = Commands(write_settings(settings), capfd, monkeypatch)
    command.fine("role", "create", "clerk", "--description", "At the desk.")
    command.fine("role", "allow", "clerk", "books", "read", "update", "--rule", "own")
    command.fine("role", "allow", "clerk", "comment", "all", "--without", "stars")
    assert "At the desk." in command.fine("role", "list")
    rows = list(csv.DictReader(io.StringIO(command.fine("access", "matrix", "--csv"))))
    mine = {row["RESOURCE"]: row for row in rows if row["ROLE"] == "clerk"}
    assert [mine["book"][each] for each in ("READ", "CREATE", "UPDATE")] == ["own", "-", "own"]
    assert mine["comment"]["DELETE"] == "all without stars"
    assert (mine["book"]["IMPERSONATE"], mine["admin_user"]["IMPERSONATE"]) == ("", "-")
    table = command.fine("access", "matrix")
    assert re.search(r"^viewer +book +all( +-){5}$", table, re.MULTILINE)
    command.fine("role", "allow", "clerk", "comment", "all")
    table = command.fine("access", "matrix")
    assert re.search(r"^clerk +comment( +all){4}\s*$", table, re.MULTILINE)
    command.fine("user", "create", "cleo", "--role", "viewer", "--no-password")
    command.fine("user", "roles", "cleo", "--role", "clerk")
    assert command.fine("export", "author", "--format", "ndjson") == ""
    refused = command("export", "author", "--as", "cleo")
    assert (refused.code, refused.out) == (1, "")
    explained = command.fine("access", "explain", "cleo", "books", "update")
    assert explained.startswith("allowed: cleo may update books of the rule own")
    assert command("role", "delete", "clerk").code == 1
    command.fine("user", "roles", "cleo", "--role", "viewer")
    command.fine("role", "forbid", "clerk", "comment", "all")
    command.fine("role", "delete", "clerk")
    assert "clerk" not in command.fine("role", "list")


def test_role_commands_leave_changes_and_events(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the commands do stands in the history and in the security log, as any write does."""
    command = Commands(write_settings(settings), capfd, monkeypatch)
    command.fine("role", "create", "clerk")
    command.fine("role", "allow", "clerk", "book", "read", "--without", "isbn")
    command.fine("role", "forbid", "clerk", "book", "read")
    command.fine("role", "delete", "clerk")
    log = command.fine("export", "admin_security_event", "--format", "ndjson").splitlines()
    events = [json.loads(each) for each in log]
    told = sorted((each["event"], each["subject"], each["source"]) for each in events)
    names = ("grant_added", "grant_removed", "role_created", "role_deleted")
    assert told == [(name, "clerk", "command line") for name in names]

    async def changes() -> list[tuple[str, str]]:
        database = Database(settings)
        try:
            found = select(Change.resource, Change.action).where(Change.source == "command line")
            return await database.read(lambda each: _rows(each, found.order_by(Change.id)))
        finally:
            await database.close()

    assert asyncio.run(changes()) == [
        *(("admin_role", "create"), ("admin_grant", "create")),
        *(("admin_grant", "delete"), ("admin_role", "delete")),
    ]


async def _rows(connection: Any, statement: Any) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in await connection.execute(statement)]


REFUSED_COMMANDS: tuple[tuple[list[str], str], ...] = (
    (["create", "editor"], "already"),
    (["create", " "], "visible characters"),
    (["delete", "clark"], "Did you mean clerk?"),
    (["delete", "administrator"], "stays as it is"),
    (["allow", "clerk", "bok", "read"], "Did you mean book?"),
    (["allow", "clerk", "book", "raed"], "Did you mean read?"),
    (["allow", "clerk", "book", "read", "--rule", "onw"], "Did you mean own?"),
    (["allow", "clerk", "book", "read", "--without", "isnb"], "Did you mean isbn?"),
    (["allow", "administrator", "book", "read"], "stays as it is"),
    (["forbid", "administrator", "*", "read"], "stays as it is"),
    (["forbid", "clerk", "book", "read"], "does not grant read on book"),
)


def test_refused_role_commands(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be granted is a sentence with exit 1, and the guards hold here too."""
    command = Commands(write_settings(settings), capfd, monkeypatch)
    command.fine("role", "create", "clerk")
    before = command.fine("access", "matrix", "--csv")
    for arguments, words in REFUSED_COMMANDS:
        done = command("role", *arguments)
        assert (done.code, done.out) == (1, ""), arguments
        assert words in " ".join(done.err.split())
    assert command.fine("access", "matrix", "--csv") == before


def test_user_commands_keep_an_administrator(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last administrator who can sign in is neither disabled nor demoted by a command."""
    command = Commands(write_settings(settings), capfd, monkeypatch)
    password = "a long sentence, say\n"
    for name in ("ana", "bea"):
        given = ("--role", "administrator", "--password-stdin")
        command.fine("user", "create", name, *given, stdin=password)
    command.fine("user", "roles", "BEA", "--role", "viewer", "--role", "editor")
    assert "editor, viewer" in command.fine("user", "list")
    for last in (["disable", "ana"], ["roles", "ana", "--role", "viewer"]):
        done = command("user", *last)
        assert (done.code, "the last administrator" in done.err) == (1, True)
    wrong = command("user", "roles", "bea", "--role", "veiwer")
    assert (wrong.code, "Did you mean viewer?" in wrong.err) == (1, True)
    command.fine("user", "disable", "bea")
    assert "disabled" in command.fine("user", "list")
    command.fine("user", "enable", "bea")
    assert "disabled" not in command.fine("user", "list")
    told = command.fine("access", "explain", "bea", "book", "update", "--field", "isbn")
    assert told.startswith("allowed: bea may update books: the role editor allows it")
    assert re.search(r"^isbn +visible", told, re.MULTILINE)


async def test_grants_are_loaded_once(una: Una) -> None:
    """A request asks for the grants of whoever acts once, and not again for each record."""
    callers = una.home.callers
    for path in ("books?limit=200&count=exact", "authors", "comments/1", "authors/1"):
        una.home.statements.clear()
        # The next second: who called in this one is remembered.
        callers.clock = partial(float, callers.clock() + 1.0)
        await una.json(path)
        assert sum("admin_grant" in each for each in una.home.statements) == 1, path
    async with una.home.client("una") as client:
        for path in ("/admin/", "/admin/book/list", "/admin/book/details/31"):
            una.home.statements.clear()
            assert (await client.get(path)).status_code == 200
            assert sum("admin_grant" in each for each in una.home.statements) == 1, path
