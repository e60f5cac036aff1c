"""The list of a resource: columns, order, conditions and pages, all of them in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from admin_app.access import ADMINISTRATOR
from admin_app.declaration import Field, Relation, Resource
from admin_app.errors import BadRequestError, FieldError
from admin_app.panel.display import MEASURED, Shown, brief, counted, shortened, shown
from admin_app.panel.layout import columns_of
from admin_app.panel.links import Titles, related, titles_of
from admin_app.panel.lists.filters import Chip, Group, Pairs, chips, groups, kept, without
from admin_app.panel.visit import Visit
from admin_app.records import COUNT_CAP, Hint, Page, Query
from admin_app.records.queries.query import WHOLE, Sort

NAMES_SHOWN = 2
"""Names of a many-to-many cell; the others are counted."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's header: what it shows, and where a click on it leads."""

    source: Field | Relation
    sort_href: str | None
    sorted: str
    """``ascending``, ``descending`` or nothing, as ``aria-sort`` says it."""

    @property
    def label(self) -> str:
        return self.source.label

    @property
    def measured(self) -> bool:
        return isinstance(self.source, Field) and self.source.kind in MEASURED


@dataclass(frozen=True, slots=True)
class Row:
    """A record in the list."""

    href: str
    title: str
    cells: tuple[Shown, ...]
    """Those of the columns after the title."""


@dataclass(slots=True)
class Listing:
    """Everything the list's template needs."""

    resource: Resource
    pairs: Pairs
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    kept: Pairs = ()
    """What the filter form carries along."""
    searched: Pairs = ()
    """What the search form carries along."""
    count: str = ""
    next: str | None = None
    previous: str | None = None
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


def clean(pairs: Pairs) -> list[tuple[str, str]]:
    """The parameters without those that a form's untouched controls send empty."""
    return [each for each in pairs if each[1] != ""]


async def listing(visit: Visit, resource: Resource, pairs: Pairs) -> Listing:
    """Read the page that the parameters ask for; what is wrong with them is in ``problems``."""
    records = visit.records
    controls = groups(visit, resource, pairs)
    found = Listing(
        resource,
        pairs,
        groups=controls,
        kept=kept(controls, pairs),
        searched=without(pairs, "search"),
    )
    try:
        query = records.query(visit.actor, resource, _counting(pairs))
        # The columns are the panel's own, whatever shape an address asks of the API.
        query = replace(query, shape=WHOLE)
        found.hints = _hints(visit, resource, query)
        page = await records.page(visit.actor, resource, query)
    except BadRequestError as error:
        found.problems = error.errors or (FieldError((), error.code, error.detail),)
        return found
    sources = columns_of(resource)
    found.columns = [_column(visit, resource, query, pairs, each) for each in sources]
    found.rows = await _rows(visit, resource, sources[1:], page)
    found.chips = await chips(visit, resource, query, pairs)
    found.count = _count_words(resource, page)
    found.next = page.next and _turned(visit, resource, pairs, page.next)
    found.previous = page.previous and _turned(visit, resource, pairs, page.previous)
    return found


def _hints(visit: Visit, resource: Resource, query: Query) -> tuple[Hint, ...]:
    """For administrators, and for everybody where answers are for developers."""
    developing = visit.request.state.settings.server.timing
    if not (developing or ADMINISTRATOR in visit.actor.roles):
        return ()
    return tuple(visit.records.hints(visit.actor, resource, query))


def _counting(pairs: Pairs) -> Pairs:
    return pairs if any(name == "count" for name, _ in pairs) else [*pairs, ("count", "capped")]


def _turned(visit: Visit, resource: Resource, pairs: Pairs, cursor: str) -> str:
    return visit.urls.list(resource, [*without(pairs, "cursor"), ("cursor", cursor)])


def _count_words(resource: Resource, page: Page) -> str:
    here = len(page.rows)
    if page.total is None:
        return counted(here, resource)
    if page.total > COUNT_CAP:
        return f"{here} of {COUNT_CAP:,}+ {resource.label_plural.lower()}"
    if page.total == here:
        return counted(here, resource)
    return f"{here} of {counted(page.total, resource)}"


def _column(
    visit: Visit, resource: Resource, query: Query, pairs: Pairs, source: Field | Relation
) -> Column:
    if isinstance(source, Relation) or not source.sortable:
        return Column(source, None, "")
    leading: Sort = query.sort[0]
    leads = leading.field is source and not query.ranked
    ascending, descending = leads and not leading.descending, leads and leading.descending
    term = f"-{source.name}" if ascending else source.name
    href = visit.urls.list(resource, [*without(pairs, "sort"), ("sort", term)])
    state = "ascending" if ascending else "descending" if descending else ""
    return Column(source, href, state)


async def _rows(
    visit: Visit, resource: Resource, sources: Sequence[Field | Relation], page: Page
) -> list[Row]:
    titles = {
        each.name: await titles_of(visit, each, page.rows, most=NAMES_SHOWN)
        for each in sources
        if isinstance(each, Relation)
    }
    return [
        Row(
            visit.urls.details(resource, resource.key_of(values)),
            shortened(Shown(resource.title_of(values))).text,
            tuple(_cell(visit, resource, each, values, titles) for each in sources),
        )
        for values in page.rows
    ]


def _cell(
    visit: Visit,
    resource: Resource,
    source: Field | Relation,
    values: Mapping[str, Any],
    titles: Mapping[str, Titles],
) -> Shown:
    if isinstance(source, Relation):
        return related(visit, source, values, titles[source.name], most=NAMES_SHOWN)
    return brief(source, shown(resource, source, values))
