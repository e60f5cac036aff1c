"""An update that is told of by the statement that makes it, as far as that can be foreseen.

On PostgreSQL: SQLite has no network between a statement and the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database import fetch
from admin_app.declaration import Key, Resource
from admin_app.records.changes import Change, Entry, entry_values
from admin_app.records.reads.reader import Values
from admin_app.records.writes.at_once_sql import bind_of, update_on_postgresql
from admin_app.records.writes.differences import attends, told_fields
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.rows import Row, Rows
from admin_app.records.writes.statements import statements_of


@dataclass(frozen=True, slots=True)
class Done:
    """An update that was made."""

    columns: Values
    """What they are then."""
    reached: set[Key] | None
    """For ``check_reach``."""
    told: Entry
    """What was told of it, which has to be ``settled``."""


class Foretold:
    """The updates of one transaction that can be told of at once."""

    def __init__(self, connection: AsyncConnection, rows: Rows, journal: Journal) -> None:
        self._connection = connection
        self._rows = rows
        self._journal = journal

    async def update(self, resource: Resource, row: Row, values: Values) -> Done | None:
        """Set columns of a locked row, raise its version and tell of it; none if nothing is done.

        Raises what the database does.
        """
        # Changes are numbered in the order in which they are noted.
        if self._connection.dialect.name == "sqlite" or not self._journal.saved:
            return None
        if attends(resource) or not await self._rows.tells_all(resource):
            return None
        statements = statements_of(resource)
        reach = await self._rows.told_reach(resource, "update")
        made = statements.update_setting(values, bind_of, reach)
        if made is None:
            return None
        update, given = made
        entry = self._foreseen(resource, row, values)
        common = self._journal.common_values() | entry_values(entry)
        given |= statements.key_binds(row.key)
        found = await fetch(self._connection, update_on_postgresql(update), common | given)
        if not found:
            return None
        columns = dict(zip(statements.told, found[0], strict=False))  # More comes after.
        reached = None if reach is None else {row.key} if found[0][-2] else set()
        entry.id = found[0][-1]
        return Done(columns, reached, entry)

    def _foreseen(self, resource: Resource, row: Row, values: Values) -> Entry:
        after = row.whole | values
        names = told_fields(resource, row.whole, after, values)
        title = resource.title_of(after)
        return self._journal.update(
            resource, row.key, title, before=row.whole, after=after, names=names, noted=False
        )

    async def settle(self, done: Done, noted: Entry | None) -> None:
        """Keep what was told of an update if it is what is ``noted`` of it, or take it back.

        A value may become another one in the database, such as one with more digits.
        """
        if noted is not None and _facts(noted) == _facts(done.told):
            noted.id, noted.saved = done.told.id, True
            return
        await self._connection.execute(delete(Change).where(Change.id == done.told.id))


def _facts(entry: Entry) -> str:
    # Python takes 1, 1.0 and true for equal; JSON does not.
    return repr((entry.label, entry.before, entry.after))
