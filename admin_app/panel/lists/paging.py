"""Where a page stands in its list, and the ways on from it.

Pages are walked by cursors, which tell no number. So an address carries the number of its first
record as far as it is known: counted from the start, or, below zero, from the end, from where the
list is read the other way round.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from admin_app.declaration import Resource
from admin_app.panel.display import total_words
from admin_app.panel.language import number, say
from admin_app.panel.list_address import PLACE, without
from admin_app.panel.visit import Pairs, Urls
from admin_app.records import COUNT_CAP, Page, Query

SIZES = (10, 25, 50, 100, 200)
"""Records of a page that are offered, as far as the resource lets them be."""
_PLACE = re.compile(r"-?[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Turning:
    """The footer of a list."""

    words: str = ""
    first: str | None = None
    previous: str | None = None
    next: str | None = None
    last: str | None = None
    sizes: tuple[tuple[int, str | None], ...] = ()
    """Numbers of records, each with the list in such pages; none for how it is."""


def place_of(pairs: Pairs, query: Query) -> int | None:
    """The number of the page's first record, from the end below zero; none if it is not known."""
    if query.offset:
        return query.offset + 1
    text = dict(pairs).get(PLACE, "")
    place = int(text) if _PLACE.fullmatch(text) else None
    if query.ranked and place is not None and place < 0:
        place = None  # Best matches have a beginning only.
    if query.cursor is None:
        return -1 if place is not None and place < 0 else 1
    return place


def as_read(query: Query, place: int | None) -> Query:
    """The query that reads the page: turned round where the page is counted from the end."""
    if place is None or place > 0:
        return query
    turned = (
        replace(each, descending=not each.descending, nulls_first=not each.nulls_first)
        for each in query.sort
    )
    return replace(query, sort=tuple(turned))


def as_shown(page: Page, place: int | None) -> Page:
    """A page that was read by ``as_read``, in the order of the list."""
    if place is None or place > 0:
        return page
    return replace(page, rows=page.rows[::-1], next=page.previous, previous=page.next)


def turning(
    urls: Urls, resource: Resource, pairs: Pairs, page: Page, place: int | None, query: Query
) -> Turning:
    """The footer of a page as it is shown, which begins at ``place``."""
    rest = without(pairs)
    here, backward = len(page.rows), place is not None and place < 0
    if place is not None and place > 0 and (page.previous is None or place == 1):
        # Rows come and go meanwhile: where nothing is before a page its number is known again.
        place = 1 if page.previous is None else None

    def turned(cursor: str | None, to: int | None) -> str | None:
        if cursor is None:
            return None
        known = [] if to is None or not -(10**9) < to < 10**9 else [(PLACE, str(to))]
        return urls.list(resource, [*rest, ("cursor", cursor), *known])

    after: int | None
    before: int | None
    if backward:
        assert place is not None  # noqa: S101 - it is below zero
        after, before = min(place + page.limit, -1), place - here
    else:
        after = None if place is None else place + here
        before = None if place is None else max(place - page.limit, 1)
    endless = page.next is None or query.ranked
    last = None if endless else urls.list(resource, [*rest, (PLACE, "-1")])
    sizes = sorted({*SIZES, resource.options.page_size, page.limit})
    return Turning(
        words=_words(page, here, place, exact=query.count == "exact"),
        first=urls.list(resource, rest) if page.previous else None,
        previous=turned(page.previous, before),
        next=turned(page.next, after),
        last=last,
        sizes=tuple(
            (size, None if size == page.limit else urls.list(resource, _sized(rest, size)))
            for size in sizes
            if size <= resource.options.page_limit
        ),
    )


def _sized(pairs: Pairs, size: int) -> Pairs:
    return [*without(pairs, "limit"), ("limit", str(size))]


def _words(page: Page, here: int, place: int | None, *, exact: bool) -> str:
    """Which of how many, as far as both are known."""
    if not here:
        return ""
    cap, total = page.cap or COUNT_CAP, page.total
    capped = total is not None and total > cap and not exact
    known = total_words(total, cap) or say("an unknown number")
    if place is not None and place < 0:
        if total is None or capped:
            return _words_from_end(here, -place, known)
        place += total - here + 2
    if place is None:
        return say("{count} of {total}", count=number(here), total=known)
    last = place + here - 1
    if page.next is None and (capped or total is None):
        total, capped = last, False  # Whoever has walked to the end has counted them.
    told = {"first": number(place), "last": number(last)}
    if total is None:
        return say("{first}\N{EN DASH}{last}", **told)
    told["total"] = known if capped else number(total)
    return say("{first}\N{EN DASH}{last} of {total}", **told)


def _words_from_end(here: int, place: int, total: str) -> str:
    """The same of a page of which only the way to the end is known."""
    if place == 1:
        return say("Last {count} of {total}", count=number(here), total=total)
    told = {"first": number(place), "last": number(place + here - 1)}
    return say("{first}\N{EN DASH}{last} from the end of {total}", **told, total=total)
