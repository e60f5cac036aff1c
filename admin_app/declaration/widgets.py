"""``Widget``: a figure or a chart on the panel's first page, of the records one may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from admin_app.declaration.fields import Field, Kind
from admin_app.suggestions import did_you_mean

Unit = Literal["year", "quarter", "month", "week", "day"]
_DATED = frozenset({Kind.DATE, Kind.DATETIME, Kind.INSTANT})
_UNGROUPED = frozenset({Kind.JSON, Kind.ARRAY, Kind.BINARY})


@dataclass(frozen=True, kw_only=True)
class Widget:
    """Without ``by`` a number; with it a breakdown by a field, or with ``unit`` a trend in time.

    ``Widget(title="Lost", where={"lost_on__isnull": "false"})``,
    ``Widget(title="By language", by="language")``,
    ``Widget(title="New a month", by="added_at", unit="month")``.
    """

    title: str
    where: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the list, as in its address; the widget leads there."""
    by: str = ""
    """The field that records are grouped by."""
    unit: Unit | None = None
    """Of a date or an instant: the period to group by."""
    sum: str = ""
    """A number field to sum instead of counting records."""
    limit: int = 8
    """The most bars; of a trend the latest."""


def check_widgets(
    where: str, widgets: Iterable[Widget], fields: Mapping[str, Field]
) -> Iterator[str]:
    """What is wrong with a resource's widgets, a line each."""
    for each in widgets:
        place = f"{where}: widget {each.title!r}"
        for name in filter(None, (each.by, each.sum)):
            if name not in fields:
                yield f"{place}: there is no field {name!r}{did_you_mean(name, fields)}"
        by, added = fields.get(each.by), fields.get(each.sum)
        if each.unit and (by is None or by.kind not in _DATED):
            yield f"{place}: a unit goes with a date or an instant"
        if by is not None and (by.sensitive or by.kind in _UNGROUPED):
            yield f"{place}: records cannot be put together by {each.by!r}"
        if added is not None and added.kind not in {Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT}:
            yield f"{place}: {each.sum!r} is no number"
        if not 1 <= each.limit <= 60:  # noqa: PLR2004 - more bars than anybody reads
            yield f"{place}: a limit is from 1 to 60"
