"""What goes with a record when it is deleted, planned from the foreign keys of the metadata.

The database would cascade and set null by itself, unseen by any change row. So the rows are read
first, in the same transaction, and each is told of.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    ForeignKeyConstraint,
    Table,
    and_,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import Actor, Key, Registry, Relation, Resource
from admin_app.errors import ConflictError, NotFoundError, TooSlowError
from admin_app.records.reads.portions import batches
from admin_app.records.reads.reader import Reader, Values, key_in, key_is

EFFECT_CAP = 5_000
"""The most records that one delete may take along or change."""

Rule = Literal["delete", "set null", "block"]


@dataclass(frozen=True, slots=True)
class Dependent:
    """A foreign key of a resource that points to another, and what a delete does through it."""

    resource: Resource
    constraint: ForeignKeyConstraint
    rule: Rule
    fields: tuple[str, ...]
    """The attributes of the foreign key."""
    referred: tuple[str, ...]
    """The attributes of the target it points to."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """Records of a resource that stand in the way of a delete."""

    resource: Resource
    fields: tuple[str, ...]
    """Their foreign key."""
    condition: ColumnElement[bool]
    """True of those records."""
    count: int | None = None
    """How many of them are in sight; not known before ``in_sight`` has looked."""


@dataclass(slots=True)
class Effects:
    """Everything a delete will do, the record itself included."""

    deleted: list[tuple[Resource, Key]] = field(default_factory=list)
    """In the order in which they go: what depends, before what it depends on."""
    cleared: list[tuple[Resource, Key, tuple[str, ...]]] = field(default_factory=list)
    """Records whose foreign key is set null, with its attributes."""
    unlinked: list[tuple[Resource, Key, Relation, Key]] = field(default_factory=list)
    """Records that lose a key from a many-to-many relation: (resource, key, relation, lost)."""
    blocked: list[Blocker] = field(default_factory=list)
    """What holds the record fast."""
    held: list[Key] = field(default_factory=list)
    """Of several records that are to go, those that something holds fast."""
    change_set: uuid.UUID | None = None
    """What undoes the delete, once it is done."""

    def touched(self) -> Iterator[tuple[Resource, Key]]:
        """Every record that is deleted or changed."""
        yield from self.deleted
        yield from ((resource, key) for resource, key, _ in self.cleared)
        yield from ((resource, key) for resource, key, _, _ in self.unlinked)


def dependents(registry: Registry, target: Resource) -> list[Dependent]:
    """Every foreign key of a resource that points to ``target``."""
    found: list[Dependent] = []
    for resource in registry.values():
        found += [
            _dependent(resource, target, each)
            for each in resource.table.foreign_key_constraints
            if each.referred_table is target.table
        ]
    return sorted(found, key=lambda each: (each.resource.name, each.fields))


def inverse_sets(registry: Registry, target: Resource) -> list[tuple[Resource, Relation]]:
    """The many-to-many relations of every resource whose keys are ``target``'s."""
    return [
        (resource, relation)
        for resource in registry.values()
        for relation in resource.sets.values()
        if relation.target == target.name
    ]


async def plan_delete(
    registry: Registry,
    connection: AsyncConnection,
    resource: Resource,
    keys: Collection[Key],
    seconds: float | None = None,
) -> Effects:
    """Find out what deleting records does, all of them together.

    Raises ``NotFoundError`` when none is there, ``ConflictError`` when the delete would touch more
    than ``EFFECT_CAP`` records and ``TooSlowError`` when to find out takes longer than ``seconds``.
    """
    columns = {name: each for name, each in resource.fields.items() if each.column is not None}
    statement = select(*(each.expression for each in columns.values()))
    found: dict[Key, Values] = {}
    for batch in batches([*keys]):
        for row in (await connection.execute(statement.where(key_in(resource, batch)))).all():
            values = dict(zip(columns, row, strict=True))
            found[resource.key_of(values)] = values
    if not found:
        raise NotFoundError(resource.absent)
    planner = _Planner(registry, connection, lock=False, seconds=seconds)
    for key in keys:
        if key in found:
            await planner.add(resource, key, found[key])
    return planner.planned()


async def plan_locked(
    registry: Registry,
    connection: AsyncConnection,
    resource: Resource,
    key: Key,
    stored: Values,
) -> Effects:
    """The same of a record that is locked and has been read: ``stored`` are its columns.

    What it finds stays as it is until the transaction ends: a row that another writer is moving
    out of the way is waited for, and is then not in it.
    """
    planner = _Planner(registry, connection, lock=True)
    await planner.add(resource, key, stored)
    return planner.planned()


