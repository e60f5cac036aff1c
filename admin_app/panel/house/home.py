"""The first page: what one may see, grouped as in the menu."""

from __future__ import annotations

from dataclasses import dataclass

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.panel.rendering import render
from admin_app.panel.visit import Visit, visiting
from admin_app.records import COUNT_CAP

MOST_COUNTED = 24
"""Resources whose records are counted; with more of them the page would be slow."""


@dataclass(frozen=True, slots=True)
class Card:
    """A resource on the first page."""

    resource: Resource
    count: str
    href: str
    create: str | None


async def page(admin: Admin, request: Request) -> Response:
    """The first page."""
    return await render(admin, request, "index.html", groups=await cards(visiting(request)))


async def cards(visit: Visit) -> dict[str, list[Card]]:
    """A card for each resource one may read, by menu heading."""
    mine = [each for each in visit.registry.values() if visit.may(each, "read")]
    found: dict[str, list[Card]] = {}
    for resource in sorted(mine, key=lambda each: (each.own, each.label_plural)):
        count = await _count(visit, resource) if len(mine) <= MOST_COUNTED else ""
        create = visit.urls.create(resource) if visit.may(resource, "create") else None
        card = Card(resource, count, visit.urls.list(resource), create)
        found.setdefault(resource.options.menu or "", []).append(card)
    return found


async def _count(visit: Visit, resource: Resource) -> str:
    query = visit.records.query(visit.actor, resource, [("limit", "1"), ("count", "capped")])
    total = (await visit.records.page(visit.actor, resource, query)).total or 0
    return f"{COUNT_CAP:,}+" if total > COUNT_CAP else f"{total:,}"
