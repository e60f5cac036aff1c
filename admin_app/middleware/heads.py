"""HEAD for everything that GET answers: the same headers, without the body (RFC 9110 §9.3.2)."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """Runs the GET and sends its headers; a stream is not read further than its first piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        ended = False

        async def without_body(message: Message) -> None:
            nonlocal ended
            if message["type"] != "http.response.body":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b""})
                if message.get("more_body", False):
                    raise _EnoughError

        try:
            await self._app({**scope, "method": "GET"}, receive, without_body)
        except (_EnoughError, ClientDisconnect):
            if not ended:
                raise


class _EnoughError(OSError):
    """Ends a stream, as a server's error to a sender without a receiver does (ASGI 2.4)."""
