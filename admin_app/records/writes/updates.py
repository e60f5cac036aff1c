"""Many updates of one resource, done with the statements that one would take.

They are to end as if each had been done by itself. So it is done for those only in which no update
can depend on another one; what is refused is refused by whoever then does them one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin_app.access.policies import policy, reach, require
from admin_app.declaration import Key, Registry, Resource
from admin_app.records.reads.reader import Values
from admin_app.records.reads.record import Record, record
from admin_app.records.writes.children import taken
from admin_app.records.writes.differences import changed_values, made_of, parted, told_fields
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.links import Links, unseen_rest
from admin_app.records.writes.refusals import check_computed, explained
from admin_app.records.writes.rows import Row, Rows, check_unchanged
from admin_app.records.writes.statements import of_row_alone, statements_of
from admin_app.records.writes.views import Views


@dataclass(frozen=True, slots=True)
class Edit:
    """What one record is to become, and the entity tags of what it must be now."""

    key: Key
    data: bytes | Mapping[str, Any]
    if_match: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class _Change:
    row: Row
    changed: Values
    made: Values
    """What of it the row is given, by its model's own validators."""


class Updates:
    """The updates that one actor does together in one transaction; see ``Writer``."""

    def __init__(
        self, registry: Registry, views: Views, rows: Rows, links: Links, journal: Journal
    ) -> None:
        self._registry = registry
        self._views = views
        self._rows = rows
        self._links = links
        self._journal = journal

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
        if not await self._rows.tells_all(resource):
            return None
        rows = await self._rows.load_all(resource, [each.key for each in edits], "update")
        changes: list[_Change] = []
        async with self._links.asked_ahead(resource, parsed):
            for edit, row, values in zip(edits, rows, parsed, strict=True):
                check_unchanged(seen, row.view, edit.if_match)
                changes.append(await self._change(resource, row, values))
        answers = await self._apply(resource, seen, [each for each in changes if each.made])
        return [answers[row.key] if row.key in answers else record(seen, row.view) for row in rows]

    def _independent(self, resource: Resource) -> bool:
        """Whether what may become of a record is the same whatever becomes of others."""
        actor = self._rows.actor
        config = policy(actor, resource)
        conditions = [*config.row_conditions("read")]
        if config.grants("update"):
            conditions += config.row_conditions("update")
        points_to_itself = any(each.target == resource.name for each in resource.references)
        return (
            resource.options.before_write is None
            and all(of_row_alone(each, resource.table) for each in conditions)
            and not (points_to_itself and reach(actor.grants, resource, "read") is not True)
        )

    async def _change(self, resource: Resource, row: Row, values: Values) -> _Change:
        known = {name: row.view.get(name) for name in row.whole}
        changed = changed_values(resource, known, values)
        await self._links.check(resource, changed, known)
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
        await self._rows.check_reach(resource, keys, "update")
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
            told = told_fields(resource, before, after, each.changed)
            if told:
                title = resource.title_of(after)
                self._journal.update(
                    resource, each.row.key, title, before=before, after=after, names=told
                )
        return dict(zip(keys, answers, strict=True))
