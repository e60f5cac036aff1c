"""The panel's cookies, which its own pages alone can set, and scripts cannot read."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

LANGUAGE, ZONE, THEME = "language", "zone", "theme"
"""What a page is shown in, before anything is read."""
A_YEAR = 365 * 24 * 3600


def cookie_name(request: Request, name: str) -> str:
    """A cookie's name: under https one that no other host or path can set (RFC 6265bis, 4.1.3)."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def set_cookie(
    request: Request, response: Response, name: str, value: str, max_age: int | None = None
) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not send."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def get_cookie(request: Request, name: str) -> str | None:
    """The value of a cookie that ``set_cookie`` set."""
    return request.cookies.get(cookie_name(request, name))


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """End a cookie that ``set_cookie`` set."""
    set_cookie(request, response, name, "", max_age=0)
