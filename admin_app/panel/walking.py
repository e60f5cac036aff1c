"""The previous and next record in the list that a record was found in.

The list's parameters travel in the address of the record's page, as ``list``.
"""

from __future__ import annotations

from dataclasses import dataclass

from admin_app.errors import AppError
from admin_app.panel.display import Link, Shown, shortened
from admin_app.panel.list_address import LIST, asked, brought, ordered
from admin_app.panel.visit import Visit
from admin_app.records import Representation, Title


@dataclass(frozen=True, slots=True)
class Walk:
    """The neighbours of a record, where it has them."""

    back: Link | None
    on: Link | None


async def walk_of(visit: Visit, record: Representation, page: str) -> Walk | None:
    """The neighbours on the same ``page``; none where no list is named, or one nobody can read."""
    text = visit.request.query_params.get(LIST)
    if text is None:
        return None
    try:
        query = visit.records.query(visit.actor, record.resource, asked(ordered(brought(text))))
        back, on = await visit.records.neighbours(visit.actor, record.resource, query, record)
    except AppError:
        return None
    return Walk(_link(visit, record, back, page, text), _link(visit, record, on, page, text))


def _link(
    visit: Visit, record: Representation, title: Title | None, page: str, text: str
) -> Link | None:
    if title is None:
        return None
    resource = record.resource
    href = visit.urls.to(resource.name, page, resource.key_text(title.key), pairs=[(LIST, text)])
    return Link(shortened(Shown(title.text)).text, href)
