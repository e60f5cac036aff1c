"""The records that fit words best, of a resource with an index for searches.

How well a record fits is known only when it has been read, so the best are found of a thousand. Of
more, those come first that have the words in fields of their own, then those that related records
have them of, both in the order of their keys: an index gives as many as are wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastcrud import PolicyConfig
from sqlalchemy import ColumnElement, Select, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import Trash, policy, reach
from admin_app.declaration import Actor, Resource
from admin_app.records.queries.conditions import Condition
from admin_app.records.reads.full_text import (
    RANKED,
    among,
    as_keys,
    best_first,
    in_itself,
    indexed,
    own_matches,
    read_keys,
)
from admin_app.records.reads.reader import Reader

Columns = Sequence[ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, as far as it was looked for."""

    own: int
    """How many have every word in fields of their own."""
    keys: tuple[int, ...] | None
    """The keys of all that was found; none where that is more than is ranked."""


class Search:
    """Words that an actor looks for in a resource, which is as the actor sees it."""

    def __init__(
        self,
        reader: Reader,
        actor: Actor,
        resource: Resource,
        filters: Sequence[Condition],
        words: Sequence[str],
        trash: Trash = "without",
    ) -> None:
        self._reader = reader
        self._actor = actor
        self._resource = resource
        self._words = words
        self._config: PolicyConfig = policy(actor, resource, trash)
        self._filters = reader.criteria.all_of(actor, resource, filters, ())
        self._conditions = reader.criteria.all_of(actor, resource, filters, words)
        self._keys = [each.expression for each in resource.key]
        names = {each.name for each in indexed(resource)}
        self._alone = names.issuperset(resource.search)
        """Whether there is no other way to a record than by fields of its own."""

    async def matching(self, columns: Columns) -> Select[Any]:
        """Select all that is found, in no order."""
        return await self._reader.select(self._resource, self._config, columns, self._conditions)

    async def find(self, connection: AsyncConnection, end: int) -> Found:
        """Look for what is found, for a page that ends at a place; one statement.

        What has the words in itself is counted first, as that is soon done, and nothing else when
        it is more than is ranked.
        """
        everything = await self._all(self._keys)
        some: Any = everything.limit(RANKED + 1).subquery()
        keys = select(as_keys(self._reader.dialect, some.c[0]))
        own = None if self._alone else await self._own(self._keys)
        if own is None:
            found = read_keys(await connection.scalar(keys))
            return Found(len(found), found if len(found) <= RANKED else None)
        first = _count(own[0].limit(max(RANKED, end) + 1)).subquery()
        told = case((first.c.number <= RANKED, keys.scalar_subquery()))
        number, listed = (await connection.execute(select(first.c.number, told))).one()
        found = read_keys(listed)
        few = number <= RANKED and len(found) <= RANKED
        return Found(number, found if few else None)

    async def count(self, connection: AsyncConnection, most: int | None) -> int:
        """How many are found, up to ``most`` and one more; what has the words in itself first."""
        everything = await self._all(self._keys)
        if most is None:
            return await connection.scalar(_count(everything)) or 0
        total = _count(everything.limit(most + 1))
        own = None if self._alone else await self._own(self._keys)
        if own is None:
            return await connection.scalar(total) or 0
        first = _count(own[0].limit(most + 1)).subquery()
        enough = (first.c.number > most, first.c.number)
        return await connection.scalar(select(case(enough, else_=total.scalar_subquery()))) or 0

    async def page(
        self, columns: Columns, found: Found, equal: Columns, place: int, limit: int
    ) -> Select[Any]:
        """Select some from a place on; ``equal`` orders those that fit as well as each other."""
        statement = await self._ordered(columns, found, equal, place + limit)
        return statement.limit(limit).offset(place)

    async def _ordered(
        self, columns: Columns, found: Found, equal: Columns, end: int
    ) -> Select[Any]:
        dialect, resource = self._reader.dialect, self._resource
        (key,) = self._keys
        own = await self._own(columns)
        if found.keys is not None:
            # By one word those fit best that have it in themselves.
            first = self._alone or (end <= found.own and len(self._words) == 1)
            if own is not None and first:
                return self._ranked(own[0], None).order_by(*equal)
            some = among(dialect, key, found.keys)
            statement = await self._reader.select(resource, self._config, columns, [some])
            return self._ranked(statement, found.keys).order_by(*equal)
        if own is not None and (self._alone or end <= found.own):
            statement, by_key = own
            return statement.order_by(by_key)
        statement = await self.matching(columns)
        if own is not None and found.own:
            itself = in_itself(dialect, resource, self._words)
            statement = statement.order_by(case((itself, literal(0)), else_=literal(1)))
        return statement.order_by(key)

    def _ranked(self, statement: Select[Any], keys: Sequence[int] | None) -> Select[Any]:
        whole = reach(self._actor.grants, self._resource, "read") is True
        return best_first(
            statement, self._reader.dialect, self._resource, self._words, keys, whole=whole
        )

    async def _all(self, columns: Columns) -> Select[Any]:
        """Select all that is found, the way that is the quickest."""
        own = await self._own(columns) if self._alone else None
        return await self.matching(columns) if own is None else own[0]

    async def _own(self, columns: Columns) -> tuple[Select[Any], ColumnElement[Any]] | None:
        """Select what has the words in itself, and in which order it is soon read."""
        if not indexed(self._resource):
            return None
        statement = await self._reader.select(self._resource, self._config, columns, self._filters)
        return own_matches(statement, self._reader.dialect, self._resource, self._words)


def _count(statement: Select[Any]) -> Select[Any]:
    return select(func.count().label("number")).select_from(statement.subquery())
