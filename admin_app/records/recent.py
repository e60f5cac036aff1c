"""What has happened lately to the records one may see, whoever did it and at whichever door."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import reach
from admin_app.declaration import Actor, Key, Registry, Resource
from admin_app.errors import NotFoundError
from admin_app.records.changes import Change
from admin_app.records.reads.reader import Reader, Title

WINDOW = 5_000
"""The latest changes that are looked through: further back nothing is recent."""
_SPARE = 4
"""Changes read for each that is told: some are of one record, and some are out of sight."""


@dataclass(frozen=True, slots=True)
class RecentChange:
    """The latest of one person's changes to a record."""

    at: datetime
    actor_name: str
    impersonator: str | None
    source: str
    action: str
    resource: Resource
    key: Key
    title: str
    there: bool
    """Whether the record can still be seen."""


async def recent_changes(
    reader: Reader, connection: AsyncConnection, actor: Actor, limit: int, *, mine: bool
) -> list[RecentChange]:
    """The latest changes to records in sight, newest first, a record once for each who changed it.

    What a change brought about elsewhere is not told. A record that is gone is told of to those
    who may read all of its kind, and its title.
    """
    seen = reader.sight.registry(actor)
    readable = [each.name for each in seen.values() if reach(actor.grants, each, "read")]
    newest = select(func.max(Change.id)).scalar_subquery()
    statement = (
        select(Change.__table__)
        .where(
            Change.id > newest - WINDOW,
            Change.cause_id.is_(None),
            Change.resource.in_(readable),
            *([Change.actor_id == actor.user_id] if mine else []),
        )
        .order_by(Change.id.desc())
        .limit(limit * _SPARE)
    )
    rows = list(_latest(await connection.execute(statement)))
    keys: dict[str, set[Key]] = {}
    for row, key in ((row, _key(seen, row)) for row in rows):
        if key is not None:
            keys.setdefault(row.resource, set()).add(key)
    titles = {
        name: await reader.titles(connection, actor, seen[name], wanted)
        for name, wanted in keys.items()
    }
    found = (_told(seen, actor, row, titles.get(row.resource, {})) for row in rows)
    return [each for each in found if each is not None][:limit]


def _latest(rows: Iterable[Any]) -> Iterable[Any]:
    told = set()
    for row in rows:
        what = (row.resource, row.key, row.actor_id, row.source)
        if what not in told:
            told.add(what)
            yield row


def _key(seen: Registry, row: Any) -> Key | None:
    try:
        return seen[row.resource].parse_key(row.key)
    except NotFoundError:
        return None


def _told(seen: Registry, actor: Actor, row: Any, titles: dict[Key, Title]) -> RecentChange | None:
    resource, key = seen[row.resource], _key(seen, row)
    if key is None:
        return None
    title = titles.get(key)
    known = resource.title in resource.readable and not resource.readable[resource.title].masked
    if title is None and not (known and reach(actor.grants, resource, "read") is True):
        return None
    return RecentChange(
        at=row.at,
        actor_name=row.actor_name,
        impersonator=row.impersonator,
        source=row.source,
        action=row.action,
        resource=resource,
        key=key,
        title=title.text if title else row.label,
        there=title is not None,
    )
