"""The other ends of links: records whose sets change with another record's write."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import SYSTEM, Key, Resource
from admin_app.records.reads.reader import Reader
from admin_app.records.reads.titles import read_titles
from admin_app.records.trail.changes import Entry
from admin_app.records.writes.dependents import inverse_sets
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.set_edits import SetChange


@dataclass(frozen=True, slots=True)
class LinkedChange:
    """A change of a record's set by the write of another record."""

    resource: Resource
    key: Key
    change: SetChange
    cause: Entry


class OtherEnds:
    """Raises the versions of the records at the other ends, and notes their changes."""

    def __init__(self, reader: Reader, connection: AsyncConnection, journal: Journal) -> None:
        self._reader = reader
        self._connection = connection
        self._journal = journal

    def of_links(
        self, resource: Resource, key: Key, changes: Iterable[SetChange], cause: Entry
    ) -> list[LinkedChange]:
        """A link has two ends: the records at the other one, if another, have changed as well."""
        return [
            LinkedChange(owner, other, linked, cause)
            for change in changes
            for owner, inverse in inverse_sets(self._reader.registry, resource)
            if inverse.secondary is change.relation.secondary
            and inverse.own_columns == change.relation.target_columns
            for others, linked in (
                (change.gained, SetChange(inverse, gained=[key])),
                (change.lost, SetChange(inverse, lost=[key])),
            )
            for other in others
            if (owner, other) != (resource, key)
        ]

    async def note(self, changes: Iterable[LinkedChange]) -> None:
        """Raise the versions of the records at the other ends, and note a change of each."""
        by_resource: dict[Resource, list[LinkedChange]] = {}
        for each in changes:
            by_resource.setdefault(each.resource, []).append(each)
        for resource, linked in sorted(by_resource.items(), key=lambda item: item[0].name):
            # Always in the same order (see ``Links.lock``), so that writers wait in no circle.
            keys = _in_turn({each.key for each in linked})
            await self._raise_versions(resource, keys)
            titles = await read_titles(self._reader, self._connection, SYSTEM, resource, keys)
            for each in linked:
                if each.key not in titles:
                    continue  # Deleted meanwhile, by one who has told so.
                self._journal.update(
                    resource,
                    each.key,
                    titles[each.key].text,
                    before={},
                    after={},
                    sets=[each.change],
                    cause=each.cause,
                )

    async def _raise_versions(self, resource: Resource, keys: list[Key]) -> None:
        column = None if resource.version is None else resource.fields[resource.version].column
        if column is None:
            return
        # As no column can be called, or the UPDATE would take it for a value to set.
        binds = [f"_key.{each.name}" for each in resource.key]
        matches = [
            each.expression == bindparam(bind)
            for each, bind in zip(resource.key, binds, strict=True)
        ]
        await self._connection.execute(
            update(column.table).where(*matches).values({column: column + 1}),
            [dict(zip(binds, key, strict=True)) for key in keys],
        )


def _in_turn(keys: Collection[Key]) -> list[Key]:
    """Keys in the order in which writers lock their rows."""
    try:
        return sorted(keys)
    except TypeError:
        return sorted(keys, key=repr)
