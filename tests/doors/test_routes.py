"""Every route there is, and what each kind of caller gets from it: declared here, then asked for.

A route without a line in the table fails, and so does a line without a route.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from accounts import enter
from api import make_role
from panel import PASSWORD, Form, House
from ports import http_client
from routes import CALLERS, FIELDS, KINDS_OF, TABLE, Line, body_of
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.routing import BaseRoute, Mount, compile_path
from stored import stored

from admin_app.access import create_token, create_user, csrf_token, new_password_link
from admin_app.app import create_app
from admin_app.declaration import COMMAND_LINE, SYSTEM, Grant
from admin_app.rest.dispatch import ResourceRoutes
from admin_app.settings import AppSection, Settings

OWN_ROWS = [Grant("book", action, "own") for action in ("read", "update", "delete")]


FORM_COOKIE = "a-form-cookie"


STRANGERS = ("/admin/login", "/admin/setup/", "/admin/password/")
"""Pages whose forms carry the token of a cookie of their own; not the second page of a sign-in."""


def served(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route; a mount that has none of its own is one."""
    for each in routes:
        # FastAPI keeps an included router as it is, its prefix beside it.
        included: Any = getattr(each, "original_router", None)
        if included is not None:
            context: Any = each
            yield from served(included.routes, prefix + context.include_context.prefix)
        elif isinstance(each, ResourceRoutes):
            yield from served(each.routes)
        elif isinstance(each, Mount) and each.routes:
            yield from served(each.routes, prefix + each.path)
        else:
            path = prefix + str(getattr(each, "path", each))
            yield from ((method, path) for method in getattr(each, "methods", None) or ["GET"])


def test_every_route_has_a_line() -> None:
    """What is served and what is declared here are the same."""
    app = create_app(Settings(app=AppSection(models=("admin_app.models",))))
    # What answers GET and HEAD has one line for both: see ``test_heads``.
    found = {each for each in served(app.routes) if each[0] != "HEAD"}
    assert found == {(line.method, line.path) for line in TABLE}


def test_every_line_asks_its_route() -> None:
    """What a line asks for is an address of its route, and it has an answer for each caller."""
    for line in TABLE:
        asked = re.sub(r"{\w+}", "1", urlsplit(line.target).path)
        pattern, _, _ = compile_path(line.path)
        assert pattern.match(asked) or asked.startswith(f"{line.path}/"), line
        assert len(line.answers) == len(CALLERS), line


class Callers:
    """The four, at both doors."""

    def __init__(self, home: House, http: httpx.AsyncClient) -> None:
        self.home = home
        self.http = http
        self.secrets: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.names: dict[str, str] = {}
        """What stands in braces in a target."""
        self.forms: dict[str, list[tuple[str, str]]] = {}

    async def ask(self, line: Line, caller: str, method: str = "") -> httpx.Response:
        """Send a line's request as one of them."""
        method = method or line.method
        target = line.target.format(**self.names)
        headers = {"Sec-Fetch-Site": "same-origin"}
        if target.startswith("/api/"):
            if caller:
                headers["Authorization"] = f"Bearer {self.tokens[caller]}"
            headers["Prefer"] = "max-affected=10"
            return await self.http.request(method, target, headers=headers, json=body_of(line))
        cookies = {"form": FORM_COOKIE}
        if caller:
            cookies["session"] = self.secrets[caller]
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if method != "POST":
            return await self.http.request(method, target, headers=headers)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        fields = await self._fields(line, target, caller)
        return await self.http.post(target, content=urlencode(fields), headers=headers)

    async def _fields(self, line: Line, target: str, caller: str) -> list[tuple[str, str]]:
        strange = target.startswith(STRANGERS) and not target.endswith("/code")
        secret = FORM_COOKIE if strange or not caller else self.secrets[caller]
        given = FIELDS.get(f"POST {line.target}", FIELDS.get(line.route, {}))
        fields = {name: value.format(**self.names) for name, value in given.items()}
        if target in self.forms:
            shown = [each for each in self.forms[target] if each[0] not in {"_csrf", *fields}]
        else:
            shown = []
        return [*shown, *fields.items(), ("_csrf", csrf_token(secret))]


OPENED = ("/admin/book/edit/2", "/admin/access/matrix?edit=1", "/admin/book/delete?key=4")
"""Forms that are sent back as they were shown."""


