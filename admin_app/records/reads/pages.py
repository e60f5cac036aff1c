"""Pages of lists: in an order, or best matches first. One statement, and one for a count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import policy
from admin_app.declaration import Actor, Resource
from admin_app.records.queries.query import WHOLE, Query, Shape
from admin_app.records.reads.counting import COUNT_CAP, count_of, estimable, or_estimate
from admin_app.records.reads.cursor import (
    Position,
    bad_cursor,
    beyond,
    order,
    read_cursor,
    read_place,
    write_cursor,
    write_place,
)
from admin_app.records.reads.full_text import RANKED
from admin_app.records.reads.halves import unsaid
from admin_app.records.reads.includes import include
from admin_app.records.reads.matches import Found, Search
from admin_app.records.reads.reader import Reader, Values, key_is, values_of

T = TypeVar("T")
Rows = tuple[list[Values], str | None, str | None]
"""Those of a page, and the cursors of what lies before and after them."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a list, and where the next and the previous ones begin."""

    resource: Resource
    """As the actor sees it."""
    rows: list[Values]
    limit: int
    next: str | None
    previous: str | None
    total: int | None = None
    """As far as it was counted: one more than ``COUNT_CAP`` stands for more than that."""
    shape: Shape = WHOLE
    truncated: tuple[str, ...] = ()
    """Paths of the lists inside that were cut by their limit."""
    cap: int | None = None
    """What ``total`` was counted up to, where that is not ``COUNT_CAP``."""


async def read_page(
    reader: Reader, connection: AsyncConnection, actor: Actor, resource: Resource, query: Query
) -> Page:
    """Read a page; one statement, one for each many-to-many relation, one for a count."""
    return await _Asked(reader, connection, actor, resource, query).page()


async def capped(
    reader: Reader, connection: AsyncConnection, actor: Actor, resource: Resource, query: Query
) -> int:
    """How many records a list has, up to the cap and one more."""
    return await _Asked(reader, connection, actor, resource, query).capped()


def cut(
    reader: Reader,
    resource: Resource,
    query: Query,
    position: Position | None,
    rows: Sequence[T],
    values: Callable[[T], Values],
) -> tuple[Sequence[T], str | None, str | None]:
    """A page of rows, of which one more was read than it has, in the order they were read."""
    backward = position is not None and position.backward
    at_start = position is None and not query.offset
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    if backward:
        rows = rows[::-1]
    before = after = None
    if rows and (more if backward else not at_start):
        before = cursor_at(reader, resource, query, values(rows[0]), backward=True)
    if rows and (more or backward):
        after = cursor_at(reader, resource, query, values(rows[-1]), backward=False)
    return rows, before, after


def cursor_at(
    reader: Reader, resource: Resource, query: Query, row: Values, *, backward: bool
) -> str:
    """The cursor of what lies beyond a page's outermost row."""
    return write_cursor(reader.secret, resource.name, query.sort, row, backward=backward)


