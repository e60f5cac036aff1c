"""Count and time the statements that run inside a block: for ``Server-Timing``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event


@dataclass
class Statements:
    """What has run so far."""

    count: int = 0
    seconds: float = 0.0


_MEASURED: ContextVar[Statements | None] = ContextVar("statements", default=None)


@contextmanager
def measured() -> Iterator[Statements]:
    """Count what runs inside, on engines passed to ``count_on``."""
    found = Statements()
    token = _MEASURED.set(found)
    try:
        yield found
    finally:
        _MEASURED.reset(token)


def count_on(engine: Engine) -> None:
    """Have an engine's statements counted; it costs some microseconds for each."""

    @event.listens_for(engine, "before_cursor_execute")
    def _begin(connection: Any, *_: object) -> None:
        connection.info["begun"] = time.perf_counter()

    @event.listens_for(engine, "after_cursor_execute")
    def _end(connection: Any, *_: object) -> None:
        found = _MEASURED.get()
        if found is not None:
            found.count += 1
            found.seconds += time.perf_counter() - connection.info["begun"]
