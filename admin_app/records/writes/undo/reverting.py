"""Undoing what was done: a change, what has happened to a record since, or a whole change set.

An undoing is a write like any other, with the rights, checks, hooks and changes of one, and can be
undone itself. What was done to a record by an act of its own is undone with the rights of whoever
undoes it. What that brought about elsewhere, as a delete takes others along, asked for no rights
there, and neither does its undoing.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from admin_app.access.policies import reach
from admin_app.declaration import SYSTEM, Key, Resource
from admin_app.errors import (
    Conflict,
    FieldError,
    InvalidInputError,
    NotFoundError,
    RevertTooLargeError,
)
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.trail.history import (
    change_with_effects,
    changes_of_set,
    in_sight,
    latest_of_set,
    past_changes,
)
from admin_app.records.trail.net import Net, fold
from admin_app.records.trail.past import PastChange
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.undo.attempts import Step
from admin_app.records.writes.undo.obstacles import Identity, Obstacles
from admin_app.records.writes.undo.putting_back import PuttingBack

if TYPE_CHECKING:
    from admin_app.records.writes.writer import Writer

MOST_REVERTED = 10_000
"""Changes that one transaction undoes, or goes back through."""
PART = 500
"""Acts of a part of what is undone in several transactions."""
Touched = Mapping[Identity, Collection[str] | None]
"""By record, the fields that were changed; none where it came or went."""
_NO_SUCH_CHANGE = "There is no such change of this record."


@dataclass(frozen=True, slots=True)
class Reverted:
    """The result of an undoing."""

    change_set: uuid.UUID | None
    """Its own; none where there was nothing to do."""
    changes: int
    """How many changes it made."""
    skipped: tuple[Conflict, ...]
    """The conflicts that were skipped."""


@dataclass(frozen=True, slots=True)
class Part:
    """What was looked at, or undone, of a change set that is undone from its end on."""

    before: int | None
    """Where the next part begins; none where there is none."""
    acts: int
    """How many of its acts are in sight."""
    touched: Touched
    made: frozenset[Identity]
    """The records that were created."""
    conflicts: tuple[Conflict, ...] = ()
    reverted: Reverted | None = None


class Reverting:
    """The undoings of one actor in one transaction."""

    def __init__(self, writer: Writer, reader: Reader, journal: Journal, *, skip: bool) -> None:
        self._writer = writer
        self._reader = reader
        self._journal = journal
        self._connection = writer.connection
        self._actor = writer.actor
        self._obstacles = Obstacles(reader.registry, skip=skip)

    async def undo_set(self, change_set: uuid.UUID) -> Reverted:
        """``Writer.undo``."""
        raw = await changes_of_set(self._connection, change_set, MOST_REVERTED + 1)
        if len(raw) > MOST_REVERTED:
            msg = f"It has more than {MOST_REVERTED:,} changes, which is too much for one request."
            raise RevertTooLargeError(msg)
        seen = await in_sight(self._reader, self._connection, self._actor, raw)
        if not seen:
            msg = "There is no such change set."
            raise NotFoundError(msg)
        return await self._undo(raw, seen, change_set)

    async def look_at(self, change_set: uuid.UUID, before: int | None, known: Touched) -> Part:
        """``Writer.look_at``."""
        raw, seen, part = await self._part(change_set, before)
        steps = self._steps(raw, {each.id: each for each in seen})
        self._obstacles.check_rights(each.net for each in steps if each.own)
        # What a field was left as is told by the last that was done to it.
        raw, seen = (
            [left for each in some if (left := _without(each, known))] for some in (raw, seen)
        )
        await self._look(raw, seen, steps)
        return replace(part, conflicts=tuple(self._obstacles.conflicts))

    async def undo_part(
        self, change_set: uuid.UUID, before: int | None, made: Collection[Identity]
    ) -> Part:
        """``Writer.undo_part``."""
        self._obstacles.made = made
        raw, seen, part = await self._part(change_set, before)
        return replace(part, reverted=await self._undo(raw, seen, change_set))

    async def _part(
        self, change_set: uuid.UUID, before: int | None
    ) -> tuple[list[PastChange], list[PastChange], Part]:
        """Some of the last acts: all of it, what is in sight, and how far that goes."""
        raw = await latest_of_set(self._connection, change_set, PART, MOST_REVERTED, before)
        if len(raw) > MOST_REVERTED:
            msg = f"One of its acts made more than {MOST_REVERTED:,} changes."
            raise RevertTooLargeError(msg)
        seen = await in_sight(self._reader, self._connection, self._actor, raw)
        acts = sum(each.cause_id is None for each in seen)
        first = raw[0].id if raw else None
        known = [each for each in raw if self._key(each) is not None]
        made = frozenset((each.resource, each.key) for each in known if each.action == "create")
        return known, seen, Part(first, acts, _touched(known), made)

    async def undo_change(
        self, resource: Resource, key: Key, change: int, fields: Sequence[str] | None
    ) -> Reverted:
        """``Writer.undo_change``."""
        raw = await change_with_effects(self._connection, resource, key, change)
        seen = await in_sight(self._reader, self._connection, self._actor, raw)
        if not seen or seen[0].id != change:
            raise _refused("change", "unknown", _NO_SUCH_CHANGE)
        if fields is not None:
            seen = raw = [_narrowed(seen[0], fields)]
        change_set = seen[0].change_set
        assert change_set is not None  # noqa: S101 - every row has one
        return await self._undo(raw, seen, change_set)

    async def to_state(
        self, resource: Resource, key: Key, change: int, *, before: bool
    ) -> Reverted:
        """``Writer.to_state``."""
        name = "before" if before else "to"
        resource = self._writer.seen(resource, "read")
        await self._writer.hold(resource, [key])
        rows = await self._reader.find(
            self._connection, self._actor, resource, resource.key, [key], sets=True
        )
        if not rows:
            raise NotFoundError(resource.absent)
        since = await self._since(resource, key, change)
        if not since or since[0].id != change:
            raise _refused(name, "unknown", _NO_SUCH_CHANGE)
        undone = since if before else since[1:]
        if undone:
            net = fold(resource, key, undone)
            if not net.was_there:
                raise _refused(name, "not_there", "The record was not there then.")
            self._obstacles.know(net)
            self._obstacles.check_rights([net])
            self._obstacles.refuse()
            await self._putting_back(set()).put_back(Step(0, net, own=True), rows[0])
        return self._result()

    async def _since(self, resource: Resource, key: Key, change: int) -> list[PastChange]:
        """The changes from one on, oldest first."""
        most = MOST_REVERTED + 1
        found = await past_changes(
            self._reader, self._connection, self._actor, resource, key, most, since=change
        )
        if len(found) > MOST_REVERTED:
            msg = f"More than {MOST_REVERTED:,} changes have been made since."
            raise RevertTooLargeError(msg)
        return found[::-1]

    async def _undo(
        self, raw: Sequence[PastChange], seen: Sequence[PastChange], change_set: uuid.UUID
    ) -> Reverted:
        self._journal.reverts = change_set
        known = [each for each in raw if self._key(each) is not None]
        steps = self._steps(known, {each.id: each for each in seen})
        self._hide(steps, seen)
        await self._look(known, seen, steps)
        self._obstacles.check_rights(each.net for each in steps if each.own)
        self._obstacles.refuse()
        touched = {(each.resource, self._key(each)) for each in known}
        back = self._putting_back(touched)
        steps.sort(key=lambda each: (-each.root, not each.own))
        deleting = {each.root: not each.net.is_there for each in steps if each.own}
        for deleted, run in groupby(steps, key=lambda each: deleting[each.root]):
            acts = list(run)
            await (back.revive(acts) if deleted else back.reverse(acts))
            await back.settle(acts)
        return self._result()

    def _putting_back(self, touched: set[tuple[str, Key | None]]) -> PuttingBack:
        return PuttingBack(self._writer, self._reader, self._obstacles, touched)

    def _result(self) -> Reverted:
        made = len(self._journal.entries)
        change_set = self._journal.change_set if made else None
        return Reverted(change_set, made, tuple(self._obstacles.conflicts))

    def _key(self, change: PastChange) -> Key | None:
        """The key of a change's record; none of what is not declared any more."""
        resource = self._reader.registry.get(change.resource)
        try:
            return None if resource is None else resource.parse_key(change.key)
        except NotFoundError:
            return None

    def _steps(self, raw: Sequence[PastChange], seen: dict[int, PastChange]) -> list[Step]:
        """By act in sight, its net effect on each record."""
        sight = self._reader.sight.registry(self._actor)
        roots: dict[int, int] = {}
        steps: list[Step] = []
        caused: dict[tuple[int, str, str], list[PastChange]] = {}
        for each in raw:
            cause = each.cause_id
            root = roots[each.id] = each.id if cause is None else roots.get(cause, each.id)
            if root not in seen:
                continue
            if root != each.id:
                caused.setdefault((root, each.resource, each.key), []).append(each)
                continue
            net = self._fold([seen[root]], sight[each.resource])
            if each.action == "delete":
                # All of it comes back.
                net = replace(self._fold([each]), resource=net.resource, title=net.title)
            steps.append(Step(root, net, own=True))
        steps += [Step(root, self._fold(some), own=False) for (root, *_), some in caused.items()]
        return steps

    def _hide(self, steps: Sequence[Step], seen: Sequence[PastChange]) -> None:
        """Of what went along, tell no more than is in sight."""
        registry, sight = self._reader.registry, self._reader.sight.registry(self._actor)
        acts = {each.root: each.net for each in steps if each.own}
        told = _by_record(seen)
        for each in steps:
            name = each.net.resource.name
            mine = told.get((name, each.net.resource.key_text(each.net.key)))
            if each.own or (mine and sight[name] is registry[name]):
                continue
            act = self._fold(mine, sight[name]) if mine else acts[each.root]
            self._obstacles.hide(each.net, act)

    def _fold(self, changes: Sequence[PastChange], resource: Resource | None = None) -> Net:
        whole = self._reader.registry[changes[0].resource]
        return fold(resource or whole, whole.parse_key(changes[0].key), changes)

    async def _look(
        self, raw: Sequence[PastChange], seen: Sequence[PastChange], steps: Sequence[Step]
    ) -> None:
        """Find out what has happened since to the records, which then stay as they are."""
        sight = self._reader.sight.registry(self._actor)
        wanted: dict[str, set[Key]] = {}
        for each in steps:
            wanted.setdefault(each.net.resource.name, set()).add(each.net.key)
        told = _by_record(seen)
        for name in sorted(wanted):
            await self._writer.hold(sight[name], wanted[name])
        for name, keys in sorted(wanted.items()):
            whole = self._reader.registry[name]
            visible = await self._read(sight[name], keys) if self._reads(sight[name]) else {}
            stored = await self._read(whole, keys, system=True)
            for (owner, text), some in _by_record(raw).items():
                net = self._fold(some)
                if owner != name or net.key not in keys:
                    continue
                mine = told.get((owner, text))
                shown = self._fold(mine, sight[name]) if mine else None
                if shown is not None:
                    self._obstacles.compare(shown, visible.get(net.key))
                self._obstacles.compare_unseen(net, stored.get(net.key), shown)

    def _reads(self, resource: Resource) -> bool:
        return reach(self._actor.grants, resource, "read") is not False

    async def _read(
        self, resource: Resource, keys: Iterable[Key], *, system: bool = False
    ) -> dict[Key, Values]:
        """Records by key, those in the trash as well."""
        actor = SYSTEM if system else self._actor
        rows = await self._reader.find(
            self._connection, actor, resource, resource.key, [*keys], sets=False, trash="with"
        )
        return {resource.key_of(each): each for each in rows}


