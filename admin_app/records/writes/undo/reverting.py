"""Undoing what was done: a change, what has happened to a record since, or a whole change set.

An undoing is a write like any other, with the rights, checks, hooks and changes of one, and can be
undone itself. What was done to a record by an act of its own is undone with the rights of whoever
undoes it. What that brought about elsewhere, as a delete takes others along, asked for no rights
there, and neither does its undoing.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from admin_app.access.policies import policy, reach
from admin_app.declaration import SYSTEM, Key, Resource
from admin_app.errors import (
    FieldError,
    InvalidInputError,
    NotFoundError,
    RevertTooLargeError,
)
from admin_app.records.reads.reader import Values
from admin_app.records.trail.history import History
from admin_app.records.trail.net import fold
from admin_app.records.trail.past import PastChange
from admin_app.records.trail.recorded import (
    changes_of_record,
    changes_of_set,
    effects_of,
    latest_of_set,
)
from admin_app.records.writes.rows import check_unchanged
from admin_app.records.writes.undo.obstacles import Identity, Obstacles
from admin_app.records.writes.undo.parts import Part, Reverted, Touched, by_record, touched, without
from admin_app.records.writes.undo.putting_back import PuttingBack
from admin_app.records.writes.undo.steps import Step, Steps
from admin_app.records.writes.writer import Writer

MOST_REVERTED = 10_000
"""Changes that one transaction undoes, or goes back through."""
PART = 500
"""Acts of a part of what is undone in several transactions."""
MOST_ALONE = 100_000
"""Changes of one act, which were made in one transaction and are undone in one."""
_NO_SUCH_CHANGE = "There is no such change of this record."


class Reverting:
    """One undoing, in the transaction of a writer."""

    def __init__(self, writer: Writer, *, skip_conflicts: bool = False) -> None:
        """``skip_conflicts``: what has changed since stays, and nothing is raised for it."""
        self._writer = writer
        self._reader = writer.transaction.reader
        self._journal = writer.transaction.journal
        self._connection = writer.connection
        self._actor = writer.actor
        self._history = History(self._reader, self._connection, self._actor)
        self._obstacles = Obstacles(self._reader.registry, skip=skip_conflicts)
        self._sight = self._reader.sight.registry(self._actor)
        self._steps = Steps(self._reader.registry, self._sight)

    async def undo_set(self, change_set: uuid.UUID) -> Reverted:
        """Undo all that the actor sees of a change set.

        Raises ``NotFoundError``, ``RevertTooLargeError``, ``RevertConflictError`` and
        ``ForbiddenError``.
        """
        raw = await changes_of_set(self._connection, change_set, MOST_REVERTED + 1)
        if len(raw) > MOST_REVERTED:
            msg = f"It has more than {MOST_REVERTED:,} changes, which is too much for one request."
            raise RevertTooLargeError(msg)
        seen = await self._history.in_sight(raw)
        if not seen:
            msg = "There is no such change set."
            raise NotFoundError(msg)
        return await self._undo(raw, seen, change_set)

    async def look_at(self, change_set: uuid.UUID, before: int | None, known: Touched) -> Part:
        """What is in the way of undoing the part of a change set that ends ``before`` a change.

        Nothing is undone, and what is ``known`` already is left out. Raises ``ForbiddenError``,
        and ``RevertTooLargeError`` for an act that is too large even alone.
        """
        raw, seen, part = await self._part(change_set, before)
        steps = self._steps.of(raw, {each.id: each for each in seen})
        self._obstacles.check_rights(each.net for each in steps if each.own)
        # What a field was left as is told by the last that was done to it.
        raw, seen = (
            [left for each in some if (left := without(each, known))] for some in (raw, seen)
        )
        await self._look(raw, seen, steps)
        return replace(part, conflicts=tuple(self._obstacles.conflicts))

    async def undo_part(
        self, change_set: uuid.UUID, before: int | None, made: Collection[Identity]
    ) -> Part:
        """Undo the part of a change set that ends ``before`` a change.

        ``made`` are the records that all of it created. Raises as ``undo_set`` does.
        """
        self._obstacles.made = made
        raw, seen, part = await self._part(change_set, before)
        return replace(part, reverted=await self._undo(raw, seen, change_set))

    async def _part(
        self, change_set: uuid.UUID, before: int | None
    ) -> tuple[list[PastChange], list[PastChange], Part]:
        """Some of the last acts: all of it, what is in sight, and how far that goes."""
        raw = await latest_of_set(
            self._connection, change_set, PART, MOST_REVERTED, MOST_ALONE, before
        )
        _check_size(raw)
        seen = await self._history.in_sight(raw)
        acts = sum(each.cause_id is None for each in seen)
        first = raw[0].id if raw else None
        known = [each for each in raw if self._key(each) is not None]
        made = frozenset((each.resource, each.key) for each in known if each.action == "create")
        return known, seen, Part(first, acts, touched(known), made)

    async def undo_change(
        self,
        resource: Resource,
        key: Key,
        change: int,
        fields: Sequence[str] | None = None,
        *,
        if_match: Collection[str] | None = None,
    ) -> Reverted:
        """Undo one change of a record, or these fields of it.

        Raises ``InvalidInputError`` for what it is not, ``StaleVersionError`` as ``Writer.update``
        does, and what ``undo_set`` raises.
        """
        await self._check_match(resource, key, if_match)
        raw = await changes_of_record(self._connection, resource, key, [change])
        if raw and fields is None:
            raw += await effects_of(self._connection, raw[0], MOST_ALONE)
            _check_size(raw)
        seen = await self._history.in_sight(raw)
        if not seen or seen[0].id != change:
            raise _refused("change", "unknown", _NO_SUCH_CHANGE)
        if fields is not None:
            seen = raw = [_narrowed(seen[0], fields)]
        change_set = seen[0].change_set
        assert change_set is not None  # noqa: S101 - every row has one
        return await self._undo(raw, seen, change_set)

    async def to_state(
        self,
        resource: Resource,
        key: Key,
        change: int,
        *,
        before: bool = False,
        if_match: Collection[str] | None = None,
    ) -> Reverted:
        """Make a record what it was after a change of it, or before.

        Raises ``NotFoundError`` and what ``undo_change`` raises.
        """
        await self._check_match(resource, key, if_match)
        name = "before" if before else "to"
        resource = self._writer.seen(resource, "read")
        await self._hold(resource, [key])
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

    async def _check_match(
        self, resource: Resource, key: Key, if_match: Collection[str] | None
    ) -> None:
        seen = self._writer.seen(resource, "read")
        if if_match is not None:
            found = await self._writer.find(seen, seen.key, [key], sets=True)
            if not found:
                raise NotFoundError(seen.absent)
            check_unchanged(seen, found[key][0], if_match)

    async def _hold(self, resource: Resource, keys: Collection[Key]) -> None:
        """Lock records until the transaction ends, if the actor may change any."""
        if self._connection.dialect.name == "sqlite":
            return
        if policy(self._actor, resource).grants("update"):
            await self._writer.transaction.links.lock_records(resource, [*keys])

    async def _since(self, resource: Resource, key: Key, change: int) -> list[PastChange]:
        """The changes from one on, oldest first."""
        most = MOST_REVERTED + 1
        found = await self._history.of_record(resource, key, most, since=change)
        if len(found) > MOST_REVERTED:
            msg = f"More than {MOST_REVERTED:,} changes have been made since."
            raise RevertTooLargeError(msg)
        return found[::-1]

    async def _undo(
        self, raw: Sequence[PastChange], seen: Sequence[PastChange], change_set: uuid.UUID
    ) -> Reverted:
        self._journal.reverts = change_set
        known = [each for each in raw if self._key(each) is not None]
        steps = self._steps.of(known, {each.id: each for each in seen})
        self._hide(steps, seen)
        await self._look(known, seen, steps)
        self._obstacles.check_rights(each.net for each in steps if each.own)
        self._obstacles.refuse()
        back = self._putting_back({(each.resource, self._key(each)) for each in known})
        steps.sort(key=lambda each: (-each.root, not each.own))
        deleting = {each.root: not each.net.is_there for each in steps if each.own}
        for deleted, run in groupby(steps, key=lambda each: deleting[each.root]):
            acts = list(run)
            await (back.revive(acts) if deleted else back.reverse(acts))
            await back.settle(acts)
        return self._result()

    def _putting_back(self, records: set[tuple[str, Key | None]]) -> PuttingBack:
        return PuttingBack(self._writer, self._obstacles, records)

    def _result(self) -> Reverted:
        made = len(self._journal.entries)
        change_set = self._journal.change_set if made else None
        return Reverted(change_set, made, tuple(self._obstacles.conflicts))

    def _key(self, change: PastChange) -> Key | None:
        """The key of a change's record; none of what is not declared any more."""
        resource = self._reader.registry.get(change.resource)
        return None if resource is None else resource.key_or_none(change.key)

    def _hide(self, steps: Sequence[Step], seen: Sequence[PastChange]) -> None:
        """Of what went along, tell no more than is in sight."""
        registry, sight = self._reader.registry, self._sight
        acts = {each.root: each.net for each in steps if each.own}
        told = by_record(seen)
        for each in steps:
            name = each.net.resource.name
            mine = told.get((name, each.net.resource.key_text(each.net.key)))
            if each.own or (mine and sight[name] is registry[name]):
                continue
            act = self._steps.net(mine, sight[name]) if mine else acts[each.root]
            self._obstacles.hide(each.net, act)

    async def _look(
        self, raw: Sequence[PastChange], seen: Sequence[PastChange], steps: Sequence[Step]
    ) -> None:
        """Find out what has happened since to the records, which then stay as they are."""
        sight = self._sight
        wanted: dict[str, set[Key]] = {}
        for each in steps:
            wanted.setdefault(each.net.resource.name, set()).add(each.net.key)
        told = by_record(seen)
        for name in sorted(wanted):
            await self._hold(sight[name], wanted[name])
        for name, keys in sorted(wanted.items()):
            whole = self._reader.registry[name]
            visible = await self._read(sight[name], keys) if self._reads(sight[name]) else {}
            stored = await self._read(whole, keys, system=True)
            for (owner, text), some in by_record(raw).items():
                net = self._steps.net(some)
                if owner != name or net.key not in keys:
                    continue
                mine = told.get((owner, text))
                shown = self._steps.net(mine, sight[name]) if mine else None
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


def _check_size(changes: Sequence[PastChange]) -> None:
    if len(changes) > MOST_ALONE:
        msg = f"One of its acts made more than {MOST_ALONE:,} changes."
        raise RevertTooLargeError(msg)


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
    return InvalidInputError.about((name,), code, words)
