"""The application driven in process, byte by byte, as a server would drive it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from applications import application, state_of
from conftest import KINDS, FreshSettings, Kind, migrated
from sqlalchemy import MetaData, delete, func, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from zoo import METADATA

from admin_app.access import Callers, create_token, create_user
from admin_app.access.limits import RequestLimits
from admin_app.access.tables import Role, RoleGrant
from admin_app.app import create_app
from admin_app.database import Database
from admin_app.declaration import Grant, Registry
from admin_app.declaration.keys import join_key
from admin_app.errors import PROBLEM_MEDIA_TYPE
from admin_app.records import Records
from admin_app.records.trail.changes import Change
from admin_app.settings import AppSection, SecuritySection, ServerSection, Settings

HOST = "library.test"
PREFIX = "/api/v1"
SECRET = "the same for both databases, so that cursors are the same"
JSON = "application/json"
MANY = 1_000_000
"""Requests a minute: more than any test makes."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes

    def header(self, name: str) -> str | None:
        """The one header of a name."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1, found
        return found[0] if found else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self, status: int, code: str | None = None) -> dict[str, Any]:
        """The problem this is, which must be whole and have this status."""
        assert self.status == status, self
        assert self.header("content-type") == PROBLEM_MEDIA_TYPE, self
        document: dict[str, Any] = self.json
        assert set(document) - {"errors"} == {
            *("type", "title", "status", "detail", "instance", "code", "request_id"),
        }
        assert document["status"] == status
        assert document["request_id"] == self.header("x-request-id")
        assert document["type"] == f"/errors/{document['code']}"
        for error in document.get("errors", ()):
            assert set(error) == {"pointer", "code", "detail"}
            assert error["pointer"] == "" or error["pointer"].startswith("/")
        if code is not None:
            assert document["code"] == code, document
        return document

    @property
    def pointers(self) -> list[str]:
        return [each["pointer"] for each in self.json["errors"]]


class Api:
    """One running application, and who calls it."""

    def __init__(self, app: Any, state: Mapping[str, Any], settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.database: Database = state["database"]
        self.records: Records = state["records"]
        self.limits: RequestLimits = state["limits"]
        self.callers: Callers = state["callers"]
        self.registry: Registry = self.records.registry
        self.token = ""
        self._state = state

    async def call(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        raw: bytes | Iterator[bytes] | None = None,
        headers: Iterable[tuple[str, str | bytes]] = (),
        anonymous: bool = False,
    ) -> Answer:
        """Send a request; ``target`` begins with ``/`` or is relative to the API's prefix.

        Without headers of its own it has those of a usual client: JSON and a token. ``raw`` may be
        the pieces of a body, of which no more are taken than the application asks for.
        """
        if not target.startswith("/"):
            target = f"{PREFIX}/{target}"
        path, _, query = target.partition("?")
        given = [(name.lower().encode(), _bytes(value)) for name, value in headers]
        names = {name for name, _ in given}
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        usual = {b"host": HOST.encode()}
        if not anonymous:
            usual[b"authorization"] = f"Bearer {self.token}".encode()
        if content:
            usual[b"content-type"] = JSON.encode()
        given += [(name, value) for name, value in usual.items() if name not in names]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": given,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "state": dict(self._state),
        }
        return await _exchange(self.app, scope, content)

    async def get(self, target: str, **options: Any) -> Any:
        """The JSON that a GET answers with 200."""
        answer = await self.call("GET", target, **options)
        assert answer.status == 200, answer
        return answer.json

    async def add(self, plural: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The record that a POST creates."""
        answer = await self.call("POST", plural, dict(body))
        assert answer.status == 201, (body, answer)
        found: dict[str, Any] = answer.json
        return found

    async def walk(self, target: str, step: str = "next") -> list[dict[str, Any]]:
        """Every row of a list, page by page, in the order of the pages."""
        rows: list[dict[str, Any]] = []
        page = await self.get(target)
        while True:
            rows += page["data"]
            cursor = page["page"][step]
            if cursor is None:
                return rows
            page = await self.get(f"{target}{'&' if '?' in target else '?'}cursor={cursor}")

    async def changes(self, **equal: Any) -> list[RowMapping]:
        """The change rows, oldest first."""
        statement = select(Change.__table__).filter_by(**equal).order_by(Change.id)

        async def read(connection: Any) -> list[RowMapping]:
            return list((await connection.execute(statement)).mappings())

        return await self.database.read(read)

    async def counts(self) -> dict[str, int]:
        """The number of rows of every table that a request may write to."""
        tables: list[Any] = [*self.registry.tables(), Change.__table__]
        counts = [select(func.count()).select_from(each).scalar_subquery() for each in tables]

        async def read(connection: Any) -> dict[str, int]:
            row = (await connection.execute(select(*counts))).one()
            return {table.name: count for table, count in zip(tables, row, strict=True)}

        return await self.database.read(read)

    async def token_of(self, name: str, *roles: str) -> str:
        """A token of a new user with these roles."""
        await create_user(self.database, name, None, list(roles))
        return await create_token(self.database, name, "test", None)

    def address(self, resource: str, record: Mapping[str, Any]) -> str:
        """Where a record is, from its JSON."""
        found = self.registry[resource]
        parts = [record[each.name] for each in found.key]
        texts = [part if isinstance(part, str) else json.dumps(part) for part in parts]
        return f"{found.plural}/{quote(join_key(texts), safe='')}"


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def _pieces(content: bytes | Iterator[bytes]) -> Iterator[bytes]:
    if isinstance(content, bytes):
        return iter(content[start : start + 65536] for start in range(0, len(content), 65536))
    return content


