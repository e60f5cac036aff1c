"""CORS: which other origins' pages may read the API's answers. None, unless listed."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY")
SENT = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "X-Request-Id",
    "traceparent",
)
EXPOSED = (
    "Change-Set",
    "Content-Disposition",
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "Truncated",
    "X-Request-Id",
)


def crossing(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Let pages of ``origins`` use the API, with a token of their own and never with cookies."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=SENT,
        expose_headers=EXPOSED,
        allow_credentials=False,
        max_age=600,
    )
