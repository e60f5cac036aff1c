"""Suggestions for an empty list: each condition with the count without it."""

from __future__ import annotations

from dataclasses import dataclass

from admin_app.declaration import Resource
from admin_app.errors import BadRequestError, BusyError
from admin_app.panel.display import total_words
from admin_app.panel.language import say
from admin_app.panel.list_address import asked, without
from admin_app.panel.lists.filters.address import Pairs
from admin_app.panel.lists.filters.chips import Chip
from admin_app.panel.visit import Visit

MOST_DROPS = 6
"""The most conditions tried: each takes a statement."""
DROP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Drop:
    """A condition that could go."""

    words: str
    href: str
    count: str
    """How many records there would be; empty where counting took too long."""


async def drops(visit: Visit, resource: Resource, pairs: Pairs, chips: list[Chip]) -> list[Drop]:
    """Each condition of a list with no records, the search among them."""
    found = []
    search = dict(pairs).get("search")
    if search:
        words = say("search for “{words}”", words=search)
        found.append(("search", words, visit.urls.list(resource, without(pairs, "search"))))
    found += [(each.name, each.words, each.without) for each in chips if each.name != "tz"]
    return [
        Drop(words, href, await _count(visit, resource, without(pairs, name)))
        for name, words, href in found[:MOST_DROPS]
    ]


async def _count(visit: Visit, resource: Resource, pairs: Pairs) -> str:
    try:
        query = visit.records.query(visit.actor, resource, asked(pairs))
        found = await visit.records.count(visit.actor, resource, query, within=DROP_SECONDS)
    except (BadRequestError, BusyError):
        return ""
    return total_words(found)
