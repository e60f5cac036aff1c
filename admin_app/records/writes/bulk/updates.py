"""Updates of one record, or of many by the statements of one.

Many must end as if each had been done by itself. So only those are done together of which none can
depend on another; what is refused is refused again by the caller, who then does them one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin_app.access.policies import policy, reach, require
from admin_app.declaration import Key, Resource
from admin_app.records.reads.reader import Values
from admin_app.records.reads.record import Record, record
from admin_app.records.writes.children import Children, taken
from admin_app.records.writes.differences import changed_values, made_of, parted, recorded_fields
from admin_app.records.writes.fast.update import FastUpdate
from admin_app.records.writes.references import unseen_rest
from admin_app.records.writes.refusals import check_computed, explained
from admin_app.records.writes.rows import Row, check_unchanged
from admin_app.records.writes.statements import statements_of
from admin_app.records.writes.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Edit:
    """An update of one record, and the entity tags that it is meant for."""

    key: Key
    data: bytes | Mapping[str, Any]
    if_match: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class _Change:
    row: Row
    changed: Values
    made: Values
    """The values that the model's validators make of it."""


class Updates:
    """The updates of one actor in one transaction; see ``Writer``."""

    def __init__(self, transaction: Transaction, children: Children) -> None:
        self._registry = transaction.registry
        self._views = transaction.views
        self._rows = transaction.rows
        self._references = transaction.references
        self._links = transaction.links
        self._journal = transaction.journal
        self._other_ends = transaction.tellings
        self._children = children
        self._fast_update = FastUpdate(
            transaction.connection, transaction.rows, transaction.journal
        )

    async def one(self, resource: Resource, edit: Edit) -> Record:
        """``Writer.update``."""
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        # First of all, or the words on a wrong body would tell what fields there are.
        require(self._rows.actor, resource, "read")
        values, sets = parted(resource, seen.update.parse(edit.data))
        children = taken(resource, values)
        key = edit.key
        answer = await self._alone(resource, key, values, sets, edit.if_match)
        if not children:
            return answer
        (whole,) = await self._views.wholes(resource, [key])
        await self._children.write(resource, whole, children)
        (whole,) = await self._views.wholes(resource, [key])
        (answer,) = await self._views.answers(resource, [key], [whole])
        return answer

    async def _alone(
        self,
        resource: Resource,
        key: Key,
        values: Values,
        sets: dict[str, Any],
        if_match: Collection[str] | None,
    ) -> Record:
        """``one``, of the record without its children."""
        seen = self._views.seen(resource)
        if policy(self._rows.actor, resource).grants("update"):
            # Who may not is refused below, and has kept nobody waiting.
            await self._links.lock(resource, key, sets)
        row = await self._rows.load(resource, key, "update")
        before, view = row.whole, row.view
        check_unchanged(seen, view, if_match)
        # As it is seen: what is out of sight is nobody's to confirm by a guess, nor to clear.
        known = {name: view.get(name) for name in before}
        changed = changed_values(resource, known, values)
        changes = await self._links.changes(resource, view, sets)
        if not changed and not changes:
            return record(seen, view)
        sets = self._links.outcome(resource, view, sets, changes)
        await self._references.check(resource, changed, known)
        changed |= unseen_rest(resource, changed, before, known)
        await self._rows.ask(resource, "update", before, {**before, **changed, **sets})
        async with explained(seen, self._registry):
            made = made_of(resource, changed, row.stored)
            if not made and not changes:
                return record(seen, view)
            columns: Values | None
            done = None if changes else await self._fast_update.update(resource, row, made)
            if done is None:
                columns, reached = await self._rows.apply(resource, row, made)
            else:
                columns, reached = done.columns, done.reached
            await self._links.apply([(changes, before)])
        await self._rows.reach.check(resource, [key], "update", reached)
        after = await self._views.after(resource, before, columns, changes)
        check_computed(resource, after)
        (answer,) = await self._views.answers(resource, [key], [after])
        recorded = recorded_fields(resource, before, after, changed)
        if not recorded and not changes:
            if done is not None:
                await self._fast_update.settle(done, None)
            return answer
        entry = self._journal.update(
            resource,
            key,
            resource.title_of(after),
            before=before,
            after=after,
            names=recorded,
            sets=changes,
        )
        if done is not None:
            await self._fast_update.settle(done, entry)
        await self._other_ends.note(self._other_ends.of_links(resource, key, changes, entry))
        return answer

    async def together(self, resource: Resource, edits: Sequence[Edit]) -> list[Record] | None:
        """Do all of them; none where they have to be done one by one.

        Raises what ``Writer.update`` raises of any of them; nothing that was done may then stay.
        """
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        require(self._rows.actor, resource, "read")
        if not self._independent(resource) or len({each.key for each in edits}) < len(edits):
            return None
        parsed = [seen.update.parse(each.data) for each in edits]
        if any(taken(resource, values) or parted(resource, values)[1] for values in parsed):
            return None
        if not await self._rows.returns_all(resource):
            return None
        rows = await self._rows.load_all(resource, [each.key for each in edits], "update")
        changes: list[_Change] = []
        async with self._references.asked_ahead(resource, parsed):
            for edit, row, values in zip(edits, rows, parsed, strict=True):
                check_unchanged(seen, row.view, edit.if_match)
                changes.append(await self._change(resource, row, values))
        answers = await self._apply(resource, seen, [each for each in changes if each.made])
        return [answers[row.key] if row.key in answers else record(seen, row.view) for row in rows]

    def _independent(self, resource: Resource) -> bool:
        """Whether what may become of a record is the same whatever becomes of others."""
        points_to_itself = any(each.target == resource.name for each in resource.references)
        return self._rows.reach.independent(resource, "update") and not (
            points_to_itself and reach(self._rows.actor.grants, resource, "read") is not True
        )

    async def _change(self, resource: Resource, row: Row, values: Values) -> _Change:
        known = {name: row.view.get(name) for name in row.whole}
        changed = changed_values(resource, known, values)
        await self._references.check(resource, changed, known)
        changed |= unseen_rest(resource, changed, row.whole, known)
        return _Change(row, changed, made_of(resource, changed, row.stored))

    async def _apply(
        self, resource: Resource, seen: Resource, changes: Sequence[_Change]
    ) -> dict[Key, Record]:
        """Write what has changed; the answers by key."""
        if not changes:
            return {}
        statements, connection = statements_of(resource), self._rows.connection
        keys = [each.row.key for each in changes]
        async with explained(seen, self._registry):
            await statements.update_all(
                connection, [(each.row.key, each.made, each.row.whole) for each in changes]
            )
        await self._rows.reach.check(resource, keys, "update")
        found = await statements.find(connection, keys)
        afters: list[Values] = []
        for each in changes:
            columns = found[each.row.key]
            after = await self._views.after(resource, each.row.whole, columns, [])
            check_computed(resource, after)
            afters.append(after)
        answers = await self._views.answers(resource, keys, afters)
        for each, after in zip(changes, afters, strict=True):
            before = each.row.whole
            recorded = recorded_fields(resource, before, after, each.changed)
            if recorded:
                title = resource.title_of(after)
                self._journal.update(
                    resource, each.row.key, title, before=before, after=after, names=recorded
                )
        return dict(zip(keys, answers, strict=True))
