"""The read path: from a resource, an actor and a query to rows. Core rows, no entities.

Every statement passes through ``RecordCRUD.statement`` under the policy of the resource it is
about, related ones included, and reads only what the actor sees of it. Each function takes the
connection it runs on, so that a write reads its own answer in its own transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fastcrud import PolicyConfig
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import Trash, policy
from admin_app.access.sight import Sight
from admin_app.declaration import Actor, Field, Key, Registry, Relation, Resource
from admin_app.errors import NotFoundError
from admin_app.records.queries.query import WHOLE, Shape
from admin_app.records.reads.criteria import Criteria, one_of
from admin_app.records.reads.crud import RecordCRUD
from admin_app.records.reads.key_batches import batches

Values = dict[str, Any]


class Reader:
    """Reads of one registry."""

    def __init__(self, registry: Registry, secret: bytes, dialect: str) -> None:
        self.registry = registry
        self.sight = Sight(registry)
        self.criteria = Criteria(self.sight, dialect)
        self.dialect = dialect
        self.secret = secret
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

    async def select_named(
        self,
        resource: Resource,
        config: PolicyConfig,
        conditions: Sequence[ColumnElement[bool]],
        names: Iterable[str],
    ) -> Any:
        """The same of fields by their names."""
        columns = [resource.fields[name].expression for name in names]
        return await self.select(resource, config, columns, conditions)

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
            statement = await self.select_named(resource, config, [one_of(columns, batch)], names)
            rows += values_of(names, (await connection.execute(statement)).all())
        if sets:
            await self.add_sets(connection, actor, resource, rows, shape)
        return rows

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


def values_of(names: Sequence[str], rows: Iterable[Any]) -> list[Values]:
    """Rows that were selected by these names."""
    return [dict(zip(names, row, strict=True)) for row in rows]
