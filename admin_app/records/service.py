"""``Records``: what surfaces hold. Actor first, resource second, an ``AppError`` when refused."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.grants import RoleInfo, list_roles
from admin_app.access.policies import reach, require
from admin_app.database import Database
from admin_app.declaration import Actor, Key, Origin, Registry, Resource, acting
from admin_app.records.effects import Effects, in_sight, plan_delete
from admin_app.records.explain import (
    Explanation,
    Rights,
    asked,
    explain,
    passes,
    require_explaining,
    require_reading_grants,
    who_may,
)
from admin_app.records.grammar import parse_query
from admin_app.records.history import PastChange, past_changes
from admin_app.records.query import Query
from admin_app.records.reader import Page, Reader, Title
from admin_app.records.record import Record, record
from admin_app.records.refusals import explained_at_commit, impossible_values
from admin_app.records.writer import Input, Writer

T = TypeVar("T")

LOOKUP_LIMIT = 20
"""Records that a look-up offers at once."""


class Records:
    """Reads and writes of every resource of a registry on one database."""

    def __init__(self, database: Database, registry: Registry, secret: bytes) -> None:
        self._database = database
        self._reader = Reader(registry, secret)
        self.registry = registry

    def registry_for(self, actor: Actor) -> Registry:
        """Every resource as the actor sees it: what is hidden from them is not there."""
        return self._reader.sight.registry(actor)

    def allowed(self, actor: Actor, resource: Resource) -> frozenset[str]:
        """What the actor may do to at least some records."""
        seen = self.registry_for(actor)[resource.name]
        return frozenset(each for each in seen.actions if reach(actor.grants, seen, each))

    def query(self, actor: Actor, resource: Resource, pairs: Iterable[tuple[str, str]]) -> Query:
        """Read a list's parameters.

        Raises ``ForbiddenError``, and ``BadRequestError`` naming each that cannot be used.
        """
        require(actor, resource, "read")
        seen = self.registry_for(actor)
        return parse_query(seen[resource.name], seen, pairs)

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
        return record(self.registry_for(actor)[resource.name], values)

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
        require(actor, resource, "read")
        words = self.query(actor, resource, [("search", text)]).words if text else ()
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

        async def plan(connection: AsyncConnection) -> Effects:
            found = await plan_delete(self.registry, connection, resource, key)
            return await in_sight(self._reader, connection, actor, found)

        with acting(actor):
            return await self._database.read(plan, snapshot=True)

    async def history(
        self, actor: Actor, resource: Resource, key: Key, limit: int = 50
    ) -> list[PastChange]:
        """The latest changes of a record in sight, newest first, as far as they are in sight."""
        await self.get(actor, resource, key)
        with acting(actor):
            return await self._database.read(
                lambda connection: past_changes(
                    self._reader, connection, actor, resource, key, limit
                )
            )

    async def explain(
        self,
        actor: Actor,
        user: str,
        resource: str,
        action: str,
        *,
        key: str | None = None,
        field: str | None = None,
    ) -> Explanation:
        """Tell whether a user may do something to a resource, or to its record ``key``, and why.

        Raises ``ForbiddenError`` to who may not read users and grants, and ``BadRequestError``
        naming what is not there: user, resource, action or field. An absent record is an answer.
        """
        require_explaining(actor, self.registry)
        question = asked(self.registry, user, resource, action, key, field)
        return await self._database.read(
            lambda connection: explain(self._reader, connection, actor, question), snapshot=True
        )

    def may_explain(self, actor: Actor) -> bool:
        """Whether the actor may ask ``explain`` and ``who_may``."""
        return passes(require_explaining, actor, self.registry)

    async def who_may(self, actor: Actor, resource: Resource, key: Key) -> list[Rights]:
        """What each of the first active users may do to a record.

        Raises ``ForbiddenError`` as ``explain`` does, and ``NotFoundError``.
        """
        require_explaining(actor, self.registry)
        return await self._database.read(
            lambda connection: who_may(self._reader, connection, actor, resource, key),
            snapshot=True,
        )

    def may_read_roles(self, actor: Actor) -> bool:
        """Whether the actor may ask for ``roles``."""
        return passes(require_reading_grants, actor, self.registry)

    async def roles(self, actor: Actor) -> list[RoleInfo]:
        """Every role with what it grants. Raises ``ForbiddenError`` to who may not read that."""
        require_reading_grants(actor, self.registry)
        return await self._database.read(list_roles)
