"""Deletes: into the trash where there is one, for good with all that goes along, and back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import delete

from admin_app.access.policies import Trash
from admin_app.declaration import Key, Resource
from admin_app.errors import FieldError, InUseError, NotFoundError
from admin_app.records.changes import Entry
from admin_app.records.reads.portions import batches
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.reads.record import Record
from admin_app.records.writes.differences import made_of
from admin_app.records.writes.effects import (
    Effects,
    association_tables,
    in_sight,
    plan_locked,
    rows_with,
)
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.links import SetChange, held_keys
from admin_app.records.writes.refusals import explained
from admin_app.records.writes.rows import Rows, check_unchanged
from admin_app.records.writes.statements import statements_of
from admin_app.records.writes.tellings import Telling, Tellings
from admin_app.records.writes.views import Views


class Removal:
    """What one actor removes in one transaction; see ``Writer``."""

    def __init__(
        self, reader: Reader, rows: Rows, views: Views, journal: Journal, tellings: Tellings
    ) -> None:
        self._reader = reader
        self._registry = reader.registry
        self._rows = rows
        self._views = views
        self._journal = journal
        self._tellings = tellings

    async def delete(
        self,
        resource: Resource,
        key: Key,
        if_match: Collection[str] | None,
        allowed: Callable[[Effects], None] | None = None,
    ) -> Effects:
        """``Writer.delete``."""
        if resource.options.trash is None:
            return await self._delete(resource, key, if_match, "without", allowed)
        await self._move(resource, key, if_match, to_trash=True)
        return Effects()

    async def purge(
        self, resource: Resource, key: Key, if_match: Collection[str] | None
    ) -> Effects:
        """``Writer.purge``."""
        if resource.options.trash is None:
            raise NotFoundError(resource.absent)
        return await self._delete(resource, key, if_match, "only")

    async def restore(
        self, resource: Resource, key: Key, if_match: Collection[str] | None
    ) -> Record:
        """``Writer.restore``."""
        if resource.options.trash is None:
            raise NotFoundError(resource.absent)
        return await self._move(resource, key, if_match, to_trash=False)

    async def _move(
        self, resource: Resource, key: Key, if_match: Collection[str] | None, *, to_trash: bool
    ) -> Record:
        """Into the trash or out of it. To the other ends of its links it goes, or comes back."""
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        name = str(resource.options.trash)
        place: Trash = "without" if to_trash else "only"
        row = await self._rows.load(resource, key, "delete", place)
        before = row.whole
        check_unchanged(seen, row.view, if_match)
        at = datetime.now(UTC) if to_trash else None
        if to_trash:
            await self._rows.ask(resource, "delete", before, {})
        else:
            await self._rows.ask(resource, "update", before, {**before, name: at})
        async with explained(seen, self._registry):
            made = made_of(resource, {name: at}, row.stored)
            columns, _ = await self._rows.apply(resource, row, made)
        after = await self._views.after(resource, before, columns, [])
        (answer,) = await self._views.answers(resource, [key], [after])
        title = resource.title_of(after)
        told = self._journal.update(resource, key, title, before=before, after=after, names=[name])
        await self._tellings.tell(
            self._tellings.other_ends(resource, key, self._ends(before, resource, to_trash), told)
        )
        return answer

    def _ends(self, values: Values, resource: Resource, lost: bool) -> list[SetChange]:
        held = {
            each: held_keys(self._registry.target(each), values[name])
            for name, each in resource.sets.items()
        }
        return [
            SetChange(each, lost=keys) if lost else SetChange(each, gained=keys)
            for each, keys in held.items()
        ]

    async def _delete(
        self,
        resource: Resource,
        key: Key,
        if_match: Collection[str] | None,
        place: Trash,
        allowed: Callable[[Effects], None] | None = None,
    ) -> Effects:
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        row = await self._rows.load(resource, key, "delete", place)
        before, connection = row.whole, self._rows.connection
        check_unchanged(seen, row.view, if_match)
        effects = await plan_locked(self._registry, connection, resource, key, row.stored)
        if effects.blocked:
            known = await in_sight(self._reader, connection, self._rows.actor, effects)
            raise _in_use(resource, known)
        if allowed is not None:
            allowed(effects)
        await self._rows.ask(resource, "delete", before, {})
        cause = self._journal.deletion(resource, before)
        async with explained(seen, self._registry, deleting=True):
            await self._let_go(effects, cause)
            await self._remove(effects, before, cause)
        return effects

    async def _let_go(self, effects: Effects, cause: Entry) -> None:
        """Set null what points to a deleted record, and take it out of the sets that hold it."""
        cleared: dict[tuple[Resource, tuple[str, ...]], dict[Key, None]] = {}
        for resource, key, names in effects.cleared:
            cleared.setdefault((resource, names), {})[key] = None
        for (resource, names), keys in cleared.items():
            wholes = await self._views.wholes(resource, [*keys])
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
                    cause=cause,
                )
        await self._tellings.tell(
            Telling(resource, key, SetChange(relation, lost=[lost]), cause)
            for resource, key, relation, lost in effects.unlinked
        )

    async def _remove(self, effects: Effects, before: Values, cause: Entry) -> None:
        """Delete what the effects name, whose first cause was ``before``."""
        for resource, some in groupby(effects.deleted, key=itemgetter(0)):
            keys = [key for _, key in some]
            own = [(cause.resource, cause.key) == (resource, key) for key in keys]
            wholes = [before] if all(own) else await self._views.wholes(resource, keys)
            for whole, is_cause in zip(wholes, own, strict=True):
                if not is_cause:
                    self._journal.deletion(resource, whole, cause)
            await self._unlink(resource, wholes)
        for resource, some in groupby(effects.deleted, key=itemgetter(0)):
            await statements_of(resource).delete(self._rows.connection, [key for _, key in some])

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
    holders = [
        f"{each.count} {each.resource.label_plural.lower()}"
        for each in effects.blocked
        if each.count
    ] or ["records out of your sight"]
    msg = f"This {resource.label.lower()} is in use by {', '.join(holders)}."
    errors = [FieldError((), "in_use", f"{holder} point to it.") for holder in holders]
    return InUseError(msg, errors=errors)
