"""What surrounds records that are to go: what points to them, and what points to that.

The database would cascade and set null by itself, unseen by any change row. So the rows are read
first, in the same transaction, and each is told of. What surrounds many records is read with the
statements that one would take, level by level.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import FromClause, and_, exists, literal_column, not_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import Key, Registry, Relation, Resource
from admin_app.errors import ConflictError, TooSlowError
from admin_app.records.reads.criteria import one_of
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import Values
from admin_app.records.writes.dependents import Dependent, dependents, inverse_sets

EFFECT_CAP = 5_000
"""The most records that one delete may take along or change."""

Identity = tuple[str, Key]


@dataclass(slots=True, eq=False)
class Doomed:
    """A record that is to go, and what is around it."""

    resource: Resource
    key: Key
    values: Values
    takes: list[Doomed] = field(default_factory=list)
    """What its going deletes."""
    clears: list[tuple[Resource, Key, tuple[str, ...]]] = field(default_factory=list)
    leaves: list[tuple[Resource, Key, Relation]] = field(default_factory=list)
    """The records that lose it from a set."""
    holders: list[Dependent] = field(default_factory=list)
    """The foreign keys that hold it fast."""

    @property
    def identity(self) -> Identity:
        return (self.resource.name, self.key)


class Surroundings:
    """Everything that deletes of some records lead to."""

    def __init__(
        self,
        registry: Registry,
        connection: AsyncConnection,
        most: int,
        *,
        lock: bool,
        seconds: float | None = None,
    ) -> None:
        self._registry = registry
        self._connection = connection
        self._most = most
        self._lock = lock
        self._seconds = seconds
        self._began = time.monotonic()
        self.doomed: dict[Identity, Doomed] = {}
        """The records to be deleted, and those that were asked about."""
        self._count = 0

    async def look(self, resource: Resource, rows: Mapping[Key, Values]) -> None:
        """Read what surrounds records, and what surrounds what goes with them."""
        level = [each for key, row in rows.items() if (each := self._new(resource, key, row))]
        while level:
            found: list[Doomed] = []
            for owner, some in _by_resource(level).items():
                for batch in batches([*some]):
                    found += await self._around(owner, {key: some[key] for key in batch})
            level = found

    def _new(self, resource: Resource, key: Key, values: Values) -> Doomed | None:
        """A record that is to go, unless that was known."""
        doomed = Doomed(resource, key, values)
        if self.doomed.setdefault(doomed.identity, doomed) is not doomed:
            return None
        self._touch()
        return doomed

    async def _around(self, resource: Resource, some: Mapping[Key, Doomed]) -> list[Doomed]:
        """Read what points to records; what goes with them, and was not known, is returned."""
        target = resource.table.alias()
        keys = [target.c[_column(resource, each.name)] for each in resource.key]
        statement = select(*keys).where(one_of(keys, [*some]))
        found: list[Doomed] = []
        for each in dependents(self._registry, resource):
            if each.rule == "block":
                await self._add_holders(each, target, statement, some)
            else:
                found += await self._follow(each, target, statement, some)
        for owner, relation in inverse_sets(self._registry, resource):
            await self._add_leaves(owner, relation, target, statement, some)
        if self._seconds is not None and time.monotonic() - self._began > self._seconds:
            raise TooSlowError(self._seconds)
        return found

    async def _add_holders(
        self, dependent: Dependent, target: FromClause, statement: Any, some: Mapping[Key, Doomed]
    ) -> None:
        table = dependent.resource.table
        pointing = _pointing(dependent, target)
        if table is dependent.constraint.referred_table:
            # A row that points to itself does not hold itself fast.
            itself = and_(*(table.c[each.key] == target.c[each.key] for each in table.primary_key))
            pointing = and_(pointing, not_(itself))
        holding = exists(select(literal_column("1")).select_from(table).where(pointing))
        held = statement.where(holding.correlate(target))
        for row in (await self._connection.execute(held)).all():
            some[tuple(row)].holders.append(dependent)

    async def _follow(
        self, dependent: Dependent, target: FromClause, statement: Any, some: Mapping[Key, Doomed]
    ) -> list[Doomed]:
        resource, found = dependent.resource, list[Doomed]()
        columns = {name: each for name, each in resource.fields.items() if each.column is not None}
        statement = statement.add_columns(*(each.expression for each in columns.values()))
        statement = statement.where(_pointing(dependent, target))
        statement = statement.order_by(*(each.expression for each in resource.key))
        for row in await self._read(statement, resource.model):
            size = len(row) - len(columns)
            taker, values = some[tuple(row[:size])], dict(zip(columns, row[size:], strict=True))
            key = resource.key_of(values)
            if dependent.rule == "set null":
                self._touch()
                taker.clears.append((resource, key, dependent.fields))
                continue
            doomed = self._new(resource, key, values)
            found += [doomed] if doomed else []
            taker.takes.append(doomed or self.doomed[resource.name, key])
        return found

    async def _add_leaves(
        self,
        owner: Resource,
        relation: Relation,
        target: FromClause,
        statement: Any,
        some: Mapping[Key, Doomed],
    ) -> None:
        table = relation.secondary
        if table is None:
            return
        resource = self._registry[relation.target]
        pointing = (
            table.c[column] == target.c[_column(resource, name)]
            for name, column in relation.target_columns
        )
        joined = (
            owner.fields[name].expression == table.c[column]
            for name, column in relation.own_columns
        )
        keys = [each.expression for each in owner.key]
        statement = statement.add_columns(*keys).where(*pointing, *joined).order_by(*keys)
        for row in await self._read(statement, table):
            size = len(row) - len(keys)
            self._touch()
            some[tuple(row[:size])].leaves.append((owner, tuple(row[size:]), relation))

    async def _read(self, statement: Any, table: Any) -> Sequence[Any]:
        """Read what is to be changed, of ``table``."""
        statement = statement.limit(self._most - self._count + 1)
        if self._lock:
            statement = statement.with_for_update(of=table)
        return (await self._connection.execute(statement)).all()

    def _touch(self) -> None:
        self._count += 1
        if self._count > self._most:
            raise too_many()


def too_many() -> ConflictError:
    """The refusal of a delete that would touch more than ``EFFECT_CAP`` records."""
    msg = f"Deleting this would touch more than {EFFECT_CAP:,} records. Delete those first."
    return ConflictError(msg)


def _by_resource(level: Iterable[Doomed]) -> dict[Resource, dict[Key, Doomed]]:
    found: dict[Resource, dict[Key, Doomed]] = {}
    for each in level:
        found.setdefault(each.resource, {})[each.key] = each
    return found


def _pointing(dependent: Dependent, target: FromClause) -> Any:
    """The condition that a row points to one of ``target``."""
    fields, elements = dependent.resource.fields, dependent.constraint.elements
    return and_(
        *(
            fields[name].expression == target.c[element.column.key]
            for name, element in zip(dependent.fields, elements, strict=True)
        )
    )


def _column(resource: Resource, name: str) -> str:
    column = resource.fields[name].column
    assert column is not None  # noqa: S101 - of a key
    return column.key
