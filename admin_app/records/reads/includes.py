"""Reading what an answer includes: one statement for each relation, whatever the rows.

The records that are already read stand in the statement under another name and lead, by the
relation itself, to the target under its own: so the target's policy and masks hold as in a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlalchemy.orm import join as orm_join

from admin_app.access.policies import policy
from admin_app.declaration import Actor, Field, Key, Kind, Resource
from admin_app.errors import BadRequestError
from admin_app.records.queries.query import Include, Shape
from admin_app.records.reads.criteria import one_of
from admin_app.records.reads.cursor import order
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import Reader, Values

MOST_INCLUDED = 10_000
"""Records that one answer includes, however they are spread over it."""
TOO_MANY_INCLUDED = "too_many_included"
MOST_WEIGHT = 32 * 1024 * 1024
"""Bytes, about, of the long values and sets of all of them: each may be there many times over."""

_SHORT = 4_096
"""Characters or bytes of a value that need not be weighed."""
_AT_ONCE = 20
_KEY = 8
"""What a key of a set is counted as."""


async def include(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    rows: Sequence[Values],
    shape: Shape,
) -> tuple[str, ...]:
    """Give each row the records that its shape includes; returns which lists were cut.

    Raises ``BadRequestError`` where they are more than one answer takes.
    """
    included = _Included(reader, connection, actor)
    await included.add(resource, rows, shape)
    return tuple(included.truncated)


class _Included:
    """The included records of one answer."""

    def __init__(self, reader: Reader, connection: AsyncConnection, actor: Actor) -> None:
        self.truncated: list[str] = []
        """Paths of the relations of which some records were left out, for their limit."""
        self._reader = reader
        self._connection = connection
        self._actor = actor
        self._left = MOST_INCLUDED
        self._room = MOST_WEIGHT

    async def add(
        self, resource: Resource, rows: Sequence[Values], shape: Shape, *path: str
    ) -> None:
        """Give each row the records of every relation that its shape includes."""
        for include in shape.includes:
            await self._add(resource, rows, include, (*path, include.relation.name))

    async def _add(
        self, resource: Resource, rows: Sequence[Values], include: Include, path: Sequence[str]
    ) -> None:
        relation, query = include.relation, include.query
        target = self._reader.sight.registry(self._actor).target(relation)
        keys = list(dict.fromkeys(resource.key_of(row) for row in rows))
        found: dict[Key, list[Values]] = {}
        for batch in batches(keys):
            await self._read(resource, target, include, batch, found)
        cut = relation.many and any(len(each) > query.limit for each in found.values())
        if cut:
            self.truncated.append(".".join(path))
            found = {key: each[: query.limit] for key, each in found.items()}
        below = [each for several in found.values() for each in several]
        if len(below) > self._left:
            raise _too_many()
        self._left -= len(below)
        await self._reader.add_sets(self._connection, self._actor, target, below, query.shape)
        sets = query.shape.sets_of(target)
        self._take(_KEY * sum(len(row[name]) for row in below for name in sets))
        await self.add(target, below, query.shape, *path)
        for row in rows:
            several = found.get(resource.key_of(row), [])
            row[relation.name] = several if relation.many else next(iter(several), None)

    async def _read(
        self,
        resource: Resource,
        target: Resource,
        include: Include,
        keys: Sequence[Key],
        into: dict[Key, list[Values]],
    ) -> None:
        """Read the records that ``keys`` lead to, of each one more than is answered."""
        names = include.query.shape.needed(target)
        statement = await self._statement(resource, target, include, keys, names)
        # One more than there is room for tells that there are too many, and reads no more of them.
        room = self._left + (len(keys) if include.relation.many else 0)
        statement, width = statement.limit(room + 1), len(resource.key)
        large = [width + place for place, name in enumerate(names) if is_large(target.fields[name])]
        rows = await (self._weighed(statement, large) if large else self._all(statement))
        if len(rows) > room:
            raise _too_many()
        for row in rows:
            values = dict(zip(names, row[width : width + len(names)], strict=True))
            into.setdefault(tuple(row[:width]), []).append(values)

    async def _all(self, statement: Any) -> Sequence[Any]:
        return (await self._connection.execute(statement)).all()

    async def _weighed(self, statement: Any, large: Sequence[int]) -> Sequence[Any]:
        """The rows, a few at a time: one long text may be that of ten thousand of them."""
        rows: list[Any] = []
        async with self._connection.stream(
            statement, execution_options={"yield_per": _AT_ONCE}
        ) as result:
            async for some in result.partitions():
                rows += some
                self._take(sum(_weight(row[place]) for row in some for place in large))
        return rows

    def _take(self, weight: int) -> None:
        """Count what long values and sets weigh."""
        self._room -= weight
        if self._room < 0:
            raise _too_large()

    async def _statement(
        self,
        resource: Resource,
        target: Resource,
        include: Include,
        keys: Sequence[Key],
        names: Sequence[str],
    ) -> Any:
        """Select the key of who includes, then ``names`` of what is included, in its order."""
        relation, query = include.relation, include.query
        holder: Any = aliased(resource.model)
        own = [getattr(holder, each.name) for each in resource.key]
        conditions = self._reader.criteria.all_of(self._actor, target, query.filters, ())
        columns = [
            *(each.label(f"key_{place}") for place, each in enumerate(own)),
            *(
                target.fields[name].expression.label(f"field_{place}")
                for place, name in enumerate(names)
            ),
        ]
        if not relation.fields:
            limits = func.row_number().over(
                partition_by=own, order_by=order(query.sort, backward=False)
            )
            columns.append(limits.label("place"))
        statement = await self._reader.select(
            target, policy(self._actor, target), columns, [one_of(own, keys), *conditions]
        )
        linked = orm_join(holder, target.model, getattr(holder, relation.name))
        statement = statement.select_from(linked)
        if relation.fields:
            return statement
        most = query.limit + 1 if relation.many else 1
        numbered = statement.subquery()
        return select(*numbered.c).where(numbered.c.place <= most).order_by(numbered.c.place)


def is_large(field: Field) -> bool:
    """Whether one value may take much of an answer."""
    if field.kind in {Kind.JSON, Kind.ARRAY}:
        return True
    bounded = field.shape.max_length is not None and field.shape.max_length <= _SHORT
    return field.kind in {Kind.STRING, Kind.TEXT, Kind.BINARY} and not bounded


def _weight(value: Any) -> int:
    return len(value if isinstance(value, str | bytes) else str(value))


def _too_many() -> BadRequestError:
    return _refused(
        f"More than {MOST_INCLUDED:,} records would be included. Ask for fewer: a smaller limit, "
        "of the list or inside the include, or a filter there."
    )


def _too_large() -> BadRequestError:
    return _refused(
        f"What would be included has more than {MOST_WEIGHT // 1024**2} MiB. Ask for fewer records "
        "(a smaller limit), or for some of their fields only."
    )


def _refused(detail: str) -> BadRequestError:
    return BadRequestError.about(("include",), TOO_MANY_INCLUDED, detail)
