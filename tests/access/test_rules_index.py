"""A rule is static SQL on the table's own columns, so an index serves it as it serves any query."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import KINDS, FreshSettings, Kind
from plans import plan_of
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import create_user
from admin_app.database import Database
from admin_app.declaration import Actor, Base, Grant, Registry
from admin_app.records import Records

ROWS = 1_000_000
OWN = 500
FILL = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"
    " INSERT INTO book (version, title, added_at, added_by_id)"
    " SELECT 1, 'Book ' || i, '2026-01-01', CASE WHEN i % :each = 0"
    " THEN CAST(:owner AS integer) END FROM n",
    "postgresql": "INSERT INTO book (version, title, added_at, added_by_id)"
    " SELECT 1, 'Book ' || i, '2026-01-01', CASE WHEN i % :each = 0"
    " THEN CAST(:owner AS integer) END"
    " FROM generate_series(1, CAST(:rows AS integer)) AS n(i)",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
async def test_rule_uses_the_index(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A list by a rule over a million rows, and its count, read the rule's rows and no others."""
    database = Database(fresh_settings(kind))
    records = Records(database, Registry.from_base(Base, ["admin_app.models"]), b"x" * 32)
    book = records.registry["book"]
    owner = await create_user(database, "owner", None, [])
    actor = Actor(owner, "owner", frozenset({Grant("book", "read", "own")}))

    async def fill(transaction: AsyncSession) -> None:
        binds = {"rows": ROWS, "each": ROWS // OWN, "owner": owner}
        if kind == "postgresql":
            await transaction.execute(text("SET LOCAL statement_timeout = 0"))
        await transaction.execute(text("CREATE INDEX ix_own ON book (added_by_id, title)"))
        await transaction.execute(text(FILL[kind]), binds)
        await transaction.execute(text("ANALYZE"))

    await database.write(fill)
    seen: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    query = records.query(actor, book, [("limit", "200"), ("count", "exact")])
    page = await records.page(actor, book, query)
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)

    assert (len(page.rows), page.total) == (200, OWN)
    listing = [each for each in seen if " FROM book" in each[0].replace("\n", " ")]
    assert len(listing) == 1
    for statement, parameters in listing:
        plan = await plan_of(database, statement, parameters)
        assert "ix_own" in plan, plan
        assert "Seq Scan on book" not in plan
        assert "SCAN book" not in plan
    await database.close()
