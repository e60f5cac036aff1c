"""``Server-Timing`` for development: how many statements a request ran, and for how long."""

from __future__ import annotations

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin_app.database import measured


class Timing:
    """Adds ``Server-Timing`` to every answer, measured when the answer begins."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        with measured() as statements:

            async def timed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    whole = (time.perf_counter() - started) * 1000
                    MutableHeaders(scope=message).append(
                        "Server-Timing",
                        f'db;desc="{statements.count} statements";'
                        f"dur={statements.seconds * 1000:.1f}, total;dur={whole:.1f}",
                    )
                await send(message)

            await self._app(scope, receive, timed)
