"""The read path: from a resource, an actor and a query to rows. Core rows, no entities.

Every statement passes through ``RecordCRUD.statement`` under the policy of the resource it is
about, related ones included, and reads only what the actor sees of it. Each function takes the
connection it runs on, so that a write reads its own answer in its own transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastcrud import PolicyConfig
from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import policy
from admin_app.access.sight import Sight
from admin_app.declaration import Actor, Field, Key, Registry, Relation, Resource
from admin_app.errors import NotFoundError
from admin_app.records.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    KeyIn,
    Not,
    Quantifier,
    Related,
)
from admin_app.records.crud import RecordCRUD
from admin_app.records.cursor import (
    Position,
    bad_cursor,
    beyond,
    order,
    read_cursor,
    write_cursor,
)
from admin_app.records.operators import OPERATORS
from admin_app.records.query import Query

COUNT_CAP = 10_000
"""The most rows a capped count counts."""
BATCH = 500
"""Keys of one statement, below every driver's limit of parameters."""

Values = dict[str, Any]


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


@dataclass(frozen=True, slots=True)
class Title:
    """What people call a record, with a detail that tells namesakes apart."""

    key: Key
    text: str
    detail: str


class Reader:
    """Reads of one registry."""

    def __init__(self, registry: Registry, secret: bytes) -> None:
        self.registry = registry
        self.sight = Sight(registry)
        self._secret = secret
        self._cruds = {name: RecordCRUD(each) for name, each in registry.items()}

    async def page(
        self, connection: AsyncConnection, actor: Actor, resource: Resource, query: Query
    ) -> Page:
        """Read a page; one statement, one for each many-to-many relation, one for a count."""
        resource = self.sight.registry(actor)[resource.name]
        config = policy(actor, resource)
        conditions = self._conditions(actor, resource, query)
        position = await self._position(connection, resource, config, query)
        backward = position is not None and position.backward
        placed = [*conditions, beyond(query.sort, position)] if position else conditions
        statement = await self._select(resource, config, placed)
        statement = statement.order_by(*order(query.sort, backward=backward))
        result = await connection.execute(statement.limit(query.limit + 1))
        rows = _values(resource, result.all())
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        if backward:
            rows.reverse()
        await self.add_sets(connection, actor, resource, rows)
        total = await self._total(connection, resource, config, conditions, query)
        return Page(
            resource=resource,
            rows=rows,
            limit=query.limit,
            next=self._cursor(resource, query, rows[-1:], backward=False, there=more or backward),
            previous=self._cursor(
                resource, query, rows[:1], backward=True, there=more if backward else bool(position)
            ),
            total=total,
        )

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
        statement = await self._cruds[resource.name].statement(
            config, columns, [key_is(resource, key)]
        )
        row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise bad_cursor()
        return Position(tuple(row), position.backward)

    def _cursor(
        self,
        resource: Resource,
        query: Query,
        rows: Sequence[Values],
        *,
        backward: bool,
        there: bool,
    ) -> str | None:
        """The cursor of what lies beyond a page's outermost row, if anything does."""
        if not rows or not there:
            return None
        return write_cursor(self._secret, resource.name, query.sort, rows[0], backward=backward)

    async def _total(
        self,
        connection: AsyncConnection,
        resource: Resource,
        config: PolicyConfig,
        conditions: Sequence[ColumnElement[bool]],
        query: Query,
    ) -> int | None:
        if query.count == "none":
            return None
        keys = [each.expression for each in resource.key]
        matching = await self._cruds[resource.name].statement(config, keys, conditions)
        if query.count == "capped":
            matching = matching.limit(COUNT_CAP + 1)
        return await connection.scalar(select(func.count()).select_from(matching.subquery()))

    async def one(
        self, connection: AsyncConnection, actor: Actor, resource: Resource, key: Key
    ) -> Values:
        """Read a record. Raises ``NotFoundError`` when it is absent or out of sight."""
        rows = await self.find(connection, actor, resource, resource.key, [key], sets=True)
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
    ) -> set[Key]:
        """Which of ``keys`` (or values of ``fields``) belong to records that the actor may read."""
        found: set[Key] = set()
        config = policy(actor, resource)
        if not config.grants("read"):
            return found
        columns = [each.expression for each in fields or resource.key]
        for batch in batches(list(keys)):
            statement = await self._cruds[resource.name].statement(
                config, columns, [_in(columns, batch)]
            )
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
    ) -> list[Values]:
        """Read what is in sight of the records whose ``fields`` have one of the ``wanted`` values.

        ``any_row`` is for a write that has looked at the row's reach itself, or has just made it.
        """
        resource = self.sight.registry(actor)[resource.name]
        config = PolicyConfig(read=True) if any_row else policy(actor, resource)
        columns = [each.expression for each in fields]
        rows: list[Values] = []
        for batch in batches(list(wanted)):
            statement = await self._select(resource, config, [_in(columns, batch)])
            rows += _values(resource, (await connection.execute(statement)).all())
        if sets:
            await self.add_sets(connection, actor, resource, rows)
        return rows

    async def titles(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        keys: Collection[Key],
    ) -> dict[Key, Title]:
        """What the records with ``keys`` are called; those out of sight are left out."""
        resource = self.sight.registry(actor)[resource.name]
        config = policy(actor, resource)
        found: dict[Key, Title] = {}
        if not config.grants("read"):
            return found
        for batch in batches(list(keys)):
            conditions = [key_in(resource, batch)]
            for each in await self._titles(connection, config, resource, conditions):
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
        """The first records that contain every word, by title: what a look-up offers."""
        resource = self.sight.registry(actor)[resource.name]
        config = policy(actor, resource)
        if not config.grants("read"):
            return []
        conditions = [self._contains(actor, resource, word) for word in words]
        return await self._titles(connection, config, resource, conditions, limit)

    async def _titles(
        self,
        connection: AsyncConnection,
        config: PolicyConfig,
        resource: Resource,
        conditions: Sequence[ColumnElement[bool]],
        limit: int | None = None,
    ) -> list[Title]:
        wanted = {each.name: each for each in resource.key}
        wanted[resource.title] = resource.fields[resource.title]
        if resource.options.detail:
            wanted[resource.options.detail] = resource.fields[resource.options.detail]
        columns = [each.expression for each in wanted.values()]
        statement = await self._cruds[resource.name].statement(config, columns, conditions)
        order_by = [wanted[resource.title].expression, *(each.expression for each in resource.key)]
        rows = (await connection.execute(statement.order_by(*order_by).limit(limit))).all()
        return [_title(resource, dict(zip(wanted, row, strict=True))) for row in rows]

    async def add_sets(
        self,
        connection: AsyncConnection,
        actor: Actor,
        resource: Resource,
        rows: Sequence[Values],
    ) -> None:
        """Give each row its many-to-many relations: the keys of the records in sight."""
        for relation in resource.sets.values():
            links = await self.links(connection, actor, resource, relation, rows)
            target = self.registry.target(relation)
            for row in rows:
                keys = links.get(resource.key_of(row), [])
                row[relation.name] = [target.reference(key) for key in keys]

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
            statement = await self._cruds[target.name].statement(
                config, [*own, *keys], [joined, _in(own, batch)]
            )
            for row in await connection.execute(statement.order_by(*keys)):
                place = positions[tuple(row[: len(own)])]
                found.setdefault(place, []).append(tuple(row[len(own) :]))
        return found

    async def _select(
        self,
        resource: Resource,
        config: PolicyConfig,
        conditions: Sequence[ColumnElement[bool]],
    ) -> Any:
        columns = [each.expression for each in resource.readable.values()]
        return await self._cruds[resource.name].statement(config, columns, conditions)

    def _conditions(
        self, actor: Actor, resource: Resource, query: Query
    ) -> list[ColumnElement[bool]]:
        return [
            *(self._condition(actor, resource, each) for each in query.filters),
            *(self._contains(actor, resource, word) for word in query.words),
        ]

    def _condition(self, actor: Actor, resource: Resource, each: Condition) -> ColumnElement[bool]:
        match each:
            case Comparison(field, operator, value):
                return OPERATORS[operator](field.expression)(value)
            case KeyIn(keys):
                return key_in(resource, keys)
            case AllOf(conditions):
                return and_(true(), *(self._condition(actor, resource, one) for one in conditions))
            case AnyOf(conditions):
                return or_(false(), *(self._condition(actor, resource, one) for one in conditions))
            case Not(condition):
                return not_(self._condition(actor, resource, condition))
            case Related(relation, quantifier, condition):
                return self._related(actor, relation, quantifier, condition)

    def _related(
        self, actor: Actor, relation: Relation, quantifier: Quantifier, condition: Condition
    ) -> ColumnElement[bool]:
        target = self.sight.registry(actor).target(relation)
        seen = self._in_sight(actor, target)
        exists = relation.expression.any if relation.many else relation.expression.has
        holds = self._condition(actor, target, condition)
        if quantifier == "all":
            return ~exists(and_(seen, func.coalesce(holds, false()) == false()))  # type: ignore[no-any-return]
        found: ColumnElement[bool] = exists(and_(holds, seen))
        return ~found if quantifier == "none" else found

    def _contains(self, actor: Actor, resource: Resource, word: str) -> ColumnElement[bool]:
        conditions = []
        for path in resource.search:
            relation, dot, name = path.partition(".")
            if not dot:
                conditions.append(_like(resource.fields[path].expression, word))
                continue
            link = resource.relations[relation]
            target = self.sight.registry(actor).target(link)
            exists = link.expression.any if link.many else link.expression.has
            found = _like(target.fields[name].expression, word)
            conditions.append(exists(and_(found, self._in_sight(actor, target))))
        return or_(*conditions)

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
        matching = await self._cruds[resource.name].statement(config, keys, conditions)
        return await connection.scalar(select(func.count()).select_from(matching.subquery())) or 0

    def _in_sight(self, actor: Actor, resource: Resource) -> ColumnElement[bool]:
        config = policy(actor, resource)
        if not config.grants("read"):
            return false()
        conditions: list[Any] = config.row_conditions("read")
        return and_(true(), *conditions)


