"""Responses for records and pages, with validators and conditional requests."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urlencode

from fastapi import Request, Response

from admin_app.records import Page, Representation
from admin_app.records.reads.page_text import PageText
from admin_app.records.reads.representation import Answer, digest
from admin_app.records.transfer import Written
from admin_app.records.transfer.rows import Lines
from admin_app.rest.requests import actor, header, parameters, records

JSON = "application/json"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: dict[str, Written] = {CSV: "csv", NDJSON: "ndjson", XLSX: "xlsx"}
PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept"}

_KEPT = ("cache-control", "content-location", "etag", "vary")
"""Headers that a 304 repeats (RFC 9110 §15.4.5)."""
_PLACES = ("cursor", "offset")
"""Parameters that position a page."""
_SAFE = ("GET", "HEAD", "QUERY")
_TAG = re.compile(r'"[^"]*"')


def item(
    made: Answer, *, status_code: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Answer a record."""
    return Response(
        made.body,
        status_code=status_code,
        media_type=JSON,
        headers={"ETag": made.etag, **PRIVATE, **_truncated(made), **(headers or {})},
    )


def cached(
    request: Request, content: bytes, *, media_type: str = JSON, headers: dict[str, str]
) -> Response:
    """Answer a body whose entity tag is its own digest."""
    tag = {"ETag": f'"{digest(content)}"'}
    return unless_known(
        request, Response(content, media_type=media_type, headers={**tag, **PRIVATE, **headers})
    )


def unless_known(request: Request, response: Response) -> Response:
    """The answer, or 304 where ``If-None-Match`` has its tag (RFC 9110 §13.1.2)."""
    known = header(request, b"if-none-match")
    if not known or request.method not in _SAFE:
        return response
    # Weak tags are compared as strong ones: what they begin with says nothing here.
    if known.strip() != "*" and response.headers["etag"] not in _TAG.findall(known):
        return response
    kept = {name: response.headers[name] for name in _KEPT if name in response.headers}
    return Response(status_code=304, headers=kept)


def page_response(request: Request, page: PageText) -> Response:
    """Answer a page, its neighbours in the body and, where a URL can name them, as ``Link``."""
    return cached(request, page.body, headers=_page_headers(request, page))


def lines_response(request: Request, page: Page, media_type: str) -> Response:
    """Answer a page in a form of lines."""
    seen = records(request).registry_for(actor(request))
    written = Lines(seen, page.resource, FORMATS[media_type], page.shape)
    content = written.header() + written.text(page.rows)
    headers = _page_headers(request, page)
    return cached(request, content, media_type=media_type, headers=headers)


def _page_headers(request: Request, page: Page | PageText) -> dict[str, str]:
    steps = {"next": page.next, "prev": page.previous}
    links = [
        f'<{_page_url(request, cursor)}>; rel="{rel}"'
        for rel, cursor in steps.items()
        if cursor and request.method == "GET"
    ]
    return _truncated(page) | ({"Link": ", ".join(links)} if links else {})


def _truncated(answered: Page | PageText | Answer) -> dict[str, str]:
    """The ``Truncated`` header: included lists that were cut by their limit, percent-encoded."""
    names = ", ".join(map(quote, answered.truncated))
    return {"Truncated": names} if names else {}


def _page_url(request: Request, cursor: str) -> str:
    kept = _elsewhere(tuple(parameters(request)))
    return f"{quote(request.scope['path'])}?{kept}cursor={cursor}"


@lru_cache(maxsize=100)
def _elsewhere(given: tuple[tuple[str, str], ...]) -> str:
    """The parameters of the address of another page, without its cursor."""
    kept = urlencode([(name, value) for name, value in given if name not in _PLACES])
    return f"{kept}&" if kept else ""


def location(request: Request, made: Representation) -> str:
    return f"{quote(request.scope['path'])}/{quote(made.key_text, safe='~,')}"