class _Asked:
    """The list that one actor asks for, read on one connection."""

    def __init__(
        self,
        reader: Reader,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        query: Query,
    ) -> None:
        self._reader = reader
        self._connection = connection
        self._actor = actor
        self._resource = reader.sight.registry(actor)[resource.name]
        self._query = query
        self._config = policy(actor, self._resource, query.trash)

    async def page(self) -> Page:
        reader, resource, query = self._reader, self._resource, self._query
        if query.ranked:
            (rows, before, after), total = await self._best()
        else:
            conditions = self._conditions()
            rows, before, after = await self._beside(conditions)
            total = await self._total(conditions)
        await reader.add_sets(self._connection, self._actor, resource, rows, query.shape)
        truncated = await include(
            reader, self._connection, self._actor, resource, rows, query.shape
        )
        return Page(
            resource=resource,
            rows=rows,
            limit=query.limit,
            next=after,
            previous=before,
            total=total,
            cap=RANKED if query.ranked and query.soon else None,
            shape=query.shape,
            truncated=truncated,
        )

    async def capped(self) -> int:
        matching = await self._matching(self._conditions())
        return await count_of(self._connection, matching, "capped", estimable=False) or 0

    def _conditions(self) -> Sequence[ColumnElement[bool]]:
        query = self._query
        return self._reader.criteria.all_of(self._actor, self._resource, query.filters, query.words)

    async def _matching(self, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
        """Select the keys of all that the list has."""
        keys = [each.expression for each in self._resource.key]
        return await self._reader.select(self._resource, self._config, keys, conditions)

    async def _beside(self, conditions: Sequence[ColumnElement[bool]]) -> Rows:
        """The rows beside that of the cursor, in the order of the query."""
        reader, resource, query = self._reader, self._resource, self._query
        position = await self._position()
        backward = position is not None and position.backward
        if position:
            conditions = [*conditions, beyond(query.sort, position, query.present)]
        names = query.shape.needed(resource, (each.field.name for each in query.sort))
        statement = await reader.select_named(resource, self._config, conditions, names)
        statement = statement.order_by(
            *order(query.sort, backward=backward, present=unsaid(query, position))
        )
        statement = statement.limit(query.limit + 1).offset(query.offset)
        rows = values_of(names, (await self._connection.execute(statement)).all())
        found, before, after = cut(reader, resource, query, position, rows, lambda row: row)
        return [*found], before, after

    async def _position(self) -> Position | None:
        """Where the cursor stands; one that is a key leads to the row that has it now."""
        resource, query = self._resource, self._query
        if query.cursor is None:
            return None
        position = read_cursor(self._reader.secret, resource.name, query.sort, query.cursor)
        if position.whole:
            return position
        names = [each.field.name for each in query.sort]
        key = resource.key_of(dict(zip(names, position.values, strict=True)))
        columns = [each.field.expression for each in query.sort]
        statement = await self._reader.select(
            resource, self._config, columns, [key_is(resource, key)]
        )
        row = (await self._connection.execute(statement)).one_or_none()
        if row is None:
            raise bad_cursor()
        return Position(tuple(row), position.backward)

    async def _total(self, conditions: Sequence[ColumnElement[bool]]) -> int | None:
        """How many there are, if that is asked."""
        count = self._query.count
        if count == "none":
            return None
        matching = await self._matching(conditions)
        return await count_of(self._connection, matching, count, estimable=self._is_estimable())

    async def _best(self) -> tuple[Rows, int | None]:
        """The rows from a place on, best matches first, and how many there are, if asked."""
        secret, resource, query = self._reader.secret, self._resource, self._query
        place = query.offset
        if query.cursor is not None:
            place = read_place(secret, resource.name, query.cursor)
        names = query.shape.needed(resource)
        columns = [resource.fields[name].expression for name in names]
        search = Search(
            self._reader, self._actor, resource, query.filters, query.words, query.trash
        )
        found = await search.find(self._connection, place + query.limit + 1)
        equal = order(query.sort, backward=False)
        statement = await search.page(columns, found, equal, place, query.limit + 1)
        rows = values_of(names, (await self._connection.execute(statement)).all())
        before, after = max(place - query.limit, 0), place + query.limit
        more = len(rows) > query.limit
        page = (
            rows[: query.limit],
            write_place(secret, resource.name, before) if place else None,
            write_place(secret, resource.name, after) if more else None,
        )
        return page, await self._total_found(search, found)

    async def _total_found(self, search: Search, found: Found) -> int | None:
        """How many a search finds, if that is asked."""
        query = self._query
        if query.count == "none":
            return None
        if found.keys is not None:
            return len(found.keys)
        if query.soon and query.count == "capped":
            return RANKED + 1
        limit = None if query.count == "exact" else COUNT_CAP
        total = await search.count(self._connection, limit)
        matching = await search.matching([each.expression for each in self._resource.key])
        return await or_estimate(
            self._connection, matching, query.count, total, estimable=self._is_estimable()
        )

    def _is_estimable(self) -> bool:
        seen = self._reader.sight.registry(self._actor)
        return estimable(self._actor, seen, self._resource, self._query)