def key_is(resource: Resource, key: Key) -> ColumnElement[bool]:
    """The condition that a row is the record with ``key``."""
    return and_(*(each.expression == value for each, value in zip(resource.key, key, strict=True)))


def key_in(resource: Resource, keys: Sequence[Key]) -> ColumnElement[bool]:
    """The condition that a row is one of the records with ``keys``."""
    return _in([each.expression for each in resource.key], keys)


def _in(columns: Sequence[Any], keys: Sequence[Key]) -> ColumnElement[bool]:
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])  # type: ignore[no-any-return]
    return tuple_(*columns).in_([tuple(key) for key in keys])


def _like(column: Any, word: str) -> ColumnElement[bool]:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return column.ilike(f"%{escaped}%", escape="\\")  # type: ignore[no-any-return]


def _values(resource: Resource, rows: Iterable[Any]) -> list[Values]:
    names = tuple(resource.readable)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _title(resource: Resource, values: Mapping[str, Any]) -> Title:
    detail = values.get(resource.options.detail or "")
    return Title(
        resource.key_of(values),
        resource.title_of(values),
        "" if detail is None else str(getattr(detail, "value", detail)),
    )


def batches(keys: list[Any]) -> Iterable[list[Any]]:
    """Keys in portions that one statement takes."""
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
