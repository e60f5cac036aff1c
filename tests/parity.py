"""Somebody with grants of their own at every door, and what they must see worked out in Python."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import unquote

import httpx
from conftest import FreshSettings, Kind
from panel import House, library, menagerie, session_of
from ports import http_client
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession
from zoo import IN_REACH

from admin_app.access import actor_of_token, create_token, create_user
from admin_app.access.secret import digest
from admin_app.access.tables import Role, RoleGrant, Session, UserRole
from admin_app.declaration import ACTIONS, SYSTEM, Grant, Resource
from admin_app.declaration.keys import join_key
from admin_app.records.transfer import Export

LIBRARY = ("author", "book", "comment", "reader")
ZOO = (
    "cage", "computing", "dated", "folder", "keeper", "label", "loan", "odd_name", "part",
    "passport", "renamed", "ruled", "text", "unique", "unversioned", "validated", "visit",
    "composite", "specimen",
)  # fmt: skip
UNKNOWN = "no_such_name"

Row = dict[str, Any]


@dataclass
class Person:
    """Somebody with grants of their own, at every door."""

    house: House
    api: httpx.AsyncClient
    panel: httpx.AsyncClient
    actor: Any

    async def json(self, path: str) -> Any:
        answer = await self.api.get(f"/api/v1/{path}")
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    async def rows(self, resource: Resource, query: str = "") -> list[Row]:
        """A list as REST answers it."""
        found: list[Row] = (await self.json(f"{resource.plural}?limit=200{query}"))["data"]
        return found

    async def exported(self, resource: Resource) -> list[Row]:
        """The same as an export writes it."""
        export = Export(self.house.records, self.actor, resource, [])
        text = b"".join([each async for each in export.portions("ndjson")])
        return [json.loads(line) for line in text.splitlines()]

    async def columns(self, resource: Resource) -> list[str]:
        """The header of an export."""
        portions = Export(self.house.records, self.actor, resource, []).portions("csv")
        (first, *_) = [each async for each in portions]
        return first.decode().partition("\r\n")[0].split(",")

    async def listed(self, resource: Resource) -> set[str]:
        """The keys that the panel's list links to."""
        page = await self.panel.get(f"/admin/{resource.name}/list?limit=200")
        assert page.status_code == 200, page.text
        return set(details_in(page.text, resource))


def details_in(html: str, resource: Resource) -> Iterable[str]:
    """The keys of the records whose pages a page links to."""
    found = re.findall(rf'/admin/{resource.name}/details/([^"?#]+)["?]', html)
    return (unquote(unescape(each)) for each in found)


@asynccontextmanager
async def person(home: House, name: str, grants: Iterable[Grant]) -> AsyncIterator[Person]:
    """Make somebody with these grants and no others."""
    given = tuple(grants)
    user = await create_user(home.database, name, None, [])
    now = datetime.now(UTC)

    async def work(transaction: AsyncSession) -> None:
        role = Role(name=name)
        transaction.add(role)
        await transaction.flush()
        transaction.add(UserRole(user_id=user, role_id=role.id))
        transaction.add_all(
            RoleGrant(
                role_id=role.id,
                resource=each.resource,
                action=each.action,
                rule=each.rule,
                without=sorted(each.without) or None,
            )
            for each in given
        )
        session = {
            "token_hash": digest(session_of(name)),
            "user_id": user,
            "created_at": now,
            "used_at": now,
            "expires_at": now + timedelta(days=1),
        }
        await transaction.execute(insert(Session), [session])

    await home.database.write(work)
    token = await create_token(home.database, name, "test", None)
    actor = await actor_of_token(home.database, token)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(
            http_client(home.url, headers={"Authorization": f"Bearer {token}"})
        )
        panel = await stack.enter_async_context(http_client(home.url))
        panel.cookies.set("session", session_of(name), domain="127.0.0.1")
        yield Person(home, api, panel, actor)


def everything_but(home: House, name: str) -> list[Grant]:
    """All actions on every declared resource except one."""
    others = [each for each in home.records.registry.values() if not each.own and each.name != name]
    return [Grant(each.name, action) for each in others for action in ACTIONS]


async def all_rows(home: House, resource: Resource) -> dict[str, Row]:
    """Everything of every record, as JSON data, by key."""
    query = home.records.query(SYSTEM, resource, [("limit", "200")])
    page = await home.records.page(SYSTEM, resource, query)
    return {resource.key_text(resource.key_of(row)): resource.read.wire(row) for row in page.rows}


@asynccontextmanager
async def house_of(fresh: FreshSettings, kind: Kind, resource: str) -> AsyncIterator[House]:
    """The library or the zoo, whichever has the resource."""
    made = library(fresh, kind) if resource in LIBRARY else menagerie(fresh, kind)
    async with made as home:
        yield home


def rule_of(resource: Resource) -> tuple[str, Callable[[Row], bool]]:
    """A rule of the resource, and the same in Python."""
    if "some" in resource.rules:
        return "some", IN_REACH[resource.model.__name__]
    return "own", lambda row: bool(row["id"] <= 3)


async def give(home: House, resource: Resource, user: int) -> None:
    """Three books become somebody's own; other resources have a rule that holds for everybody."""
    if "some" not in resource.rules:
        await home.database.write(
            lambda transaction: transaction.execute(
                update(resource.model).where(resource.model.id <= 3).values(added_by_id=user)
            )
        )


def key_of(resource: Resource, row: Row) -> str:
    parts = [wire_text(row[each.name]) for each in resource.key]
    return resource.key_text(parsed(resource, parts))


def wire_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def parsed(resource: Resource, parts: list[str]) -> Any:
    return resource.parse_key(join_key(parts))
