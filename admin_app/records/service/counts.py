"""Counts, groups and facets of the records in sight."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import require
from admin_app.database.exact import Unit
from admin_app.declaration import Actor, Field, Relation, Resource, acting
from admin_app.errors import TooSlowError
from admin_app.records.queries.aggregation import parse_aggregation
from admin_app.records.queries.facets import (
    USUAL_LIMIT,
    facet_of,
    facet_of_relation,
    parse_facets,
)
from admin_app.records.queries.query import Query
from admin_app.records.reads.aggregates import Aggregates, aggregates
from admin_app.records.reads.facets import (
    FACET_SECONDS,
    Facets,
    facets_of,
    facets_of_relation,
    keys_found,
    uncounted,
)
from admin_app.records.reads.pages import capped
from admin_app.records.reads.titles import read_titles
from admin_app.records.service.base import Foundation
from admin_app.records.writes.refusals import impossible_values


class Counts(Foundation):
    """Numbers of records in sight."""

    async def count(
        self, actor: Actor, resource: Resource, query: Query, *, within: float | None = None
    ) -> int:
        """How many records a list has, up to the cap and one more.

        ``within`` as for ``aggregates``. Raises ``TooSlowError``.
        """
        require(actor, resource, "read")

        async def read(connection: AsyncConnection) -> int:
            return await capped(self._reader, connection, actor, resource, query)

        with acting(actor), impossible_values():
            return await self._read(actor, read, within=within)

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
        target: Field | Relation,
        *,
        unit: Unit | None = None,
        limit: int = USUAL_LIMIT,
    ) -> Facets:
        """The same of one ``countable`` field or ``pointing`` relation.

        With a ``unit``, of the parts of a field's moments. It gives up soon, and then says so.
        """
        require(actor, resource, "read")

        async def read(connection: AsyncConnection) -> Facets:
            if isinstance(target, Relation):
                return await self._led_to(connection, actor, resource, query, target, limit)
            asked = facet_of(query, target, unit, limit, self.clock())
            found = await aggregates(self._reader, connection, actor, resource, asked)
            return facets_of(target, found)

        with acting(actor), impossible_values():
            try:
                return await self._read(actor, read, within=FACET_SECONDS)
            except TooSlowError:
                return uncounted(target)

    async def _led_to(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        query: Query,
        relation: Relation,
        limit: int,
    ) -> Facets:
        target = self.registry_for(actor).target(relation)
        asked = facet_of_relation(query, relation, target, limit, self.clock())
        found = await aggregates(self._reader, connection, actor, resource, asked)
        keys = [key for key, _ in keys_found(target, found) if key is not None]
        titles = await read_titles(self._reader, connection, actor, target, keys)
        return facets_of_relation(relation, target, found, titles)
