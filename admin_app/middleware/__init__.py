"""ASGI middleware around every request, and further layers around those of the API."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from admin_app.middleware.compression import Compression
from admin_app.middleware.crossing import crossing
from admin_app.middleware.heads import Heads
from admin_app.middleware.requests import SECURITY_HEADERS, RequestMiddleware, Unforeseen
from admin_app.middleware.timing import Timing
from admin_app.settings import Settings

__all__ = ["SECURITY_HEADERS", "RequestMiddleware", "Surroundings"]

_API = ("/api/", "/errors/")


class Surroundings:
    """All layers in order: the outermost first sees a request and last its answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        server = settings.server
        origins = settings.security.cors_origins
        both = Timing(_Doors(app, origins)) if server.timing else _Doors(app, origins)
        self._app = RequestMiddleware(
            both, server.allowed_hosts, server.root_path, log_all=server.log == "all"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _Doors:
    """The layers of the API that the panel does not have: CORS and compression."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._api = crossing(Unforeseen(Heads(Compression(app))), origins)
        self._panel = Unforeseen(Heads(app))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", "")) if "path" in scope else ""
        api = scope["type"] == "http" and path.startswith(_API)
        await (self._api if api else self._panel)(scope, receive, send)
