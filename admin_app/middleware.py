"""What surrounds every request at both doors: host check, request id, headers, one log line."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Sequence

import pydantic_core
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin_app.errors import PROBLEM_MEDIA_TYPE, AppError, BadRequestError, problem

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
TRANSPORT_SECURITY = "max-age=31536000"


class RequestMiddleware:
    """Pure ASGI, so that it costs little and covers the mounted panel too."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id, https=scope["scheme"] == "https")
        started = time.perf_counter()
        error: AppError
        try:
            if self._knows(headers.get("host", "")):
                await self._app(scope, receive, answer)
            else:
                error = BadRequestError("This server does not answer for that host name.")
                await _refusal(error, request_id, scope["path"])(scope, receive, answer)
        except Exception:
            # Here and not further out, where the answer would lack the headers of every other.
            if answer.status is not None:
                raise
            logger.exception("unhandled error %s", request_id)
            error = AppError("The error has been logged.")
            await _refusal(error, request_id, scope["path"])(scope, receive, answer)
        finally:
            logger.info(
                "%s %s %s %.1fms %s",
                scope["method"],
                # A path may hold anything; a log line holds one line.
                scope["path"].encode("unicode_escape").decode(),
                answer.status or "-",
                (time.perf_counter() - started) * 1000,
                request_id,
            )

    def _knows(self, host: str) -> bool:
        name = host.lower()
        if not name.endswith("]"):
            name = re.sub(r":\d+$", "", name)
        return "*" in self._hosts or name in self._hosts


class _Answer:
    """``send`` that adds the headers and remembers the status."""

    def __init__(self, send: Send, request_id: str, *, https: bool) -> None:
        self._send = send
        self._headers = {**SECURITY_HEADERS, "X-Request-Id": request_id}
        if https:
            self._headers["Strict-Transport-Security"] = TRANSPORT_SECURITY
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _refusal(error: AppError, request_id: str, path: str) -> Response:
    body = pydantic_core.to_json(problem(error, request_id=request_id, instance=path))
    return Response(body, status_code=int(error.status), media_type=PROBLEM_MEDIA_TYPE)
