"""Run an import in the background, whoever is looking."""

from __future__ import annotations

import asyncio
import logging
import uuid
from time import monotonic
from typing import Any

from admin_app.declaration import Origin
from admin_app.desk import tell_import
from admin_app.desk.uploads import MAX_UPLOAD
from admin_app.errors import AppError
from admin_app.panel.transfer.mapping import Reading
from admin_app.panel.visit import Visit
from admin_app.records.transfer import Import, Plan, report_header, report_line

logger = logging.getLogger(__name__)

TELLING = 0.5
"""Seconds between two records of its progress."""
_running: set[asyncio.Task[None]] = set()
"""Running tasks, kept from the garbage collector."""


def take_in(
    visit: Visit,
    wanted: uuid.UUID,
    fitted: Plan,
    file: Reading,
    origin: Origin,
    *,
    atomic: bool,
    total: int,
) -> asyncio.Task[None]:
    """Start an import and return at once."""
    importing = Import(
        visit.records, visit.actor, fitted, file.table.format, origin=origin, atomic=atomic
    )
    outcome = {
        **dict.fromkeys(("created", "changed", "unchanged", "refused"), 0),
        "total": total,
        "done": False,
        "atomic": atomic,
    }
    task = asyncio.create_task(_Taking(visit, wanted, importing, file, outcome).run())
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


class _Taking:
    def __init__(
        self,
        visit: Visit,
        wanted: uuid.UUID,
        importing: Import,
        file: Reading,
        outcome: dict[str, Any],
    ) -> None:
        self._visit = visit
        self._wanted = wanted
        self._import = importing
        self._file = file
        self._outcome = outcome
        self._refused = bytearray(report_header(file.table.columns))

    async def run(self) -> None:
        try:
            await self._take()
        except AppError as error:
            self._outcome["stopped"] = error.detail
        except Exception:
            # It is told of where it is seen, for there is no answer that could fail.
            logger.exception("import %s failed", self._wanted)
            self._outcome["stopped"] = "Something went wrong on our side."
        self._outcome["done"] = True
        await self._tell(bytes(self._refused))

    async def _take(self) -> None:
        told = monotonic()
        async for part in self._import.run(self._file.rows):
            for name in ("created", "changed", "unchanged"):
                self._outcome[name] += getattr(part, name)
            self._outcome["refused"] += len(part.failures)
            if part.created or part.changed:
                self._outcome["change_set"] = str(self._import.change_set)
            for each in part.failures:
                if len(self._refused) < MAX_UPLOAD:
                    self._refused += report_line(self._file.table.columns, each)
            if monotonic() - told > TELLING:
                await self._tell()
                told = monotonic()

    async def _tell(self, refused: bytes | None = None) -> None:
        database, actor = self._visit.request.state.database, self._visit.actor
        await tell_import(database, actor, self._wanted, self._outcome, refused)
