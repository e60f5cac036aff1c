"""Every refusal of the REST surface as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from typing import Any

import pydantic_core
from fastapi import FastAPI
from fastcrud.exceptions.access import AccessDenied
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from admin_app.errors import (
    PROBLEM_MEDIA_TYPE,
    AppError,
    BadRequestError,
    ForbiddenError,
    MethodNotAllowedError,
    NotFoundError,
    problem,
)
from admin_app.rest.requests import PATCHES

_METHODS = ("GET", "HEAD", "QUERY", "POST", "PUT", "PATCH", "DELETE")


def problem_document(request: Request, error: AppError) -> dict[str, Any]:
    """What ``error`` has to say to this request."""
    return problem(
        error,
        request_id=getattr(request.state, "request_id", ""),
        instance=request.scope["path"],
        root_path=getattr(request.state, "root_path", ""),
    )


def problem_response(request: Request, error: AppError) -> Response:
    """Render ``error`` for this request."""
    return Response(
        pydantic_core.to_json(problem_document(request, error)),
        status_code=int(error.status),
        media_type=PROBLEM_MEDIA_TYPE,
        headers=error.headers,
    )


def install_problems(app: FastAPI) -> None:
    """Answer every refusal of ``app``'s routes, and every path it lacks, with a problem."""

    async def refused(request: Request, error: Exception) -> Response:
        found = _as_app_error(error)
        if isinstance(found, MethodNotAllowedError):
            allowed = _allowed(request)
            if request.method == "OPTIONS":
                return _options(allowed)
            found.headers["Allow"] = ", ".join(allowed)
        return problem_response(request, found)

    for kind in (AppError, HTTPException, AccessDenied):
        app.add_exception_handler(kind, refused)


def _options(allowed: list[str]) -> Response:
    """What may be asked of a path (RFC 9110 §9.3.7); no route has to say it by itself."""
    headers = {"Allow": ", ".join([*allowed, "OPTIONS"])}
    if "PATCH" in allowed:
        # RFC 5789 §3.1; what can be replaced is one record, and it alone takes them all.
        headers["Accept-Patch"] = ", ".join(PATCHES if "PUT" in allowed else PATCHES[:1])
    return Response(status_code=204, headers=headers)


def _allowed(request: Request) -> list[str]:
    """The methods of every route at the request's path; one route alone knows only its own."""
    routes = request.app.router.routes
    found = {
        method
        for method in _METHODS
        if any(
            each.matches({**request.scope, "method": method})[0] is Match.FULL for each in routes
        )
    }
    if "GET" in found:
        found.add("HEAD")  # Whatever is read is answered without its body too: see ``Heads``.
    return [method for method in _METHODS if method in found]


def _as_app_error(error: Exception) -> AppError:
    if isinstance(error, AppError):
        return error
    if isinstance(error, AccessDenied):
        return ForbiddenError("You may not do this.")
    status: Any = getattr(error, "status_code", 500)
    if status == 404:  # noqa: PLR2004
        return NotFoundError("There is nothing at this address.")
    if status == 405:  # noqa: PLR2004
        return MethodNotAllowedError("This address does not take this method.")
    return BadRequestError("The request cannot be understood.")
