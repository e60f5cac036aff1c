"""uvicorn's protocol with bounds on the head of a request, which httptools itself keeps whole."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
"""The most that a request line and its headers may be."""
HEAD_PATIENCE = 10.0
"""Seconds in which they must have come."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses heads that are too large, and closes connections whose head does not come."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head: int | None = 0
        """Bytes of the head that is coming; none between heads."""
        self._closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._closing = self.loop.call_later(HEAD_PATIENCE, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head is None:
            self._head = 0
            self._closing = self.loop.call_later(HEAD_PATIENCE, self.transport.close)

    def on_headers_complete(self) -> None:
        self._head = None
        self._in_time()
        super().on_headers_complete()

    def _in_time(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
