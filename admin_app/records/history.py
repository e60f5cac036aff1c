"""What happened to a record, as far as one may see it: changes tell no more than reads do."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import reach
from admin_app.declaration import SYSTEM, Actor, Key, Resource
from admin_app.errors import NotFoundError
from admin_app.records.changes import Change, Facts
from admin_app.records.past import COLUMNS, PastChange, Undoing, past
from admin_app.records.reads.portions import batches
from admin_app.records.reads.reader import Reader
from admin_app.records.veil import Veil

_NO_SET = uuid.UUID(int=0)
MOST_UNDOINGS = 1_000
"""Changes that undid others, of those that are looked at to tell what is undone."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Some of a record's changes, newest first."""

    changes: list[PastChange]
    next: int | None
    """Before which the next ones are, if there are any."""
    there: bool = True
    """Whether the record is still there."""


async def timeline(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    key: Key,
    limit: int,
    before: int | None = None,
) -> Timeline:
    """The latest changes of a record, each with what undid it.

    Of one that is gone too, for whoever sees every row. Raises ``NotFoundError``.
    """
    visible = await reader.visible(connection, actor, resource, [key], trash="with")
    if not visible and not await _is_remembered(reader, connection, actor, resource, key):
        raise NotFoundError(resource.absent)
    found = await _changes(reader, connection, actor, resource, key, limit + 1, before)
    following = found[limit - 1].id if len(found) > limit else None
    told = await with_undoings(connection, found[:limit])
    told = await Veil(reader, connection, actor, resource).over(told)
    told = await _with_sizes(reader, connection, actor, told)
    return Timeline(told, following, bool(visible))


async def _with_sizes(
    reader: Reader, connection: AsyncConnection, actor: Actor, changes: Sequence[PastChange]
) -> list[PastChange]:
    """Changes, each with how much else was done with it."""
    registry = reader.registry
    whole = [name for name in registry if reach(actor.grants, registry[name], "read") is True]
    wanted = {each.change_set for each in changes if each.change_set}
    statement = (
        select(Change.change_set, func.count())
        .where(Change.change_set.in_(wanted), Change.cause_id.is_(None))
        .where(Change.resource.in_(whole))
        .group_by(Change.change_set)
    )
    rows = await connection.execute(statement) if wanted and whole else ()
    sizes = {row[0]: row[1] for row in rows}
    return [
        replace(each, beside=max(0, sizes.get(each.change_set or _NO_SET, 1) - 1))
        for each in changes
    ]


async def past_changes(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    key: Key,
    limit: int,
    since: int | None = None,
) -> list[PastChange]:
    """The latest changes of a record that is in sight, newest first; those from one on.

    Fields and records out of sight are left out of them, and so are updates of nothing else.
    """
    found = await _changes(reader, connection, actor, resource, key, limit, since=since)
    return await Veil(reader, connection, actor, resource).over(found)


async def _changes(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    key: Key,
    limit: int,
    before: int | None = None,
    since: int | None = None,
) -> list[PastChange]:
    """A record's changes as they were written."""
    mine = [Change.resource == resource.name, Change.key == resource.key_text(key)]
    statement = select(*COLUMNS).where(*mine).order_by(Change.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Change.id < before)
    if since is not None:
        statement = statement.where(Change.id >= since)
    if reach(actor.grants, reader.registry[resource.name], "read") is not True:
        # An earlier record with its key may have been out of sight.
        made = select(func.max(Change.id)).where(*mine, Change.action == "create")
        statement = statement.where(Change.id >= func.coalesce(made.scalar_subquery(), 0))
    return [past(row) for row in await connection.execute(statement)]


async def _is_remembered(
    reader: Reader, connection: AsyncConnection, actor: Actor, resource: Resource, key: Key
) -> bool:
    """Whether a record that is no longer there was in the actor's sight: they see every row."""
    if reach(actor.grants, reader.registry[resource.name], "read") is not True:
        return False
    whole = reader.registry[resource.name]
    there = await reader.visible(connection, SYSTEM, whole, [key], trash="with")
    if there:
        return False
    mine = (Change.resource == resource.name, Change.key == resource.key_text(key))
    return (await connection.execute(select(Change.id).where(*mine).limit(1))).first() is not None


async def changes_of_set(
    connection: AsyncConnection, change_set: uuid.UUID, limit: int, after: int = 0
) -> list[PastChange]:
    """The first changes of a change set, oldest first, whoever may see them."""
    statement = (
        select(*COLUMNS)
        .where(Change.change_set == change_set, Change.id > after)
        .order_by(Change.id)
        .limit(limit)
    )
    return [past(row) for row in await connection.execute(statement)]


