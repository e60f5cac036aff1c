"""What an undoing comes to, as a whole and by the parts in which a large one is done."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from admin_app.errors import Conflict
from admin_app.records.trail.past import PastChange
from admin_app.records.writes.undo.obstacles import Identity

Touched = Mapping[Identity, Collection[str] | None]
"""By record, the fields that were changed; none where it came or went."""


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


def touched(changes: Iterable[PastChange]) -> Touched:
    """What these changes were made to."""
    return {
        identity: {name for each in some for name in (*each.before, *each.after)}
        if all(each.action == "update" for each in some)
        else None
        for identity, some in by_record(changes).items()
    }


def without(change: PastChange, known: Touched) -> PastChange | None:
    """A change but for the fields that are known; none where the whole record is."""
    names = known.get((change.resource, change.key), ())
    if not names:
        return None if names is None else change
    before, after = (
        {name: value for name, value in side.items() if name not in names}
        for side in (change.before, change.after)
    )
    return replace(change, before=before, after=after)


def by_record(changes: Iterable[PastChange]) -> dict[tuple[str, str], list[PastChange]]:
    """Changes, by the record that they are of."""
    found: dict[tuple[str, str], list[PastChange]] = {}
    for each in changes:
        found.setdefault((each.resource, each.key), []).append(each)
    return found
