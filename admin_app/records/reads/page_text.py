"""``PageText``: a page of records whose JSON is written already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Registry
from admin_app.records.queries.query import WHOLE
from admin_app.records.reads.pages import Page
from admin_app.records.reads.representation import as_json, wire


@dataclass(frozen=True, slots=True)
class PageText:
    """The records of a page as a JSON array, and where the page stands; see ``Page``."""

    data: bytes
    limit: int
    next: str | None
    previous: str | None
    total: int | None = None
    truncated: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        """The JSON of the whole answer."""
        place = {
            "limit": self.limit,
            "next": self.next,
            "previous": self.previous,
            "total": self.total,
        }
        return b'{"data":%b,"page":%b}' % (self.data, as_json(place))


def text_of(seen: Registry, page: Page) -> PageText:
    """Write a page that was read as values; ``seen`` is the registry as the actor sees it."""
    rows: list[Any] = [
        page.resource.read.wire(each)
        if page.shape is WHOLE
        else wire(page.resource, seen, page.shape, each)
        for each in page.rows
    ]
    return PageText(as_json(rows), page.limit, page.next, page.previous, page.total, page.truncated)
