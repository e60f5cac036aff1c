"""Whether what a statement answers of a row it has written is what the row is then.

A trigger that runs afterwards may change it. On PostgreSQL one that runs before is in the answer;
SQLite has none of that sort that could change a row.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database.full_text import trigger_names

_SQLITE = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = :name")
_POSTGRESQL = text(
    "SELECT relkind NOT IN ('r', 'p') OR relhasrules OR EXISTS ("
    "SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal"
    # 2 is the bit that says BEFORE.
    " AND tgtype & 2 = 0) FROM pg_class WHERE oid = to_regclass(:name)"
)
_KNOWN: WeakKeyDictionary[Dialect, dict[Table, bool]] = WeakKeyDictionary()
"""By database, each of which has a dialect of its own.

Looked for once by each process: triggers come with migrations, and those with a restart.
"""


async def triggered(connection: AsyncConnection, table: Table) -> bool:
    """Whether a row of ``table`` may become another one after it was written."""
    known = _KNOWN.setdefault(connection.dialect, {})
    if table not in known:
        known[table] = await _look(connection, table)
    return known[table]


async def _look(connection: AsyncConnection, table: Table) -> bool:
    if connection.dialect.name != "sqlite":
        name = connection.dialect.identifier_preparer.format_table(table)
        return await connection.scalar(_POSTGRESQL, {"name": name}) is not False
    if table.schema is not None:
        return True
    found = {*await connection.scalars(_SQLITE, {"name": table.name.lower()})}
    return bool(found - trigger_names(table))
