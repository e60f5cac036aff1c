"""``PastChange``: a change as it is read from the trail."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from admin_app.records.trail.changes import Change, Facts

COLUMNS = [each for each in Change.__table__.columns if each.name not in {"tx", "key_json"}]
"""The columns of the trail that are read."""


@dataclass(frozen=True, slots=True)
class UndoneBy:
    """Who undid a change set, when, and by which one."""

    change_set: uuid.UUID
    actor_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change as it is read from the trail."""

    id: int
    at: datetime
    actor_name: str
    impersonator: str | None
    source: str
    action: str
    before: Facts
    after: Facts
    reason: str
    resource: str = ""
    key: str = ""
    title: str = ""
    change_set: uuid.UUID | None = None
    cause_id: int | None = None
    """The id of the change of another record that brought this one about."""
    reverts: uuid.UUID | None = None
    """The change set that this change undid, in whole or in part."""
    undone: UndoneBy | None = None
    actor_id: int | None = None
    beside: int = 0
    """How many other acts its change set has, on resources of which every row is in sight."""


def past(row: Any) -> PastChange:
    """Make a ``PastChange`` of a row of the trail."""
    return PastChange(
        id=row.id,
        at=row.at,
        actor_name=row.actor_name,
        impersonator=row.impersonator,
        source=row.source,
        action=row.action,
        before=row.before or {},
        after=row.after or {},
        reason=row.reason,
        resource=row.resource,
        key=row.key,
        title=row.label,
        change_set=row.change_set,
        cause_id=row.cause_id,
        reverts=row.reverts,
        actor_id=row.actor_id,
    )