async def in_sight(
    reader: Reader, connection: AsyncConnection, actor: Actor, effects: Effects
) -> Effects:
    """What of a delete's effects the actor may know: those on records and fields in sight."""
    registry = reader.sight.registry(actor)
    touched: dict[str, set[Key]] = {}
    for owner, key in effects.touched():
        touched.setdefault(owner.name, set()).add(key)
    seen = {
        name: await reader.visible(connection, actor, registry[name], keys)
        for name, keys in touched.items()
    }
    return Effects(
        deleted=[
            (registry[owner.name], key) for owner, key in effects.deleted if key in seen[owner.name]
        ],
        cleared=[
            (registry[owner.name], key, names)
            for owner, key, names in effects.cleared
            if key in seen[owner.name] and registry[owner.name].fields.keys() >= {*names}
        ],
        unlinked=[
            (registry[owner.name], key, relation, lost)
            for owner, key, relation, lost in effects.unlinked
            if key in seen[owner.name] and relation.name in registry[owner.name].relations
        ],
        blocked=[
            await _counted(reader, connection, actor, each)
            for each in _one_a_resource(effects.blocked)
        ],
        held=effects.held,
    )


def _one_a_resource(blocked: Iterable[Blocker]) -> Iterable[Blocker]:
    by_name: dict[str, list[Blocker]] = {}
    for each in blocked:
        by_name.setdefault(each.resource.name, []).append(each)
    for found in by_name.values():
        condition = or_(*(each.condition for each in found))
        names = tuple(name for each in found for name in each.fields)
        yield Blocker(found[0].resource, names, condition)


async def _counted(
    reader: Reader, connection: AsyncConnection, actor: Actor, blocker: Blocker
) -> Blocker:
    resource = reader.sight.registry(actor)[blocker.resource.name]
    count = 0
    if resource.fields.keys() >= {*blocker.fields}:
        count = await reader.count(connection, actor, resource, [blocker.condition])
    return replace(blocker, resource=resource, count=count)


