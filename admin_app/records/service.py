"""``Records``: what surfaces hold. Actor first, resource second, an ``AppError`` when refused."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select

from admin_app.access.policies import policy, require
from admin_app.database import Database
from admin_app.declaration import ACTIONS, Action, Actor, Key, Origin, Registry, Resource, acting
from admin_app.records.changes import Change
from admin_app.records.effects import Effects, plan_delete
from admin_app.records.query import Query, parse_query
from admin_app.records.reader import Page, Reader, Title
from admin_app.records.record import Record, record
from admin_app.records.refusals import explained_at_commit, impossible_values
from admin_app.records.writer import Input, Writer

T = TypeVar("T")

LOOKUP_LIMIT = 20
"""Records that a look-up offers at once."""


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change as people read it."""

    id: int
    at: datetime
    actor_name: str
    source: str
    action: str
    label: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


class Records:
    """Reads and writes of every resource of a registry on one database."""

    def __init__(self, database: Database, registry: Registry, secret: bytes) -> None:
        self._database = database
        self._reader = Reader(registry, secret)
        self.registry = registry

    def allowed(self, actor: Actor, resource: Resource) -> frozenset[Action]:
        """What the actor may do to at least some records."""
        config = policy(actor, resource)
        return frozenset(each for each in ACTIONS if config.grants(each))

    def query(self, resource: Resource, pairs: Iterable[tuple[str, str]]) -> Query:
        """Read a list's parameters; raises ``BadRequestError`` naming each that cannot be used."""
        return parse_query(resource, self.registry, pairs)

    async def page(self, actor: Actor, resource: Resource, query: Query) -> Page:
        """Read a page of the records in sight."""
        require(actor, resource, "read")
        with acting(actor), impossible_values():
            return await self._database.read(
                lambda connection: self._reader.page(connection, actor, resource, query),
                snapshot=bool(resource.sets) or query.count != "none",
            )

    async def get(self, actor: Actor, resource: Resource, key: Key) -> Record:
        """Read one record; raises ``NotFoundError`` when it is absent or out of sight."""
        require(actor, resource, "read")
        with acting(actor), impossible_values():
            values = await self._database.read(
                lambda connection: self._reader.one(connection, actor, resource, key),
                snapshot=bool(resource.sets),
            )
        return record(resource, values)

    async def titles(
        self, actor: Actor, resource: Resource, keys: Collection[Key]
    ) -> dict[Key, Title]:
        """What the records with ``keys`` are called; those out of sight are missing."""
        with acting(actor):
            return await self._database.read(
                lambda connection: self._reader.titles(connection, actor, resource, keys)
            )

    async def choices(
        self, actor: Actor, resource: Resource, text: str, limit: int = LOOKUP_LIMIT
    ) -> list[Title]:
        """The first records that contain every word of ``text``: what a look-up offers."""
        words = parse_query(resource, self.registry, [("search", text)]).words if text else ()
        with acting(actor):
            return await self._database.read(
                lambda connection: self._reader.choices(connection, actor, resource, words, limit)
            )

    async def write(
        self,
        actor: Actor,
        origin: Origin,
        work: Callable[[Writer], Awaitable[T]],
        *,
        change_set: uuid.UUID | None = None,
    ) -> T:
        """Run several writes as one: one transaction, one change set. It may run more than once.

        ``change_set`` joins the changes to those of other transactions, such as an import's.
        """

        async def run(session: Any) -> T:
            connection = await session.connection()
            writer = Writer(self._reader, session, connection, actor, origin, change_set)
            result = await work(writer)
            await writer.finish()
            return result

        async with explained_at_commit(self.registry):
            with acting(actor), impossible_values():
                return await self._database.write(run)

    async def create(
        self, actor: Actor, resource: Resource, data: Input, *, origin: Origin
    ) -> Record:
        """Create a record; see ``Writer.create``."""
        return await self.write(actor, origin, lambda writer: writer.create(resource, data))

    async def update(
        self,
        actor: Actor,
        resource: Resource,
        key: Key,
        data: Input,
        *,
        origin: Origin,
        if_match: Collection[str] | None = None,
    ) -> Record:
        """Change a record; see ``Writer.update``."""
        return await self.write(
            actor, origin, lambda writer: writer.update(resource, key, data, if_match=if_match)
        )

    async def delete(
        self,
        actor: Actor,
        resource: Resource,
        key: Key,
        *,
        origin: Origin,
        if_match: Collection[str] | None = None,
    ) -> Effects:
        """Delete a record; see ``Writer.delete``."""
        return await self.write(
            actor, origin, lambda writer: writer.delete(resource, key, if_match=if_match)
        )

    async def delete_effects(self, actor: Actor, resource: Resource, key: Key) -> Effects:
        """What deleting the record would do, read without doing it."""
        require(actor, resource, "delete")
        await self.get(actor, resource, key)

        async def plan(connection: Any) -> Effects:
            return await plan_delete(self.registry, connection, resource, key)

        with acting(actor):
            return await self._database.read(plan, snapshot=True)

    async def history(
        self, actor: Actor, resource: Resource, key: Key, limit: int = 50
    ) -> list[PastChange]:
        """The latest changes of a record in sight, newest first."""
        await self.get(actor, resource, key)
        statement = (
            select(Change.__table__)
            .where(Change.resource == resource.name, Change.key == resource.key_text(key))
            .order_by(Change.id.desc())
            .limit(limit)
        )

        async def read(connection: Any) -> list[PastChange]:
            return [_past(row) for row in await connection.execute(statement)]

        return await self._database.read(read)


def _past(row: Any) -> PastChange:
    return PastChange(
        id=row.id,
        at=row.at,
        actor_name=row.actor_name,
        source=row.source,
        action=row.action,
        label=row.label,
        before=row.before or {},
        after=row.after or {},
        reason=row.reason,
    )
