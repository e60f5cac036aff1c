"""Histories of records, change sets, and undoing."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import require
from admin_app.declaration import Actor, Key, Origin, Resource, acting
from admin_app.errors import NotFoundError, UnauthenticatedError
from admin_app.records.service.single import SingleRecords
from admin_app.records.service.writes import Writes
from admin_app.records.trail.history import ChangeSet, History, Timeline
from admin_app.records.trail.net import Net, fold
from admin_app.records.trail.past import PastChange
from admin_app.records.trail.recent import RecentChange, recent_changes
from admin_app.records.trail.recorded import changes_of_record
from admin_app.records.writes.refusals import impossible_values
from admin_app.records.writes.undo.parts import Reverted
from admin_app.records.writes.undo.reverting import Reverting
from admin_app.records.writes.writer import Writer

MOST_COMPARED = 10_000
"""Changes that are read to compare what a record was with what it became."""


class Histories(SingleRecords, Writes):
    """The changes in sight."""

    async def history(
        self, actor: Actor, resource: Resource, key: Key, limit: int = 50
    ) -> list[PastChange]:
        """The latest changes of a record in sight, newest first, as far as they are in sight."""
        await self.get(actor, resource, key, "with" if resource.options.trash else "without")

        async def read(connection: AsyncConnection) -> list[PastChange]:
            return await self._history(connection, actor).of_record(resource, key, limit)

        with acting(actor):
            return await self._read(actor, read)

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
            return await self._history(connection, actor).timeline(seen, key, limit, before)

        with acting(actor), impossible_values():
            return await self._read(actor, read, snapshot=True)

    async def compared(
        self, actor: Actor, resource: Resource, key: Key, older: int, newer: int
    ) -> Net:
        """The net effect on a record of its changes after ``older`` up to ``newer``.

        Raises ``NotFoundError`` for a record that is not in sight, and for changes not of it.
        """
        await self.get(actor, resource, key, "with")
        seen = self.registry_for(actor)[resource.name]

        async def read(connection: AsyncConnection) -> list[PastChange]:
            history = self._history(connection, actor)
            return await history.of_record(seen, key, MOST_COMPARED, since=older)

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
            found = await changes_of_record(connection, seen, key, wanted)
            return await self._history(connection, actor).in_sight(found)

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
            return await self._history(connection, actor).change_set(wanted, limit, after)

        with acting(actor):
            return await self._read(actor, read, snapshot=True)

    async def undo(
        self, actor: Actor, wanted: uuid.UUID, *, origin: Origin, skip_conflicts: bool = False
    ) -> Reverted:
        """Undo a change set; see ``Reverting.undo_set``."""

        async def work(writer: Writer) -> Reverted:
            return await Reverting(writer, skip_conflicts=skip_conflicts).undo_set(wanted)

        return await self.write(actor, origin, work)

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

    def _history(self, connection: AsyncConnection, actor: Actor) -> History:
        return History(self._reader, connection, actor)
