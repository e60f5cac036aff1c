"""``Taking``: an import in the background."""

from __future__ import annotations

import uuid

from admin_app.declaration import Origin
from admin_app.desk.uploads import MAX_UPLOAD
from admin_app.panel.background import Work
from admin_app.panel.transfer.mapping import Reading
from admin_app.panel.visit import Visit
from admin_app.records.transfer import Import, Plan, report_header, report_line

_COUNTED = ("created", "changed", "unchanged")


class Taking(Work):
    """Takes a file in, and keeps the rows that are refused in its place."""

    def __init__(
        self,
        visit: Visit,
        wanted: uuid.UUID,
        fitted: Plan,
        file: Reading,
        origin: Origin,
        *,
        atomic: bool,
        total: int,
    ) -> None:
        counts = dict.fromkeys((*_COUNTED, "refused"), 0)
        super().__init__(visit, wanted, {**counts, "total": total, "atomic": atomic})
        self._file = file
        self._import = Import(
            visit.records, visit.actor, fitted, file.table.format, origin=origin, atomic=atomic
        )
        self.kept = self._refused = bytearray(report_header(file.table.columns))

    async def do(self) -> None:
        async for part in self._import.run(self._file.rows):
            for name in _COUNTED:
                self.outcome[name] += getattr(part, name)
            self.outcome["refused"] += len(part.failures)
            if part.created or part.changed:
                self.outcome["change_set"] = str(self._import.change_set)
            for each in part.failures:
                if len(self._refused) < MAX_UPLOAD:
                    self._refused += report_line(self._file.table.columns, each)
            await self.tell()
