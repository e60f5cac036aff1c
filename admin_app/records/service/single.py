"""One record in sight."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import Trash, require
from admin_app.declaration import Actor, Key, Resource, acting
from admin_app.errors import NotFoundError
from admin_app.records.queries.form import FormlessError
from admin_app.records.queries.query import WHOLE, Shape
from admin_app.records.queries.shape import parse_shape
from admin_app.records.reads.includes import include
from admin_app.records.reads.representation import Answer, Representation, shaped
from admin_app.records.reads.titles import Title, read_titles
from admin_app.records.service.base import Foundation
from admin_app.records.writes.refusals import impossible_values


class SingleRecords(Foundation):
    """Records in sight, one at a time."""

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
    ) -> Representation:
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
    ) -> Representation:
        seen = self.registry_for(actor)
        resource = seen[resource.name]

        async def read(connection: AsyncConnection) -> Representation:
            reader = self._reader
            values = await reader.one(connection, actor, resource, key, shape, trash)
            if shape is WHOLE:
                return Representation(resource, values)
            cut = await include(reader, connection, actor, resource, [values], shape)
            whole = values
            if resource.version is None:
                whole = await reader.one(connection, actor, resource, key, trash=trash)
            return shaped(seen, resource, values, whole, shape, cut)

        return await self._read(actor, read, snapshot=several(resource, shape))

    async def titles(
        self,
        actor: Actor,
        resource: Resource,
        keys: Collection[Key],
        more: Sequence[str] = (),
    ) -> dict[Key, Title]:
        """The titles of the records with ``keys``; those out of sight are missing.

        ``more`` are names of fields that the actor may read, whose values come along.
        """
        with acting(actor):
            return await self._read(
                actor,
                lambda connection: read_titles(
                    self._reader, connection, actor, resource, keys, more
                ),
            )


def several(resource: Resource, shape: Shape) -> bool:
    """Whether a record is read by several statements, which must see one snapshot."""
    return shape is not WHOLE or bool(resource.sets)
