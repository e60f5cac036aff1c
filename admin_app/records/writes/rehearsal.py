"""Dry runs: a write is done to its end, its changes are read, and it is undone.

What it would do is reported as far as the actor may see it. Creations are looked up where all is
done, deletions where it is undone, updates in either; and so is what their fields point to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from sqlalchemy import column, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database import undone
from admin_app.declaration import Actor, Key, Registry, Resource
from admin_app.records.reads.reader import Reader
from admin_app.records.trail.changes import Entry, Facts
from admin_app.records.trail.past import PastChange
from admin_app.records.trail.veil import Veil
from admin_app.records.writes.refusals import unkept_reference
from admin_app.records.writes.writer import Writer

T = TypeVar("T")

MAX_TOLD = 1_000
"""The most changes that a rehearsal lists; it counts them all."""


@dataclass(frozen=True, slots=True)
class RehearsedChange:
    """A change that a dry run made."""

    action: str
    resource: str
    key: str
    title: str
    before: Facts | None
    after: Facts | None


@dataclass(frozen=True, slots=True)
class Rehearsal(Generic[T]):
    """The answer and the changes of a dry run."""

    result: T
    changes: list[RehearsedChange]
    """In order, the first ``MAX_TOLD``."""
    counts: dict[str, dict[str, int]]
    """By resource and action, the records of every change."""


async def rehearse(writer: Writer, work: Callable[[Writer], Awaitable[T]]) -> Rehearsal[T]:
    """Do ``work``, check what a commit would check, and undo it.

    Raises what ``work`` does, and ``InvalidInputError`` for a deferred constraint.
    """
    reader, actor, connection = writer.transaction.reader, writer.actor, writer.connection
    tables = _deferring(reader.registry) if connection.dialect.name == "sqlite" else []
    broken = await _broken(connection, tables)
    writer.list_changes()

    async def done() -> tuple[T, Sequence[Entry], _Sight]:
        result = await work(writer)
        await writer.finish()
        if connection.dialect.name == "sqlite":
            if await _broken(connection, tables) - broken:
                raise unkept_reference(reader.registry)
        else:
            await connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        entries = [*writer.changes]
        return result, entries, await _sight(reader, connection, actor, entries)

    result, entries, after = await undone(writer.transaction.session, done)
    before = await _sight(reader, connection, actor, entries)
    told = [
        (index, each)
        for index, each in enumerate(entries)
        if (each.action != "create" and _identity(each) in before.records)
        or (each.action != "delete" and _identity(each) in after.records)
    ]
    return Rehearsal(
        result,
        [
            change
            for index, each in told[:MAX_TOLD]
            if (change := _told(reader, actor, index, each, before, after)) is not None
        ],
        _counted(each for _, each in told),
    )


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the actor sees, at one moment, of changed records."""

    records: set[tuple[str, Key]]
    facts: dict[int, PastChange]
    """The changes of which anything is to be seen, by their place among all."""


async def _sight(
    reader: Reader, connection: AsyncConnection, actor: Actor, entries: Sequence[Entry]
) -> _Sight:
    by_resource: dict[str, list[int]] = {}
    for index, each in enumerate(entries):
        by_resource.setdefault(each.resource.name, []).append(index)
    records: set[tuple[str, Key]] = set()
    facts: dict[int, PastChange] = {}
    for name, places in by_resource.items():
        seen = reader.sight.registry(actor)[name]
        keys = {entries[index].key for index in places}
        # Of what is in the trash too, as far as the actor sees it there.
        visible = await reader.visible(connection, actor, seen, keys, trash="with")
        records |= {(name, key) for key in visible}
        told = [_past(index, entries[index]) for index in places[:MAX_TOLD]]
        veil = Veil(reader, connection, actor, seen)
        facts |= {each.id: each for each in await veil.over(told)}
    return _Sight(records, facts)


def _past(index: int, entry: Entry) -> PastChange:
    return PastChange(
        id=index,
        at=datetime.now(UTC),
        actor_name="",
        impersonator=None,
        source="",
        action=entry.action,
        before=entry.before or {},
        after=entry.after or {},
        reason="",
    )


def _told(
    reader: Reader, actor: Actor, index: int, entry: Entry, before: _Sight, after: _Sight
) -> RehearsedChange | None:
    """A change as far as it is in sight; none where nothing of an update is."""
    then, thereafter = before.facts.get(index), after.facts.get(index)
    gone = then.before if then and entry.before is not None else None
    come = thereafter.after if thereafter and entry.after is not None else None
    if entry.action == "update" and not gone and not come:
        return None
    return RehearsedChange(
        entry.action,
        entry.resource.name,
        entry.resource.key_text(entry.key),
        _title(reader.sight.registry(actor)[entry.resource.name], entry),
        gone,
        come,
    )


def _title(seen: Resource, entry: Entry) -> str:
    if seen.title == entry.resource.title and not seen.fields[seen.title].masked:
        return entry.label
    return f"{seen.label} {seen.key_text(entry.key)}"


def _counted(entries: Iterable[Entry]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, action, _ in {(each.resource.name, each.action, each.key): None for each in entries}:
        of_resource = found.setdefault(name, {})
        of_resource[action] = of_resource.get(action, 0) + 1
    return found


def _identity(entry: Entry) -> tuple[str, Key]:
    return entry.resource.name, entry.key


def _deferring(registry: Registry) -> list[str]:
    """The tables with a foreign key that is looked at only when a transaction ends."""
    return [
        each.table.name
        for each in registry.values()
        if any(
            (rule.initially or "").upper() == "DEFERRED"
            for rule in each.table.foreign_key_constraints
        )
    ]


async def _broken(connection: AsyncConnection, tables: Iterable[str]) -> set[tuple[object, ...]]:
    """The foreign keys in ``tables`` that lead nowhere; SQLite has no other way to ask."""
    found: set[tuple[object, ...]] = set()
    for table in tables:
        rows = func.pragma_foreign_key_check(table).table_valued(
            column("table"), column("rowid"), column("parent"), column("fkid")
        )
        found |= {tuple(each) for each in await connection.execute(select(rows))}
    return found
