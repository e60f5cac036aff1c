"""``Records``: what surfaces hold. Actor first, resource second, an ``AppError`` when refused."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.grants import RoleInfo, list_roles
from admin_app.access.policies import Trash, reach, require
from admin_app.database import Database, connection_of
from admin_app.declaration import Actor, Key, Origin, Registry, Resource, acting
from admin_app.errors import NotFoundError
from admin_app.records.advice import Advice, Hint, advise, hints
from admin_app.records.changes import Entry
from admin_app.records.explaining.explain import (
    Explanation,
    Rights,
    asked,
    explain,
    passes,
    require_explaining,
    require_reading_grants,
    who_may,
)
from admin_app.records.history import PastChange, past_changes
from admin_app.records.queries.aggregation import parse_aggregation
from admin_app.records.queries.form import FormlessError
from admin_app.records.queries.grammar import parse_document, parse_query
from admin_app.records.queries.query import WHOLE, Query, Shape
from admin_app.records.queries.shape import parse_shape
from admin_app.records.reads.aggregates import Aggregates, aggregates
from admin_app.records.reads.copies import Copied, Copies, Portion, Text
from admin_app.records.reads.plans import Plans
from admin_app.records.reads.reader import Page, Reader, Title
from admin_app.records.reads.record import Answer, Record, record, shaped_record
from admin_app.records.reads.texts import PageText, text_of
from admin_app.records.writes.announcing import announce
from admin_app.records.writes.effects import Effects, in_sight, plan_delete
from admin_app.records.writes.idempotency import SWEEP_EVERY, Claim, Reply, claim, remember, sweep
from admin_app.records.writes.refusals import explained_at_commit, impossible_values
from admin_app.records.writes.rehearsal import Rehearsal, rehearse
from admin_app.records.writes.writer import Input, Writer

T = TypeVar("T")

MOST_QUERIES = 1_000
"""Queries that are kept as they were read: clients send the same ones over and over."""
_SHORT = 1_000
"""Characters of those."""
LOOKUP_LIMIT = 20
"""Records that a look-up offers at once."""


class Records:
    """Reads and writes of every resource of a registry on one database."""

    def __init__(self, database: Database, registry: Registry, secret: bytes) -> None:
        self._database = database
        self._reader = Reader(registry, secret, database.dialect)
        self._parsed = lru_cache(maxsize=MOST_QUERIES)(_parsed)
        self._plans = Plans(self._reader, database, secret)
        self.registry = registry
        self._sweep_at = 0.0

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
        # A registry as somebody sees it is one object for all who see the same.
        given = tuple(pairs)
        parsed = self._parsed if _is_short(given) else _parsed
        return parsed(self.registry_for(actor), resource.name, given)

    def query_document(self, actor: Actor, resource: Resource, body: bytes) -> Query:
        """The same from a JSON document with the parameters as members."""
        require(actor, resource, "read")
        seen = self.registry_for(actor)
        return parse_document(seen[resource.name], seen, body)

    async def aggregates(
        self, actor: Actor, resource: Resource, pairs: Iterable[tuple[str, str]]
    ) -> Aggregates:
        """Read groups of the records in sight, as the parameters ask for them.

        Raises ``ForbiddenError``, and ``BadRequestError`` naming each that cannot be used.
        """
        require(actor, resource, "read")
        seen = self.registry_for(actor)
        asked = parse_aggregation(seen[resource.name], seen, pairs)
        with acting(actor), impossible_values():
            return await self._read(
                actor,
                lambda connection: aggregates(self._reader, connection, actor, resource, asked),
            )

    async def page(self, actor: Actor, resource: Resource, query: Query) -> Page:
        """Read a page of the records in sight."""
        require(actor, resource, "read")
        with acting(actor), impossible_values():
            with suppress(FormlessError):
                return await self._plans.page(actor, resource, query, self._seconds(actor))
            return await self._page(actor, resource, query)

    async def page_text(self, actor: Actor, resource: Resource, query: Query) -> PageText:
        """Read a page of the records in sight, as JSON."""
        require(actor, resource, "read")
        with acting(actor), impossible_values():
            with suppress(FormlessError):
                return await self._plans.page_text(actor, resource, query, self._seconds(actor))
            page = await self._page(actor, resource, query)
        return text_of(self.registry_for(actor), page)

    async def _page(self, actor: Actor, resource: Resource, query: Query) -> Page:
        return await self._read(
            actor,
            lambda connection: self._reader.page(connection, actor, resource, query),
            snapshot=_several(resource, query.shape) or query.count != "none",
        )

    def hints(self, actor: Actor, resource: Resource, query: Query) -> list[Hint]:
        """What makes a list slow in a large table, as far as the declaration tells.

        Nothing of a resource of the application's own, which is nobody's to declare.
        """
        if resource.own:
            return []
        seen = self.registry_for(actor)
        return hints(seen, seen[resource.name], query, self.dialect)

    async def advise(self, least_rows: int = 0) -> list[Advice]:
        """Which indexes are missing from tables of at least so many rows, by their plans."""
        # In a transaction, for which it tells the database what to avoid.
        return await self._database.read(
            lambda connection: advise(self._reader, connection, least_rows), snapshot=True
        )

    @property
    def dialect(self) -> str:
        """The kind of database."""
        return self._database.dialect

    def copies(self, actor: Actor, resource: Resource, query: Query, text: Text) -> Copies:
        """The records in sight as text that is made without Python values."""
        require(actor, resource, "read")
        return Copies(self._reader, actor, resource, query, text)

    async def copied(self, actor: Actor, copies: Copies, portion: Portion) -> Copied:
        """Read a portion of them."""
        with acting(actor), impossible_values():
            return await self._read(
                actor, lambda connection: copies.portion(connection, portion), snapshot=True
            )

    def shape(self, actor: Actor, resource: Resource, pairs: Iterable[tuple[str, str]]) -> Shape:
        """Read how much of a record is asked for.

        Raises ``ForbiddenError``, and ``BadRequestError`` naming each pair that cannot be used.
        """
        require(actor, resource, "read")
        given = tuple(pairs)
        if not given:
            return WHOLE
        seen = self.registry_for(actor)
        return parse_shape(seen[resource.name], seen, given)

    async def get(
        self, actor: Actor, resource: Resource, key: Key, trash: Trash = "without"
    ) -> Record:
        """Read one record; raises ``NotFoundError`` when it is absent or out of sight."""
        require(actor, resource, "read")
        with acting(actor), impossible_values():
            with suppress(FormlessError):
                seconds = self._seconds(actor)
                found = await self._plans.one(actor, resource, key, trash, seconds)
                if found is None:
                    raise NotFoundError(resource.absent)
                return found
            return await self._get(actor, resource, key, WHOLE, trash)

    async def get_text(
        self,
        actor: Actor,
        resource: Resource,
        key: Key,
        shape: Shape = WHOLE,
        trash: Trash = "without",
    ) -> Answer:
        """Read as much of a record as is asked for, as JSON; raises ``NotFoundError`` likewise."""
        require(actor, resource, "read")
        with acting(actor), impossible_values():
            with suppress(FormlessError):
                seconds = self._seconds(actor)
                found = await self._plans.one_text(actor, resource, key, shape, trash, seconds)
                if found is None:
                    raise NotFoundError(resource.absent)
                return found
            return await self._get(actor, resource, key, shape, trash)

    async def _get(
        self, actor: Actor, resource: Resource, key: Key, shape: Shape, trash: Trash
    ) -> Record:
        seen = self.registry_for(actor)
        resource = seen[resource.name]

        async def read(connection: AsyncConnection) -> Record:
            reader = self._reader
            values = await reader.one(connection, actor, resource, key, shape, trash)
            if shape is WHOLE:
                return record(resource, values)
            cut = await reader.include(connection, actor, resource, [values], shape)
            whole = values
            if resource.version is None:
                whole = await reader.one(connection, actor, resource, key, trash=trash)
            return shaped_record(seen, resource, values, whole, shape, cut)

        return await self._read(actor, read, snapshot=_several(resource, shape))

    async def titles(
        self, actor: Actor, resource: Resource, keys: Collection[Key]
    ) -> dict[Key, Title]:
        """What the records with ``keys`` are called; those out of sight are missing."""
        with acting(actor):
            return await self._read(
                actor, lambda connection: self._reader.titles(connection, actor, resource, keys)
            )

    async def choices(
        self, actor: Actor, resource: Resource, text: str, limit: int = LOOKUP_LIMIT
    ) -> list[Title]:
        """The first records that contain every word of ``text``: what a look-up offers."""
        require(actor, resource, "read")
        words = self.query(actor, resource, [("search", text)]).words if text else ()
        with acting(actor):
            return await self._read(
                actor,
                lambda connection: self._reader.choices(connection, actor, resource, words, limit),
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
        told: list[Entry] = []

        async def run(session: AsyncSession) -> T:
            writer = self._writer(session, actor, origin, change_set)
            result = await work(writer)
            await writer.finish()
            told[:] = writer.changes
            return result

        result = await self._transaction(actor, run)
        await announce(actor, origin, told)
        return result

    async def write_once(
        self,
        actor: Actor,
        origin: Origin,
        wanted: Claim,
        work: Callable[[Writer], Awaitable[Reply]],
    ) -> Reply:
        """``write``, unless it was done before: then what it was answered.

        Raises ``IdempotencyInFlightError``, and ``IdempotencyKeyReusedError`` for the key of
        another request.
        """
        told: list[Entry] = []

        async def run(session: AsyncSession) -> Reply:
            told.clear()
            before = await claim(session, actor, wanted)
            if before is not None:
                return before
            writer = self._writer(session, actor, origin)
            reply = await work(writer)
            await writer.finish()
            told[:] = writer.changes
            await remember(session, actor, wanted, reply)
            return reply

        reply = await self._transaction(actor, run)
        await announce(actor, origin, told)
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_EVERY
            await self._database.write_aside("idempotent requests", sweep, patience=0)
        return reply

    async def rehearse(
        self, actor: Actor, origin: Origin, work: Callable[[Writer], Awaitable[T]]
    ) -> Rehearsal[T]:
        """Do what ``write`` would do, tell what it is, and keep nothing of it."""

        async def run(session: AsyncSession) -> Rehearsal[T]:
            writer = self._writer(session, actor, origin)
            return await rehearse(self._reader, session, actor, writer, work)

        return await self._transaction(actor, run, keep=False)

    async def _read(
        self,
        actor: Actor,
        work: Callable[[AsyncConnection], Awaitable[T]],
        *,
        snapshot: bool = False,
    ) -> T:
        """Run a read for as long as the actor's roles let it."""
        return await self._database.read(work, snapshot=snapshot, seconds=self._seconds(actor))

    def _seconds(self, actor: Actor) -> float | None:
        return self._database.limits.for_roles(actor.statement_limits)

    def _writer(
        self,
        session: AsyncSession,
        actor: Actor,
        origin: Origin,
        change_set: uuid.UUID | None = None,
    ) -> Writer:
        connection = connection_of(session)
        return Writer(self._reader, session, connection, actor, origin, change_set)

    async def _transaction(
        self, actor: Actor, run: Callable[[AsyncSession], Awaitable[T]], *, keep: bool = True
    ) -> T:
        async with explained_at_commit(self.registry_for(actor)):
            with acting(actor), impossible_values():
                return await self._database.write(run, keep=keep, seconds=self._seconds(actor))

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
        if resource.options.trash is not None:
            return Effects()  # It goes to the trash alone.

        async def plan(connection: AsyncConnection) -> Effects:
            found = await plan_delete(self.registry, connection, resource, key)
            return await in_sight(self._reader, connection, actor, found)

        with acting(actor):
            return await self._read(actor, plan, snapshot=True)

    async def history(
        self, actor: Actor, resource: Resource, key: Key, limit: int = 50
    ) -> list[PastChange]:
        """The latest changes of a record in sight, newest first, as far as they are in sight."""
        await self.get(actor, resource, key)
        with acting(actor):
            return await self._read(
                actor,
                lambda connection: past_changes(
                    self._reader, connection, actor, resource, key, limit
                ),
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
        return await self._read(
            actor,
            lambda connection: explain(self._reader, connection, actor, question),
            snapshot=True,
        )

    def may_explain(self, actor: Actor) -> bool:
        """Whether the actor may ask ``explain`` and ``who_may``."""
        return passes(require_explaining, actor, self.registry)

    async def who_may(self, actor: Actor, resource: Resource, key: Key) -> list[Rights]:
        """What each of the first active users may do to a record.

        Raises ``ForbiddenError`` as ``explain`` does, and ``NotFoundError``.
        """
        require_explaining(actor, self.registry)
        return await self._read(
            actor,
            lambda connection: who_may(self._reader, connection, actor, resource, key),
            snapshot=True,
        )

    def may_read_roles(self, actor: Actor) -> bool:
        """Whether the actor may ask for ``roles``."""
        return passes(require_reading_grants, actor, self.registry)

    async def roles(self, actor: Actor) -> list[RoleInfo]:
        """Every role with what it grants. Raises ``ForbiddenError`` to who may not read that."""
        require_reading_grants(actor, self.registry)
        return await self._read(actor, list_roles)


def _is_short(pairs: tuple[tuple[str, str], ...]) -> bool:
    return sum(len(name) + len(text) for name, text in pairs) <= _SHORT


def _parsed(seen: Registry, name: str, pairs: tuple[tuple[str, str], ...]) -> Query:
    return parse_query(seen[name], seen, pairs)


def _several(resource: Resource, shape: Shape) -> bool:
    """Whether a record is read by several statements, which must tell of one state."""
    return shape is not WHOLE or bool(resource.sets)