async def _exchange(app: Any, scope: dict[str, Any], content: bytes | Iterator[bytes]) -> Answer:
    chunks = _pieces(content)
    ended = False
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal ended
        if ended:
            await asyncio.Event().wait()
        chunk = next(chunks, None)
        ended = chunk is None
        return {"type": "http.request", "body": chunk or b"", "more_body": not ended}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0]["headers"]
    ]
    return Answer(sent[0]["status"], headers, b"".join(each.get("body", b"") for each in sent[1:]))


async def make_role(database: Database, name: str, *grants: Grant) -> None:
    """A role as rows, past every check: what is granted is what a test is about."""

    async def work(transaction: AsyncSession) -> None:
        transaction.add(Role(name=name))

    await database.write(work)
    await allow(database, name, *grants)


async def allow(database: Database, role: str, *grants: Grant) -> None:
    """Give grants to a role."""

    async def work(transaction: AsyncSession) -> None:
        role_id = await transaction.scalar(select(Role.id).where(Role.name == role))
        for each in grants:
            row = {"resource": each.resource, "action": each.action, "rule": each.rule}
            without = sorted(each.without) or None
            transaction.add(RoleGrant(role_id=role_id, without=without, **row))

    await database.write(work)


async def forbid(database: Database, role: str, *grants: Grant) -> None:
    """Take grants from a role."""

    async def work(transaction: AsyncSession) -> None:
        role_id = select(Role.id).where(Role.name == role).scalar_subquery()
        for each in grants:
            await transaction.execute(
                delete(RoleGrant).where(
                    RoleGrant.role_id == role_id,
                    RoleGrant.resource == each.resource,
                    RoleGrant.action == each.action,
                    RoleGrant.rule.is_not_distinct_from(each.rule),
                )
            )

    await database.write(work)


async def prepare_tables(settings: Settings, metadata: MetaData) -> None:
    """The library's schema, the tables of ``metadata`` beside it, and the editor Ann."""
    await migrated(settings)
    database = Database(settings)
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await create_user(database, "ann", None, ["editor"])
    await database.close()


async def prepare_zoo(settings: Settings) -> None:
    """The library's schema and the zoo's beside it."""
    await prepare_tables(settings, METADATA)


@asynccontextmanager
async def serving(settings: Settings, *, shared: bool = True, **options: Any) -> AsyncIterator[Api]:
    """Run the application of ``settings``; whoever calls is the editor Ann.

    ``shared``: the application may be one that was made for other settings of the same models.
    """
    chosen = settings.model_copy(
        update={
            "app": AppSection(models=options.pop("models", ("zoo",))),
            "server": ServerSection(allowed_hosts=(HOST,)),
            "security": SecuritySection(secret=SECRET, requests_per_minute=MANY),
            **options,
        }
    )
    async with AsyncExitStack() as stack:
        if shared:
            app, registry = await application(chosen)
            state: Any = await stack.enter_async_context(state_of(chosen, registry))
        else:
            app = create_app(chosen)
            state = await stack.enter_async_context(app.router.lifespan_context(app))
        api = Api(app, state, chosen)
        api.token = await create_token(api.database, "ann", "test", None)
        yield api


@asynccontextmanager
async def zoo_on(fresh: FreshSettings, kind: Kind, **options: Any) -> AsyncIterator[Api]:
    """The zoo on a fresh database of one kind."""
    async with serving(fresh(kind, "zoo", prepare_zoo), **options) as api:
        yield api


@asynccontextmanager
async def zoos(fresh: FreshSettings, **options: Any) -> AsyncIterator[tuple[Api, Api]]:
    """The zoo on SQLite and on PostgreSQL."""
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(zoo_on(fresh, kind, **options)) for kind in KINDS
        ]
        yield first, second
