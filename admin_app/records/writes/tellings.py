"""What a write does to records it was not about: the other ends of links."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import SYSTEM, Key, Resource
from admin_app.records.changes import Entry
from admin_app.records.reads.reader import Reader
from admin_app.records.writes.effects import inverse_sets
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.links import SetChange


@dataclass(frozen=True, slots=True)
class Telling:
    """That another record's write has changed a set of this one's."""

    resource: Resource
    key: Key
    change: SetChange
    cause: Entry


class Tellings:
    """Raises the versions of records at the other ends, and notes their changes."""

    def __init__(self, reader: Reader, connection: AsyncConnection, journal: Journal) -> None:
        self._reader = reader
        self._connection = connection
        self._journal = journal

    def other_ends(
        self, resource: Resource, key: Key, changes: Iterable[SetChange], cause: Entry
    ) -> list[Telling]:
        """A link has two ends: the records at the other one, if another, have changed as well."""
        return [
            Telling(owner, other, told, cause)
            for change in changes
            for owner, inverse in inverse_sets(self._reader.registry, resource)
            if inverse.secondary is change.relation.secondary
            and inverse.own_columns == change.relation.target_columns
            for others, told in (
                (change.gained, SetChange(inverse, gained=[key])),
                (change.lost, SetChange(inverse, lost=[key])),
            )
            for other in others
            if (owner, other) != (resource, key)
        ]

    async def tell(self, tellings: Iterable[Telling]) -> None:
        """Do it, for each."""
        by_resource: dict[Resource, list[Telling]] = {}
        for each in tellings:
            by_resource.setdefault(each.resource, []).append(each)
        for resource, told in sorted(by_resource.items(), key=lambda item: item[0].name):
            # Always in the same order (see ``Links.lock``), so that writers wait in no circle.
            keys = _in_turn({each.key for each in told})
            await self._raise_versions(resource, keys)
            titles = await self._reader.titles(self._connection, SYSTEM, resource, keys)
            for each in told:
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
