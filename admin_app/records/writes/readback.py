"""Read records back within a write: whole, and as much as the actor sees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import reach
from admin_app.declaration import SYSTEM, Actor, Key, Resource
from admin_app.records.queries.query import WHOLE
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.set_edits import SetChange


class Readback:
    """Reads of one actor's writes on one connection.

    Changes record all that was done, so writes work on the whole resource; what they answer, and
    what their preconditions are about, is what the actor sees of it.
    """

    def __init__(self, reader: Reader, connection: AsyncConnection, actor: Actor) -> None:
        self._reader = reader
        self._connection = connection
        self._actor = actor

    def whole(self, resource: Resource) -> Resource:
        """The resource with everything of it."""
        return self._reader.registry[resource.name]

    def seen(self, resource: Resource) -> Resource:
        """The resource as the actor sees it."""
        return self._reader.sight.registry(self._actor)[resource.name]

    async def add_sets(self, resource: Resource, rows: Sequence[Values]) -> None:
        """Give rows of which the columns are known their many-to-many relations, all of them."""
        if resource.sets:
            await self._reader.add_sets(self._connection, SYSTEM, resource, rows)

    async def add_new_sets(
        self, resource: Resource, rows: Sequence[Values], gained: Sequence[Sequence[SetChange]]
    ) -> None:
        """``add_sets`` for rows that were just inserted, whose sets are empty unless given."""
        if not resource.sets:
            return
        if any(gained) or not _sets_begin_empty(resource):
            await self.add_sets(resource, rows)
            return
        for row in rows:
            row.update({name: [] for name in resource.sets})

    async def after(
        self,
        resource: Resource,
        before: Values,
        returned: Values | None,
        changes: Sequence[SetChange],
    ) -> Values:
        """A whole record after an update, which ``returned`` its columns, if it could."""
        if returned is None:
            (whole,) = await self.wholes(resource, [resource.key_of(before)])
            return whole
        held = {name for each in resource.sets.values() for name, _ in each.own_columns}
        if changes or any(before[name] != returned[name] for name in held):
            await self.add_sets(resource, [returned])
            return returned
        return returned | {name: before[name] for name in resource.sets}

    async def wholes(self, resource: Resource, keys: Sequence[Key]) -> list[Values]:
        """Everything of records that are there, in the order of ``keys``."""
        return await self._read(SYSTEM, resource, keys)

    async def views(
        self, resource: Resource, keys: Sequence[Key], wholes: Sequence[Values]
    ) -> Sequence[Values]:
        """As much of the same records as the actor sees, in reach of a read or not."""
        return wholes if self._all_seen(resource) else await self._views(resource, keys, wholes)

    async def answers(
        self, resource: Resource, keys: Sequence[Key], wholes: Sequence[Values]
    ) -> list[Representation]:
        """The records as answers."""
        seen = self.seen(resource)
        return [Representation(seen, each) for each in await self.views(resource, keys, wholes)]

    async def _views(
        self, resource: Resource, keys: Sequence[Key], wholes: Sequence[Values]
    ) -> Sequence[Values]:
        seen = self.seen(resource)
        names = _read_alike(seen, resource)
        if names is None or not self._sets_seen(seen):
            return await self._read(self._actor, resource, keys)
        return [{name: each[name] for name in names} for each in wholes]

    async def _read(self, actor: Actor, resource: Resource, keys: Sequence[Key]) -> list[Values]:
        rows = await self._reader.find(
            self._connection, actor, resource, resource.key, keys, sets=True, any_row=True
        )
        by_key = {resource.key_of(each): each for each in rows}
        return [by_key[key] for key in keys]

    def _all_seen(self, resource: Resource) -> bool:
        seen = self.seen(resource)
        return seen is self.whole(resource) and self._sets_seen(seen)

    def _sets_seen(self, seen: Resource) -> bool:
        """Whether every record is in sight that can be in one of the sets."""
        return all(
            reach(self._actor.grants, self._reader.registry.target(each), "read") is True
            for each in seen.sets.values()
        )


@lru_cache(maxsize=1_024)
def _read_alike(seen: Resource, whole: Resource) -> tuple[str, ...] | None:
    """The names of a record as seen, if all read as in the whole; else ``None``."""
    version = [seen.version] if seen.version else []
    names = WHOLE.needed(seen, version)
    alike = all(seen.fields[name].expression is whole.fields[name].expression for name in names)
    return (*names, *seen.sets) if alike else None


@lru_cache(maxsize=1_024)
def _sets_begin_empty(resource: Resource) -> bool:
    """Whether no link can be older than the record: those are foreign keys, checked at once."""
    return all(
        any(
            each.column.table is resource.table and not each.deferrable and not each.initially
            for each in relation.secondary.c[column].foreign_keys
        )
        for relation in resource.sets.values()
        if relation.secondary is not None
        for _, column in relation.own_columns
    )
