"""Orders by a field that may be null: where an index of it serves, and lists that are read as two.

PostgreSQL reads an index downward with its nulls first only, and enters none at a value where nulls
are wanted as well. So the records that have a value and those without are each read in an order of
an index, and put together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Index, Select, Table, UniqueConstraint, select, union_all

from admin_app.declaration import Field
from admin_app.records.queries.query import Query
from admin_app.records.reads.cursor import Position, beyond, ends_in_nulls, order

Conditions = Sequence[ColumnElement[bool]]


def unsaid(query: Query, position: Position | None = None) -> frozenset[str]:
    """The fields of an order of which nothing need be said about nulls.

    There are none by the query's filters, or beyond ``position``, and an index is of the plain
    field: one that is declared with its nulls last is found by an order that says so.
    """
    present = query.present
    if position is not None and position.values[0] is not None:
        first = query.sort[0]
        present |= set() if ends_in_nulls(first, position.backward) else {first.field.name}
    fields = (each.field for each in query.sort if each.field.name in present)
    return frozenset(each.name for each in fields if is_indexed(each))


def apart(dialect: str, query: Query, position: Position | None) -> bool:
    """Whether a page is sooner read in halves: from its start, or where some of both are beyond."""
    first, *others = query.sort
    field = first.field
    if dialect != "postgresql" or not others or not field.optional or field.name in query.present:
        return False
    if not is_indexed(field):
        return False
    backward = position is not None and position.backward
    last = ends_in_nulls(first, backward)
    if position is None:
        return first.descending == last
    return (position.values[0] is None) != last


async def in_halves(
    read: Callable[[Conditions], Awaitable[Select[Any]]],
    query: Query,
    position: Position | None,
    conditions: Conditions,
    limit: ColumnElement[int],
) -> Select[Any]:
    """Select the records of a page, in its order; ``limit`` is how many of each half are enough."""
    first, *others = query.sort
    field, backward = first.field, position is not None and position.backward
    filled: list[ColumnElement[bool]] = [*conditions, field.expression.is_not(None)]
    empty: list[ColumnElement[bool]] = [*conditions, field.expression.is_(None)]
    present = {*query.present, field.name}
    if position is not None and position.values[0] is not None:
        filled.append(beyond(query.sort, position, present))
    elif position is not None:
        empty.append(beyond(others, Position(position.values[1:], backward), present))
    halves = (
        (await read(filled)).order_by(*order(query.sort, backward=backward, present=present)),
        (await read(empty)).order_by(*order(others, backward=backward, present=unsaid(query))),
    )
    rows = union_all(*(each.limit(limit) for each in halves)).subquery("halves")
    return select(*rows.c).order_by(
        *order(query.sort, backward=backward, column=lambda each: rows.c[each.name])
    )


def is_indexed(field: Field) -> bool:
    """Whether an index of all rows begins with the field and nothing made of it."""
    table = None if field.column is None or field.masked else field.column.table
    if not isinstance(table, Table):
        return False
    firsts: list[Any] = [next(iter(each.expressions)) for each in table.indexes if _is_whole(each)]
    unique = (each for each in table.constraints if isinstance(each, UniqueConstraint))
    firsts += (next(iter(each.columns)) for each in unique)
    return any(each is field.column for each in firsts)


def _is_whole(index: Index) -> bool:
    options = index.dialect_options["postgresql"]
    return options["where"] is None and options["using"] in (False, None, "btree")
