"""What happened to a record, as far as one may see it: changes tell no more than reads do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pydantic_core
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import reach
from admin_app.declaration import Actor, Field, Key, Reference, Relation, Resource
from admin_app.declaration.keys import join_key
from admin_app.declaration.values import adapter_of
from admin_app.errors import NotFoundError
from admin_app.records.changes import Change, Facts
from admin_app.records.reads.reader import Reader


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change as people read it."""

    id: int
    at: datetime
    actor_name: str
    impersonator: str | None
    source: str
    action: str
    before: Facts
    after: Facts
    reason: str


async def past_changes(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    key: Key,
    limit: int,
) -> list[PastChange]:
    """The latest changes of a record that is in sight, newest first.

    Fields and records out of sight are left out of them, and so are updates of nothing else.
    """
    statement = (
        select(Change.__table__)
        .where(Change.resource == resource.name, Change.key == resource.key_text(key))
        .order_by(Change.id.desc())
        .limit(limit)
    )
    found = [_past(row) for row in await connection.execute(statement)]
    if reach(actor.grants, reader.registry[resource.name], "read") is not True:
        found = list(_since_made(found))
    return await Veil(reader, connection, actor, resource).over(found)


def _since_made(changes: Iterable[PastChange]) -> Iterator[PastChange]:
    """The changes of this record: an earlier one with its key may have been out of sight."""
    for each in changes:
        yield each
        if each.action == "create":
            return


def _past(row: Any) -> PastChange:
    return PastChange(
        id=row.id,
        at=row.at,
        actor_name=row.actor_name,
        impersonator=row.impersonator,
        source=row.source,
        action=row.action,
        before=row.before or {},
        after=row.after or {},
        reason=row.reason,
    )


class Veil:
    """Takes out of changes what one actor does not see of a resource."""

    def __init__(
        self, reader: Reader, connection: AsyncConnection, actor: Actor, resource: Resource
    ) -> None:
        self._reader = reader
        self._connection = connection
        self._actor = actor
        self._whole = reader.registry[resource.name]
        self._seen = reader.sight.registry(actor)[resource.name]
        self._pointing: dict[Reference, set[Key]] = {}
        """The values of foreign keys that lead to records in sight."""
        self._members: dict[str, set[Key]] = {}
        """By set relation, the keys of its records in sight."""

    async def over(self, changes: Iterable[PastChange]) -> list[PastChange]:
        given = list(changes)
        facts = [each for change in given for each in (change.before, change.after)]
        for reference in self._whole.references:
            if any(self._masked(name) for name in reference.fields):
                await self._look_where(reference, facts)
        for relation in self._seen.sets.values():
            if not isinstance(self._reach(relation.target), bool):
                await self._look_who(relation, facts)
        veiled = [self._veiled(each) for each in given]
        return [each for each in veiled if each.action != "update" or each.before or each.after]

    def _reach(self, target: str) -> bool | tuple[str, ...]:
        return reach(self._actor.grants, self._reader.registry[target], "read")

    def _masked(self, name: str) -> bool:
        return name in self._seen.fields and self._seen.fields[name].masked

    async def _look_where(self, reference: Reference, facts: Iterable[Facts]) -> None:
        target = self._reader.registry[reference.target]
        values = {key for each in facts if (key := self._held(reference, each)) is not None}
        fields = [target.fields[name] for name in reference.referred]
        self._pointing[reference] = await self._reader.visible(
            self._connection, self._actor, target, values, fields
        )

    async def _look_who(self, relation: Relation, facts: Iterable[Facts]) -> None:
        target = self._reader.registry.target(relation)
        keys = {
            key
            for each in facts
            for value in each.get(relation.name) or ()
            if (key := _key(target, value)) is not None
        }
        self._members[relation.name] = await self._reader.visible(
            self._connection, self._actor, target, keys
        )

    def _held(self, reference: Reference, facts: Facts) -> Key | None:
        """The values of a foreign key in a change; none of one that it tells a part of."""
        parts = [
            _value(self._whole.fields[name], facts[name])
            for name in reference.fields
            if facts.get(name) is not None
        ]
        return tuple(parts) if len(parts) == len(reference.fields) else None

    def _veiled(self, change: PastChange) -> PastChange:
        return PastChange(
            id=change.id,
            at=change.at,
            actor_name=change.actor_name,
            impersonator=change.impersonator,
            source=change.source,
            action=change.action,
            before=self._facts(change.before),
            after=self._facts(change.after),
            reason=change.reason,
        )

    def _facts(self, facts: Facts) -> Facts:
        if self._seen is self._whole and not self._members:
            return facts  # With names that are no longer declared, for whoever sees everything.
        lost = {
            name
            for reference, known in self._pointing.items()
            if self._held(reference, facts) not in known
            for name in reference.fields
            if self._masked(name)
        }
        return {
            name: self._visible(name, value)
            for name, value in facts.items()
            if (name in self._seen.fields or name in self._seen.sets)
            and not (name in lost and value is not None)
            and self._visible(name, value) != []
        }

    def _visible(self, name: str, value: Any) -> Any:
        if name not in self._members:
            return value
        target = self._reader.registry.target(self._seen.sets[name])
        return [each for each in value or () if _key(target, each) in self._members[name]]


def _key(target: Resource, value: Any) -> Key | None:
    """The key that a set's member stands for in a change."""
    try:
        return target.parse_key(str(value) if len(target.key) > 1 else join_key([str(value)]))
    except NotFoundError:
        return None


def _value(field: Field, wire: Mapping[str, Any] | Any) -> Any:
    try:
        return adapter_of(field.shape).validate_json(pydantic_core.to_json(wire))
    except ValidationError:
        return None
