"""What deletes do, planned before they are done: of what surrounds the records, in turn."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import Key, Registry, Resource
from admin_app.errors import NotFoundError
from admin_app.records.reads.criteria import one_of
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import Values, key_in
from admin_app.records.writes.deletes.effects import Blocker, Effects
from admin_app.records.writes.deletes.surroundings import (
    EFFECT_CAP,
    Doomed,
    Identity,
    Surroundings,
    too_many,
)
from admin_app.records.writes.dependents import Dependent

MOST_TOGETHER = 20_000
"""The most records that deletes may touch which are planned together."""


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
    surroundings = Surroundings(registry, connection, EFFECT_CAP, lock=False, seconds=seconds)
    there = {key: found[key] for key in keys if key in found}
    await surroundings.look(resource, there)
    plan = _Plan(surroundings.doomed)
    effects = plan.effects(resource, there)
    effects.held = plan.held(resource, there)
    return effects


async def plan_locked(
    registry: Registry,
    connection: AsyncConnection,
    resource: Resource,
    stored: Mapping[Key, Values],
) -> list[Effects]:
    """What deleting records does, one after the other: each what is left to it.

    They are locked and have been read: ``stored`` are their columns. What it finds stays as it is
    until the transaction ends: a row that another writer is moving out of the way is waited for,
    and is then not in it. Raises ``ConflictError`` where any would touch more than ``EFFECT_CAP``
    records, or all of them very many.
    """
    most = EFFECT_CAP if len(stored) == 1 else MOST_TOGETHER
    surroundings = Surroundings(registry, connection, most, lock=True)
    await surroundings.look(resource, stored)
    plan = _Plan(surroundings.doomed)
    return [plan.effects(resource, [key]) for key in stored]


class _Plan:
    """Deletes, one after the other, of records whose surroundings are known."""

    def __init__(self, doomed: Mapping[Identity, Doomed]) -> None:
        self._doomed = doomed
        self._gone: dict[Identity, Effects] = {}

    def effects(self, resource: Resource, keys: Iterable[Key]) -> Effects:
        """What deleting records together does, after those of which this was asked before."""
        effects = Effects()
        holders: list[tuple[Dependent, Values]] = []
        for key in keys:
            self._delete(self._doomed[resource.name, key], effects, holders)
        if len(effects.deleted) + len(effects.cleared) + len(effects.unlinked) > EFFECT_CAP:
            raise too_many()
        doomed = {(owner.name, key) for owner, key in effects.deleted}
        effects.cleared = [
            each for each in effects.cleared if (each[0].name, each[1]) not in doomed
        ]
        effects.unlinked = [
            each for each in effects.unlinked if (each[0].name, each[1]) not in doomed
        ]
        effects.blocked = _blockers(holders)
        return effects

    def held(self, resource: Resource, keys: Iterable[Key]) -> list[Key]:
        """Which of the records something holds fast, or what goes with them."""
        takers: dict[Identity, list[Doomed]] = {}
        for each in self._doomed.values():
            for taken in each.takes:
                takers.setdefault(taken.identity, []).append(each)
        waiting = [each for each in self._doomed.values() if each.holders]
        held: set[Identity] = set()
        while waiting:
            each = waiting.pop()
            if each.identity not in held:
                held.add(each.identity)
                waiting += takers.get(each.identity, ())
        return [key for key in keys if (resource.name, key) in held]

    def _delete(
        self, doomed: Doomed, effects: Effects, holders: list[tuple[Dependent, Values]]
    ) -> None:
        """Note a record after everything that goes with it: a chain may be long, so by a list."""
        waiting = [(doomed, False)]
        while waiting:
            each, followed = waiting.pop()
            if followed:
                effects.deleted.append((each.resource, each.key))
            elif each.identity not in self._gone:
                self._gone[each.identity] = effects
                holders += [(holder, each.values) for holder in each.holders]
                effects.cleared += [
                    one for one in each.clears if self._is_there(one[0], one[1], effects)
                ]
                effects.unlinked += [
                    (owner, key, relation, each.key)
                    for owner, key, relation in each.leaves
                    if self._is_there(owner, key, effects)
                ]
                waiting.append((each, True))
                waiting += [(taken, False) for taken in each.takes]

    def _is_there(self, resource: Resource, key: Key, effects: Effects) -> bool:
        """Whether a record was there when the delete with these effects began."""
        return self._gone.get((resource.name, key), effects) is effects


def _blockers(holders: Iterable[tuple[Dependent, Values]]) -> list[Blocker]:
    """The rows of each foreign key that point to any of the records that they hold fast."""
    held: dict[Dependent, list[Key]] = {}
    for dependent, values in holders:
        referred = tuple(values[name] for name in dependent.referred)
        held.setdefault(dependent, []).append(referred)
    found = []
    for dependent, keys in held.items():
        fields = dependent.resource.fields
        columns = [fields[name].expression for name in dependent.fields]
        pointing = or_(*(one_of(columns, batch) for batch in batches(keys)))
        if dependent.resource.table is dependent.constraint.referred_table:
            others = (fields[name].expression for name in dependent.referred)
            pairs = zip(columns, others, strict=True)
            pointing = and_(pointing, or_(*(one.is_distinct_from(other) for one, other in pairs)))
        found.append(Blocker(dependent.resource, dependent.fields, pointing))
    return found
