"""The latest changes to the records in the actor's sight, by anybody and at any surface."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import reach
from admin_app.declaration import Actor, Key, Registry, Resource
from admin_app.records.reads.reader import Reader
from admin_app.records.reads.titles import Title, read_titles
from admin_app.records.trail.changes import Change

WINDOW = 5_000
"""How many of the latest changes are searched: further back nothing counts as recent."""
_SPARE = 4
"""Changes read for each that is returned: some are of one record, and some are out of sight."""


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
    """The latest changes to records in sight, newest first; one for each record and person.

    Effects on other records are left out. The deletion of a record, and its title, are shown to
    those who may read all records of its kind.
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
    for row in rows:
        key = seen[row.resource].key_or_none(row.key)
        if key is not None:
            keys.setdefault(row.resource, set()).add(key)
    titles = {
        name: await read_titles(reader, connection, actor, seen[name], wanted)
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


def _told(seen: Registry, actor: Actor, row: Any, titles: dict[Key, Title]) -> RecentChange | None:
    resource = seen[row.resource]
    key = resource.key_or_none(row.key)
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
