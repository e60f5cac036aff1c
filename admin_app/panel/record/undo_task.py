"""``UndoTask``: undoing what is too large for one request, in the background."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from admin_app.desk import begin_work, choose, keep_upload
from admin_app.errors import AppError, RevertConflictError, RevertStoppedError
from admin_app.panel.background import Work
from admin_app.panel.visit import Visit
from admin_app.records import Undoing

KIND = "-undoing"
"""What stands for a resource where it is kept how far it is; no resource is called so."""
MOST_KEPT = 20
"""Conflicts that are kept to be shown."""


async def start_undoing(visit: Visit, change_set: uuid.UUID, back: str, *, skip: bool) -> uuid.UUID:
    """Begin, wait a moment, and say under which number it is told how far it is."""
    database, actor = visit.request.state.database, visit.actor
    wanted = await keep_upload(database, actor, KIND, str(change_set), b"")
    await choose(database, actor, wanted, {"back": back, "skip": skip})
    await begin_work(database, actor, wanted)
    undoing = Undoing(visit.records, actor, change_set, origin=visit.origin, skip_conflicts=skip)
    await UndoTask(visit, wanted, undoing).start()
    return wanted


class UndoTask(Work):
    """Undoes a change set; what stands in its way is kept to be shown."""

    def __init__(self, visit: Visit, wanted: uuid.UUID, undoing: Undoing) -> None:
        super().__init__(visit, wanted, {"rows": 0, "total": 0})
        self._undoing = undoing

    async def do(self) -> None:
        async for each in self._undoing.run():
            await self.tell(rows=each.done, total=each.total)

    def refused(self, error: AppError) -> dict[str, Any]:
        known = (RevertConflictError, RevertStoppedError)
        conflicts = error.conflicts if isinstance(error, known) else ()
        return {
            "stopped": error.reason if isinstance(error, RevertStoppedError) else error.detail,
            "conflicts": [asdict(each) for each in conflicts[:MOST_KEPT]],
            "count": len(conflicts),
        }

    def ended(self) -> dict[str, Any]:
        done = self._undoing.reverted
        change_set = None if done.change_set is None else str(done.change_set)
        return {"changes": done.changes, "change_set": change_set}
