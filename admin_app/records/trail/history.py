"""The history of records and change sets, as far as the actor may see: no more than reads show."""

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
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import Reader
from admin_app.records.trail.changes import Change, Facts
from admin_app.records.trail.past import COLUMNS, PastChange, Undoing, past
from admin_app.records.trail.veil import Veil

_NO_SET = uuid.UUID(int=0)
MOST_UNDOINGS = 1_000
"""The most undoings that are read to find out which changes are undone."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of a record's changes, newest first."""

    changes: list[PastChange]
    next: int | None
    """The id before which the next page begins; ``None`` on the last page."""
    there: bool = True
    """Whether the record still exists."""


async def timeline(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    key: Key,
    limit: int,
    before: int | None = None,
) -> Timeline:
    """A page of a record's changes, each with what undid it.

    Also of a deleted record, for actors who see every row. Raises ``NotFoundError``.
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
    """Set ``beside`` of changes: how many other acts belong to their change sets."""
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
    """The latest changes of a record in sight, newest first; those with ids from ``since`` on.

    Fields and records out of sight are left out, and so are updates of nothing else.
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
    """A record's changes as they were written, not yet narrowed to the actor's sight."""
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
    """Whether a deleted record may be shown to the actor: to those who see every row."""
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
    """The first changes of a change set, oldest first, not narrowed to anybody's sight."""
    statement = (
        select(*COLUMNS)
        .where(Change.change_set == change_set, Change.id > after)
        .order_by(Change.id)
        .limit(limit)
    )
    return [past(row) for row in await connection.execute(statement)]


async def latest_of_set(
    connection: AsyncConnection,
    change_set: uuid.UUID,
    acts: int,
    limit: int,
    before: int | None = None,
) -> list[PastChange]:
    """The last acts of a change set, with what they brought about, oldest first.

    Those ``before`` one; fewer acts where they come to more than ``limit`` changes, and at least
    one, of which one more than the limit is told.
    """
    mine = select(*COLUMNS).where(Change.change_set == change_set)
    own = mine.where(Change.cause_id.is_(None))
    if before is not None:
        own = own.where(Change.id < before)
    rows = await connection.execute(own.order_by(Change.id.desc()).limit(acts))
    found = [past(row) for row in rows][::-1]
    while found:
        causes = [(each.id,) for each in found]
        told = list(found)
        # What is brought about may bring about something in turn.
        while causes and len(told) <= limit:
            effects: list[PastChange] = []
            for batch in batches(causes):
                caused = mine.where(Change.cause_id.in_([each for (each,) in batch]))
                rows = await connection.execute(caused.limit(limit + 1 - len(effects)))
                effects += [past(row) for row in rows]
            told += effects
            causes = [(each.id,) for each in effects]
        if len(told) <= limit or len(found) == 1:
            return sorted(told, key=lambda each: each.id)[: limit + 1]
        found = found[-(len(found) // 2) :]
    return []


async def change_with_effects(
    connection: AsyncConnection, resource: Resource, key: Key, change: int
) -> list[PastChange]:
    """A change that was no effect of another, and its effects, not narrowed to anybody's sight."""
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
    """What one request, import or act did, narrowed to the actor's sight."""

    id: uuid.UUID
    changes: list[PastChange]
    """A page of its changes, oldest first."""
    next: int | None
    """The id after which the next page begins; ``None`` on the last page."""
    size: int
    """The number of acts of the whole change set, as far as they can be counted."""


async def change_set(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    wanted: uuid.UUID,
    limit: int,
    after: int = 0,
) -> ChangeSet:
    """Read a page of a change set, each change with what undid it. Raises ``NotFoundError``."""
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
    """Changes of any records, narrowed to the actor's sight, in the order in which they are given.

    Those of a deleted record are visible to those who see every row, and to who deleted it.
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
    """By key, the id of the change that created the record that has it now."""
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


def _undone(marks: _Marks, resource: str, key: str, change: PastChange | _Mark) -> Undoing | None:
    """The last complete undoing of a change, if it has not been undone itself."""
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
