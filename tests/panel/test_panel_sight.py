"""What somebody may not see stands on no page of the panel, whichever way one comes to it."""

from __future__ import annotations

import io
import itertools
import random
import re
import zipfile
from collections.abc import Iterator
from html import unescape

import httpx
import pytest
from accounts import enter
from api import make_role
from conftest import KINDS, FreshSettings, Kind
from panel import PASSWORD, Client, Form, House, library
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from stranger import TOKEN
from test_panel_transfer import send

from admin_app.access import create_user, csrf_token
from admin_app.declaration import Grant
from admin_app.records.trail.changes import Change

SECRET = "Qzxvky"
"""What only stands where una may not look."""
HIDDEN = frozenset({"isbn", "description", "original_title", "lost_on"})
GRANTS = [
    Grant("book", "create", None, HIDDEN),
    *(Grant("book", action, "own", HIDDEN) for action in ("read", "update", "delete")),
    *(Grant("author", each, None, frozenset({"bio", "country"})) for each in ("read", "update")),
    *(Grant("comment", each) for each in ("read", "create", "update", "delete")),
    Grant("reader", "read", None, frozenset({"email", "card_number"})),
]
PAGES = 900
"""That are looked at, of those that links lead to."""
KEYS = {
    "book": ("31", "32", "4", "5", "7"),
    "author": ("1", "2"),
    "comment": ("1", "13", "14"),
    "reader": ("1",),
    "admin_user": ("1",),
}
"""Of records in sight and out of it."""
OF_RESOURCES = (
    *("list", f"list?search={SECRET[:-1]}", "create", "columns", "views", "advanced", "filter"),
    *("import", "export", "calls", "bulk/edit?all=1", "bulk/delete?all=1"),
    "export/file?format=ndjson&columns=all&values=stored",
    *("export/file?format=csv&columns=all", "export/file?format=xlsx&columns=all"),
)
OF_FIELDS = (
    *("filter?field={0}", "values?field={0}", "list?sort=-{0}", "list?columns={0}"),
    f"list?{{0}}__contains={SECRET[:-1]}",
    f"ajax/lookup?name={{0}}&term={SECRET[:-1]}",
    *("ajax/lookup?name={0}&term=", "export/file?list=columns%3D{0}"),
)
OF_RECORDS = (
    *("details/{0}", "edit/{0}", "history/{0}", "calls/{0}", "side/{0}", "delete?key={0}"),
    *("bulk/edit?key={0}", "bulk/delete?key={0}", "create?copy={0}", "cell/title/{0}"),
)


async def save(client: Client, path: str, **fields: str | list[str]) -> None:
    """Send a form with some of its fields filled in."""
    answer = await client.post(path, (await client.form(path)).changed(**fields))
    assert answer.status_code == 303, answer.text


async def fill(made: House, una: Client) -> list[str]:
    """Records of hers and of others, with what is hidden in both; where a file waits."""
    for number in (0, 1):
        await save(una, "/admin/book/create", title=f"Mine {number}", authors=["1"])
    async with made.client() as ana:
        for key in (4, 5, 7):
            title = f"{SECRET} {key}"
            await save(ana, f"/admin/book/edit/{key}", title=title, description=SECRET)
        form = Form((await ana.get("/admin/book/delete?key=7")).text)
        assert (await ana.post("/admin/book/delete", form.fields())).status_code == 303
        for key in (31, 32):
            hidden = {"isbn": f"{SECRET}{key}", "description": SECRET, "original_title": SECRET}
            await save(ana, f"/admin/book/edit/{key}", language="fra", **hidden)
        for key in (1, 2):
            await save(ana, f"/admin/author/edit/{key}", country=f"{SECRET}{key}", bio=SECRET)
        await save(ana, "/admin/reader/edit/1", email=f"{SECRET}@example.org", card_number=SECRET)
        for book in ("4", "31"):
            await save(ana, "/admin/comment/create", text="Open", book=book, reader="1")
        for resource, name, more in (
            ("author", SECRET, ()),
            ("admin_user", SECRET, (("shared", "1"), ("pinned", "1"))),
            ("book", "Shared", (("shared", "1"), ("list", f"description__contains={SECRET[:-1]}"))),
        ):
            fields = [("act", "save"), ("name", name), ("_csrf", TOKEN), *more]
            await ana.post(f"/admin/{resource}/views", fields)
        file = f"id,title,isbn\n32,Mine 1,{SECRET}\n5,{SECRET} five,{SECRET}2\n"
        where = await send(ana, "book", f"{SECRET}.csv", file.encode())
        await ana.post(where, (await ana.form(where)).fields())
        assert (await ana.post(f"{where}/run", [("_csrf", TOKEN)])).status_code == 303
    return [where, f"{where}/preview", f"{where}/refused"]


