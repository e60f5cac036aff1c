"""Panels that say in a header how many statements an answer took; only for counting, not timing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Engine, event

HEADER = b"x-statements"

App = Callable[[Any, Any, Any], Awaitable[None]]


def counting(app: App) -> App:
    """``app`` with the header, as long as it is asked for one thing at a time."""
    found: list[str] = []
    event.listen(Engine, "before_cursor_execute", lambda *each: _note(found, each[2]))

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        async def send_count(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, b"%d" % len(found))]
            await send(message)

        if scope["type"] == "http":
            found.clear()
            await app(scope, receive, send_count)
        else:
            await app(scope, receive, send)

    return counted


def _note(found: list[str], statement: str) -> None:
    # A transaction begins with a statement on SQLite alone.
    if statement != "BEGIN":
        found.append(statement)


def ours() -> App:
    """Our own."""
    from admin_app.app import application  # noqa: PLC0415 - the server's factory

    return counting(application())


def sqladmin() -> App:
    """SQLAdmin on our models."""
    from benchmarks.contestants.panel_library import application  # noqa: PLC0415 - as above

    return counting(application())
