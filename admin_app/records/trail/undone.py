"""What undid which changes, as far as that has not been undone itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.records.trail.changes import Change, Facts
from admin_app.records.trail.past import COLUMNS, PastChange, UndoneBy

MOST_UNDOINGS = 1_000
"""The most undoings that are read to find out which changes are undone."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """An undoing of a change of one record."""

    reverts: uuid.UUID
    change_set: uuid.UUID
    actor_name: str
    at: datetime
    action: str
    names: frozenset[str]


_Marks = dict[tuple[str, str, uuid.UUID], list[_Mark]]
"""By resource, key and the change set that was undone."""


async def with_undoings(
    connection: AsyncConnection, changes: Sequence[PastChange]
) -> list[PastChange]:
    """Add to changes what undid them, unless that has been undone itself."""
    marks: _Marks = {}
    keys = sorted({each.key for each in changes})
    asked, known = {each.change_set for each in changes if each.change_set}, set[uuid.UUID]()
    while asked and len(known) < MOST_UNDOINGS:
        found = await _marks(connection, asked, keys)
        known |= asked
        for place, some in found.items():
            marks.setdefault(place, []).extend(some)
        asked = {each.change_set for some in found.values() for each in some} - known
    return [
        replace(each, undone=_undone(marks, each.resource, each.key, each)) if marks else each
        for each in changes
    ]


async def _marks(
    connection: AsyncConnection, change_sets: Iterable[uuid.UUID], keys: Sequence[str]
) -> _Marks:
    found: _Marks = {}
    statement = (
        select(*COLUMNS)
        .where(Change.reverts.in_(change_sets), Change.key.in_(keys))
        .order_by(Change.id.desc())
        .limit(MOST_UNDOINGS)
    )
    for row in await connection.execute(statement):
        names = _names(row.before, row.after)
        mark = _Mark(row.reverts, row.change_set, row.actor_name, row.at, row.action, names)
        found.setdefault((row.resource, row.key, row.reverts), []).append(mark)
    return found


def _undone(marks: _Marks, resource: str, key: str, change: PastChange | _Mark) -> UndoneBy | None:
    """The last complete undoing of a change, if it has not been undone itself."""
    if change.change_set is None:
        return None
    names = change.names if isinstance(change, _Mark) else _names(change.before, change.after)
    for each in marks.get((resource, key, change.change_set), ()):
        whole = change.action != "update" or each.names >= names
        if whole and _undone(marks, resource, key, each) is None:
            return UndoneBy(each.change_set, each.actor_name, each.at)
    return None


def _names(before: Facts | None, after: Facts | None) -> frozenset[str]:
    return frozenset(before or ()) | frozenset(after or ())
