"""The list of a resource: columns, order, conditions and pages, all of them in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from admin_app.access import ADMINISTRATOR
from admin_app.declaration import Kind, Resource
from admin_app.desk import Place, SavedView
from admin_app.errors import BadRequestError, FieldError
from admin_app.panel.display import CLOSED, Link, total_words
from admin_app.panel.list_address import asked, without
from admin_app.panel.lists.columns import Columns, Source, columns_for
from admin_app.panel.lists.filters import (
    Chip,
    Drop,
    Marking,
    chips,
    direct,
    drops,
    marking,
    named,
)
from admin_app.panel.lists.filters.address import Pairs
from admin_app.panel.lists.filters.chips import filter_url
from admin_app.panel.lists.paging import Turning, as_read, as_shown, place_of, turning
from admin_app.panel.lists.rows import Row, rows_of, shape_for
from admin_app.panel.lists.selecting import selectable
from admin_app.panel.lists.views import everything, is_changed, view_shown
from admin_app.panel.visit import Visit
from admin_app.records import Hint, Query
from admin_app.records.queries.query import Sort

FACTS = 2
"""Columns beside the name that a phone's card shows, and one more that says a status."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's header: what it shows, and where a click on it leads."""

    source: Source
    sort_href: str | None
    sorted: str
    """``ascending``, ``descending`` or nothing."""
    rank: int
    """Which term of the order it is, from 1; 0 for none."""
    width: int
    """In pixels; 0 for as wide as there is room for."""
    role: str
    """What a phone's card shows it as: ``fact``, ``status`` or nothing."""

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def label(self) -> str:
        return self.source.label

    @property
    def measured(self) -> bool:
        return self.source.measured

    @property
    def question(self) -> str:
        """What a card says before a yes or a no, which alone says nothing."""
        field = self.source.field
        told = self.role and field is not None and field.kind is Kind.BOOLEAN
        return self.label if told else ""


@dataclass(slots=True)
class Listing:
    """Everything the list's template needs."""

    resource: Resource
    pairs: Pairs
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    narrow: str = ""
    """Where more conditions are chosen."""
    direct: list[Link] = field(default_factory=list)
    """Records that what was searched for is the key of."""
    drops: list[Drop] = field(default_factory=list)
    """What a list without records could do without."""
    mark: Marking | None = None
    """What marks the words of the search."""
    searched: Pairs = ()
    """What the search form carries along."""
    query: Query | None = None
    """What was read; none where the address cannot be read."""
    total: int | None = None
    """How many records there are, counted up to the cap and one more."""
    total_words: str = ""
    turning: Turning = field(default_factory=Turning)
    order: str = ""
    """The order in force, as an address says it."""
    selectable: bool = False
    """Whether rows can be ticked, to do something with them."""
    everything: str = ""
    """The address of the list of all records."""
    view: SavedView | None = None
    """The saved view that this is, or was before something was changed."""
    changed: bool = False
    """Whether it is not what was saved."""
    problems: tuple[FieldError, ...] = ()
    hints: tuple[Hint, ...] = ()
    """What makes the list slow in a large table, for those who can do something about it."""

    @property
    def search(self) -> str:
        return dict(self.pairs).get("search", "")

    @property
    def narrowed(self) -> bool:
        """Whether the list is not that of all records."""
        return bool(self.chips or self.search)

    @property
    def trashed(self) -> bool:
        """Whether rows may be in the trash, where nothing is edited."""
        return dict(self.pairs).get("trash", "without") != "without"

    @property
    def sized(self) -> bool:
        """Whether somebody has chosen how wide columns are."""
        return any(each.width for each in self.columns)


def clean(pairs: Pairs) -> list[tuple[str, str]]:
    """The parameters without those that a form's untouched controls send empty."""
    return [each for each in pairs if each[1] != ""]


