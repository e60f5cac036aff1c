"""The first page: what one may see, grouped as in the menu."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.panel.display import DOOR_WORDS, total_words, who
from admin_app.panel.house.board import Board
from admin_app.panel.language import mark, say
from admin_app.panel.rendering import render
from admin_app.panel.visit import Visit, visiting

LATELY = 8
"""The most recent changes listed."""
_WORDS = {
    "create": mark("{what}, made by {who} {door}"),
    "update": mark("{what}, changed by {who} {door}"),
    "delete": mark("{what}, deleted by {who} {door}"),
}
MOST_COUNTED = 24
"""The most resources whose records are counted; more would make the page slow."""


@dataclass(frozen=True, slots=True)
class Card:
    """A resource on the first page."""

    resource: Resource
    count: str
    href: str
    create: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """A recent change of a record."""

    at: datetime
    title: str
    href: str | None
    words: str


async def page(admin: Admin, request: Request, board: Board) -> Response:
    """The first page."""
    visit = visiting(request)
    mine = await _lately(visit, mine=True)
    theirs = await _lately(visit, mine=False)
    return await render(
        admin,
        request,
        "index.html",
        groups=await cards(visit),
        anything=any(visit.may(each, "read") for each in visit.registry.values()),
        figures=await board.figures(visit),
        mine=mine,
        theirs=theirs if theirs != mine else (),
    )


async def _lately(visit: Visit, *, mine: bool) -> list[Told]:
    changes = await visit.records.recent_changes(visit.actor, LATELY, mine=mine)
    return [
        Told(
            each.at,
            each.title,
            visit.urls.details(each.resource, each.key) if each.there else None,
            say(
                _WORDS.get(each.action, mark("{what}, {action} by {who} {door}")),
                what=say(each.resource.label),
                action=each.action,
                who=who(each.actor_name, each.impersonator),
                door=say(DOOR_WORDS.get(each.source, each.source)),
            ),
        )
        for each in changes
    ]


async def cards(visit: Visit) -> dict[str, list[Card]]:
    """A card for each declared resource one may read, by menu heading."""
    mine = [each for each in visit.registry.values() if not each.own and visit.may(each, "read")]
    found: dict[str, list[Card]] = {}
    for resource in sorted(mine, key=lambda each: each.label_plural):
        count = await _count(visit, resource) if len(mine) <= MOST_COUNTED else ""
        create = visit.urls.create(resource) if "create" in visit.offered(resource) else None
        card = Card(resource, count, visit.urls.list(resource), create)
        found.setdefault(resource.options.menu or "", []).append(card)
    return found


async def _count(visit: Visit, resource: Resource) -> str:
    query = visit.records.query(visit.actor, resource, [("limit", "1"), ("count", "capped")])
    return total_words((await visit.records.page(visit.actor, resource, query)).total or 0)
