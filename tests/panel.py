"""The panel as people meet it: the application on a port, a client with cookies, a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import zoo
from applications import application, state_of
from conftest import PATIENCE, FreshSettings, Kind, migrated
from playwright.async_api import Browser, Page
from ports import http_client, served
from sqlalchemy import event, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import Callers, create_user
from admin_app.access.limits import RequestLimits
from admin_app.access.secret import digest
from admin_app.access.tables import Role, RoleGrant, Session, User, UserRole
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Base, Origin, Registry
from admin_app.records import Records, Representation
from admin_app.records.trail.changes import Change
from admin_app.settings import AppSection, SecuritySection, Settings

PASSWORD = "a long sentence, say"
SEED = Origin("import", "seed")


@dataclass
class House:
    """One running application with its panel, driven from outside."""

    url: str
    database: Database
    records: Records
    limits: RequestLimits
    callers: Callers
    settings: Settings
    statements: list[str] = field(default_factory=list)
    """Every statement since it was last cleared."""

    @asynccontextmanager
    async def client(self, name: str = "ana") -> AsyncIterator[Client]:
        """A client signed in as ``name``; with no name, as nobody."""
        async with http_client(self.url) as http:
            if name:
                http.cookies.set("session", session_of(name), domain="127.0.0.1")
            yield Client(http)

    @asynccontextmanager
    async def page(
        self, browser: Browser, name: str = "ana", **options: Any
    ) -> AsyncIterator[Page]:
        """A page in a browser of its own, signed in; fails on any complaint of the browser."""
        context = await browser.new_context(base_url=self.url, **options)
        complaints: list[str] = []
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda each: complaints.append(each.text) if _bad(each) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda each: self._stays(each.url, complaints))
        if name:
            cookie = {"name": "session", "value": session_of(name), "url": self.url}
            await context.add_cookies([cookie])  # type: ignore[list-item]
        try:
            yield page
        finally:
            await context.close()
        assert complaints == []

    def _stays(self, url: str, complaints: list[str]) -> None:
        if not url.startswith((self.url, "data:")):
            complaints.append(f"a request left the server: {url}")

    async def add(self, resource: str, body: Mapping[str, Any]) -> Representation:
        """Add a record, as the command line does."""
        found = self.records.registry[resource]
        return await self.records.create(SYSTEM, found, dict(body), origin=SEED)

    async def get(self, resource: str, key: str) -> Representation:
        """Read a record by its key's text."""
        found = self.records.registry[resource]
        return await self.records.get(SYSTEM, found, found.parse_key(key))

    async def grant(self, name: str, resource: str, action: str, rule: str | None = None) -> None:
        """Let somebody do something, on all rows or those of a rule."""

        async def work(transaction: AsyncSession) -> None:
            user = await transaction.scalar(select(User.id).where(User.name == name))
            role = Role(name=f"{name} {resource} {action}")
            transaction.add(role)
            await transaction.flush()
            transaction.add(RoleGrant(role_id=role.id, resource=resource, action=action, rule=rule))
            transaction.add(UserRole(user_id=user, role_id=role.id))

        await self.database.write(work)

    async def limit(self, name: str, resource: str, rule: str) -> None:
        """Let somebody read and change the rows of a rule."""
        for action in ("read", "update", "delete"):
            await self.grant(name, resource, action, rule)

    async def changes(self) -> list[Any]:
        """Every change written through the panel."""

        async def work(connection: Any) -> list[Any]:
            statement = select(Change.__table__).where(Change.source == "panel")
            return list((await connection.execute(statement.order_by(Change.id))).all())

        return await self.database.read(work)


def _bad(message: Any) -> bool:
    # Chromium writes a line for every page that is not a success, which is no fault of the page.
    return message.type in {"error", "warning"} and "server responded with a status" not in str(
        message.text
    )


