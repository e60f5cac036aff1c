"""The outermost layer: host check, request id, security headers, one log line."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_to_bytes

import pydantic_core
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin_app.errors import (
    PROBLEM_MEDIA_TYPE,
    AppError,
    BadRequestError,
    RequestTimeoutError,
    problem,
)
from admin_app.middleware.tracing import trace_id

logger = logging.getLogger("admin_app.requests")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_SECURITY = [(name.lower().encode(), each.encode()) for name, each in SECURITY_HEADERS.items()]
TRANSPORT_SECURITY = "max-age=31536000"
PROBES = frozenset({"/healthz", "/readyz"})
"""Paths that load balancers ask for by address, without a known ``Host``."""
SLOW = 1.0
"""Seconds after which a request is logged whatever its status."""
_USUAL = range(100, 400)
BODY_PATIENCE = 10.0
"""Seconds to wait for the next chunk of a body."""


class RequestMiddleware:
    """Pure ASGI, so that it costs little and covers the mounted panel too.

    ``root_path`` is where a proxy serves the application. Whether the proxy leaves it in the path
    or takes it off makes no difference: inside, it is always there (ASGI 2.3, ``root_path``).
    """

    def __init__(
        self,
        app: ASGIApp,
        allowed_hosts: Sequence[str],
        root_path: str = "",
        *,
        log_all: bool = False,
    ) -> None:
        self._app = app
        self._log_all = log_all
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        complaint = self._complaint(scope)
        if self._root:
            scope = _placed(scope, self._root)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        more: dict[str, str] = {}
        state["headers"] = more
        # Kept here too: a mount that takes the request puts its own place into the scope.
        state["root_path"] = scope.get("root_path", "")
        answer = _Answer(send, request_id, more, https=scope["scheme"] == "https")
        started = time.perf_counter()
        try:
            if complaint is None:
                await self._app(scope, _Body(receive), answer)
            else:
                await refusal(BadRequestError(complaint), scope)(scope, receive, answer)
        except ClientDisconnect:
            pass  # Nobody is left to answer.
        finally:
            seconds = time.perf_counter() - started
            if self._log_all or (answer.status or 0) not in _USUAL or seconds >= SLOW:
                _log(scope, answer.status, seconds, request_id)

    def _complaint(self, scope: Scope) -> str | None:
        """Why a request is refused before it is routed; ``None`` if it is fine."""
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or not self._knows(hosts[0].decode("latin-1")):
            probed = scope["path"].removeprefix(self._root) in PROBES
            if not probed:
                return "This server does not answer for that host name."
        if not _is_text(scope.get("query_string", b"")):
            return "The query string is not UTF-8."
        return None

    def _knows(self, host: str) -> bool:
        if host in self._hosts or "*" in self._hosts:
            return True
        name = host.lower()
        if not name.endswith("]"):
            name = re.sub(r":\d+$", "", name)
        return name in self._hosts


class _Body:
    """``receive`` with a timeout for the rest of a body."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(BODY_PATIENCE):
                message = await self._receive()
        except TimeoutError as error:
            msg = f"Nothing more of the body came for {BODY_PATIENCE:.0f} seconds."
            raise RequestTimeoutError(msg) from error
        self._whole = not message.get("more_body", False)
        return message


class _Answer:
    """``send`` that adds the headers that are missing, and keeps the status."""

    def __init__(self, send: Send, request_id: str, more: dict[str, str], *, https: bool) -> None:
        self._send = send
        self._request_id = request_id
        self._more = more
        self._https = https
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._complete(message.get("headers", ()))
        await self._send(message)

    def _complete(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        found = list(headers)
        names = {name for name, _ in found}
        wanted = [
            *_SECURITY,
            (b"x-request-id", self._request_id.encode()),
            *((name.lower().encode(), value.encode()) for name, value in self._more.items()),
        ]
        if self._https:
            wanted.append((b"strict-transport-security", TRANSPORT_SECURITY.encode()))
        found += [each for each in wanted if each[0] not in names]
        return found


def _log(scope: Scope, status: int | None, seconds: float, request_id: str) -> None:
    trace = trace_id(Headers(scope=scope))
    logger.info(
        "%s %s %s %.1fms %s%s",
        scope["method"],
        _loggable(scope["path"]),
        status or "-",
        seconds * 1000,
        request_id,
        f" trace={trace}" if trace else "",
    )


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def _loggable(path: str) -> str:
    """A path on one line, whatever it holds, and without the secret of a link."""
    return re.sub(r"(/(?:setup|password)/)[^/]+", r"\1***", path).encode("unicode_escape").decode()


def _is_text(query: bytes) -> bool:
    """Whether a query string is UTF-8; Starlette would silently replace other bytes."""
    if b"%" not in query and query.isascii():
        return True
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False
    return True


def _request_id(scope: Scope) -> str:
    given = _values(scope, b"x-request-id")
    text = given[0].decode("latin-1") if given else ""
    return text if given and REQUEST_ID.fullmatch(text) else os.urandom(16).hex()


def refusal(error: AppError, scope: Scope) -> Response:
    """The problem response of a request that reached no route, or failed on its way."""
    state = scope["state"]
    document = problem(
        error,
        request_id=state["request_id"],
        instance=scope["path"],
        root_path=state["root_path"],
    )
    return Response(
        pydantic_core.to_json(document),
        status_code=int(error.status),
        media_type=PROBLEM_MEDIA_TYPE,
    )


class Unforeseen:
    """Answers unhandled exceptions, inside of CORS, so that other origins' pages can read it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            raise
        except Exception:
            # An answer that has begun cannot be taken back; the server breaks the connection.
            if begun or scope["type"] != "http":
                raise
            logger.exception("unhandled error %s", scope["state"]["request_id"])
            error = AppError("The error has been logged.")
            await refusal(error, scope)(scope, receive, send)


def _placed(scope: Scope, root: str) -> Scope:
    path = scope["path"]
    inside = path == root or path.startswith(f"{root}/")
    return {**scope, "root_path": root, "path": path if inside else root + path}
