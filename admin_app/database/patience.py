"""A time limit for what SQLite reads: it has none of its own, as PostgreSQL has.

Writes are left alone: SQLite undoes the whole transaction of one that is interrupted, savepoints
and all, and each of them is about a few rows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection, ExceptionContext

STEPS = 100_000
"""Instructions of SQLite's machine between two looks at the clock: some milliseconds."""

_DEADLINE = "admin_app_deadline"


@dataclass(slots=True)
class _Deadline:
    """When the statement that runs on a connection has had its time."""

    at: float | None = None

    def over(self) -> bool:
        return self.at is not None and time.monotonic() > self.at


def limit_reads(engine: Engine, seconds: float) -> None:
    """Let SQLite interrupt every read of ``engine`` that takes longer."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        deadline = record.info[_DEADLINE] = _Deadline()
        connection.run_async(lambda driver: driver.set_progress_handler(deadline.over, STEPS))

    @event.listens_for(engine, "before_cursor_execute")
    def begun(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        reads = statement.lstrip()[:6].upper().startswith(("SELECT", "WITH"))
        connection.info[_DEADLINE].at = time.monotonic() + seconds if reads else None

    @event.listens_for(engine, "after_cursor_execute")
    def ended(connection: Connection, *others: Any) -> None:
        _cursor, _statement, _values, context, _many = others
        # What is fetched bit by bit goes on running until it is all there.
        if not context.execution_options.get("stream_results"):
            connection.info[_DEADLINE].at = None

    @event.listens_for(engine, "handle_error")
    def failed(context: ExceptionContext) -> None:
        if context.connection is not None and not context.connection.invalidated:
            context.connection.info[_DEADLINE].at = None
