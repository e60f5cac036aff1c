"""gzip for the API's answers.

Not for the panel: its pages hold form tokens beside text that a visitor may put into the address,
and the compressed length reveals something of both (BREACH). Answers of the API are asked for with
a token that no other site's page can make a browser send.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALLEST = 1024
"""Bytes below which compressing takes longer than sending."""
LEVEL = 4
SUFFIX = ".gzip"
"""Ends the entity tag of a compressed answer: other bytes need another strong tag (RFC 9110
§8.8.3.3). A client may send either back."""

_CONDITIONS = (b"if-match", b"if-none-match")
_ENDING = f'{SUFFIX}"'.encode()


class Compression:
    """Compresses answers to requests that accept gzip."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, minimum_size=SMALLEST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = scope["headers"]
        if not any(name == b"accept-encoding" or _ENDING in value for name, value in given):
            await self._app(scope, receive, _Plain(send))
            return
        known = any(name in _CONDITIONS and _ENDING in value for name, value in given)
        refused = not _takes_gzip(Headers(scope=scope).get("accept-encoding", ""))
        if known or refused:
            headers = [
                (name, value.replace(_ENDING, b'"') if name in _CONDITIONS else value)
                for name, value in given
                if not (refused and name == b"accept-encoding")
            ]
            scope = {**scope, "headers": headers}

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                tag = headers.get("etag")
                same = known and message["status"] == 304  # noqa: PLR2004
                if tag and (same or headers.get("content-encoding") == "gzip"):
                    headers["ETag"] = f'{tag[:-1]}{SUFFIX}"'
            await send(message)

        await self._compressed(scope, receive, tagged)


class _Plain:
    """``send`` for requests that do not accept gzip: adds ``Vary`` where others would get it."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            sizes = [int(value) for name, value in message["headers"] if name == b"content-length"]
            if not sizes or sizes[0] >= SMALLEST:
                MutableHeaders(raw=message["headers"]).add_vary_header("Accept-Encoding")
        await self._send(message)


def _takes_gzip(accepted: str) -> bool:
    """Whether gzip is accepted, and not with the weight 0 (RFC 9110 §12.5.3)."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False
