"""The records before and after one in a list, without walking through the list."""

from __future__ import annotations

from dataclasses import replace

from admin_app.declaration import Resource
from admin_app.records.queries.query import Query, Shape
from admin_app.records.reads.pages import Page, cursor_at
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.reads.titles import Title


def beside(
    reader: Reader, resource: Resource, query: Query, values: Values, *, backward: bool
) -> Query:
    """The query of the one record next to that with ``values``."""
    names = dict.fromkeys([*(each.name for each in resource.key), resource.title])
    return replace(
        query,
        cursor=cursor_at(reader, resource, query, values, backward=backward),
        limit=1,
        count="none",
        offset=0,
        shape=Shape(tuple(name for name in names if name in resource.readable)),
    )


def title_on(page: Page) -> Title | None:
    """The title of the only record of a page."""
    if not page.rows:
        return None
    values = page.rows[0]
    return Title(page.resource.key_of(values), page.resource.title_of(values), "")