class Client:
    """A browser without a screen: cookies, forms, the headers that browsers send."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Sign in through the form."""
        form = Form((await self.http.get("/admin/login")).text)
        return await self.post(
            "/admin/login",
            [
                *form.fields("name", "password"),
                ("name", name),
                ("password", password),
                *fields.items(),
            ],
        )

    async def get(self, path: str) -> httpx.Response:
        """Ask for a page."""
        return await self.http.get(path)

    async def form(self, path: str) -> Form:
        """The main form of a page."""
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return Form(answer.text)

    async def post(
        self, path: str, data: Sequence[tuple[str, str]] = (), **headers: str
    ) -> httpx.Response:
        """Send a form, as a page of the same site does."""
        sent = {
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        sent |= {name.replace("_", "-"): text for name, text in headers.items()}
        sent = {name: text for name, text in sent.items() if text}
        content = str(httpx.QueryParams(list(data)))
        return await self.http.post(path, content=content, headers=sent)

    async def token(self) -> str:
        """The form token of the session."""
        return dict(Form((await self.get("/admin/")).text, 0).fields())["_csrf"]


class Form:
    """The controls of a page's main form and what they would send, read as a browser reads them."""

    def __init__(self, html: str, which: int = -1) -> None:
        # The form of a notice, to undo what was done, is no page's own.
        page = html.partition("data-toast")[0]
        self.html = re.findall(r"<form\b.*?</form>", page, re.DOTALL)[which]
        self._fields = list(self._read())

    def fields(self, *without: str) -> list[tuple[str, str]]:
        """What the form sends when it is not touched, some fields left out."""
        return [each for each in self._fields if each[0] not in without]

    def changed(self, **fields: str | list[str] | None) -> list[tuple[str, str]]:
        """What it sends with some fields filled in otherwise; names without their prefix."""
        named = {f"f-{name}": value for name, value in fields.items()}
        found = self.fields(*named)
        for name, value in named.items():
            texts = [value] if isinstance(value, str) else value or []
            found += [(name, text) for text in texts]
        return found

    @staticmethod
    def assets(html: str) -> set[str]:
        """The files a page asks for."""
        found = re.findall(r'(?:href|src)="([^"#]*/statics/[^"#]*)', html)
        return {unescape(each) for each in found}

    def _read(self) -> Any:
        for kind, attributes, inner in _controls(self.html):
            given = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
            name, value = unescape(given.get("name", "")), unescape(given.get("value", ""))
            type_ = given.get("type", "text")
            if not name or type_ in {"file", "submit"}:
                continue
            if kind == "textarea":
                value = unescape(re.sub(r"\A\r?\n", "", inner)).replace("\r\n", "\n")
                value = value.replace("\r", "\n").replace("\n", "\r\n")
            elif kind == "select":
                chosen = re.search(r'<option (?:class="\w+" )?selected value="([^"]*)"', inner)
                value = unescape(chosen[1]) if chosen else ""
            elif type_ in {"checkbox", "radio"} and not re.search(r"\bchecked\b", attributes):
                continue
            yield name, value


def _controls(html: str) -> Iterator[tuple[str, str, str]]:
    found = re.finditer(r"<(input|textarea|select)\b([^>]*)>", html)
    for each in found:
        kind, attributes = each[1], each[2]
        end = -1 if kind == "input" else html.index(f"</{kind}>", each.end())
        yield kind, attributes, "" if end < 0 else html[each.end() : end]


@asynccontextmanager
async def house(
    settings: Settings, models: tuple[str, ...] = ("admin_app.models",)
) -> AsyncIterator[House]:
    """Run the application on a port of this machine."""
    secret = SecuritySection(secret="0123456789" * 4, requests_per_minute=1_000_000)
    chosen = settings.model_copy(update={"app": AppSection(models=models), "security": secret})
    app, registry = await application(chosen)
    async with state_of(chosen, registry) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state)}, receive, send)

        async with served(with_state) as port:
            made = House(
                f"http://127.0.0.1:{port}",
                state["database"],
                state["records"],
                state["limits"],
                state["callers"],
                chosen,
            )
            engine = made.database.engine.sync_engine
            event.listen(
                engine, "before_cursor_execute", lambda *each: made.statements.append(each[2])
            )
            yield made


