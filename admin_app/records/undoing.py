"""Undoing a change set that is too large for one transaction: a part in each, the last acts first.

All of it is looked at before anything is undone. The parts share a change set, which can be undone
in turn. Where it stops, what was undone stays so, and the same again goes on from there.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from admin_app.access.standing import require_standing
from admin_app.declaration import Actor, Origin
from admin_app.errors import (
    AppError,
    Conflict,
    NotFoundError,
    RevertConflictError,
    RevertStoppedError,
)
from admin_app.records.service import Records
from admin_app.records.writes.undo.obstacles import Identity
from admin_app.records.writes.undo.parts import Part, Reverted, Touched
from admin_app.records.writes.undo.reverting import Reverting
from admin_app.records.writes.writer import Writer


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an undoing is."""

    done: int
    total: int
    """Acts of the change set that are in sight."""


class Undoing:
    """Undoes one change set for one actor."""

    def __init__(
        self,
        records: Records,
        actor: Actor,
        wanted: uuid.UUID,
        *,
        origin: Origin,
        skip_conflicts: bool = False,
    ) -> None:
        self._records = records
        self._actor = actor
        self._wanted = wanted
        self._origin = origin
        self._skip = skip_conflicts
        self._change_set = uuid.uuid4()
        self._changes = 0
        self._made: set[Identity] = set()
        self._skipped: list[Conflict] = []

    @property
    def reverted(self) -> Reverted:
        """What has been done so far."""
        change_set = self._change_set if self._changes else None
        return Reverted(change_set, self._changes, tuple(self._skipped))

    async def run(self) -> AsyncIterator[Progress]:
        """Undo it, and tell how far it is after each part.

        Raises what ``Reverting.undo_set`` and ``require_standing`` do while nothing has been
        undone, and then ``RevertStoppedError``.
        """
        total = await self._look()
        yield Progress(0, total)
        done, before = 0, None
        while True:
            try:
                part = await self._undo(before)
            except AppError as error:
                if not self._changes:
                    raise
                raise RevertStoppedError(error, str(self._change_set), self._changes) from error
            if part.before is None:
                return
            before, done = part.before, done + part.acts
            yield Progress(min(done, total), total)

    async def _look(self) -> int:
        """How many acts there are. Refuses what cannot all be undone."""
        known: dict[Identity, Collection[str] | None] = {}
        conflicts: list[Conflict] = []
        total, before = 0, None
        while (part := await self._look_at(before, known)).before is not None:
            before, total = part.before, total + part.acts
            conflicts += part.conflicts
            self._made |= part.made
            for each, names in part.touched.items():
                others = known.get(each, ())
                known[each] = None if names is None or others is None else {*names, *others}
        if not total:
            msg = "There is no such change set."
            raise NotFoundError(msg)
        conflicts = [each for each in conflicts if not self._went(each)]
        if conflicts and not self._skip:
            raise RevertConflictError(conflicts)
        return total

    def _went(self, conflict: Conflict) -> bool:
        """Whether a record is gone that undoing all of it deletes."""
        return conflict.code == "gone" and (conflict.resource, conflict.key) in self._made

    async def _look_at(self, before: int | None, known: Touched) -> Part:
        async def work(writer: Writer) -> Part:
            await require_standing(writer.connection, self._actor)
            reverting = Reverting(writer, skip_conflicts=True)
            return await reverting.look_at(self._wanted, before, known)

        return await self._records.write(self._actor, self._origin, work)

    async def _undo(self, before: int | None) -> Part:
        async def work(writer: Writer) -> Part:
            await require_standing(writer.connection, self._actor)
            reverting = Reverting(writer, skip_conflicts=self._skip)
            return await reverting.undo_part(self._wanted, before, self._made)

        part = await self._records.write(
            self._actor, self._origin, work, change_set=self._change_set
        )
        if part.reverted is not None:
            self._changes += part.reverted.changes
            self._skipped += part.reverted.skipped
        return part