def _touched(changes: Iterable[PastChange]) -> Touched:
    return {
        identity: {name for each in some for name in (*each.before, *each.after)}
        if all(each.action == "update" for each in some)
        else None
        for identity, some in _by_record(changes).items()
    }


def _without(change: PastChange, known: Touched) -> PastChange | None:
    """A change but for the fields that are known; none where the whole record is."""
    names = known.get((change.resource, change.key), ())
    if not names:
        return None if names is None else change
    before, after = (
        {name: value for name, value in side.items() if name not in names}
        for side in (change.before, change.after)
    )
    return replace(change, before=before, after=after)


def _by_record(changes: Iterable[PastChange]) -> dict[tuple[str, str], list[PastChange]]:
    found: dict[tuple[str, str], list[PastChange]] = {}
    for each in changes:
        found.setdefault((each.resource, each.key), []).append(each)
    return found


def _narrowed(change: PastChange, fields: Sequence[str]) -> PastChange:
    """An update, but for what is not among ``fields``. Raises ``InvalidInputError``."""
    if change.action != "update":
        raise _refused("fields", "not_here", "Only an update is undone field by field.")
    known = {**change.before, **change.after}
    errors = [
        FieldError(("fields", index), "unknown_field", f"It changed {', '.join(known)}.")
        for index, name in enumerate(fields)
        if name not in known
    ]
    if errors:
        msg = "The change is not about all of these fields."
        raise InvalidInputError(msg, errors=errors)
    return replace(
        change,
        before={name: value for name, value in change.before.items() if name in fields},
        after={name: value for name, value in change.after.items() if name in fields},
    )


def _refused(name: str, code: str, words: str) -> InvalidInputError:
    return InvalidInputError(words, errors=[FieldError((name,), code, words)])
