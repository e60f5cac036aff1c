"""How a database is going to run a statement."""

from __future__ import annotations

from typing import Any

from admin_app.database import Database


async def plan_of(database: Database, statement: str, parameters: Any) -> str:
    """What the database says of its plan, in its own words."""
    prefix = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"

    async def explain(connection: Any) -> str:
        rows = await connection.exec_driver_sql(f"{prefix} {statement}", parameters)
        return "\n".join(str(row) for row in rows)

    return await database.read(explain)
