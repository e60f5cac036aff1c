"""Fast path of an update: the row and its predicted change by one statement.

PostgreSQL only: SQLite has no network between a statement and the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete

from admin_app.database import fetch
from admin_app.declaration import Key, Resource
from admin_app.records.reads.reader import Values
from admin_app.records.trail.changes import Change, Entry, entry_values
from admin_app.records.writes.differences import attends, is_same_record, recorded_fields
from admin_app.records.writes.fast.sql import bind_of, update_on_postgresql
from admin_app.records.writes.rows import Row
from admin_app.records.writes.statements import statements_of
from admin_app.records.writes.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Done:
    """An update that was made."""

    foreseen: Values
    """The record as it was predicted to be after the update."""
    columns: Values
    """The columns as they are."""
    reached: set[Key] | None
    """For ``Reaching.check``."""
    entry: Entry
    """The change that was written; see ``settle``."""


class FastUpdate:
    """Makes updates of one transaction together with their changes."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._rows = transaction.rows
        self._journal = transaction.journal

    async def update(self, resource: Resource, row: Row, values: Values) -> Done | None:
        """Set columns of a locked row, raise its version and write the change that is predicted.

        ``None`` where nothing was done. Raises what the database does.
        """
        # Changes are numbered in the order in which they are noted.
        if self._connection.dialect.name == "sqlite" or not self._journal.saved:
            return None
        if attends(resource) or not await self._rows.returns_all(resource):
            return None
        statements = statements_of(resource)
        reach = await self._rows.reach.returnable(resource, "update")
        made = statements.update_setting(values, bind_of, reach)
        if made is None:
            return None
        update, given = made
        foreseen = row.whole | values
        entry = self._entry(resource, row, values, foreseen)
        common = self._journal.common_values() | entry_values(entry)
        given |= statements.key_binds(row.key)
        found = await fetch(self._connection, update_on_postgresql(update), common | given)
        if not found:
            return None
        columns = dict(zip(statements.returned, found[0], strict=False))  # More comes after.
        reached = None if reach is None else {row.key} if found[0][-2] else set()
        entry.id = found[0][-1]
        return Done(foreseen, columns, reached, entry)

    def _entry(self, resource: Resource, row: Row, values: Values, after: Values) -> Entry:
        names = recorded_fields(resource, row.whole, after, values)
        title = resource.title_of(after)
        return self._journal.update(
            resource, row.key, title, before=row.whole, after=after, names=names, noted=False
        )

    async def settle(self, done: Done, after: Values) -> Entry | None:
        """Note the predicted change if it is what came about, or delete it and return ``None``.

        The database may convert a value, such as one with more digits than the column.
        """
        entry = done.entry
        if entry.after and is_same_record(entry.resource, done.foreseen, after):
            entry.saved = True
            return self._journal.note(entry)
        await self._connection.execute(delete(Change).where(Change.id == entry.id))
        return None
