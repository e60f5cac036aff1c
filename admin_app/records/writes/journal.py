"""What one transaction has to tell: its changes, put together before they are saved."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from math import isfinite
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import Actor, Key, Origin, Registry, Resource
from admin_app.declaration.schemas import Schema, make_schema
from admin_app.declaration.values import wire_type
from admin_app.records.changes import SENSITIVE_MARKER, Entry, Facts, save
from admin_app.records.reads.reader import Values
from admin_app.records.writes.links import SetChange, held_keys


class Journal:
    """The changes of one transaction by one actor, causes before effects."""

    def __init__(
        self, registry: Registry, actor: Actor, origin: Origin, change_set: uuid.UUID | None
    ) -> None:
        self._registry = registry
        self._actor = actor
        self._origin = origin
        self._change_set = change_set or uuid.uuid4()
        self._entries: list[Entry] = []

    @property
    def entries(self) -> Sequence[Entry]:
        """The changes noted so far."""
        return self._entries

    @contextmanager
    def undone_with(self) -> Iterator[None]:
        """Drop the changes noted inside when it raises: what they tell of is undone as well."""
        mark = len(self._entries)
        try:
            yield
        except BaseException:
            del self._entries[mark:]
            raise

    async def save(self, connection: AsyncConnection) -> None:
        """Write every change; the last thing before the commit."""
        await save(connection, self._actor, self._origin, self._change_set, self._entries)

    def creation(self, resource: Resource, made: Values, sets: Iterable[SetChange]) -> Entry:
        """Note that a record has come into being."""
        after = _all_facts(resource, made) | self._gained(sets)
        key, title = resource.key_of(made), resource.title_of(made)
        return self._note(Entry("create", resource, key, title, None, after))

    def update(
        self,
        resource: Resource,
        key: Key,
        title: str,
        *,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        names: Iterable[str] = (),
        sets: Iterable[SetChange] = (),
        cause: Entry | None = None,
    ) -> Entry:
        """Note that the named fields and the given sets of a record have changed."""
        names, sets = tuple(names), tuple(sets)
        gone = _facts(resource, before, names) | self._lost(sets)
        come = _facts(resource, after, names) | self._gained(sets)
        return self._note(Entry("update", resource, key, title, gone, come, cause))

    def deletion(self, resource: Resource, before: Values, cause: Entry | None = None) -> Entry:
        """Note that a record has gone."""
        held = [
            SetChange(each, lost=held_keys(self._registry.target(each), before[name]))
            for name, each in resource.sets.items()
        ]
        facts = _all_facts(resource, before) | self._lost(held)
        key, title = resource.key_of(before), resource.title_of(before)
        return self._note(Entry("delete", resource, key, title, facts, None, cause))

    def _note(self, entry: Entry) -> Entry:
        self._entries.append(entry)
        return entry

    def _gained(self, sets: Iterable[SetChange]) -> Facts:
        return {each.relation.name: self._wire(each, each.gained) for each in sets if each.gained}

    def _lost(self, sets: Iterable[SetChange]) -> Facts:
        return {each.relation.name: self._wire(each, each.lost) for each in sets if each.lost}

    def _wire(self, change: SetChange, keys: Iterable[Key]) -> list[Any]:
        target = self._registry.target(change.relation)
        return [target.reference_wire(key) for key in keys]


def _facts(resource: Resource, values: Mapping[str, Any], names: Iterable[str]) -> Facts:
    """The named fields as JSON data, sensitive ones as markers."""
    return {
        name: SENSITIVE_MARKER
        if resource.fields[name].sensitive
        else resource.wire(name, values[name])
        for name in names
    }


def _all_facts(resource: Resource, values: Mapping[str, Any]) -> Facts:
    """The same of every field, all at once."""
    schema = _told(resource)
    facts = schema.wire({name: values[name] for name in schema.typed.__annotations__})
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name in resource.fields
        for value in (facts.get(name, SENSITIVE_MARKER),)
    }


@lru_cache(maxsize=1_024)
def _told(resource: Resource) -> Schema:
    """The fields that changes tell of."""
    told = (each for each in resource.fields.values() if not each.sensitive)
    members = {each.name: wire_type(each.shape) | None for each in told}
    return make_schema(f"{resource.model.__name__}Facts", members)
