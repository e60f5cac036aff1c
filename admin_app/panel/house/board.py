"""The widgets of the first page: numbers, breakdowns and trends of what one may see.

Each is one aggregate under the policy, read within a second and kept for a minute, so that a page
that everybody opens costs little; it says as of when it is.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from admin_app.declaration import Resource
from admin_app.declaration.values import to_text
from admin_app.declaration.widgets import Widget
from admin_app.errors import BadRequestError, BusyError
from admin_app.panel.display import CLOSED, choice_words
from admin_app.panel.language import language, number, say, zone
from admin_app.panel.list_address import asked
from admin_app.panel.visit import Visit
from admin_app.records import Records
from admin_app.records.queries.grammar import parameter

SECONDS = 1.0
FRESH = 60.0
"""Seconds for which a widget is kept."""
KEPT = 1_000
"""The most widgets kept by a worker."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart; ``share`` is its percentage of the largest."""

    label: str
    value: str
    share: int
    href: str | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A widget with its values at a moment."""

    title: str
    resource: Resource
    href: str
    number: str = ""
    bars: tuple[Bar, ...] = ()
    trend: bool = False
    problem: str = ""
    as_of: datetime | None = None


class Board:
    """The widgets of every reader of one worker, for as long as they are fresh."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Records, OrderedDict[Any, tuple[float, Figure]]]
        self._kept = WeakKeyDictionary()

    async def figures(self, visit: Visit) -> list[Figure]:
        """What the first page shows."""
        wanted = [
            (resource, place, widget)
            for resource in visit.registry.values()
            if visit.may(resource, "read")
            for place, widget in enumerate(resource.options.widgets)
            if _in_sight(resource, widget)
        ]
        found = await asyncio.gather(*(self._figure(visit, *each) for each in wanted))
        return [each for each in found if each is not None]

    async def _figure(
        self, visit: Visit, resource: Resource, place: int, widget: Widget
    ) -> Figure | None:
        # Whose records these are may depend on the reader, so nobody is shown another's.
        reader = (visit.actor.user_id, visit.actor.grants, language().code, zone().key)
        key = (*reader, resource.name, place)
        kept = self._kept.setdefault(visit.records, OrderedDict())
        until, figure = kept.get(key, (0.0, None))
        if figure is not None and time.monotonic() < until:
            return figure
        try:
            figure = await _read(visit, resource, widget)
        except BadRequestError:
            return None  # Its conditions are about what this reader does not see.
        if not figure.problem:
            kept[key] = (time.monotonic() + FRESH, figure)
            kept.move_to_end(key)
            if len(kept) > KEPT:
                kept.popitem(last=False)
        return figure


def _in_sight(resource: Resource, widget: Widget) -> bool:
    return all(name in resource.readable for name in (widget.by, widget.sum) if name)


async def _read(visit: Visit, resource: Resource, widget: Widget) -> Figure:
    where = list(widget.where.items())
    href = visit.urls.list(resource, where)
    title = widget.title
    try:
        found = await visit.records.aggregates(
            visit.actor, resource, asked([*where, *_measured(widget)]), within=SECONDS
        )
    except BusyError:
        return Figure(title, resource, href, problem=say("This could not be counted in time."))
    as_of = datetime.now(UTC)
    values = [_value(widget, row) for row in found.rows]
    if not widget.by:
        number = _words(values[0] if values else Decimal(0))
        return Figure(title, resource, href, number, as_of=as_of)
    largest = max((abs(each) for each in values), default=Decimal(0))
    bars = [
        Bar(
            _label(resource, widget, group),
            _words(value),
            round(abs(value) / largest * 100) if largest else 0,
            _narrowed(visit, resource, widget, group),
        )
        for value, group in zip(values, (_group(widget, row) for row in found.rows), strict=True)
    ]
    if widget.unit:
        bars.reverse()
    return Figure(title, resource, href, bars=tuple(bars), trend=bool(widget.unit), as_of=as_of)


def _measured(widget: Widget) -> list[tuple[str, str]]:
    asked = [("sum", widget.sum)] if widget.sum else []
    if widget.by:
        group = _grouped(widget)
        measure = f"sum.{widget.sum}" if widget.sum else "count"
        order = f"-{group}" if widget.unit else f"-{measure}"
        asked += [("group", group), ("sort", order), ("limit", str(widget.limit))]
    return asked


def _grouped(widget: Widget) -> str:
    return f"{widget.by}.{widget.unit}" if widget.unit else widget.by


def _value(widget: Widget, row: Mapping[str, Any]) -> Decimal:
    value = row["sum"][widget.sum] if widget.sum else row["count"]
    return Decimal(str(value)) if value is not None else Decimal(0)


def _group(widget: Widget, row: Mapping[str, Any]) -> Any:
    return row["group"][_grouped(widget)]


def _words(value: Decimal) -> str:
    return number(value, ",f")


def _label(resource: Resource, widget: Widget, group: Any) -> str:
    if group is None:
        return say("None")
    field = resource.readable[widget.by]
    return choice_words(group) if field.kind in CLOSED else str(group)


def _narrowed(visit: Visit, resource: Resource, widget: Widget, group: Any) -> str | None:
    """The list of what a bar stands for, where a filter can say it."""
    if widget.unit:
        return None
    name = parameter(widget.by)
    pair = (f"{name}__isnull", "true") if group is None else (name, to_text(group))
    return visit.urls.list(resource, [*widget.where.items(), pair])
