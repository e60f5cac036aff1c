"""``Records``: what surfaces hold. Actor first, resource second, an ``AppError`` when refused."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.events import Event, log_event
from admin_app.access.grants import RoleInfo, list_roles
from admin_app.access.policies import Trash, reach, require
from admin_app.database import Database, connection_of
from admin_app.database.exact import Unit
from admin_app.declaration import Actor, Field, Key, Origin, Registry, Resource, acting
from admin_app.errors import NotFoundError, ReadOnlyError, TooSlowError, UnauthenticatedError
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
from admin_app.records.history import (
    ChangeSet,
    Timeline,
    change_set,
    change_with_effects,
    past_changes,
    timeline,
)
from admin_app.records.history import in_sight as changes_in_sight
from admin_app.records.net import Net, fold
from admin_app.records.past import PastChange
from admin_app.records.queries.aggregation import parse_aggregation
from admin_app.records.queries.facets import USUAL_LIMIT, facet_of, parse_facets
from admin_app.records.queries.form import FormlessError
from admin_app.records.queries.grammar import parse_document, parse_query
from admin_app.records.queries.periods import settled
from admin_app.records.queries.query import WHOLE, Query, Shape
from admin_app.records.queries.shape import parse_shape
from admin_app.records.reads.aggregates import Aggregates, aggregates
from admin_app.records.reads.copies import Copied, Copies, Portion, Text
from admin_app.records.reads.facets import FACET_SECONDS, Facets, facets_of
from admin_app.records.reads.neighbours import beside, title_on
from admin_app.records.reads.plans import Plans
from admin_app.records.reads.reader import Page, Reader, Title
from admin_app.records.reads.record import Answer, Record, record, shaped_record
from admin_app.records.reads.texts import PageText, text_of
from admin_app.records.recent import RecentChange, recent_changes
from admin_app.records.writes.announcing import announce
from admin_app.records.writes.effects import Effects, in_sight, plan_delete
from admin_app.records.writes.idempotency import SWEEP_EVERY, Claim, Reply, claim, remember, sweep
from admin_app.records.writes.refusals import explained_at_commit, impossible_values
from admin_app.records.writes.rehearsal import Rehearsal, rehearse
from admin_app.records.writes.reverting import Reverted
from admin_app.records.writes.writer import Input, Writer

T = TypeVar("T")

MOST_QUERIES = 1_000
"""Queries that are kept as they were read: clients send the same ones over and over."""
_SHORT = 1_000
"""Characters of those."""
NOTING = 5.0
"""Seconds to wait for a line of the security log; it is written after them as well."""
PLANNING = 3.0
"""Seconds in which to find out what a delete would do."""
MOST_COMPARED = 10_000
"""Changes that are read to compare what a record was with what it became."""
LOOKUP_LIMIT = 20
"""Records that a look-up offers at once."""


class Records:
    """Reads and writes of every resource of a registry on one database."""

    def __init__(
        self, database: Database, registry: Registry, secret: bytes, *, read_only: bool = False
    ) -> None:
        self._database = database
        self._read_only = read_only
        self._reader = Reader(registry, secret, database.dialect)
        self._parsed = lru_cache(maxsize=MOST_QUERIES)(_parsed)
        self._plans = Plans(self._reader, database, secret)
        self.registry = registry
        self.clock = _now
        """What time it is, for conditions that say ``today``."""
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
        return self._settled(parsed(self.registry_for(actor), resource.name, given))

    def query_document(self, actor: Actor, resource: Resource, body: bytes) -> Query:
        """The same from a JSON document with the parameters as members."""
        require(actor, resource, "read")
        seen = self.registry_for(actor)
        return self._settled(parse_document(seen[resource.name], seen, body))

    def _settled(self, query: Query) -> Query:
        # After whatever is kept: what today is, is known only now.
        return settled(query, self.clock()) if query.timed else query

    async def aggregates(
        self,
        actor: Actor,
        resource: Resource,
        pairs: Iterable[tuple[str, str]],
        *,
        within: float | None = None,
    ) -> Aggregates:
        """Read groups of the records in sight, as the parameters ask for them.

        ``within`` so many seconds, where the database is not to be asked for long. Raises
        ``ForbiddenError``, and ``BadRequestError`` naming each that cannot be used.
        """
        require(actor, resource, "read")
        seen = self.registry_for(actor)
        asked = parse_aggregation(seen[resource.name], seen, pairs)
        if asked.timed:
            asked = asked.settled(self.clock())
        with acting(actor), impossible_values():
            return await self._read(
                actor,
                lambda connection: aggregates(self._reader, connection, actor, resource, asked),
                within=within,
            )

    async def facets(
        self, actor: Actor, resource: Resource, pairs: Iterable[tuple[str, str]]
    ) -> list[Facets]:
        """Count the values that fields have in a list, each but for the list's conditions on it.

        Raises ``ForbiddenError``, and ``BadRequestError`` naming each that cannot be used.
        """
        require(actor, resource, "read")
        seen = self.registry_for(actor)
        asked = parse_facets(seen[resource.name], seen, pairs)
        return [
            await self.facet(actor, resource, asked.query, each, limit=asked.limit)
            for each in asked.fields
        ]

    async def facet(
        self,
        actor: Actor,
        resource: Resource,
        query: Query,
        field: Field,
        *,
        unit: Unit | None = None,
        limit: int = USUAL_LIMIT,
    ) -> Facets:
        """The same of one ``countable`` field; with a ``unit``, of the parts of its moments.

        It gives up soon, and then says so.
        """
        require(actor, resource, "read")
        asked = facet_of(query, field, unit, limit, self.clock())

        async def read(connection: AsyncConnection) -> Aggregates:
            return await aggregates(self._reader, connection, actor, resource, asked)

        with acting(actor), impossible_values():
            try:
                found = await self._read(actor, read, within=FACET_SECONDS)
            except TooSlowError:
                return facets_of(field, None)
        return facets_of(field, found)

    async def count(
        self, actor: Actor, resource: Resource, query: Query, *, within: float | None = None
    ) -> int:
        """How many records a list has, up to the cap and one more.

        ``within`` as for ``aggregates``. Raises ``TooSlowError``.
        """
        require(actor, resource, "read")

        async def read(connection: AsyncConnection) -> int:
            return await self._reader.capped(connection, actor, resource, query)

        with acting(actor), impossible_values():
            return await self._read(actor, read, within=within)

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

    async def neighbours(
        self, actor: Actor, resource: Resource, query: Query, record: Record
    ) -> tuple[Title | None, Title | None]:
        """What stands before and after a record in a list; nothing in one of best matches."""
        seen = self.registry_for(actor)[resource.name]
        if query.ranked or any(each.field.name not in record.values for each in query.sort):
            return None, None
        back, on = (
            beside(self._reader, seen, query, record.values, backward=backward)
            for backward in (True, False)
        )
        return (
            title_on(await self.page(actor, resource, back)),
            title_on(await self.page(actor, resource, on)),
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
        self,
        actor: Actor,
        resource: Resource,
        keys: Collection[Key],
        more: Sequence[str] = (),
    ) -> dict[Key, Title]:
        """What the records with ``keys`` are called; those out of sight are missing.

        ``more`` are names of fields that the actor may read, whose values come along.
        """
        with acting(actor):
            return await self._read(
                actor,
                lambda connection: self._reader.titles(connection, actor, resource, keys, more),
            )

    async def choices(
        self,
        actor: Actor,
        resource: Resource,
        text: str,
        limit: int = LOOKUP_LIMIT,
        *,
        within: float | None = None,
    ) -> list[Title]:
        """The first records that contain every word of ``text``: what a look-up offers.

        ``within`` as for ``aggregates``.
        """
        require(actor, resource, "read")
        words = self.query(actor, resource, [("search", text)]).words if text else ()
        with acting(actor):
            return await self._read(
                actor,
                lambda connection: self._reader.choices(connection, actor, resource, words, limit),
                within=within,
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
        *,
        change_set: uuid.UUID | None = None,
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
            writer = self._writer(session, actor, origin, change_set)
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

    async def note(
        self,
        actor: Actor,
        origin: Origin,
        event: Event,
        subject: str,
        details: Mapping[str, Any],
    ) -> None:
        """Write into the security log what no write tells of.

        Whoever is cut off meanwhile does not keep it from being written.
        """

        async def work(session: AsyncSession) -> None:
            await log_event(session, event, actor, origin, subject=subject, details=details)

        await self._database.write_aside(uuid.uuid4(), work, patience=NOTING)

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
        within: float | None = None,
    ) -> T:
        """Run a read for as long as the actor's roles let it, or shorter."""
        seconds = self._seconds(actor)
        if within is not None:
            seconds = within if seconds is None else min(seconds, within)
        return await self._database.read(work, snapshot=snapshot, seconds=seconds)

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
        if self._read_only and keep:
            raise ReadOnlyError
        async with explained_at_commit(self.registry_for(actor)):
            with acting(actor), impossible_values():
                return await self._database.write(run, keep=keep, seconds=self._seconds(actor))

    async def create(
        self, actor: Actor, resource: Resource, data: Input, *, origin: Origin
    ) -> Record:
        """Create a record; see ``Writer.create``."""

        async def work(writer: Writer) -> Record:
            return _written(writer, await writer.create(resource, data))

        return await self.write(actor, origin, work)

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

        async def work(writer: Writer) -> Record:
            made = await writer.update(resource, key, data, if_match=if_match)
            return _written(writer, made)

        return await self.write(actor, origin, work)

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

        async def work(writer: Writer) -> Effects:
            found = await writer.delete(resource, key, if_match=if_match)
            found.change_set = writer.change_set
            return found

        return await self.write(actor, origin, work)

    async def delete_effects(
        self, actor: Actor, resource: Resource, *keys: Key, purge: bool = False
    ) -> Effects:
        """What deleting the records would do, read without doing it.

        Those out of sight count as absent; ``purge`` is for good, from the trash. Raises
        ``NotFoundError`` where there is none, ``ConflictError`` where the delete would touch more
        records than it may, and ``TooSlowError`` where to find out takes too long.
        """
        require(actor, resource, "read")
        require(actor, resource, "delete")
        seen = self.registry_for(actor)[resource.name]
        trash: Trash = "only" if purge else "without"

        async def plan(connection: AsyncConnection) -> Effects:
            visible = await self._reader.visible(connection, actor, seen, keys, trash=trash)
            there = [each for each in keys if each in visible]
            if not there:
                raise NotFoundError(resource.absent)
            if resource.options.trash is not None and not purge:
                return Effects()  # They go to the trash alone.
            found = await plan_delete(self.registry, connection, resource, there, PLANNING)
            return await in_sight(self._reader, connection, actor, found)

        with acting(actor):
            return await self._read(actor, plan, snapshot=True)

    async def history(
        self, actor: Actor, resource: Resource, key: Key, limit: int = 50
    ) -> list[PastChange]:
        """The latest changes of a record in sight, newest first, as far as they are in sight."""
        await self.get(actor, resource, key, "with" if resource.options.trash else "without")
        with acting(actor):
            return await self._read(
                actor,
                lambda connection: past_changes(
                    self._reader, connection, actor, resource, key, limit
                ),
            )

    async def timeline(
        self, actor: Actor, resource: Resource, key: Key, limit: int, before: int | None = None
    ) -> Timeline:
        """The latest changes of a record, newest first, with what undid each.

        Those ``before`` one. Of a record that is gone to whoever sees all of its kind. Raises
        ``NotFoundError``.
        """
        require(actor, resource, "read")
        seen = self.registry_for(actor)[resource.name]

        async def read(connection: AsyncConnection) -> Timeline:
            return await timeline(self._reader, connection, actor, seen, key, limit, before)

        with acting(actor), impossible_values():
            return await self._read(actor, read, snapshot=True)

    async def compared(
        self, actor: Actor, resource: Resource, key: Key, older: int, newer: int
    ) -> Net:
        """What has become of a record between two of its changes, after the one and the other.

        Raises ``NotFoundError`` for a record that is not in sight, and for changes not of it.
        """
        await self.get(actor, resource, key, "with")
        seen = self.registry_for(actor)[resource.name]

        async def read(connection: AsyncConnection) -> list[PastChange]:
            return await past_changes(
                self._reader, connection, actor, seen, key, MOST_COMPARED, since=older
            )

        with acting(actor):
            found = (await self._read(actor, read))[::-1]
        between = [each for each in found if older < each.id <= newer]
        if not {older, newer} <= {each.id for each in found} or not between:
            msg = "There are no such changes of this record."
            raise NotFoundError(msg)
        return fold(seen, key, between)

    async def changes(
        self, actor: Actor, resource: Resource, key: Key, wanted: Collection[int]
    ) -> list[PastChange]:
        """Some of a record's changes, oldest first, as far as they are in sight."""
        seen = self.registry_for(actor)[resource.name]

        async def read(connection: AsyncConnection) -> list[PastChange]:
            found = [
                (await change_with_effects(connection, seen, key, each))[:1] for each in wanted
            ]
            flat = [each for some in found for each in some]
            return await changes_in_sight(self._reader, connection, actor, flat)

        with acting(actor):
            return await self._read(actor, read)

    async def change_set(
        self, actor: Actor, wanted: uuid.UUID, limit: int, after: int = 0
    ) -> ChangeSet:
        """What one request, import or act did, as far as it is in sight.

        Those ``after`` one of its changes. Raises ``NotFoundError``.
        """
        if actor.anonymous:
            raise UnauthenticatedError

        async def read(connection: AsyncConnection) -> ChangeSet:
            return await change_set(self._reader, connection, actor, wanted, limit, after)

        with acting(actor):
            return await self._read(actor, read, snapshot=True)

    async def undo(
        self, actor: Actor, wanted: uuid.UUID, *, origin: Origin, skip_conflicts: bool = False
    ) -> Reverted:
        """Undo a change set; see ``Writer.undo``."""
        return await self.write(
            actor, origin, lambda writer: writer.undo(wanted, skip_conflicts=skip_conflicts)
        )

    async def recent_changes(
        self, actor: Actor, limit: int, *, mine: bool = False
    ) -> list[RecentChange]:
        """The latest changes to the records in sight, or those that the actor made."""
        with acting(actor):
            return await self._read(
                actor,
                lambda connection: recent_changes(
                    self._reader, connection, actor, limit, mine=mine
                ),
                snapshot=True,
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


def _written(writer: Writer, made: Record) -> Record:
    """A record with the change set that it was written in, if anything was."""
    if writer.changed:
        made.change_set = writer.change_set
    return made


def _now() -> datetime:
    return datetime.now(UTC)


def _is_short(pairs: tuple[tuple[str, str], ...]) -> bool:
    return sum(len(name) + len(text) for name, text in pairs) <= _SHORT


def _parsed(seen: Registry, name: str, pairs: tuple[tuple[str, str], ...]) -> Query:
    return parse_query(seen[name], seen, pairs)


def _several(resource: Resource, shape: Shape) -> bool:
    """Whether a record is read by several statements, which must tell of one state."""
    return shape is not WHOLE or bool(resource.sets)
