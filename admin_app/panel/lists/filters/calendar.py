"""Going down through years, months and days, with how many records there are in each."""

from __future__ import annotations

from dataclasses import dataclass

from admin_app.database.exact import Unit
from admin_app.declaration import Field, Resource
from admin_app.panel.display import DAY
from admin_app.panel.language import number
from admin_app.panel.list_address import parameter
from admin_app.panel.lists.filters.address import Pairs, changed
from admin_app.panel.visit import Visit
from admin_app.records import Query

MOST_PARTS = 40
_PARTS: dict[int, Unit] = {4: "month", 7: "day"}
"""What a year and a month, by how long they are written, are parted into."""


@dataclass(frozen=True, slots=True)
class Part:
    """A year, month or day: how many records there are in it, and the list of them."""

    text: str
    count: str
    href: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The parts of a period, and the ways back to longer ones."""

    parts: list[Part]
    ways: list[Part]
    more: bool
    counted: bool


async def calendar_of(
    visit: Visit, resource: Resource, query: Query, pairs: Pairs, field: Field, was: str
) -> Calendar:
    """The years of a list, or the months of the year, or the days of the month that it is in."""
    name = parameter(field.name)
    within = dict(pairs).get(name, "") if was in {"", name} else ""
    unit = _PARTS.get(len(within), "year" if len(within) != DAY else "day")
    found = await visit.records.facet(
        visit.actor, resource, query, field, unit=unit, limit=MOST_PARTS
    )

    def part(text: str, count: int | None = None) -> Part:
        shown = "" if count is None else number(count)
        condition = [(name, text)] if text else []
        return Part(text, shown, visit.urls.list(resource, changed(pairs, was or name, condition)))

    parts = [part(str(each.value), each.count) for each in found.values if each.value is not None]
    longer = (
        [within[:end] for end in (0, 4, 7) if end < len(within)] if within[:4].isdigit() else []
    )
    return Calendar(parts, [part(each) for each in longer], found.more, found.counted)
