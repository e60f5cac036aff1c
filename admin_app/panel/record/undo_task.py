"""Undoing what is too large for one request, which goes on when whoever asked looks elsewhere."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import asdict
from time import monotonic
from typing import Any

from admin_app.desk import begin_import, choose, keep_upload, tell_import
from admin_app.errors import AppError, RevertConflictError, RevertStoppedError
from admin_app.panel.visit import Visit
from admin_app.records import Undoing

logger = logging.getLogger(__name__)

KIND = "-undoing"
"""What stands for a resource where it is kept how far it is; no resource is called so."""
TELLING = 0.5
"""Seconds between two times that is told how far it is."""
WAITING = 1.5
"""Seconds in which a quick one is over before its page is shown."""
MOST_KEPT = 20
"""Conflicts that are kept to be shown."""
_running: set[asyncio.Task[None]] = set()
"""So that nobody collects them as garbage before they are done."""


async def start_undoing(visit: Visit, change_set: uuid.UUID, back: str, *, skip: bool) -> uuid.UUID:
    """Begin, wait a moment, and say under which number it is told how far it is."""
    database, actor = visit.request.state.database, visit.actor
    wanted = await keep_upload(database, actor, KIND, str(change_set), b"")
    await choose(database, actor, wanted, {"back": back, "skip": skip})
    await begin_import(database, actor, wanted)
    undoing = Undoing(visit.records, actor, change_set, origin=visit.origin, skip_conflicts=skip)
    task = asyncio.create_task(_run(visit, wanted, undoing))
    _running.add(task)
    task.add_done_callback(_running.discard)
    await asyncio.wait({task}, timeout=WAITING)
    return wanted


async def _run(visit: Visit, wanted: uuid.UUID, undoing: Undoing) -> None:
    database = visit.request.state.database
    outcome: dict[str, Any] = {"done": False, "rows": 0, "total": 0}
    told = monotonic()
    try:
        async for each in undoing.run():
            outcome |= {"rows": each.done, "total": each.total}
            if monotonic() - told > TELLING:
                await tell_import(database, visit.actor, wanted, outcome)
                told = monotonic()
    except AppError as error:
        outcome |= _refused(error)
    except Exception:
        # It is told of where it is seen, for there is no answer that could fail.
        logger.exception("undoing %s failed", wanted)
        outcome["stopped"] = "Something went wrong on our side."
    done = undoing.reverted
    outcome |= {
        "done": True,
        "changes": done.changes,
        "change_set": str(done.change_set) if done.change_set else None,
    }
    await tell_import(database, visit.actor, wanted, outcome)


def _refused(error: AppError) -> dict[str, Any]:
    known = (RevertConflictError, RevertStoppedError)
    conflicts = error.conflicts if isinstance(error, known) else ()
    return {
        "stopped": error.reason if isinstance(error, RevertStoppedError) else error.detail,
        "conflicts": [asdict(each) for each in conflicts[:MOST_KEPT]],
        "count": len(conflicts),
    }
