"""Writes: one transaction each, which is one change set."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.events import log_event
from admin_app.access.policies import Trash, require
from admin_app.access.tables import Event
from admin_app.database import connection_of
from admin_app.declaration import Actor, Key, Origin, Resource, acting
from admin_app.errors import NotFoundError, ReadOnlyError
from admin_app.records.reads.representation import Representation
from admin_app.records.service.base import Foundation
from admin_app.records.trail.changes import Entry
from admin_app.records.writes.announcing import announce
from admin_app.records.writes.deletes.effects import Effects, in_sight
from admin_app.records.writes.deletes.planning import plan_delete
from admin_app.records.writes.idempotency import SWEEP_EVERY, Claim, Reply, claim, remember, sweep
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.refusals import explained_at_commit, impossible_values
from admin_app.records.writes.rehearsal import Rehearsal, rehearse
from admin_app.records.writes.transaction import Attempt, RepeatError, Transaction
from admin_app.records.writes.writer import Input, Writer

T = TypeVar("T")

NOTING = 5.0
"""Seconds to wait for a line of the security log; it is written after them as well."""
PLANNING = 3.0
"""Seconds in which to find out what a delete would do."""


class Writes(Foundation):
    """Writes of records, and dry runs of them."""

    _sweep_at = 0.0

    async def write(
        self,
        actor: Actor,
        origin: Origin,
        work: Callable[[Writer], Awaitable[T]],
        *,
        change_set: uuid.UUID | None = None,
        repeatable: bool = False,
    ) -> T:
        """Run several writes as one: one transaction, one change set. It may run more than once.

        ``change_set`` joins the changes to those of other transactions, such as an import's.
        ``repeatable``: a list that is refused goes one by one in a second transaction.
        """
        told: list[Entry] = []

        async def run(attempt: Attempt, session: AsyncSession) -> T:
            writer = self._writer(session, actor, origin, change_set, attempt)
            result = await work(writer)
            await writer.finish()
            told[:] = writer.changes
            return result

        try:
            attempt: Attempt = "first" if repeatable else "only"
            result = await self._transaction(actor, partial(run, attempt))
        except RepeatError:
            result = await self._transaction(actor, partial(run, "second"))
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

    async def rehearse(
        self, actor: Actor, origin: Origin, work: Callable[[Writer], Awaitable[T]]
    ) -> Rehearsal[T]:
        """Dry run: do what ``write`` would do, return what it did, and undo it."""

        async def run(session: AsyncSession) -> Rehearsal[T]:
            writer = self._writer(session, actor, origin)
            return await rehearse(writer, work)

        return await self._transaction(actor, run, keep=False)

    async def note(
        self,
        actor: Actor,
        origin: Origin,
        event: Event,
        subject: str,
        details: Mapping[str, Any],
    ) -> None:
        """Add an entry to the security log that belongs to no write.

        It is written even if the caller is cancelled meanwhile.
        """

        async def work(session: AsyncSession) -> None:
            await log_event(session, event, actor, origin, subject=subject, details=details)

        await self._database.write_aside(uuid.uuid4(), work, patience=NOTING)

    async def create(
        self, actor: Actor, resource: Resource, data: Input, *, origin: Origin
    ) -> Representation:
        """Create a record; see ``Writer.create``."""

        async def work(writer: Writer) -> Representation:
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
    ) -> Representation:
        """Change a record; see ``Writer.update``."""

        async def work(writer: Writer) -> Representation:
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
        """The effects of deleting the records, without deleting them.

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

    def _writer(
        self,
        session: AsyncSession,
        actor: Actor,
        origin: Origin,
        change_set: uuid.UUID | None = None,
        attempt: Attempt = "only",
    ) -> Writer:
        journal = Journal(self.registry, actor, origin, change_set)
        given = self._reader, session, connection_of(session), actor, origin, journal
        return Writer(Transaction(*given, attempt=attempt))

    async def _transaction(
        self, actor: Actor, run: Callable[[AsyncSession], Awaitable[T]], *, keep: bool = True
    ) -> T:
        if self._read_only and keep:
            raise ReadOnlyError
        with explained_at_commit(self.registry_for(actor)), acting(actor), impossible_values():
            return await self._database.write(run, keep=keep, seconds=self._seconds(actor))


def _written(writer: Writer, made: Representation) -> Representation:
    """A record with the change set that it was written in, if anything was."""
    if writer.changed:
        made.change_set = writer.change_set
    return made
