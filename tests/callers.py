"""The callers of the route table: nobody, and three users with a session and a token each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import httpx
from accounts import enter
from api import make_role
from panel import PASSWORD, Form, House
from ports import http_client
from routes import FIELDS, Line, body_of
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access import create_token, create_user, csrf_token, new_password_link
from admin_app.declaration import COMMAND_LINE, SYSTEM, Grant

OWN_ROWS = [Grant("book", action, "own") for action in ("read", "update", "delete")]


FORM_COOKIE = "a-form-cookie"


STRANGERS = ("/admin/login", "/admin/setup/", "/admin/password/")
"""Pages whose forms carry the token of a cookie of their own; not the second page of a sign-in."""


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
