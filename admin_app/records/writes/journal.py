"""The journal: the changes of one transaction, collected before they are saved."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import Actor, Key, Kind, Origin, Registry, Resource
from admin_app.declaration.schemas import make_schema
from admin_app.declaration.values import list_of, wire_type
from admin_app.errors import ReasonRequiredError
from admin_app.records.reads.reader import Values
from admin_app.records.trail.changes import SENSITIVE_MARKER, Entry, Facts, common_values, save
from admin_app.records.writes.references import held_keys
from admin_app.records.writes.set_edits import SetChange

_ASKED = ("rest", "panel")
"""Doors at which somebody can say why; imports say which file, and a command needs no reason."""


class Journal:
    """The changes of one transaction by one actor, causes before effects."""

    def __init__(
        self, registry: Registry, actor: Actor, origin: Origin, change_set: uuid.UUID | None
    ) -> None:
        self._registry = registry
        self._actor = actor
        self._origin = origin
        self.change_set = change_set or uuid.uuid4()
        """The change set of all its changes."""
        self.reverts: uuid.UUID | None = None
        """The change set that they undo."""
        self._entries: list[Entry] = []
        self.listed = False
        """Whether a caller will read ``entries``, which then have to be complete."""
        self.recorded_elsewhere = False
        """Whether there are changes that are no ``entries``, written by a fast path."""

    @property
    def entries(self) -> Sequence[Entry]:
        """The changes noted so far."""
        return self._entries

    @contextmanager
    def undone_with(self) -> Iterator[None]:
        """Drop the changes noted inside when it raises, as what they record is undone."""
        mark, recorded = len(self._entries), self.recorded_elsewhere
        try:
            yield
        except BaseException:
            del self._entries[mark:]
            self.recorded_elsewhere = recorded
            raise

    def common_values(self) -> dict[str, Any]:
        """The values that all its changes share, for a statement that writes changes."""
        return common_values(self._actor, self._origin, self.change_set, self.reverts)

    async def save(self, connection: AsyncConnection) -> None:
        """Write every change; the last thing before the commit.

        Raises ``ReasonRequiredError`` where a declaration wants to know why.
        """
        if not self._origin.reason and self._origin.source in _ASKED and self.reverts is None:
            self._check_reason()
        await save(
            connection, self._actor, self._origin, self.change_set, self._entries, self.reverts
        )

    def creations(
        self, resource: Resource, made: Sequence[Values], sets: Sequence[Iterable[SetChange]]
    ) -> list[Entry]:
        """Note that records have come into being."""
        facts = _all_facts(resource, made)
        entries = [
            Entry(
                *("create", resource, resource.key_of(each), resource.title_of(each), None),
                after | self._gained(gained) if gained else after,
            )
            for each, after, gained in zip(made, facts, sets, strict=True)
        ]
        self._entries += entries
        return entries

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
        noted: bool = True,
    ) -> Entry:
        """Note that the named fields and the given sets of a record have changed.

        Without ``noted`` the entry is only made, for who writes it otherwise.
        """
        names, sets = tuple(names), tuple(sets)
        gone = _facts(resource, before, names) | self._lost(sets)
        come = _facts(resource, after, names) | self._gained(sets)
        entry = Entry("update", resource, key, title, gone, come, cause)
        return self.note(entry) if noted else entry

    def deletion(self, resource: Resource, before: Values, cause: Entry | None = None) -> Entry:
        """Note that a record has gone."""
        held = [
            SetChange(each, lost=held_keys(self._registry.target(each), before[name]))
            for name, each in resource.sets.items()
        ]
        (facts,) = _all_facts(resource, [before])
        facts |= self._lost(held)
        key, title = resource.key_of(before), resource.title_of(before)
        return self.note(Entry("delete", resource, key, title, facts, None, cause))

    @property
    def saved(self) -> bool:
        """Whether all that was noted so far is written."""
        return all(each.saved for each in self._entries)

    def _check_reason(self) -> None:
        for each in self._entries:
            if each.cause is None and each.resource.options.reason == "required":
                label = each.resource.label.lower()
                msg = f"No {label} is changed without saying why."
                raise ReasonRequiredError(msg)

    def note(self, entry: Entry) -> Entry:
        """Note a change."""
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


def _all_facts(resource: Resource, records: Sequence[Mapping[str, Any]]) -> list[Facts]:
    """``_facts`` of every field, for many records."""
    recorded = _recorded(resource)
    made = recorded.adapter.dump_python(
        [{name: each[name] for name in recorded.names} for each in records], mode="json"
    )
    if recorded.plain:
        return made  # type: ignore[no-any-return]
    return [
        {
            name: None if isinstance(value, float) and not isfinite(value) else value
            for name in resource.fields
            for value in (facts.get(name, SENSITIVE_MARKER),)
        }
        for facts in made
    ]


class _Recorded(NamedTuple):
    """The fields that changes record, and their serializer."""

    names: tuple[str, ...]
    adapter: TypeAdapter[list[Facts]]
    plain: bool
    """Whether there are no others, and none of them may be infinite."""


@lru_cache(maxsize=1_024)
def _recorded(resource: Resource) -> _Recorded:
    recorded = [each for each in resource.fields.values() if not each.sensitive]
    members = {each.name: wire_type(each.shape) | None for each in recorded}
    schema = make_schema(f"{resource.model.__name__}Facts", members)
    return _Recorded(
        tuple(members),
        TypeAdapter(list_of(schema.typed)),
        len(recorded) == len(resource.fields)
        and all(each.kind is not Kind.FLOAT for each in recorded),
    )
