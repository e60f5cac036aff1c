"""A search that is a record's key, or a value that only one record has, leads to that record."""

from __future__ import annotations

from dataclasses import replace

from admin_app.declaration import Kind, Resource
from admin_app.errors import BadRequestError, BusyError
from admin_app.panel.display import Link
from admin_app.panel.visit import Visit
from admin_app.records.queries.conditions import AnyOf, Comparison, Condition, KeyIn
from admin_app.records.queries.operands import operand

MOST_DIRECT = 3
"""The most records offered."""
_EXACT = frozenset({Kind.STRING, Kind.TEXT, Kind.UUID, Kind.INTEGER})


async def direct(visit: Visit, resource: Resource, search: str) -> list[Link]:
    """The records whose key or unique field is what was searched for; one statement."""
    text = search.strip()
    conditions = _exact(resource, text) if text and len(text.split()) == 1 else []
    if not conditions:
        return []
    query = visit.records.query(visit.actor, resource, [("limit", str(MOST_DIRECT))])
    query = replace(query, filters=(AnyOf(tuple(conditions)),))
    try:
        page = await visit.records.page(visit.actor, resource, query)
    except (BadRequestError, BusyError):
        return []
    return [
        Link(resource.title_of(each), visit.urls.details(resource, resource.key_of(each)), text)
        for each in page.rows
    ]


def _exact(resource: Resource, text: str) -> list[Condition]:
    own = resource.key_or_none(text)
    found: list[Condition] = [] if own is None else [KeyIn((own,))]
    key = {each.name for each in resource.key}
    for field in resource.readable.values():
        if not field.unique or field.name in key or field.kind not in _EXACT:
            continue
        try:
            found.append(Comparison(field, "eq", operand(field, "eq", text)))
        except BadRequestError:
            continue
    return found