async def change_with_effects(
    connection: AsyncConnection, resource: Resource, key: Key, change: int
) -> list[PastChange]:
    """A change of a record as an act of its own, and what it brought about, whoever may see it."""
    mine = (Change.resource == resource.name, Change.key == resource.key_text(key))
    statement = select(*COLUMNS).where(*mine, Change.id == change)
    row = (await connection.execute(statement)).first()
    if row is None:
        return []
    effects = (
        select(*COLUMNS)
        .where(Change.change_set == row.change_set, Change.cause_id == change)
        .order_by(Change.id)
    )
    found = [past(each) for each in await connection.execute(effects)]
    return [replace(past(row), cause_id=None), *found]


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What one request, import or act did, as far as it is in sight."""

    id: uuid.UUID
    changes: list[PastChange]
    """Some of it, oldest first."""
    next: int | None
    """After which the next changes are, if there are any."""
    size: int
    """How many acts it is, as far as they can be counted."""


async def change_set(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    wanted: uuid.UUID,
    limit: int,
    after: int = 0,
) -> ChangeSet:
    """Read what was done, each change with what undid it. Raises ``NotFoundError``."""
    found = await changes_of_set(connection, wanted, limit + 1, after)
    seen = await in_sight(reader, connection, actor, found[:limit])
    if not seen and (after == 0 and len(found) <= limit):
        msg = "There is no such change set."
        raise NotFoundError(msg)
    following = found[limit - 1].id if len(found) > limit else None
    told = await _with_sizes(reader, connection, actor, await with_undoings(connection, seen))
    acts = [each for each in told if each.cause_id is None]
    size = max([len(acts), *(each.beside + 1 for each in told[:1])])
    return ChangeSet(wanted, told, following, size)


async def in_sight(
    reader: Reader, connection: AsyncConnection, actor: Actor, changes: Iterable[PastChange]
) -> list[PastChange]:
    """As much of changes of any records as the actor sees, in the order in which they are given.

    A record that is gone is in the sight of who sees every row, and of who deleted it themselves.
    """
    by_resource: dict[str, list[PastChange]] = {}
    for each in changes:
        by_resource.setdefault(each.resource, []).append(each)
    seen = reader.sight.registry(actor)
    found: list[PastChange] = []
    for name, some in by_resource.items():
        if name in seen and reach(actor.grants, reader.registry[name], "read"):
            known = await _of_records_in_sight(reader, connection, actor, seen[name], some)
            found += await Veil(reader, connection, actor, seen[name]).over(known)
    places = {each.id: place for place, each in enumerate(changes)}
    return sorted(found, key=lambda each: places[each.id])


async def _of_records_in_sight(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    changes: Sequence[PastChange],
) -> list[PastChange]:
    keys = {each.key: key for each in changes if (key := _parsed(resource, each.key)) is not None}
    visible = await reader.visible(connection, actor, resource, keys.values(), trash="with")
    whole = reader.registry[resource.name]
    lost = {key for key in keys.values() if key not in visible}
    there = await reader.visible(connection, SYSTEM, whole, lost, trash="with")
    gone = lost - there
    if reach(actor.grants, whole, "read") is True:
        return [each for each in changes if keys.get(each.key) in visible | gone]
    made = await _made(connection, resource, [text for text, key in keys.items() if key in visible])
    return [
        each
        for each in changes
        if (keys.get(each.key) in visible and each.id >= made.get(each.key, 0))
        or (keys.get(each.key) in gone and _deleted_by(each, actor))
    ]


def _deleted_by(change: PastChange, actor: Actor) -> bool:
    mine = change.actor_id is not None and change.actor_id == actor.user_id
    return mine and change.action == "delete" and change.cause_id is None


async def _made(
    connection: AsyncConnection, resource: Resource, keys: Sequence[str]
) -> dict[str, int]:
    """By key, when the record that has it now was created."""
    found: dict[str, int] = {}
    for batch in batches([(key,) for key in keys]):
        statement = (
            select(Change.key, func.max(Change.id))
            .where(Change.resource == resource.name, Change.key.in_([key for (key,) in batch]))
            .where(Change.action == "create")
            .group_by(Change.key)
        )
        found.update((row.key, row[1]) for row in await connection.execute(statement))
    return found


def _parsed(resource: Resource, text: str) -> Key | None:
    try:
        return resource.parse_key(text)
    except NotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class _Mark:
    """A change of one record that undid another one."""

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
    """A page of changes, each with what undid it, unless that has been undone as well."""
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


def _undone(marks: _Marks, resource: str, key: str, change: PastChange | _Mark) -> Undoing | None:
    """The last undoing of all that a change did to a record, if it has not been undone itself."""
    if change.change_set is None:
        return None
    names = change.names if isinstance(change, _Mark) else _names(change.before, change.after)
    for each in marks.get((resource, key, change.change_set), ()):
        whole = change.action != "update" or each.names >= names
        if whole and _undone(marks, resource, key, each) is None:
            return Undoing(each.change_set, each.actor_name, each.at)
    return None


def _names(before: Facts | None, after: Facts | None) -> frozenset[str]:
    return frozenset(before or ()) | frozenset(after or ())
