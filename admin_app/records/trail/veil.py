"""``Veil`` removes from changes what one actor may not see: history shows no more than reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pydantic_core
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import reach
from admin_app.declaration import Actor, Field, Key, Reference, Relation, Resource
from admin_app.declaration.keys import join_key
from admin_app.declaration.values import adapter_of
from admin_app.records.reads.reader import Reader
from admin_app.records.trail.changes import Facts
from admin_app.records.trail.past import PastChange


class Veil:
    """Narrows changes of one resource to what one actor sees."""

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
            if (key := member_key(target, value)) is not None
        }
        self._members[relation.name] = await self._reader.visible(
            self._connection, self._actor, target, keys
        )

    def _held(self, reference: Reference, facts: Facts) -> Key | None:
        """The values of a foreign key in a change; ``None`` where only a part of it is recorded."""
        parts = [
            _value(self._whole.fields[name], facts[name])
            for name in reference.fields
            if facts.get(name) is not None
        ]
        return tuple(parts) if len(parts) == len(reference.fields) else None

    def _veiled(self, change: PastChange) -> PastChange:
        return replace(
            change,
            before=self._facts(change.before),
            after=self._facts(change.after),
            title=self._title(change),
        )

    def _title(self, change: PastChange) -> str:
        seen = self._seen
        if seen.title == self._whole.title and not seen.fields[seen.title].masked:
            return change.title
        return f"{seen.label} {change.key}"

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
        return [each for each in value or () if member_key(target, each) in self._members[name]]


def member_key(target: Resource, value: Any) -> Key | None:
    """The key of a member of a set in a change."""
    return target.key_or_none(str(value) if len(target.key) > 1 else join_key([str(value)]))


def _value(field: Field, wire: Mapping[str, Any] | Any) -> Any:
    try:
        return adapter_of(field.shape).validate_json(pydantic_core.to_json(wire))
    except ValidationError:
        return None