def addresses(made: House) -> Iterator[str]:
    """Every page of what there is, in sight and out of it."""
    yield from ("/", "/search?term=", f"/search?term={SECRET[:-1]}", "/search?term=mine")
    yield "/views/pinned"
    for name, keys in KEYS.items():
        resource = made.records.registry[name]
        yield from (f"/{name}/{each}" for each in OF_RESOURCES)
        names = [*resource.fields, *resource.relations]
        for relation in resource.relations.values():
            target = made.records.registry.target(relation)
            names += [f"{relation.name}.{each}" for each in target.fields]
        yield from (f"/{name}/{each.format(one)}" for one in names for each in OF_FIELDS)
        yield from (f"/{name}/{each.format(key)}" for key in keys for each in OF_RECORDS)
        every = itertools.product(("cell", "file"), resource.fields, keys)
        yield from (f"/{name}/{page}/{one}/{key}" for page, one, key in every)


async def changes_of(connection: AsyncConnection) -> list[tuple[int, str, str, str]]:
    statement = select(Change.id, Change.resource, Change.key, Change.change_set)
    return [(row[0], row[1], row[2], str(row[3])) for row in await connection.execute(statement)]


def leaks(answer: httpx.Response) -> str:
    """Where in an answer the secret stands, if it does."""
    texts = [answer.text, *answer.headers.values()]
    if answer.content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            texts = [book.read(each).decode() for each in book.namelist()]
    found = (re.search(f".{{0,60}}{SECRET}.{{0,60}}", each, re.IGNORECASE) for each in texts)
    return next((each[0] for each in found if each), "")


def linked(answer: httpx.Response) -> Iterator[str]:
    """Where a page leads."""
    if answer.status_code == 200 and "html" in answer.headers["content-type"]:
        found = re.findall(r'(?:href|action|data-[a-z-]+)="(/admin/[^"#]*)', answer.text)
        yield from (unescape(each) for each in found if "/statics/" not in each)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_hidden_is_shown(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Hidden fields and others' records are in no page, file, refusal, trial or undoing."""
    async with library(fresh_settings, kind) as made, made.client("") as una:
        await make_role(made.database, "una", *GRANTS)
        await create_user(made.database, "una", PASSWORD, ["una"])
        secret = await enter(made.database, "una")
        una.http.cookies.set("session", secret, domain="127.0.0.1")
        theirs = await fill(made, una)
        told = await made.database.read(changes_of)
        sets = sorted({each[3] for each in told})
        found: dict[str, str] = {}

        def judge(asked: str, answer: httpx.Response) -> None:
            assert answer.status_code < 500, asked
            if leak := leaks(answer):
                found[asked] = leak

        seen = {"/admin/account", "/admin/logout"}
        links: list[str] = [*theirs, *(f"/admin/changes/{each}" for each in sets)]
        first = [f"/admin{each}" for each in addresses(made)]
        chance = random.Random(1)
        while first or (links and len(seen) < PAGES):
            path = first.pop() if first else links.pop(chance.randrange(len(links)))
            if path not in seen:
                seen.add(path)
                answer = await una.get(path)
                judge(path, answer)
                links += linked(answer)
        assert {(await una.get(each)).status_code for each in theirs} == {404}
        for path, fields in sendings(told, sets):
            answer = await una.post(path, [*fields, ("_csrf", csrf_token(secret))])
            judge(f"{path} {fields}", answer)
        assert found == {}
        for key in ("4", "5"):
            assert (await made.get("book", key)).values["title"].startswith(SECRET)
        for key in ("31", "32"):
            assert (await made.get("book", key)).values["original_title"] == SECRET


def sendings(
    told: list[tuple[int, str, str, str]], sets: list[str]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Forms that undo, try out and change what is in sight and what is not."""
    for each in sets:
        yield f"/admin/undo/{each}", []
        yield f"/admin/undo/{each}", [("skip", "1")]
    for number, resource, key, _ in told:
        path = f"/admin/{resource}/put-back/{key}"
        for field in ("", "isbn", "title,isbn", "language"):
            yield path, [("change", str(number)), ("field", field)]
        yield path, [("to", str(number))]
    for key in KEYS["book"]:
        for field in ("isbn", "title", "language"):
            value = (f"f-{field}", "other")
            yield f"/admin/book/cell/{field}/{key}", [value, ("_etag", '"1"')]
            yield f"/admin/book/edit/{key}", [value, ("_etag", '"1"'), ("_opened", "{}")]
            yield "/admin/book/bulk/edit", [("key", key), ("set", field), value]
        yield f"/admin/book/editing/{key}", []
        for act in ("add", "edit k13", "remove k13", "edit k14"):
            fields = [("f-comments.at", ""), ("_inline", f"f-comments {act}")]
            yield f"/admin/book/inline/comments/{key}", fields
    yield "/admin/book/bulk/edit", [("all", "1"), ("set", "isbn"), ("f-isbn", "x")]
    yield "/admin/book/bulk/delete", [("key", "4"), ("key", "31")]
    yield "/admin/author/delete", [("key", "1")]