async def listing(visit: Visit, resource: Resource, pairs: Pairs) -> Listing:
    """Read the page that the parameters ask for; what is wrong with them is in ``problems``."""
    records = visit.records
    place = await visit.place()
    found = Listing(
        resource,
        pairs,
        narrow=filter_url(visit.urls, resource, pairs),
        searched=without(pairs, "search"),
        selectable=selectable(visit, resource, pairs),
    )
    _say_where(found, visit, place)
    try:
        columns = columns_for(visit.registry, resource, pairs, place.preferences)
        query = records.query(visit.actor, resource, _counting(asked(pairs)))
        # The columns are the panel's own, whatever shape an address asks of the API.
        shape = shape_for(resource, columns.sources, tagged=found.selectable)
        found.query = query = replace(query, shape=shape, soon=True)
        found.hints = _hints(visit, resource, query)
        first = place_of(pairs, query)
        page = await records.page(visit.actor, resource, as_read(query, first))
    except BadRequestError as error:
        errors = error.errors or (FieldError((), error.code, error.detail),)
        found.problems = named(resource, errors)
        return found
    page = as_shown(page, first)
    terms = _terms(resource, query, pairs)
    found.columns = _columns(visit, resource, terms, pairs, columns)
    found.order = ",".join(each.text for each in terms)
    found.rows = await rows_of(
        visit, resource, columns.sources, page, pairs, tagged=found.selectable
    )
    found.chips = await chips(visit, resource, query, pairs)
    found.direct = await direct(visit, resource, found.search)
    found.mark = marking(resource, query.words)
    if found.narrowed and not found.rows:
        found.drops = await drops(visit, resource, pairs, found.chips)
    found.total, found.total_words = page.total, total_words(page.total, page.cap)
    found.turning = turning(visit.urls, resource, pairs, page, first, query)
    return found


def _say_where(found: Listing, visit: Visit, place: Place) -> None:
    found.everything = everything(visit.urls, found.resource, place)
    found.view = view_shown(found.resource, found.pairs, place)
    found.changed = found.view is not None and is_changed(found.view, found.pairs)


def _hints(visit: Visit, resource: Resource, query: Query) -> tuple[Hint, ...]:
    """For administrators, and for everybody where answers are for developers."""
    developing = visit.request.state.settings.server.timing
    if not (developing or ADMINISTRATOR in visit.actor.roles):
        return ()
    return tuple(visit.records.hints(visit.actor, resource, query))


def _counting(pairs: Pairs) -> Pairs:
    return pairs if any(name == "count" for name, _ in pairs) else [*pairs, ("count", "capped")]


def _terms(resource: Resource, query: Query, pairs: Pairs) -> tuple[Sort, ...]:
    """The terms of the order that somebody asked for or declared; the key that ends it is ours."""
    if query.ranked:
        return ()
    given = dict(pairs).get("sort")
    asked_for = resource.sort if given is None else [each for each in given.split(",") if each]
    return query.sort[: max(len(asked_for), 1)]


def _columns(
    visit: Visit, resource: Resource, terms: Sequence[Sort], pairs: Pairs, columns: Columns
) -> list[Column]:
    roles = _roles(columns.sources)
    return [
        _column(visit, resource, terms, pairs, each, columns.widths.get(each.name, 0), role)
        for each, role in zip(columns.sources, roles, strict=True)
    ]


def _column(
    visit: Visit,
    resource: Resource,
    terms: Sequence[Sort],
    pairs: Pairs,
    source: Source,
    width: int,
    role: str,
) -> Column:
    own = source.own
    if own is None or not own.sortable:
        return Column(source, None, "", 0, width, role)
    places = [place for place, each in enumerate(terms, 1) if each.field.name == own.name]
    rank = places[0] if places else 0
    descends = bool(rank) and terms[rank - 1].descending
    turn = len(terms) == 1 and rank == 1 and not descends
    href = visit.urls.list(
        resource, [*without(pairs, "sort"), ("sort", f"-{own.name}" if turn else own.name)]
    )
    state = "" if not rank else "descending" if descends else "ascending"
    return Column(source, href, state, rank, width, role)


def _roles(sources: Sequence[Source]) -> list[str]:
    """What each column is on a phone's card: two facts and one status beside the name."""
    beside = sources[1:]
    status = next((each for each in beside if each.own and each.own.kind in CLOSED), None)
    facts = [each for each in beside if each is not status][:FACTS]
    return ["status" if each is status else "fact" if each in facts else "" for each in sources]