class _Planner:
    def __init__(
        self,
        registry: Registry,
        connection: AsyncConnection,
        *,
        lock: bool,
        seconds: float | None = None,
    ) -> None:
        self._seconds = seconds
        self._began = time.monotonic()
        self._registry = registry
        self._connection = connection
        self._lock = lock
        self._effects = Effects()
        self._planned: set[tuple[str, Key]] = set()
        self._count = 0

    async def add(self, resource: Resource, key: Key, values: Values) -> None:
        """Plan one more record."""
        known = len(self._effects.blocked)
        await self._delete_all(resource, key, values)
        if len(self._effects.blocked) > known:
            self._effects.held.append(key)

    def planned(self) -> Effects:
        """What deleting all of them does."""
        doomed = {(owner.name, key) for owner, key in self._effects.deleted}
        self._effects.cleared = [
            each for each in self._effects.cleared if (each[0].name, each[1]) not in doomed
        ]
        self._effects.unlinked = [
            each for each in self._effects.unlinked if (each[0].name, each[1]) not in doomed
        ]
        return self._effects

    async def _delete_all(self, resource: Resource, key: Key, values: Values) -> None:
        """Plan a record after everything that goes with it: a chain may be long, so by a list."""
        waiting = [(resource, key, values, False)]
        while waiting:
            resource, key, values, followed = waiting.pop()
            if followed:
                self._effects.deleted.append((resource, key))
            elif (resource.name, key) not in self._planned:
                self._planned.add((resource.name, key))
                waiting.append((resource, key, values, True))
                waiting += [
                    (*each, False) for each in await self._dependents(resource, key, values)
                ]

    async def _dependents(
        self, resource: Resource, key: Key, values: Values
    ) -> list[tuple[Resource, Key, Values]]:
        """Note what deleting one record does; what it deletes as well is returned."""
        self._touch()
        found: list[tuple[Resource, Key, Values]] = []
        for each in dependents(self._registry, resource):
            found += await self._follow(each, values)
        for owner, relation in inverse_sets(self._registry, resource):
            for linked in await self._linked(owner, relation, values):
                self._touch()
                self._effects.unlinked.append((owner, linked, relation, key))
        return found

    async def _follow(
        self, dependent: Dependent, values: Values
    ) -> list[tuple[Resource, Key, Values]]:
        resource = dependent.resource
        pointing = and_(
            *(
                resource.fields[name].expression == values[referred]
                for name, referred in zip(dependent.fields, dependent.referred, strict=True)
            )
        )
        if dependent.rule == "block":
            if dependent.resource.table is dependent.constraint.referred_table:
                # A row that points to itself does not hold itself fast.
                pointing = and_(pointing, not_(key_is(resource, resource.key_of(values))))
            holding = select(*(each.expression for each in resource.key)).where(pointing)
            if (await self._connection.execute(holding.limit(1))).first() is not None:
                self._effects.blocked.append(Blocker(resource, dependent.fields, pointing))
            return []
        columns = [each.expression for each in resource.fields.values() if each.column is not None]
        names = [name for name, each in resource.fields.items() if each.column is not None]
        keys = [each.expression for each in resource.key]
        statement = select(*columns).where(pointing).order_by(*keys).limit(EFFECT_CAP + 1)
        if self._lock:
            statement = statement.with_for_update(of=resource.model)
        rows = [
            dict(zip(names, row, strict=True))
            for row in (await self._connection.execute(statement)).all()
        ]
        if dependent.rule == "delete":
            return [(resource, resource.key_of(each), each) for each in rows]
        for each in rows:
            self._touch()
            self._effects.cleared.append((resource, resource.key_of(each), dependent.fields))
        return []

    async def _linked(self, owner: Resource, relation: Relation, values: Values) -> list[Key]:
        table = relation.secondary
        if table is None:
            return []
        pointing = and_(
            *(table.c[column] == values[name] for name, column in relation.target_columns)
        )
        joined = and_(
            *(
                owner.fields[name].expression == table.c[column]
                for name, column in relation.own_columns
            )
        )
        keys = [each.expression for each in owner.key]
        statement = select(*keys).where(pointing, joined).order_by(*keys).limit(EFFECT_CAP + 1)
        if self._lock:
            statement = statement.with_for_update(of=table)
        return [tuple(row) for row in (await self._connection.execute(statement)).all()]

    def _touch(self) -> None:
        if self._seconds is not None and time.monotonic() - self._began > self._seconds:
            raise TooSlowError(self._seconds)
        self._count += 1
        if self._count > EFFECT_CAP:
            msg = f"Deleting this would touch more than {EFFECT_CAP:,} records. Delete those first."
            raise ConflictError(msg)


def _dependent(resource: Resource, target: Resource, constraint: ForeignKeyConstraint) -> Dependent:
    rules: dict[str, Rule] = {"CASCADE": "delete", "SET NULL": "set null"}
    rule = rules.get((constraint.ondelete or "").upper(), "block")
    if rule == "block" and _orm_cascades(resource, target, constraint):
        rule = "delete"
    attributes = {
        each.column: name for name, each in resource.fields.items() if each.column is not None
    }
    referred = {
        each.column: name for name, each in target.fields.items() if each.column is not None
    }
    return Dependent(
        resource,
        constraint,
        rule,
        tuple(attributes[each.parent] for each in constraint.elements),
        tuple(referred[each.column] for each in constraint.elements),
    )


def _orm_cascades(resource: Resource, target: Resource, constraint: ForeignKeyConstraint) -> bool:
    """Whether the model says that deleting ``target`` deletes these, where the table does not."""
    remote = {element.parent for element in constraint.elements}
    return any(
        relationship.cascade.delete
        and relationship.mapper.class_ is resource.model
        and {far for _, far in relationship.local_remote_pairs or ()} == remote
        for relationship in target.model.__mapper__.relationships
        if relationship.secondary is None
    )


def association_tables(registry: Registry, resource: Resource) -> list[tuple[Table, Any]]:
    """The many-to-many tables that hold a record's links, with the pairs that find them."""
    found = [(each.secondary, each.own_columns) for each in resource.sets.values()]
    found += [
        (relation.secondary, relation.target_columns)
        for _, relation in inverse_sets(registry, resource)
    ]
    # A relation and the one that leads back have the same rows.
    return [*dict.fromkeys((table, pairs) for table, pairs in found if table is not None)]


def rows_with(table: Any, columns: Iterable[str], keys: list[Any]) -> Any:
    """The condition that rows of an association table have one of ``keys`` in ``columns``."""
    named = [table.c[column] for column in columns]
    if len(named) == 1:
        return named[0].in_([key[0] for key in keys])
    return tuple_(*named).in_(keys)
