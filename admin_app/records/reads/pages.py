"""Pages of lists: in an order, or best matches first. One statement, and one for a count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fastcrud import PolicyConfig
from sqlalchemy import ColumnElement
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
from admin_app.records.reads.matches import Search
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
    resource = reader.sight.registry(actor)[resource.name]
    if query.ranked:
        (rows, before, after), total = await _best(reader, connection, actor, resource, query)
    else:
        config = policy(actor, resource, query.trash)
        conditions = reader.criteria.all_of(actor, resource, query.filters, query.words)
        found = await _beside(reader, connection, resource, config, conditions, query)
        rows, before, after = found
        total = await _total(reader, connection, actor, resource, conditions, query)
    await reader.add_sets(connection, actor, resource, rows, query.shape)
    truncated = await reader.include(connection, actor, resource, rows, query.shape)
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


async def capped(
    reader: Reader, connection: AsyncConnection, actor: Actor, resource: Resource, query: Query
) -> int:
    """How many records a list has, up to the cap and one more."""
    resource = reader.sight.registry(actor)[resource.name]
    conditions = reader.criteria.all_of(actor, resource, query.filters, query.words)
    keys = [each.expression for each in resource.key]
    config = policy(actor, resource, query.trash)
    matching = await reader.select(resource, config, keys, conditions)
    return await count_of(connection, matching, "capped", estimable=False) or 0


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


async def _beside(
    reader: Reader,
    connection: AsyncConnection,
    resource: Resource,
    config: PolicyConfig,
    conditions: Sequence[ColumnElement[bool]],
    query: Query,
) -> Rows:
    """The rows beside that of the cursor, in the order of the query."""
    position = await _position(reader, connection, resource, config, query)
    backward = position is not None and position.backward
    placed = [*conditions, beyond(query.sort, position, query.present)] if position else conditions
    names = query.shape.needed(resource, (each.field.name for each in query.sort))
    statement = await reader.select_named(resource, config, placed, names)
    statement = statement.order_by(
        *order(query.sort, backward=backward, present=unsaid(query, position))
    )
    result = await connection.execute(statement.limit(query.limit + 1).offset(query.offset))
    rows = values_of(names, result.all())
    found, before, after = cut(reader, resource, query, position, rows, lambda row: row)
    return [*found], before, after


async def _best(
    reader: Reader, connection: AsyncConnection, actor: Actor, resource: Resource, query: Query
) -> tuple[Rows, int | None]:
    """The rows from a place on, best matches first, and how many there are, if that is asked."""
    place = query.offset
    if query.cursor is not None:
        place = read_place(reader.secret, resource.name, query.cursor)
    names = query.shape.needed(resource)
    columns = [resource.fields[name].expression for name in names]
    search = Search(reader, actor, resource, query.filters, query.words, query.trash)
    found = await search.find(connection, place + query.limit + 1)
    equal = order(query.sort, backward=False)
    statement = await search.page(columns, found, equal, place, query.limit + 1)
    rows = values_of(names, (await connection.execute(statement)).all())
    before, after = max(place - query.limit, 0), place + query.limit
    more = len(rows) > query.limit
    page = (
        rows[: query.limit],
        write_place(reader.secret, resource.name, before) if place else None,
        write_place(reader.secret, resource.name, after) if more else None,
    )
    if found.keys is not None:
        return page, None if query.count == "none" else len(found.keys)
    return page, await _total_found(reader, connection, actor, resource, query, search)


async def _total_found(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    query: Query,
    search: Search,
) -> int | None:
    """How many are found, if that is asked, where they are more than are ranked."""
    if query.count == "none":
        return None
    if query.soon and query.count == "capped":
        return RANKED + 1
    total = await search.count(connection, None if query.count == "exact" else COUNT_CAP)
    told = estimable(actor, reader.sight.registry(actor), resource, query)
    matching = await search.matching([each.expression for each in resource.key])
    return await or_estimate(connection, matching, query.count, total, estimable=told)


async def _position(
    reader: Reader,
    connection: AsyncConnection,
    resource: Resource,
    config: PolicyConfig,
    query: Query,
) -> Position | None:
    if query.cursor is None:
        return None
    position = read_cursor(reader.secret, resource.name, query.sort, query.cursor)
    if position.whole:
        return position
    names = [each.field.name for each in query.sort]
    key = resource.key_of(dict(zip(names, position.values, strict=True)))
    columns = [each.field.expression for each in query.sort]
    statement = await reader.select(resource, config, columns, [key_is(resource, key)])
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise bad_cursor()
    return Position(tuple(row), position.backward)


async def _total(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    conditions: Sequence[ColumnElement[bool]],
    query: Query,
) -> int | None:
    keys = [each.expression for each in resource.key]
    config = policy(actor, resource, query.trash)
    matching = await reader.select(resource, config, keys, conditions)
    seen = reader.sight.registry(actor)
    return await count_of(
        connection, matching, query.count, estimable=estimable(actor, seen, resource, query)
    )
