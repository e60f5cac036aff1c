"""The history of records and change sets, as far as the actor may see: no more than reads show."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import reach
from admin_app.declaration import SYSTEM, Actor, Key, Resource
from admin_app.errors import NotFoundError
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import Reader
from admin_app.records.trail.changes import Change
from admin_app.records.trail.past import COLUMNS, PastChange, past
from admin_app.records.trail.recorded import changes_of_set
from admin_app.records.trail.undone import with_undoings
from admin_app.records.trail.veil import Veil

_NO_SET = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of a record's changes, newest first."""

    changes: list[PastChange]
    next: int | None
    """The id before which the next page begins; ``None`` on the last page."""
    there: bool = True
    """Whether the record still exists."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What one request, import or act did, narrowed to the actor's sight."""

    id: uuid.UUID
    changes: list[PastChange]
    """A page of its changes, oldest first."""
    next: int | None
    """The id after which the next page begins; ``None`` on the last page."""
    size: int
    """The number of acts of the whole change set, as far as they can be counted."""


class History:
    """What one actor may see of the trail, read on one connection."""

    def __init__(self, reader: Reader, connection: AsyncConnection, actor: Actor) -> None:
        self._reader = reader
        self._connection = connection
        self._actor = actor

    async def timeline(
        self, resource: Resource, key: Key, limit: int, before: int | None = None
    ) -> Timeline:
        """A page of a record's changes, each with what undid it.

        Also of a deleted record, for actors who see every row. Raises ``NotFoundError``.
        """
        visible = await self._visible(resource, [key])
        if not visible and not await self._is_remembered(resource, key):
            raise NotFoundError(resource.absent)
        found = await self._changes(resource, key, limit + 1, before)
        following = found[limit - 1].id if len(found) > limit else None
        told = await with_undoings(self._connection, found[:limit])
        told = await self._veil(resource).over(told)
        return Timeline(await self._with_sizes(told), following, bool(visible))

    async def of_record(
        self, resource: Resource, key: Key, limit: int, since: int | None = None
    ) -> list[PastChange]:
        """The latest changes of a record in sight, newest first; those with ids from ``since`` on.

        Fields and records out of sight are left out, and so are updates of nothing else.
        """
        found = await self._changes(resource, key, limit, since=since)
        return await self._veil(resource).over(found)

    async def change_set(self, wanted: uuid.UUID, limit: int, after: int = 0) -> ChangeSet:
        """Read a page of a change set, each change with what undid it. Raises ``NotFoundError``."""
        found = await changes_of_set(self._connection, wanted, limit + 1, after)
        seen = await self.in_sight(found[:limit])
        if not seen and (after == 0 and len(found) <= limit):
            msg = "There is no such change set."
            raise NotFoundError(msg)
        following = found[limit - 1].id if len(found) > limit else None
        told = await self._with_sizes(await with_undoings(self._connection, seen))
        acts = [each for each in told if each.cause_id is None]
        size = max([len(acts), *(each.beside + 1 for each in told[:1])])
        return ChangeSet(wanted, told, following, size)

    async def in_sight(self, changes: Iterable[PastChange]) -> list[PastChange]:
        """Changes of any records, narrowed to what the actor sees, in the order they are given in.

        Those of a deleted record are visible to those who see every row, and to who deleted it.
        """
        by_resource: dict[str, list[PastChange]] = {}
        for each in changes:
            by_resource.setdefault(each.resource, []).append(each)
        seen = self._reader.sight.registry(self._actor)
        found: list[PastChange] = []
        for name, some in by_resource.items():
            if name in seen and self._reach(name):
                known = await self._of_records_in_sight(seen[name], some)
                found += await self._veil(seen[name]).over(known)
        places = {each.id: place for place, each in enumerate(changes)}
        return sorted(found, key=lambda each: places[each.id])

    async def _changes(
        self,
        resource: Resource,
        key: Key,
        limit: int,
        before: int | None = None,
        since: int | None = None,
    ) -> list[PastChange]:
        """A record's changes as they were written, not yet narrowed to the actor's sight."""
        mine = [Change.resource == resource.name, Change.key == resource.key_text(key)]
        statement = select(*COLUMNS).where(*mine).order_by(Change.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(Change.id < before)
        if since is not None:
            statement = statement.where(Change.id >= since)
        if self._reach(resource.name) is not True:
            # An earlier record with its key may have been out of sight.
            made = select(func.max(Change.id)).where(*mine, Change.action == "create")
            statement = statement.where(Change.id >= func.coalesce(made.scalar_subquery(), 0))
        return [past(row) for row in await self._connection.execute(statement)]

    async def _is_remembered(self, resource: Resource, key: Key) -> bool:
        """Whether a deleted record may be shown to the actor: to those who see every row."""
        if self._reach(resource.name) is not True or await self._there(resource, [key]):
            return False
        mine = (Change.resource == resource.name, Change.key == resource.key_text(key))
        found = await self._connection.execute(select(Change.id).where(*mine).limit(1))
        return found.first() is not None

    async def _with_sizes(self, changes: Sequence[PastChange]) -> list[PastChange]:
        """Set ``beside`` of changes: how many other acts belong to their change sets."""
        whole = [name for name in self._reader.registry if self._reach(name) is True]
        wanted = {each.change_set for each in changes if each.change_set}
        statement = (
            select(Change.change_set, func.count())
            .where(Change.change_set.in_(wanted), Change.cause_id.is_(None))
            .where(Change.resource.in_(whole))
            .group_by(Change.change_set)
        )
        rows = await self._connection.execute(statement) if wanted and whole else ()
        sizes = {row[0]: row[1] for row in rows}
        return [
            replace(each, beside=max(0, sizes.get(each.change_set or _NO_SET, 1) - 1))
            for each in changes
        ]

    async def _of_records_in_sight(
        self, resource: Resource, changes: Sequence[PastChange]
    ) -> list[PastChange]:
        """The changes of records that are in sight, or were when they were deleted."""
        parsed = {each.key: resource.key_or_none(each.key) for each in changes}
        keys = {text: key for text, key in parsed.items() if key is not None}
        visible = await self._visible(resource, keys.values())
        lost = {key for key in keys.values() if key not in visible}
        gone = lost - await self._there(resource, lost)
        if self._reach(resource.name) is True:
            return [each for each in changes if keys.get(each.key) in visible | gone]
        made = await self._made(resource, [text for text, key in keys.items() if key in visible])
        return [
            each
            for each in changes
            if (keys.get(each.key) in visible and each.id >= made.get(each.key, 0))
            or (keys.get(each.key) in gone and self._is_own_deletion(each))
        ]

    def _is_own_deletion(self, change: PastChange) -> bool:
        mine = change.actor_id is not None and change.actor_id == self._actor.user_id
        return mine and change.action == "delete" and change.cause_id is None

    async def _made(self, resource: Resource, keys: Sequence[str]) -> dict[str, int]:
        """By key, the id of the change that created the record that has it now."""
        found: dict[str, int] = {}
        for batch in batches([(key,) for key in keys]):
            statement = (
                select(Change.key, func.max(Change.id))
                .where(Change.resource == resource.name, Change.key.in_([key for (key,) in batch]))
                .where(Change.action == "create")
                .group_by(Change.key)
            )
            rows = await self._connection.execute(statement)
            found.update((row.key, row[1]) for row in rows)
        return found

    async def _visible(self, resource: Resource, keys: Collection[Key]) -> set[Key]:
        """The records in the actor's sight, those in the trash as well."""
        return await self._reader.visible(
            self._connection, self._actor, resource, keys, trash="with"
        )

    async def _there(self, resource: Resource, keys: Collection[Key]) -> set[Key]:
        """The records that exist, in whose sight they may be."""
        whole = self._reader.registry[resource.name]
        return await self._reader.visible(self._connection, SYSTEM, whole, keys, trash="with")

    def _reach(self, name: str) -> bool | tuple[str, ...]:
        return reach(self._actor.grants, self._reader.registry[name], "read")

    def _veil(self, resource: Resource) -> Veil:
        return Veil(self._reader, self._connection, self._actor, resource)