def session_of(name: str) -> str:
    """The secret of a session that is open from the start: hashing a password takes its time."""
    return f"the session of {name}".replace(" ", "-")


async def people(database: Database) -> None:
    """An administrator, a viewer, and somebody without any right, each signed in."""
    now = datetime.now(UTC)
    for name, roles in (("ana", ["administrator"]), ("vic", ["viewer"]), ("nob", [])):
        user = await create_user(database, name, PASSWORD, roles)
        session = {
            "token_hash": digest(session_of(name)),
            "user_id": user,
            "created_at": now,
            "used_at": now,
            "expires_at": now + timedelta(days=1),
            "user_agent": "",
            "address": "",
            # The tests of one run share this, and may take longer than a confirmation holds.
            "confirmed_at": now + timedelta(days=1),
        }
        await _insert(database, session)


async def _insert(database: Database, session: dict[str, Any]) -> None:
    await database.write(lambda transaction: transaction.execute(insert(Session), [session]))


async def shelf(records: Records) -> None:
    """Three authors, thirty books, a reader and twelve comments."""
    registry = records.registry

    async def work(writer: Any) -> None:
        for name, country in (("Ann Uno", "England"), ("Bea Due", None), ("Ann Tre", "Russia")):
            await writer.create(registry["author"], {"name": name, "country": country})
        for number in range(1, 31):
            book = {
                "title": f"Book {number:02}",
                "year": 1900 + number,
                "authors": [1, 2, 3] if number == 1 else [1 + number % 2],
                "format": "ebook" if number % 2 else None,
                "language": "eng",
                "rating": "4.50",
                "description": "line one\nline two" if number == 1 else None,
            }
            await writer.create(registry["book"], book)
        reader = {
            "name": "Rea",
            "email": "r@example.org",
            "card_number": "1",
            "joined": "2024-02-29",
        }
        await writer.create(registry["reader"], reader)
        for number in range(12):
            comment = {"book_id": 1, "text": f"Said {number:02}", "reader_id": 1}
            await writer.create(registry["comment"], comment)

    await records.write(SYSTEM, SEED, work)


async def animals(records: Records) -> None:
    """Every sample of the zoo."""
    for name in zoo.RESOURCES:
        for body in zoo.sample(name):
            await records.create(SYSTEM, records.registry[name], body, origin=SEED)


async def prepare_library(settings: Settings) -> None:
    """The library with people and some books."""
    await migrated(settings)
    await _fill(settings, "admin_app.models", shelf)


async def prepare_zoo(settings: Settings) -> None:
    """The zoo with people and all its animals."""
    await migrated(settings)
    await _fill(settings, "zoo", animals)


async def _fill(
    settings: Settings, models: str, work: Callable[[Records], Awaitable[None]]
) -> None:
    database = Database(settings)
    if models == "zoo":
        async with database.engine.begin() as connection:
            await connection.run_sync(zoo.METADATA.create_all)
    await people(database)
    await work(Records(database, Registry.from_base(Base, [models]), b"x" * 32))
    await database.close()


@asynccontextmanager
async def library(fresh: FreshSettings, kind: Kind) -> AsyncIterator[House]:
    """The library with some books, on a fresh database of one kind."""
    async with house(fresh(kind, "panel_library", prepare_library)) as made:
        yield made


@asynccontextmanager
async def menagerie(fresh: FreshSettings, kind: Kind) -> AsyncIterator[House]:
    """The zoo with all its animals, on a fresh database of one kind."""
    async with house(fresh(kind, "panel_zoo", prepare_zoo), ("zoo",)) as made:
        yield made
