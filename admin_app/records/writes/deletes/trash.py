"""Moves into the trash and out of it: updates of one field, recorded at the other ends too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from admin_app.access.policies import Trash
from admin_app.declaration import Key, Resource
from admin_app.records.reads.reader import Values
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.deletes.removal import Meant
from admin_app.records.writes.differences import made_of
from admin_app.records.writes.other_ends import LinkedChange
from admin_app.records.writes.references import held_keys
from admin_app.records.writes.refusals import explained
from admin_app.records.writes.rows import Row, check_unchanged
from admin_app.records.writes.set_edits import SetChange
from admin_app.records.writes.statements import statements_of
from admin_app.records.writes.transaction import Transaction


class Moves:
    """The moves of one actor in one transaction; see ``Writer``."""

    def __init__(self, transaction: Transaction) -> None:
        self._registry = transaction.registry
        self._rows = transaction.rows
        self._views = transaction.views
        self._journal = transaction.journal
        self._other_ends = transaction.other_ends

    async def one(self, resource: Resource, meant: Meant, *, to_trash: bool) -> Representation:
        """Move a record."""
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        row = await self._rows.load(resource, meant.key, "delete", _place(to_trash))
        before, change = row.whole, _change(resource, to_trash)
        check_unchanged(seen, row.view, meant.if_match)
        if to_trash:
            await self._rows.ask(resource, "delete", before, {})
        else:
            await self._rows.ask(resource, "update", before, {**before, **change})
        with explained(seen, self._registry):
            made = made_of(resource, change, row.stored)
            columns, _ = await self._rows.apply(resource, row, made)
        after = await self._views.after(resource, before, columns, [])
        (answer,) = await self._views.answers(resource, [row.key], [after])
        await self._other_ends.note(self._tell(resource, row, after, to_trash=to_trash))
        return answer

    async def together(
        self, resource: Resource, meant: Mapping[Key, Meant], *, to_trash: bool
    ) -> list[Representation] | None:
        """Move many with the statements that one would take; none where it could not be done.

        It is done where none of them depends on another one. Raises what ``one`` raises of any;
        nothing that was done may then stay.
        """
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        if any(each.target == resource.name for each in resource.sets.values()):
            return None
        alike = self._rows.reach.independent(resource, "delete")
        if not alike or not await self._rows.returns_all(resource):
            return None
        rows = await self._rows.load_all(resource, [*meant], "delete", _place(to_trash))
        for row in rows:
            check_unchanged(seen, row.view, meant[row.key].if_match)
        statements, change = statements_of(resource), _change(resource, to_trash)
        keys = [row.key for row in rows]
        with explained(seen, self._registry):
            await self._rows.write_columns(
                resource,
                [(row.key, made_of(resource, change, row.stored), row.whole) for row in rows],
            )
        found = await statements.find(self._rows.connection, keys)
        afters = [await self._views.after(resource, row.whole, found[row.key], []) for row in rows]
        answers = await self._views.answers(resource, keys, afters)
        linked: list[LinkedChange] = []
        for row, after in zip(rows, afters, strict=True):
            linked += self._tell(resource, row, after, to_trash=to_trash)
        await self._other_ends.note(linked)
        return answers

    def _tell(
        self, resource: Resource, row: Row, after: Values, *, to_trash: bool
    ) -> list[LinkedChange]:
        """Note that a record has moved; what there is to tell at the other ends of its links."""
        entry = self._journal.update(
            resource,
            row.key,
            resource.title_of(after),
            before=row.whole,
            after=after,
            names=[*_change(resource, to_trash)],
        )
        ends = self._ends(resource, row.whole, lost=to_trash)
        return self._other_ends.of_links(resource, row.key, ends, entry)

    def _ends(self, resource: Resource, values: Values, *, lost: bool) -> list[SetChange]:
        held = {
            each: held_keys(self._registry.target(each), values[name])
            for name, each in resource.sets.items()
        }
        return [
            SetChange(each, lost=keys) if lost else SetChange(each, gained=keys)
            for each, keys in held.items()
        ]


def _place(to_trash: bool) -> Trash:
    return "without" if to_trash else "only"


def _change(resource: Resource, to_trash: bool) -> Values:
    return {str(resource.options.trash): datetime.now(UTC) if to_trash else None}
