"""Records and pages as answers."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fastapi import Request, Response

from admin_app.records import Page, Record
from admin_app.rest.requests import parameters

JSON = "application/json"
PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


def item(
    made: Record, *, status_code: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Answer a record."""
    return Response(
        made.body,
        status_code=status_code,
        media_type=JSON,
        headers={"ETag": made.etag, **PRIVATE, **(headers or {})},
    )


def page_response(request: Request, page: Page) -> Response:
    """Answer a page, its neighbours in the body and as ``Link`` (RFC 8288)."""
    steps = {"next": page.next, "prev": page.previous}
    links = [
        f'<{_page_url(request, cursor)}>; rel="{rel}"' for rel, cursor in steps.items() if cursor
    ]
    headers = dict(PRIVATE)
    if links:
        headers["Link"] = ", ".join(links)
    return Response(
        page.resource.page.dump(
            {
                "data": page.rows,
                "page": {
                    "limit": page.limit,
                    "next": page.next,
                    "previous": page.previous,
                    "total": page.total,
                },
            }
        ),
        media_type=JSON,
        headers=headers,
    )


def _page_url(request: Request, cursor: str) -> str:
    kept = [(name, value) for name, value in parameters(request) if name != "cursor"]
    return f"{quote(request.scope['path'])}?{urlencode([*kept, ('cursor', cursor)])}"


def location(request: Request, made: Record) -> str:
    return f"{quote(request.scope['path'])}/{quote(made.key_text, safe='~,')}"