@asynccontextmanager
async def callers(home: House) -> AsyncIterator[Callers]:
    """All four, and what they ask for."""
    database = home.database
    await make_role(database, "own rows", *OWN_ROWS)
    await make_role(database, "spare")
    await create_user(database, "una", PASSWORD, ["own rows"])
    await create_token(database, "ana", "spare", None)
    await enter(database, "vic")
    every = [f"{each}:*" for each in home.records.registry if each.startswith("admin_")]
    async with http_client(home.url) as http:
        made = Callers(home, http)
        for name in ("nob", "una", "ana"):
            made.secrets[name] = await enter(database, name)
            scopes = ["*:*", *every] if name == "ana" else None
            made.tokens[name] = await create_token(database, name, "x", None, scopes=scopes)
        made.names = await database.read(_names)
        made.names["asked"] = "user=vic&resource=book&action=read"
        made.names["link"] = await new_password_link(database, SYSTEM, "vic", COMMAND_LINE)
        async with home.client("ana") as client:
            page = (await client.get("/admin/")).text
            made.names["asset"] = min(Form.assets(page)).removeprefix("/admin/statics/")
            for path in OPENED:
                made.forms[path.partition("?")[0]] = (await client.form(path)).fields()
        yield made


async def _names(connection: AsyncConnection) -> dict[str, str]:
    """The ids that targets name."""
    asked = {
        "vic": "SELECT id FROM admin_user WHERE name = 'vic'",
        "vics_session": (
            "SELECT MIN(s.id) FROM admin_session s JOIN admin_user u ON u.id = s.user_id"
            " WHERE u.name = 'vic'"
        ),
        "spare_session": (
            "SELECT MAX(s.id) FROM admin_session s JOIN admin_user u ON u.id = s.user_id"
            " WHERE u.name = 'vic'"
        ),
        "role": "SELECT id FROM admin_role WHERE name = 'spare'",
        "grant": (
            "SELECT g.id FROM admin_grant g JOIN admin_role r ON r.id = g.role_id"
            " WHERE r.name = 'editor' AND g.action = 'read'"
        ),
        "token": "SELECT MIN(id) FROM admin_token",
    }
    return {name: str(await connection.scalar(text(each))) for name, each in asked.items()}


def told(answer: httpx.Response) -> str:
    """The status as the table says it."""
    to_sign_in = urlsplit(answer.headers.get("location", "")).path == "/admin/login"
    if answer.status_code == 303 and to_sign_in:
        return "out" if "session=" in answer.headers.get("set-cookie", "") else "in"
    return str(answer.status_code)


MEDIA_TYPES = {
    "application/problem+json": "problem",
    "application/json": "data",
    "text/html": "page",
    "text/plain": "text",
}


def kind(answer: httpx.Response) -> str:
    """What an answer is: a problem (RFC 9457), data, a page, text, a file or nothing."""
    if not answer.content:
        return "nothing"
    media_type = answer.headers["content-type"].partition(";")[0]
    return MEDIA_TYPES.get(media_type, "file")


def expected_kind(line: Line, answer: str) -> str:
    if answer in {"in", "out", "303", "307", "204"}:
        return "nothing"
    if line.path.startswith("/api/"):
        return "problem" if answer[0] in "45" else KINDS_OF.get(line.route, "data")
    if line.path.startswith("/errors/") and answer[0] in "45":
        return "problem"
    usual = "page" if line.path.startswith("/admin") else "text"
    # Who may not ask at all, or not about this record, is told so on a page.
    refused_before = answer == "403" or (answer == "404" and "{pk:path}" in line.path)
    return usual if refused_before else KINDS_OF.get(line.route, usual)


def refused(line: Line, answer: str) -> bool:
    """Whether an answer says that one may not; a wrong password at the panel is another matter."""
    return answer in {"in", "403", "404"} or (answer == "401" and line.path.startswith("/api/"))


async def test_every_route_answers_as_declared(home: House) -> None:
    """Each caller gets what the table says; what is refused has changed nothing."""
    async with callers(home) as made:
        asked = [
            (line, caller, answer)
            for line in TABLE
            for caller, answer in zip(CALLERS, line.answers, strict=True)
        ]
        before = await stored(home)
        for line, caller, answer in asked:
            if refused(line, answer):
                await check(made, line, caller, answer)
        assert await stored(home) == before
        for line, caller, answer in asked:
            if not refused(line, answer):
                await check(made, line, caller, answer)


async def check(made: Callers, line: Line, caller: str, expected: str) -> None:
    answer = await made.ask(line, caller)
    assert told(answer) == expected, (caller, line, answer.text)
    assert kind(answer) == expected_kind(line, expected), (caller, line, answer.text)


async def test_heads(home: House) -> None:
    """A HEAD is answered as the GET is, without the body."""
    async with callers(home) as made:
        routes = served(create_app(home.settings).routes)
        taking = {path for method, path in routes if method == "HEAD"}
        for line in TABLE:
            if line.method != "GET" or line.path not in taking:
                continue
            for caller in CALLERS:
                get, head = await made.ask(line, caller), await made.ask(line, caller, "HEAD")
                assert head.status_code == get.status_code, (caller, line)
                assert head.headers.get("location") == get.headers.get("location")
                assert head.content == b""
