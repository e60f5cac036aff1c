"""``Query-Hint`` for development: what makes a list slow in a large table."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request

from admin_app.declaration import Resource
from admin_app.records.queries.query import Query
from admin_app.rest.requests import actor, records

HEADER = "Query-Hint"
MOST_HINTS = 5
"""Those of one answer: a header is read by people, and bounded by what carries it."""
_VISIBLE = "".join(map(chr, range(0x20, 0x7F)))


def hint(request: Request, resource: Resource, query: Query) -> None:
    """Have the answer say which indexes a list lacks, where answers are for developers.

    A header has no letters beyond ASCII: others are percent-encoded.
    """
    if not request.state.settings.server.timing:
        return
    found = records(request).hints(actor(request), resource, query)
    if found:
        words = (quote(str(each), safe=_VISIBLE) for each in found[:MOST_HINTS])
        request.state.headers[HEADER] = "; ".join(words)
