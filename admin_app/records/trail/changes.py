"""The audit trail: one row of ``admin_change`` for each record that a write touched."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pydantic_core
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    FromClause,
    Index,
    Insert,
    Select,
    String,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    null,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from admin_app.database import fetch
from admin_app.declaration import Actor, Base, BigKey, Key, Origin, Resource


class Change(Base):
    """One record's change: who, through which door, and its fields before and after.

    ``change_set`` is shared by all that one request, import or cascade did; ``cause_id`` names the
    change that brought this one about. ``tx`` is PostgreSQL's transaction id: a feed must not
    trust ``id`` order alone, because transactions commit in another order than they number rows.
    ``reverts`` is the change set that this change undoes, or a part of it.
    """

    __tablename__ = "admin_change"
    __table_args__ = (
        Index("ix_admin_change_record", "resource", "key", "id"),
        Index(
            "ix_admin_change_reverts",
            "reverts",
            sqlite_where=text("reverts IS NOT NULL"),
            postgresql_where=text("reverts IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    change_set: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    cause_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("admin_change.id"))
    at: Mapped[datetime]
    tx: Mapped[int | None] = mapped_column(BigInteger)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[str] = mapped_column(String(200))
    impersonator: Mapped[str | None] = mapped_column(String(200))
    token_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(32))
    request_id: Mapped[str] = mapped_column(String(64), default="")
    action: Mapped[str] = mapped_column(String(16))
    resource: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(Text)
    key_json: Mapped[list[Any]] = mapped_column(JSON)
    label: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    schema_revision: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text, default="")
    reverts: Mapped[uuid.UUID | None] = mapped_column(Uuid)


SENSITIVE_MARKER = "•••"
"""Stands in a change for the value of a sensitive field."""

Facts = dict[str, Any]
"""Fields as JSON data; of a set relation, the keys that were removed (before) or added (after)."""


@dataclass(slots=True)
class Entry:
    """A change to be written; ``cause`` is the entry that brought it about."""

    action: str
    resource: Resource
    key: Key
    label: str
    before: Facts | None
    after: Facts | None
    cause: Entry | None = None
    id: int | None = field(default=None, init=False)
    """Its id in the trail; known only where another entry names it as its cause."""
    saved: bool = field(default=False, init=False)


@lru_cache(maxsize=1024)
def schema_revision(resource: Resource) -> str:
    """A fingerprint of the fields and sets that changes of this resource record."""
    shape = ";".join(f"{name}:{each.shape!r}" for name, each in resource.fields.items())
    sets = ";".join(f"{name}>{each.target}" for name, each in resource.sets.items())
    return hashlib.sha256(f"{shape}|{sets}".encode()).hexdigest()[:16]


def common_values(
    actor: Actor, origin: Origin, change_set: uuid.UUID, reverts: uuid.UUID | None = None
) -> dict[str, Any]:
    """The column values that all changes of one transaction share."""
    return {
        "change_set": change_set,
        "at": datetime.now(UTC),
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "impersonator": actor.impersonator,
        "token_id": actor.token_id,
        "source": origin.source,
        "request_id": origin.request_id,
        "reason": origin.reason,
        "reverts": reverts,
    }


def change_columns(
    own: Mapping[str, ColumnElement[Any]], *, sqlite: bool
) -> tuple[list[str], Select[Any]]:
    """The columns of ``admin_change`` and a SELECT of their values, for INSERT FROM SELECT.

    ``own`` has the columns that differ by change; ``common_values`` are the binds of the others.
    """
    columns = _table().c
    given = (bindparam(name, type_=columns[name].type) for name in _COMMON)
    tx: Any = null() if sqlite else _TRANSACTION_ID
    return ["tx", *_COMMON, *own], select(tx, *given, *own.values())


def entry_columns(rows: FromClause) -> tuple[list[str], Select[Any]]:
    """``change_columns``, for one change to be inserted for each of ``rows``; on PostgreSQL.

    Its binds are ``common_values`` and ``entry_values``.
    """
    columns = _table().c
    binds = {name: bindparam(_own_bind(name), type_=columns[name].type) for name in _OWN}
    texts = {name: cast(bindparam(_own_bind(name), type_=Text), JSON) for name in _JSON}
    names, told = change_columns({**binds, **texts}, sqlite=False)
    return names, told.select_from(rows)


def entry_values(entry: Entry) -> dict[str, Any]:
    """The values of the binds of ``entry_columns``."""
    return {_own_bind(name): value for name, value in _texts(_row(entry)).items()}


def _own_bind(name: str) -> str:
    return f"_change.{name}"


async def save(
    connection: AsyncConnection,
    actor: Actor,
    origin: Origin,
    change_set: uuid.UUID,
    entries: Sequence[Entry],
    reverts: uuid.UUID | None = None,
) -> None:
    """Write the entries, causes before effects, in the transaction of the writes they record."""
    waiting = [each for each in entries if not each.saved]
    if not waiting:
        return
    common = common_values(actor, origin, change_set, reverts)
    numbered, alone, together = _STATEMENTS[connection.dialect.name == "sqlite"]
    causes = {id(each.cause) for each in waiting if each.cause is not None}
    while waiting:
        ready = [each for each in waiting if each.cause is None or each.cause.saved]
        rows = [_row(each) for each in ready]
        if any(id(each) in causes for each in ready):
            given = [common | each for each in rows]
            numbers = (await connection.execute(numbered, given)).scalars().all()
            # Those of SQLite come in no order, but are given in that of the rows.
            for each, number in zip(ready, sorted(numbers), strict=True):
                each.id = number
        elif len(rows) == 1:
            await fetch(connection, alone, common | _texts(rows[0]))
        else:
            for start in range(0, len(rows), _PORTION):
                some = rows[start : start + _PORTION]
                if document := _document(some):
                    await fetch(connection, together, common | {_ROWS: document})
                else:
                    await connection.execute(alone, [common | _texts(each) for each in some])
        for each in ready:
            each.saved = True
        waiting = [each for each in waiting if not each.saved]


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "cause_id": entry.cause.id if entry.cause else None,
        "action": entry.action,
        "resource": entry.resource.name,
        "key": entry.resource.key_text(entry.key),
        "key_json": list(entry.resource.key_wire(entry.key)),
        "label": entry.label,
        "before": entry.before,
        "after": entry.after,
        "schema_revision": schema_revision(entry.resource),
    }


def _document(rows: Sequence[dict[str, Any]]) -> str | None:
    """Rows as one JSON document; ``None`` where a database would not read it back unchanged."""
    try:
        document = pydantic_core.to_json(rows)
    except ValueError:  # Half of a surrogate pair, in a table that was adopted.
        return None
    return None if any(each in document for each in _UNSURE) else document.decode()


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its JSON as text, which is faster than SQLAlchemy's serializer."""
    return row | {name: _text(row[name]) for name in _JSON}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    try:
        return pydantic_core.to_json(value).decode()
    except ValueError:  # As above.
        return json.dumps(value)


