"""Records as a write reads them: everything of them, and as much as the actor sees."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import reach
from admin_app.declaration import SYSTEM, Actor, Key, Resource
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.reads.record import Record, record


class Views:
    """What one actor's writes read on one connection.

    Changes tell all that was done, so writes work on the whole resource; what they answer, and what
    their preconditions are about, is what the actor sees of it.
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

    async def wholes(self, resource: Resource, keys: Sequence[Key]) -> list[Values]:
        """Everything of records that are there, in the order of ``keys``."""
        return await self._read(SYSTEM, resource, keys)

    async def views(
        self, resource: Resource, keys: Sequence[Key], wholes: Sequence[Values]
    ) -> Sequence[Values]:
        """As much of the same records as the actor sees, in reach of a read or not."""
        return wholes if self._all_seen(resource) else await self._read(self._actor, resource, keys)

    async def answers(
        self, resource: Resource, keys: Sequence[Key], wholes: Sequence[Values]
    ) -> list[Record]:
        """The same as they are answered."""
        seen = self.seen(resource)
        return [record(seen, each) for each in await self.views(resource, keys, wholes)]

    async def _read(self, actor: Actor, resource: Resource, keys: Sequence[Key]) -> list[Values]:
        rows = await self._reader.find(
            self._connection, actor, resource, resource.key, keys, sets=True, any_row=True
        )
        by_key = {resource.key_of(each): each for each in rows}
        return [by_key[key] for key in keys]

    def _all_seen(self, resource: Resource) -> bool:
        seen = self.seen(resource)
        return seen is self.whole(resource) and all(
            reach(self._actor.grants, self._reader.registry.target(each), "read") is True
            for each in seen.sets.values()
        )
