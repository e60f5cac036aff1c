"""Deletes for good, with all that goes along; where there is a trash, of what is in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import groupby
from operator import itemgetter

from sqlalchemy import delete

from admin_app.access.policies import Trash
from admin_app.declaration import Key, Resource
from admin_app.errors import ConflictError, FieldError, InUseError
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import Values
from admin_app.records.trail.changes import Entry
from admin_app.records.writes.deletes.effects import Blocker, Effects, in_sight, interfere
from admin_app.records.writes.deletes.planning import plan_locked
from admin_app.records.writes.dependents import association_tables, dependents, rows_with
from admin_app.records.writes.other_ends import LinkedChange
from admin_app.records.writes.refusals import explained
from admin_app.records.writes.rows import Row, check_unchanged
from admin_app.records.writes.set_edits import SetChange
from admin_app.records.writes.statements import statements_of
from admin_app.records.writes.transaction import Transaction
from admin_app.records.writes.triggers import triggered


@dataclass(frozen=True, slots=True)
class Meant:
    """A record that is to go or to come back, and the entity tags of what it must be now."""

    key: Key
    if_match: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class _Delete:
    """A record that is deleted, why, and what goes with it."""

    row: Row
    effects: Effects
    cause: Entry


class Removal:
    """The deletes of one actor in one transaction; see ``Writer``."""

    def __init__(self, transaction: Transaction) -> None:
        self._reader = transaction.reader
        self._registry = transaction.registry
        self._rows = transaction.rows
        self._views = transaction.views
        self._journal = transaction.journal
        self._other_ends = transaction.other_ends

    async def one(
        self,
        resource: Resource,
        meant: Meant,
        place: Trash,
        allowed: Callable[[Effects], None] | None = None,
    ) -> Effects:
        """``Writer.delete``."""
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        row = await self._rows.load(resource, meant.key, "delete", place)
        check_unchanged(seen, row.view, meant.if_match)
        connection = self._rows.connection
        (effects,) = await plan_locked(self._registry, connection, resource, {row.key: row.stored})
        if effects.blocked:
            known = await in_sight(self._reader, connection, self._rows.actor, effects)
            raise _in_use(resource, known)
        if allowed is not None:
            allowed(effects)
        await self._rows.ask(resource, "delete", row.whole, {})
        cause = self._journal.deletion(resource, row.whole)
        await self._carry_out(seen, [_Delete(row, effects, cause)])
        return effects

    async def together(
        self,
        resource: Resource,
        meant: Mapping[Key, Meant],
        place: Trash,
        allowed: Callable[[Effects], None] | None = None,
    ) -> list[Effects] | None:
        """Delete many with the statements that one would take; none where they can only go alone.

        Raises what ``one`` raises of any, and ``ConflictError`` where one depends on another one;
        nothing that was done may then stay.
        """
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        if not self._rows.reach.independent(resource, "delete"):
            return None
        rows = await self._rows.load_all(resource, [*meant], "delete", place)
        for row in rows:
            check_unchanged(seen, row.view, meant[row.key].if_match)
        stored = {row.key: row.stored for row in rows}
        plans = await plan_locked(self._registry, self._rows.connection, resource, stored)
        if any(each.blocked for each in plans) or interfere(plans):
            # Which of them, and of what, is told by who does them one by one.
            msg = "By now others depend on it."
            raise ConflictError(msg)
        if not await self._foreseeable(plans):
            return None
        if allowed is not None:
            for each in plans:
                allowed(each)
        deletes = [
            _Delete(row, effects, self._journal.deletion(resource, row.whole))
            for row, effects in zip(rows, plans, strict=True)
            if effects.deleted  # Else it has gone with another one.
        ]
        await self._carry_out(seen, deletes)
        return plans

    async def _foreseeable(self, plans: Iterable[Effects]) -> bool:
        """Whether what is told of a record is the same before and after the others are deleted."""
        deleted = {resource for each in plans for resource, _ in each.deleted}
        touched = {resource for each in plans for resource, _ in each.touched()}
        tables = [each.table for each in touched]
        for each in deleted:
            tables += [table for table, _ in association_tables(self._registry, each)]
        for table in tables:
            if await triggered(self._rows.connection, table):
                return False
        return all(statements_of(each).plain for each in deleted) and all(
            statements_of(each).titled_alone for each in touched
        )

    async def _carry_out(self, seen: Resource, deletes: Sequence[_Delete]) -> None:
        with explained(seen, self._registry, deleting=True):
            await self._let_go(deletes)
            await self._remove(deletes)

    async def _let_go(self, deletes: Iterable[_Delete]) -> None:
        """Set null what points to deleted records, and take them out of the sets that hold them."""
        cleared: dict[tuple[Resource, tuple[str, ...]], dict[Key, Entry]] = {}
        for each in deletes:
            for resource, key, names in each.effects.cleared:
                cleared.setdefault((resource, names), {})[key] = each.cause
        for (resource, names), causes in cleared.items():
            keys = [*causes]
            wholes = await self._views.wholes(resource, keys)
            nothing = dict.fromkeys(names)
            await self._rows.write_columns(
                resource, [(key, nothing, before) for key, before in zip(keys, wholes, strict=True)]
            )
            for key, before in zip(keys, wholes, strict=True):
                self._journal.update(
                    resource,
                    key,
                    resource.title_of(before),
                    before=before,
                    after=nothing,
                    names=names,
                    cause=causes[key],
                )
        await self._other_ends.note(
            LinkedChange(resource, key, SetChange(relation, lost=[lost]), each.cause)
            for each in deletes
            for resource, key, relation, lost in each.effects.unlinked
        )

    async def _remove(self, deletes: Sequence[_Delete]) -> None:
        """Delete the records that the effects name, and record a change of each."""
        portions = self._in_turn([one for each in deletes for one in each.effects.deleted])
        wholes = {(each.cause.resource, each.row.key): each.row.whole for each in deletes}
        for resource, keys in portions:
            others = [key for key in keys if (resource, key) not in wholes]
            if others:
                read = await self._views.wholes(resource, others)
                wholes |= {(resource, key): one for key, one in zip(others, read, strict=True)}
            await self._unlink(resource, [wholes[resource, key] for key in keys])
        for each in deletes:
            for one in each.effects.deleted:
                if one != (each.cause.resource, each.row.key):
                    self._journal.deletion(one[0], wholes[one], each.cause)
        for resource, keys in portions:
            await statements_of(resource).delete(self._rows.connection, keys)

    def _in_turn(self, deleted: Sequence[tuple[Resource, Key]]) -> list[tuple[Resource, list[Key]]]:
        """The records of each resource at once, what depends before what it depends on."""
        keys: dict[Resource, list[Key]] = {}
        for resource, key in deleted:
            keys.setdefault(resource, []).append(key)
        before = {
            resource: {
                each.resource
                for each in dependents(self._registry, resource)
                if each.rule == "delete" and each.resource is not resource
            }
            for resource in keys
        }
        try:
            order = [*TopologicalSorter(before).static_order()]
        except CycleError:
            some = groupby(deleted, key=itemgetter(0))
            return [(resource, [key for _, key in each]) for resource, each in some]
        return [(resource, keys[resource]) for resource in order if resource in keys]

    async def _unlink(self, resource: Resource, wholes: Sequence[Values]) -> None:
        """Delete the links of records that go."""
        for table, pairs in association_tables(self._registry, resource):
            columns = [column for _, column in pairs]
            values = [tuple(each[name] for name, _ in pairs) for each in wholes]
            for batch in batches(values):
                await self._rows.connection.execute(
                    delete(table).where(rows_with(table, columns, [*batch]))
                )


def _in_use(resource: Resource, effects: Effects) -> InUseError:
    """Name what holds the record, as far as the actor may know of it."""
    holders = {_counted(each): each.count for each in effects.blocked if each.count}
    holders = holders or {"records out of your sight": 0}
    msg = f"This {resource.label.lower()} is in use by {', '.join(holders)}."
    errors = [_pointing(holder, count) for holder, count in holders.items()]
    return InUseError(msg, errors=errors)


def _pointing(holder: str, count: int) -> FieldError:
    if count == 1:
        return FieldError((), "in_use", f"{holder} points to it.")
    return FieldError((), "in_use", f"{holder} point to it.")


def _counted(blocker: Blocker) -> str:
    label = blocker.resource.label if blocker.count == 1 else blocker.resource.label_plural
    return f"{blocker.count} {label.lower()}"
