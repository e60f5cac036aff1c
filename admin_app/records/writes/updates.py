"""Updates of one record, or of many by the statements of one.

Many must end as if each had been done by itself. So only those are done together of which none can
depend on another; what is refused is refused again by the caller, who then does them one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from admin_app.access.policies import policy, reach, require
from admin_app.declaration import Key, Registry, Resource
from admin_app.records.reads.reader import Values
from admin_app.records.reads.representation import Representation
from admin_app.records.trail.changes import Entry
from admin_app.records.writes.bodies import parted
from admin_app.records.writes.children import Children
from admin_app.records.writes.differences import changed_values, made_of, recorded_fields
from admin_app.records.writes.fast.update import FastUpdate
from admin_app.records.writes.references import unseen_rest
from admin_app.records.writes.refusals import check_computed, explained
from admin_app.records.writes.rows import Row, check_unchanged
from admin_app.records.writes.set_edits import SetChange, set_edit
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


def is_same(registry: Registry, seen: Resource, before: Values, data: Mapping[str, Any]) -> bool:
    """Whether an update would change nothing of a record that was read as ``before``."""
    values, sets, children = parted(seen, seen.update.parse(data))
    if children or not _are_held(registry, seen, before, sets):
        return False
    return not changed_values(seen, before, values)


def _are_held(
    registry: Registry, resource: Resource, before: Values, sets: Mapping[str, Any]
) -> bool:
    """Whether edits of sets leave each with the keys that it has."""
    for name, given in sets.items():
        if name not in before:
            return False
        target, edit = registry.target(resource.sets[name]), set_edit(given)
        held, added, removed = (
            {*map(target.dereference, each)} for each in (before[name], edit.add, edit.remove)
        )
        kept = set() if edit.whole else held - removed
        if kept | added != held or added & removed:
            return False
    return True


class Updates:
    """The updates of one actor in one transaction; see ``Writer``."""

    def __init__(self, transaction: Transaction, children: Children) -> None:
        self._registry = transaction.registry
        self._views = transaction.views
        self._rows = transaction.rows
        self._references = transaction.references
        self._links = transaction.links
        self._journal = transaction.journal
        self._other_ends = transaction.other_ends
        self._children = children
        self._fast_update = FastUpdate(transaction)

    async def one(self, resource: Resource, edit: Edit) -> Representation:
        """``Writer.update``."""
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        # First of all, or the words on a wrong body would tell what fields there are.
        require(self._rows.actor, resource, "read")
        values, sets, children = parted(resource, seen.update.parse(edit.data))
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
    ) -> Representation:
        """``one``, of the record without its children."""
        seen = self._views.seen(resource)
        row = await self._locked(resource, key, sets)
        before, view = row.whole, row.view
        check_unchanged(seen, view, if_match)
        # As it is seen: what is out of sight is nobody's to confirm by a guess, nor to clear.
        known = {name: view.get(name) for name in before}
        changed = changed_values(resource, known, values)
        changes = await self._links.changes(resource, view, sets)
        if not changed and not changes:
            return Representation(seen, view)
        sets = self._links.outcome(resource, view, sets, changes)
        await self._references.check(resource, changed, known)
        changed |= unseen_rest(resource, changed, before, known)
        await self._rows.ask(resource, "update", before, {**before, **changed, **sets})
        with explained(seen, self._registry):
            made = made_of(resource, changed, row.stored)
            if not made and not changes:
                return Representation(seen, view)
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
        entry = None
        if done is not None:
            entry = await self._fast_update.settle(done, after)
        if entry is None:
            entry = self._noted(resource, key, before, after, changed, changes)
        if entry is not None:
            await self._other_ends.note(self._other_ends.of_links(resource, key, changes, entry))
        return answer

    async def _locked(self, resource: Resource, key: Key, sets: Mapping[str, Any]) -> Row:
        """The row, after those at the other ends of its sets whose turn comes before."""
        if policy(self._rows.actor, resource).grants("update"):
            # Who may not is refused by the load, and has kept nobody waiting.
            await self._links.lock(resource, key, sets)
        return await self._rows.load(resource, key, "update")

    def _noted(
        self,
        resource: Resource,
        key: Key,
        before: Values,
        after: Values,
        changed: Values,
        changes: Sequence[SetChange],
    ) -> Entry | None:
        """The change of a record, in the journal; none where nothing has changed after all."""
        names = recorded_fields(resource, before, after, changed)
        if not names and not changes:
            return None
        title = resource.title_of(after)
        return self._journal.update(
            resource, key, title, before=before, after=after, names=names, sets=changes
        )

    async def together(
        self, resource: Resource, edits: Sequence[Edit]
    ) -> list[Representation] | None:
        """Do all of them; none where they have to be done one by one.

        Those that change sets are done by themselves, when it is their turn. Raises what
        ``Writer.update`` raises of any of them; nothing that was done may then stay.
        """
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        require(self._rows.actor, resource, "read")
        if not self._independent(resource) or len({each.key for each in edits}) < len(edits):
            return None
        parts = [parted(resource, seen.update.parse(each.data)) for each in edits]
        if any(each.children for each in parts) or not await self._rows.returns_all(resource):
            return None
        rows = await self._rows.load_all(resource, [each.key for each in edits], "update")
        alone: set[Key] = set()
        for row, (_, sets, _) in zip(rows, parts, strict=True):
            if not _are_held(self._registry, resource, row.view, sets):
                if any(resource.sets[name].target == resource.name for name in sets):
                    return None  # The other ends may be among these.
                alone.add(row.key)
        for edit, row in zip(edits, rows, strict=True):
            check_unchanged(seen, row.view, edit.if_match)
        done: list[Representation] = []
        given = zip(edits, rows, parts, strict=True)
        for by_itself, run in groupby(given, key=lambda each: each[0].key in alone):
            if by_itself:
                done += [
                    await self._alone(resource, edit.key, columns, sets, edit.if_match)
                    for edit, _, (columns, sets, _) in run
                ]
            else:
                done += await self._plain(
                    resource, seen, [(row, columns) for _, row, (columns, _, _) in run]
                )
        return done

    async def _plain(
        self, resource: Resource, seen: Resource, edits: Sequence[tuple[Row, Values]]
    ) -> list[Representation]:
        """Set the columns of rows."""
        async with self._references.asked_ahead(resource, [values for _, values in edits]):
            changes = [await self._change(resource, row, values) for row, values in edits]
        answers = await self._apply(resource, seen, [each for each in changes if each.made])
        return [
            answers[row.key] if row.key in answers else Representation(seen, row.view)
            for row, _ in edits
        ]

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
    ) -> dict[Key, Representation]:
        """Write what has changed; the answers by key."""
        if not changes:
            return {}
        statements, connection = statements_of(resource), self._rows.connection
        keys = [each.row.key for each in changes]
        with explained(seen, self._registry):
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
            self._noted(resource, each.row.key, each.row.whole, after, each.changed, ())
        return dict(zip(keys, answers, strict=True))
