"""Triggers: whether the row that RETURNING gives is the row as stored.

A trigger that runs afterwards may change it. On PostgreSQL one that runs before is in the answer;
SQLite has none of that sort that could change a row.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database.full_text import trigger_names

_SQLITE = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = :name")
_POSTGRESQL = text(
    "SELECT relkind NOT IN ('r', 'p') OR relhasrules OR coalesce("
    # 2 is the bit that says BEFORE.
    "bool_or(tgtype & 2 = 0), false), relkind NOT IN ('r', 'p') OR relhasrules"
    " OR count(tgrelid) > 0 FROM pg_class"
    " LEFT JOIN pg_trigger ON tgrelid = pg_class.oid AND NOT tgisinternal"
    " WHERE pg_class.oid = to_regclass(:name) GROUP BY relkind, relhasrules"
)


class _Found(NamedTuple):
    after: bool
    """Whether a row may become another one after it was written."""
    any: bool
    """Whether a row may be another one than was to be written."""


_KNOWN: WeakKeyDictionary[Dialect, dict[Table, _Found]] = WeakKeyDictionary()
"""By database, each of which has a dialect of its own.

Looked for once by each process: triggers come with migrations, and those with a restart.
"""


async def triggered(connection: AsyncConnection, table: Table) -> bool:
    """Whether a row of ``table`` may become another one after it was written."""
    return (await _found(connection, table)).after


async def untouched(connection: AsyncConnection, table: Table) -> bool:
    """Whether rows of ``table`` are what a statement says they are, as no trigger looks at them."""
    return not (await _found(connection, table)).any


async def _found(connection: AsyncConnection, table: Table) -> _Found:
    known = _KNOWN.setdefault(connection.dialect, {})
    if table not in known:
        known[table] = await _look(connection, table)
    return known[table]


async def _look(connection: AsyncConnection, table: Table) -> _Found:
    if connection.dialect.name != "sqlite":
        name = connection.dialect.identifier_preparer.format_table(table)
        row = (await connection.execute(_POSTGRESQL, {"name": name})).first()
        return _Found(*row) if row else _Found(after=True, any=True)
    if table.schema is not None:
        return _Found(after=True, any=True)
    found = {*await connection.scalars(_SQLITE, {"name": table.name.lower()})}
    others = bool(found - trigger_names(table))
    return _Found(others, others)