_JSON = ("key_json", "before", "after")
_UNSURE = (rb"\u0000", b"NaN", b"Infinity")
"""What a database may refuse in text or JSON."""
_ROWS = "_rows"
_PORTION = 1_000
"""The most rows of one document."""
_COMMON = (
    *("change_set", "at", "actor_id", "actor_name", "impersonator", "token_id", "source"),
    *("request_id", "reason", "reverts"),
)
_OWN = (
    *("cause_id", "action", "resource", "key", "key_json", "label", "before", "after"),
    "schema_revision",
)
_TRANSACTION_ID = cast(cast(func.pg_current_xact_id(), Text), BigInteger)


def _table() -> Table:
    return Change.metadata.tables[Change.__tablename__]


def _statements(*, sqlite: bool) -> tuple[Insert, Insert, Insert]:
    """Statements that insert changes: returning ids, one row each, and from one JSON document."""
    table = _table()
    tx: Any = null() if sqlite else _TRANSACTION_ID
    statement = insert(table).values(tx=tx)
    # SQLAlchemy would insert one by one on SQLite to have them in order.
    numbered = statement.returning(table.c.id, sort_by_parameter_order=not sqlite)
    own = _members_in_sqlite() if sqlite else _members_in_postgresql(table)
    given = [bindparam(name, type_=Text) for name in _JSON]
    texts = {each.key: each if sqlite else cast(each, JSON) for each in given}
    alone = statement.values(texts).inline()
    columns, rows = change_columns(dict(zip(_OWN, own, strict=True)), sqlite=sqlite)
    together = insert(table).from_select(columns, rows)
    return numbered, alone, together


def _members_in_postgresql(table: Table) -> list[ColumnElement[Any]]:
    members = (column(name, table.c[name].type) for name in _OWN)
    document = cast(bindparam(_ROWS, type_=Text), JSON)
    rows = func.json_to_recordset(document).table_valued(*members, joins_implicitly=True)
    return [*rows.render_derived(name="rows", with_types=True).c]


def _members_in_sqlite() -> list[ColumnElement[Any]]:
    rows = func.json_each(bindparam(_ROWS, type_=Text)).table_valued("value", name="rows")
    members: list[Any] = [literal_column(f"'$.{name}'") for name in _OWN]
    return [func.json_extract(rows.c.value, each) for each in members]


_STATEMENTS = (_statements(sqlite=False), _statements(sqlite=True))
