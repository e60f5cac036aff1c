"""Answers that are no page: data for the scripts of a page, and files."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from admin_app.errors import AppError


def wants_json(request: Request) -> bool:
    """Whether a script of a page asks, and not somebody who reads pages."""
    return request.headers.get("accept", "") == "application/json"


def json_answer(body: Any, status: int = 200) -> Response:
    """JSON for a script, that no cache keeps."""
    return JSONResponse(body, int(status), {"Cache-Control": "no-store"})


def file_headers(name: str) -> dict[str, str]:
    """The headers of a file to be saved under a name, as far as headers can say it."""
    told = f'attachment; filename="{name}"' if name.isascii() else "attachment"
    return {"Cache-Control": "no-store", "Content-Disposition": told}


def with_retry_after(response: Response, error: AppError) -> Response:
    """The answer with what the refusal says of when to come back."""
    if "Retry-After" in error.headers:
        response.headers["Retry-After"] = error.headers["Retry-After"]
    return response
