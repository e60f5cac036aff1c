"""The effects of a delete, and their narrowing to what the actor may see."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sqlalchemy import (
    ColumnElement,
    or_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import Actor, Key, Relation, Resource
from admin_app.records.reads.reader import Reader


@dataclass(frozen=True, slots=True)
class Blocker:
    """Records of a resource that stand in the way of a delete."""

    resource: Resource
    fields: tuple[str, ...]
    """Their foreign key."""
    condition: ColumnElement[bool]
    """True of those records."""
    count: int | None = None
    """How many of them are in sight; not known before ``in_sight`` has looked."""


@dataclass(slots=True)
class Effects:
    """Everything a delete will do, the record itself included."""

    deleted: list[tuple[Resource, Key]] = field(default_factory=list)
    """In the order of deletion: records before those they depend on."""
    cleared: list[tuple[Resource, Key, tuple[str, ...]]] = field(default_factory=list)
    """Records whose foreign key is set null, with its attributes."""
    unlinked: list[tuple[Resource, Key, Relation, Key]] = field(default_factory=list)
    """Records that lose a key from a many-to-many relation: (resource, key, relation, lost)."""
    blocked: list[Blocker] = field(default_factory=list)
    """Records that prevent the delete."""
    held: list[Key] = field(default_factory=list)
    """Of several records that are to go, those that something holds fast."""
    change_set: uuid.UUID | None = None
    """The change set of the delete, once it is done."""

    def touched(self) -> Iterator[tuple[Resource, Key]]:
        """Every record that is deleted or changed."""
        yield from self.deleted
        yield from ((resource, key) for resource, key, _ in self.cleared)
        yield from ((resource, key) for resource, key, _, _ in self.unlinked)


async def in_sight(
    reader: Reader, connection: AsyncConnection, actor: Actor, effects: Effects
) -> Effects:
    """A delete's effects narrowed to what is in the actor's sight."""
    registry = reader.sight.registry(actor)
    touched: dict[str, set[Key]] = {}
    for owner, key in effects.touched():
        touched.setdefault(owner.name, set()).add(key)
    seen = {
        name: await reader.visible(connection, actor, registry[name], keys)
        for name, keys in touched.items()
    }
    return Effects(
        deleted=[
            (registry[owner.name], key) for owner, key in effects.deleted if key in seen[owner.name]
        ],
        cleared=[
            (registry[owner.name], key, names)
            for owner, key, names in effects.cleared
            if key in seen[owner.name] and registry[owner.name].fields.keys() >= {*names}
        ],
        unlinked=[
            (registry[owner.name], key, relation, lost)
            for owner, key, relation, lost in effects.unlinked
            if key in seen[owner.name] and relation.name in registry[owner.name].relations
        ],
        blocked=[
            await _counted(reader, connection, actor, each)
            for each in _one_a_resource(effects.blocked)
        ],
        held=effects.held,
    )


def _one_a_resource(blocked: Iterable[Blocker]) -> Iterable[Blocker]:
    by_name: dict[str, list[Blocker]] = {}
    for each in blocked:
        by_name.setdefault(each.resource.name, []).append(each)
    for found in by_name.values():
        condition = or_(*(each.condition for each in found))
        names = tuple(name for each in found for name in each.fields)
        yield Blocker(found[0].resource, names, condition)


async def _counted(
    reader: Reader, connection: AsyncConnection, actor: Actor, blocker: Blocker
) -> Blocker:
    resource = reader.sight.registry(actor)[blocker.resource.name]
    count = 0
    if resource.fields.keys() >= {*blocker.fields}:
        count = await reader.count(connection, actor, resource, [blocker.condition])
    return replace(blocker, resource=resource, count=count)


def interfere(effects: Iterable[Effects]) -> bool:
    """Whether deletes, done one after the other, have to do with the same record.

    One may lose several from its sets.
    """
    by: dict[tuple[str, Key], int] = {}
    plans = [*effects]
    for number, each in enumerate(plans):
        changed = (*each.deleted, *((resource, key) for resource, key, _ in each.cleared))
        if any(by.setdefault((owner.name, key), number) != number for owner, key in changed):
            return True
    return any(
        by.get((owner.name, key), number) != number
        for number, each in enumerate(plans)
        for owner, key, _, _ in each.unlinked
    )
