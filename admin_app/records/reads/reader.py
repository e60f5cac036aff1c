"""The read path: from a resource, an actor and a query to rows. Core rows, no entities.

Every statement passes through ``RecordCRUD.statement`` under the policy of the resource it is
about, related ones included, and reads only what the actor sees of it. Each function takes the
connection it runs on, so that a write reads its own answer in its own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastcrud import PolicyConfig
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import Trash, policy, reach
from admin_app.access.sight import Sight
from admin_app.declaration import Actor, Field, Key, Registry, Relation, Resource
from admin_app.errors import NotFoundError
from admin_app.records.queries.query import WHOLE, Query, Shape
from admin_app.records.reads.counting import count_of, estimable
from admin_app.records.reads.criteria import Criteria, one_of
from admin_app.records.reads.crud import RecordCRUD
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
from admin_app.records.reads.full_text import RANKED, best_first
from admin_app.records.reads.includes import Included
from admin_app.records.reads.portions import batches

T = TypeVar("T")
Values = dict[str, Any]
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
    """As far as it was counted: ``COUNT_CAP + 1`` stands for more than the cap."""
    shape: Shape = WHOLE
    truncated: tuple[str, ...] = ()
    """Paths of the lists inside that were cut by their limit."""


@dataclass(frozen=True, slots=True)
class Title:
    """What people call a record, with a detail that tells namesakes apart."""

    key: Key
    text: str
    detail: str
    values: Values = field(default_factory=dict)
    """Its other fields that were asked for."""


class Reader:
    """Reads of one registry."""

    def __init__(self, registry: Registry, secret: bytes, dialect: str) -> None:
        self.registry = registry
        self.sight = Sight(registry)
        self.criteria = Criteria(self.sight, dialect)
        self._dialect = dialect
        self._secret = secret
        self._cruds = {name: RecordCRUD(each) for name, each in registry.items()}

    async def select(
        self,
        resource: Resource,
        config: PolicyConfig,
        columns: Sequence[ColumnElement[Any]],
        conditions: Sequence[ColumnElement[bool]],
    ) -> Select[Any]:
        """Select ``columns`` of the resource's rows that ``config`` lets be read."""
        return await self._cruds[resource.name].statement(config, columns, conditions)

    async def page(
        self, connection: AsyncConnection, actor: Actor, resource: Resource, query: Query
    ) -> Page:
        """Read a page; one statement, one for each many-to-many relation, one for a count."""
        resource = self.sight.registry(actor)[resource.name]
        config = policy(actor, resource, query.trash)
        conditions = self.criteria.all_of(actor, resource, query.filters, query.words)
        if query.ranked:
            found = await self._best(connection, actor, resource, config, conditions, query)
        else:
            found = await self._beside(connection, resource, config, conditions, query)
        rows, before, after = found
        await self.add_sets(connection, actor, resource, rows, query.shape)
        truncated = await self.include(connection, actor, resource, rows, query.shape)
        total = await self._total(connection, actor, resource, conditions, query)
        return Page(
            resource=resource,
            rows=rows,
            limit=query.limit,
            next=after,
            previous=before,
            total=total,
            shape=query.shape,
            truncated=truncated,
        )

    async def _beside(
        self,
        connection: AsyncConnection,
        resource: Resource,
        config: PolicyConfig,
        conditions: Sequence[ColumnElement[bool]],
        query: Query,
    ) -> Rows:
        """The rows beside that of the cursor, in the order of the query."""
        position = await self._position(connection, resource, config, query)
        backward = position is not None and position.backward
        placed = [*conditions, beyond(query.sort, position)] if position else conditions
        names = query.shape.needed(resource, (each.field.name for each in query.sort))
        statement = await self._select(resource, config, placed, names)
        statement = statement.order_by(*order(query.sort, backward=backward))
        result = await connection.execute(statement.limit(query.limit + 1).offset(query.offset))
        rows = _values(names, result.all())
        found, before, after = self.cut(resource, query, position, rows, lambda row: row)
        return [*found], before, after

    def cut(
        self,
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
            before = self.cursor(resource, query, values(rows[0]), backward=True)
        if rows and (more or backward):
            after = self.cursor(resource, query, values(rows[-1]), backward=False)
        return rows, before, after

    async def _best(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        config: PolicyConfig,
        conditions: Sequence[ColumnElement[bool]],
        query: Query,
    ) -> Rows:
        """The rows from a place on, best matches first."""
        place = query.offset
        if query.cursor is not None:
            place = read_place(self._secret, resource.name, query.cursor)
        names = query.shape.needed(resource)
        columns = [resource.fields[name].expression for name in names]
        statement = await self._best_first(
            actor, resource, config, columns, conditions, query.words
        )
        statement = statement.order_by(*order(query.sort, backward=False))
        rows = _values(
            names,
            (await connection.execute(statement.limit(query.limit + 1).offset(place))).all(),
        )
        before, after = max(place - query.limit, 0), place + query.limit
        more = len(rows) > query.limit
        return (
            rows[: query.limit],
            write_place(self._secret, resource.name, before) if place else None,
            write_place(self._secret, resource.name, after) if more else None,
        )

    async def _best_first(
        self,
        actor: Actor,
        resource: Resource,
        config: PolicyConfig,
        columns: Sequence[ColumnElement[Any]],
        conditions: Sequence[ColumnElement[bool]],
        words: Sequence[str],
    ) -> Select[Any]:
        """Select the best matches first; of very many, among the first by key.

        How well a record fits is known only when it has been read.
        """
        (key,) = resource.key
        first = await self.select(resource, config, [key.expression], conditions)
        some = key.expression.in_(first.order_by(key.expression).limit(RANKED))
        statement = await self.select(resource, config, columns, [some])
        whole = reach(actor.grants, resource, "read") is True
        return best_first(statement, self._dialect, resource, words, whole=whole)

    async def _position(
        self,
        connection: AsyncConnection,
        resource: Resource,
        config: PolicyConfig,
        query: Query,
    ) -> Position | None:
        if query.cursor is None:
            return None
        position = read_cursor(self._secret, resource.name, query.sort, query.cursor)
        if position.whole:
            return position
        names = [each.field.name for each in query.sort]
        key = resource.key_of(dict(zip(names, position.values, strict=True)))
        columns = [each.field.expression for each in query.sort]
        statement = await self.select(resource, config, columns, [key_is(resource, key)])
        row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise bad_cursor()
        return Position(tuple(row), position.backward)

    def cursor(self, resource: Resource, query: Query, row: Values, *, backward: bool) -> str:
        """The cursor of what lies beyond a page's outermost row."""
        return write_cursor(self._secret, resource.name, query.sort, row, backward=backward)

    async def _total(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        conditions: Sequence[ColumnElement[bool]],
        query: Query,
    ) -> int | None:
        keys = [each.expression for each in resource.key]
        config = policy(actor, resource, query.trash)
        matching = await self.select(resource, config, keys, conditions)
        seen = self.sight.registry(actor)
        return await count_of(
            connection, matching, query.count, estimable=estimable(actor, seen, resource, query)
        )

    async def one(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        key: Key,
        shape: Shape = WHOLE,
        trash: Trash = "without",
    ) -> Values:
        """Read a record. Raises ``NotFoundError`` when it is absent or out of sight."""
        wanted = [key]
        rows = await self.find(
            connection, actor, resource, resource.key, wanted, sets=True, shape=shape, trash=trash
        )
        if not rows:
            raise NotFoundError(resource.absent)
        return rows[0]

    async def visible(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        keys: Iterable[Key],
        fields: Sequence[Field] = (),
        trash: Trash = "without",
    ) -> set[Key]:
        """Which of ``keys`` (or values of ``fields``) belong to records that the actor may read."""
        found: set[Key] = set()
        config = policy(actor, resource, trash)
        if not config.grants("read"):
            return found
        columns = [each.expression for each in fields or resource.key]
        for batch in batches(list(keys)):
            statement = await self.select(resource, config, columns, [one_of(columns, batch)])
            found.update(tuple(row) for row in (await connection.execute(statement)).all())
        return found

    async def find(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        fields: Sequence[Field],
        wanted: Sequence[Key],
        *,
        sets: bool,
        any_row: bool = False,
        shape: Shape = WHOLE,
        trash: Trash = "without",
    ) -> list[Values]:
        """Read what is in sight of the records whose ``fields`` have one of the ``wanted`` values.

        ``any_row`` is for a write that has looked at the row's reach itself, or has just made it.
        """
        resource = self.sight.registry(actor)[resource.name]
        config = PolicyConfig(read=True) if any_row else policy(actor, resource, trash)
        columns = [each.expression for each in fields]
        names = shape.needed(resource, [resource.version] if resource.version else [])
        rows: list[Values] = []
        for batch in batches(list(wanted)):
            statement = await self._select(resource, config, [one_of(columns, batch)], names)
            rows += _values(names, (await connection.execute(statement)).all())
        if sets:
            await self.add_sets(connection, actor, resource, rows, shape)
        return rows

    async def titles(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        keys: Collection[Key],
        more: Sequence[str] = (),
    ) -> dict[Key, Title]:
        """What the records with ``keys`` are called; those out of sight are left out.

        ``more`` are names of fields whose values are read as well.
        """
        resource = self.sight.registry(actor)[resource.name]
        config = policy(actor, resource)
        found: dict[Key, Title] = {}
        if not config.grants("read"):
            return found
        for batch in batches(list(keys)):
            conditions = [key_in(resource, batch)]
            for each in await self._titles(
                connection, actor, config, resource, conditions, more=more
            ):
                found[each.key] = each
        return found

    async def choices(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        words: Sequence[str],
        limit: int,
    ) -> list[Title]:
        """The first records that contain every word: what a look-up offers.

        The best matches of a full text, else by title.
        """
        resource = self.sight.registry(actor)[resource.name]
        config = policy(actor, resource)
        if not config.grants("read"):
            return []
        conditions = self.criteria.all_of(actor, resource, (), words)
        best = words if resource.options.full_text else ()
        return await self._titles(connection, actor, config, resource, conditions, limit, best)

    async def _titles(
        self,
        connection: AsyncConnection,
        actor: Actor,
        config: PolicyConfig,
        resource: Resource,
        conditions: Sequence[ColumnElement[bool]],
        limit: int | None = None,
        best: Sequence[str] = (),
        more: Sequence[str] = (),
    ) -> list[Title]:
        wanted = {each.name: each for each in resource.key}
        wanted[resource.title] = resource.fields[resource.title]
        wanted |= {name: resource.fields[name] for name in resource.detail}
        wanted |= {name: resource.readable[name] for name in more}
        columns = [each.expression for each in wanted.values()]
        if best:
            statement = await self._best_first(actor, resource, config, columns, conditions, best)
        else:
            statement = await self.select(resource, config, columns, conditions)
        order_by = [wanted[resource.title].expression, *(each.expression for each in resource.key)]
        rows = (await connection.execute(statement.order_by(*order_by).limit(limit))).all()
        return [_title(resource, dict(zip(wanted, row, strict=True)), more) for row in rows]

    async def add_sets(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        rows: Sequence[Values],
        shape: Shape = WHOLE,
    ) -> None:
        """Give each row its many-to-many relations: the keys of the records in sight."""
        for name in shape.sets_of(resource):
            relation = resource.sets[name]
            links = await self.links(connection, actor, resource, relation, rows)
            target = self.registry.target(relation)
            # One list of each record: an included one may be there many times.
            sets = {key: [target.reference(far) for far in keys] for key, keys in links.items()}
            for row in rows:
                row[relation.name] = sets.get(resource.key_of(row), [])

    async def include(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        rows: Sequence[Values],
        shape: Shape,
    ) -> tuple[str, ...]:
        """Give each row the records that its shape includes; returns which lists were cut.

        Raises ``BadRequestError`` where they are more than one answer takes.
        """
        included = Included(self, connection, actor)
        await included.add(resource, rows, shape)
        return tuple(included.truncated)

    async def links(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        relation: Relation,
        rows: Sequence[Values],
    ) -> dict[Key, list[Key]]:
        """The keys of a many-to-many relation's visible records, by the key of each row."""
        target = self.registry.target(relation)
        config = policy(actor, target)
        found: dict[Key, list[Key]] = {}
        if relation.secondary is None or not config.grants("read"):
            return found
        table = relation.secondary.alias()
        own = [table.c[column] for _, column in relation.own_columns]
        names = [name for name, _ in relation.own_columns]
        joined = and_(
            *(
                target.fields[name].expression == table.c[column]
                for name, column in relation.target_columns
            )
        )
        keys = [each.expression for each in target.key]
        positions = {tuple(row[name] for name in names): resource.key_of(row) for row in rows}
        for batch in batches(list(positions)):
            statement = await self.select(
                target, config, [*own, *keys], [joined, one_of(own, batch)]
            )
            for row in await connection.execute(statement.order_by(*keys)):
                place = positions[tuple(row[: len(own)])]
                found.setdefault(place, []).append(tuple(row[len(own) :]))
        return found

    async def capped(
        self, connection: AsyncConnection, actor: Actor, resource: Resource, query: Query
    ) -> int:
        """How many records a list has, up to the cap and one more."""
        resource = self.sight.registry(actor)[resource.name]
        conditions = self.criteria.all_of(actor, resource, query.filters, query.words)
        keys = [each.expression for each in resource.key]
        config = policy(actor, resource, query.trash)
        matching = await self.select(resource, config, keys, conditions)
        return await count_of(connection, matching, "capped", estimable=False) or 0

    async def _select(
        self,
        resource: Resource,
        config: PolicyConfig,
        conditions: Sequence[ColumnElement[bool]],
        names: Iterable[str],
    ) -> Any:
        columns = [resource.fields[name].expression for name in names]
        return await self.select(resource, config, columns, conditions)

    async def count(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        conditions: Sequence[ColumnElement[bool]],
    ) -> int:
        """How many of the records that ``conditions`` hold for are in sight."""
        config = policy(actor, resource)
        if not config.grants("read"):
            return 0
        keys = [each.expression for each in resource.key]
        matching = await self.select(resource, config, keys, conditions)
        return await connection.scalar(select(func.count()).select_from(matching.subquery())) or 0


def key_is(resource: Resource, key: Key) -> ColumnElement[bool]:
    """The condition that a row is the record with ``key``."""
    return and_(*(each.expression == value for each, value in zip(resource.key, key, strict=True)))


def key_in(resource: Resource, keys: Sequence[Key]) -> ColumnElement[bool]:
    """The condition that a row is one of the records with ``keys``."""
    return one_of([each.expression for each in resource.key], keys)


def _values(names: Sequence[str], rows: Iterable[Any]) -> list[Values]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _title(resource: Resource, values: Mapping[str, Any], more: Sequence[str] = ()) -> Title:
    details = [values[name] for name in resource.detail if values[name] is not None]
    return Title(
        resource.key_of(values),
        resource.title_of(values),
        ", ".join(str(getattr(each, "value", each)) for each in details),
        {name: values[name] for name in more},
    )
