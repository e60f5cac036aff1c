"""Stretches of time as what moments are compared with: ``today``, ``month-1m``, ``2020-03``.

A word stays a word in the query and becomes moments when the query is read, in the query's time
zone; so what is kept of a query (an address, a saved view, a parse) never keeps the day it was
made on. Dates with less than a day are there so that a group of an aggregate is also a filter.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from admin_app.database.exact import UTC_NAME
from admin_app.declaration import Kind
from admin_app.errors import BadRequestError
from admin_app.records.queries.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    KeyIn,
    Not,
    Related,
)
from admin_app.records.queries.query import Query, Shape
from admin_app.records.queries.reading import Reading

MOMENTS = frozenset({Kind.DATE, Kind.DATETIME, Kind.INSTANT})
OPERATORS = ("eq", "ne", "lt", "lte", "gt", "gte", "between")
"""Those that take periods."""
WORDS: dict[str, str] = {"now": "hdwmy", "today": "dwmy", "week": "w", "month": "my", "year": "y"}
"""Each with the units that it can be moved by."""
MAX_DAYS = 366_000
"""How far a word may be moved: a thousand years."""
_DAYS = {"h": 1 / 24, "d": 1, "w": 7, "m": 31, "y": 366}
_YEARS = range(2, 9_999)
"""Years whose ends are moments in every time zone."""
# A plus that was sent without being escaped has become a space.
_RELATIVE = re.compile(rf"({'|'.join(WORDS)})(?:([-+ ])(\d{{1,5}})([hdwmy]))?", re.ASCII)
_DATED = re.compile(r"(\d{4})(?:-(?:(\d\d)(?:-(\d\d))?|Q([1-4])|W(\d\d)))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Relative:
    """``now``, or the day, week, month or year that is, moved by so many units."""

    word: str
    number: int = 0
    unit: str = "d"

    @property
    def text(self) -> str:
        """The period as it is written."""
        return f"{self.word}{self.number:+d}{self.unit}" if self.number else self.word

    def ends(self, now: datetime) -> tuple[datetime, datetime]:
        """When it begins and when the next begins; both the same for ``now``."""
        if self.unit == "h":
            moment = (now.astimezone(UTC) + timedelta(hours=self.number)).astimezone(now.tzinfo)
            return moment, moment
        day = _moved(_first(self.word, now.date()), self.number, self.unit)
        if self.word == "now":
            moment = datetime.combine(day, now.timetz())
            return moment, moment
        return _midnight(day, now), _midnight(_moved(day, 1, _LENGTH[self.word]), now)


@dataclass(frozen=True, slots=True)
class Dated:
    """A year, quarter, month, week or day of the calendar."""

    text: str
    first: date
    number: int
    unit: str

    def ends(self, now: datetime) -> tuple[datetime, datetime]:
        """When it begins and when the next begins."""
        next_ = _moved(self.first, self.number, self.unit)
        return _midnight(self.first, now), _midnight(next_, now)


Period = Relative | Dated
_LENGTH = {"today": "d", "week": "w", "month": "m", "year": "y"}


def period_of(kind: Kind, operator: str, text: Any) -> Period | None:
    """Read a period; none where the text is to be a plain value of its kind.

    Raises ``BadRequestError``.
    """
    if kind not in MOMENTS or not isinstance(text, str):
        return None
    found = _relative(text) or _dated(kind, text)
    if found is None:
        return None
    if operator not in OPERATORS:
        msg = f"A period is compared by {', '.join(OPERATORS)}."
        raise BadRequestError(msg)
    moment = isinstance(found, Relative) and found.word == "now" and kind is not Kind.DATE
    if moment and operator in {"eq", "ne"}:
        msg = "now is a moment, which nothing is equal to: ask for today, or for what is before."
        raise BadRequestError(msg)
    return found


def _relative(text: str) -> Relative | None:
    match = _RELATIVE.fullmatch(text)
    if match is None:
        return None
    word, sign, digits, unit = match.groups()
    if unit is None:
        return Relative(word)
    if unit not in WORDS[word]:
        msg = f"{word} is moved by numbers of {', '.join(WORDS[word])}."
        raise BadRequestError(msg)
    if int(digits) * _DAYS[unit] > MAX_DAYS:
        msg = "At most a thousand years from now."
        raise BadRequestError(msg)
    return Relative(word, -int(digits) if sign == "-" else int(digits), unit)


def _dated(kind: Kind, text: str) -> Dated | None:
    match = _DATED.fullmatch(text)
    if match is None or int(match[1]) not in _YEARS:
        return None
    year = int(match[1])
    month, day, quarter, week = (int(each) if each else None for each in match.groups()[1:])
    if day is not None and kind is Kind.DATE:
        return None  # It is compared with a day as with any other value.
    try:
        if week is not None:
            return Dated(text, date.fromisocalendar(year, week, 1), 1, "w")
        month = 3 * quarter - 2 if quarter is not None else month
        first = date(year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return None
    number = 3 if quarter is not None else 1
    return Dated(text, first, number, "y" if month is None else "m" if day is None else "d")


def _first(word: str, day: date) -> date:
    """The first day of the period that ``day`` is in."""
    match word:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
        case _:
            return day


def _moved(day: date, number: int, unit: str) -> date:
    if unit in {"d", "w"}:
        return day + timedelta(days=number * int(_DAYS[unit]))
    months = day.year * 12 + day.month - 1 + number * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    # The 31st of a month that has none is its last day.
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _midnight(day: date, now: datetime) -> datetime:
    return datetime.combine(day, time(), now.tzinfo)


@cache
def zones() -> frozenset[str]:
    """The names of the time zones there are."""
    # What is local to one machine is not so to another, such as the database's.
    return frozenset(available_timezones()) - {"localtime"} | {UTC_NAME}


def zone_of(reading: Reading, given: Any) -> str:
    """Read the name of a time zone; none stands for UTC."""
    if given is None:
        return UTC_NAME
    if not isinstance(given, str) or given not in zones():
        words = "Name a time zone there is, such as Europe/Lisbon."
        reading.refuse(("tz",), "bad_value", words)
        return UTC_NAME
    return given


def in_zone(now: datetime, name: str) -> datetime:
    """The moment as clocks of a zone show it."""
    zone: tzinfo = UTC if name == UTC_NAME else ZoneInfo(name)
    return now.astimezone(zone)


def is_period(value: Any) -> bool:
    """Whether an operand is a period, or has one in it."""
    several = value if isinstance(value, list) else [value]
    return any(isinstance(each, Relative | Dated) for each in several)


def settled(query: Query, now: datetime) -> Query:
    """The query with moments for its periods; ``written`` is what it was."""
    local = in_zone(now, query.zone)
    return replace(
        query,
        filters=settled_all(query.filters, local),
        shape=_settled_shape(query.shape, local),
        written=query.filters,
    )


def settled_all(conditions: Sequence[Condition], now: datetime) -> tuple[Condition, ...]:
    """The conditions with moments for their periods; ``now`` is in the zone that they are in."""
    return tuple(_settled(each, now) for each in conditions)


def _settled_shape(shape: Shape, now: datetime) -> Shape:
    if not shape.includes:
        return shape
    includes = tuple(
        replace(
            each,
            query=replace(
                each.query,
                filters=settled_all(each.query.filters, now),
                shape=_settled_shape(each.query.shape, now),
            ),
        )
        for each in shape.includes
    )
    return replace(shape, includes=includes)


def _settled(condition: Condition, now: datetime) -> Condition:
    match condition:
        case Comparison(_, _, value):
            return _compared(condition, now) if is_period(value) else condition
        case KeyIn():
            return condition
        case AllOf(inner) | AnyOf(inner):
            return replace(condition, conditions=settled_all(inner, now))
        case Not(one):
            return Not(_settled(one, now))
        case Related(relation, quantifier, one):
            return Related(relation, quantifier, _settled(one, now))


def _compared(comparison: Comparison, now: datetime) -> Condition:
    field, value = comparison.field, comparison.value

    def one(operator: str, operand: Any) -> Comparison:
        if not is_period(operand):
            return Comparison(field, operator, operand)
        begin, end = _values(field.kind, operand, now)
        if begin == end:
            return Comparison(field, operator, begin)
        instead = {"lte": ("lt", end), "gt": ("gte", end)}
        return Comparison(field, *instead.get(operator, (operator, begin)))

    match comparison.operator:
        case "between":
            return AllOf((one("gte", value[0]), one("lte", value[1])))
        case "eq":
            return AllOf((one("gte", value), one("lte", value)))
        case "ne":
            return Not(AllOf((one("gte", value), one("lte", value))))
        case operator:
            return one(operator, value)


def _values(kind: Kind, period: Period, now: datetime) -> tuple[Any, Any]:
    """The ends of a period as values of a kind."""
    begin, end = period.ends(now)
    match kind:
        case Kind.DATE:
            # The day of a moment is a day.
            last = end.date() if end > begin else end.date() + timedelta(days=1)
            return begin.date(), last
        case Kind.DATETIME:
            return begin.replace(tzinfo=None), end.replace(tzinfo=None)
        case _:
            return begin.astimezone(UTC), end.astimezone(UTC)
