"""Conditions in words: a sentence for each, with names for keys and days for periods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from admin_app.declaration import Field, Key, Relation
from admin_app.declaration.values import adapter_of
from admin_app.panel.display import DATED, day, wire_shown
from admin_app.panel.language import mark, mark_many, say, say_many
from admin_app.panel.links import GONE
from admin_app.panel.visit import Visit
from admin_app.records import Title
from admin_app.records.queries.conditions import (
    TRUE,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    KeyIn,
    Not,
    Related,
)
from admin_app.records.queries.operators import TEXT
from admin_app.records.queries.periods import Dated, Period, Relative, is_period

SENTENCES = {
    "eq": mark("{field} is {value}"),
    "ne": mark("{field} is not {value}"),
    "lt": mark("{field} below {value}"),
    "lte": mark("{field} up to {value}"),
    "gt": mark("{field} above {value}"),
    "gte": mark("{field} from {value}"),
    "in": mark("{field} is one of {value}"),
    "nin": mark("{field} is none of {value}"),
    "between": mark("{field} from {value} to {last}"),
    "like": mark("{field} matches {value}"),
    "ilike": mark("{field} matches {value}"),
    "contains": mark("{field} contains {value}"),
    "startswith": mark("{field} starts with {value}"),
    "endswith": mark("{field} ends with {value}"),
}
MOMENT_SENTENCES = {"lt": mark("{field} before {value}"), "gt": mark("{field} after {value}")}
PRESETS = (
    (mark("today"), "eq", "today"),
    (mark("yesterday"), "eq", "today-1d"),
    (mark("last 7 days"), "between", "today-6d,today"),
    (mark("last 30 days"), "between", "today-29d,today"),
    (mark("this month"), "eq", "month"),
    (mark("last month"), "eq", "month-1m"),
    (mark("this year"), "eq", "year"),
    (mark("next 7 days"), "between", "today+1d,today+7d"),
)
"""Periods that are asked for often: in words, with their operator, as an address has them."""
_AGO = {
    "h": mark_many("{count} hour ago", "{count} hours ago"),
    "d": mark_many("{count} day ago", "{count} days ago"),
    "w": mark_many("{count} week ago", "{count} weeks ago"),
    "m": mark_many("{count} month ago", "{count} months ago"),
    "y": mark_many("{count} year ago", "{count} years ago"),
}
_AHEAD = {
    "h": mark_many("in {count} hour", "in {count} hours"),
    "d": mark_many("in {count} day", "in {count} days"),
    "w": mark_many("in {count} week", "in {count} weeks"),
    "m": mark_many("in {count} month", "in {count} months"),
    "y": mark_many("in {count} year", "in {count} years"),
}
_WORDS = {
    "now": mark("now"),
    "today": mark("today"),
    "week": mark("this week"),
    "month": mark("this month"),
    "year": mark("this year"),
}
_MOVED = {
    "now": "{when}",
    "today": "{when}",
    "week": mark("the week {when}"),
    "month": mark("the month {when}"),
    "year": mark("the year {when}"),
}

Titles = Mapping[str, Mapping[Key, Title]]
"""What records are called, by the name of their resource."""


async def sentences(visit: Visit, conditions: Sequence[Condition]) -> list[str]:
    """Each condition in words; one statement for each resource whose records they name."""
    keys: dict[str, set[Key]] = {}
    for relation, each in _keys_in(conditions):
        keys.setdefault(relation.target, set()).update(each)
    titles = {
        name: await visit.records.titles(visit.actor, visit.registry[name], found)
        for name, found in keys.items()
    }
    return [sentence(each, titles) for each in conditions]


def _keys_in(conditions: Iterable[Condition]) -> Iterator[tuple[Relation, Sequence[Key]]]:
    for each in conditions:
        match each:
            case Related(relation, _, KeyIn(keys)):
                yield relation, keys
            case Related(_, _, inner) | Not(inner):
                yield from _keys_in([inner])
            case AllOf(several) | AnyOf(several):
                yield from _keys_in(several)


def sentence(condition: Condition, titles: Titles) -> str:  # noqa: PLR0911 - one line a kind
    """One condition in words."""
    match condition:
        case Comparison(field, operator, value):
            return compared(field, operator, value)
        case Related(relation, quantifier, inner):
            return _related(relation, quantifier, inner, titles)
        case AllOf(()):
            return say("anything")
        case AllOf(several):
            return reduce(_and, (_inside(each, titles) for each in several))
        case AnyOf(several):
            return reduce(_or, (_inside(each, titles) for each in several))
        case Not(inner):
            return say("not ({condition})", condition=sentence(inner, titles))
        case KeyIn(keys):
            return ", ".join(",".join(map(str, each)) for each in keys)


def _inside(condition: Condition, titles: Titles) -> str:
    found = sentence(condition, titles)
    compound = isinstance(condition, AllOf | AnyOf) and len(condition.conditions) > 1
    return f"({found})" if compound else found


def _and(first: str, second: str) -> str:
    return say("{first} and {second}", first=first, second=second)


def _or(first: str, second: str) -> str:
    return say("{first} or {second}", first=first, second=second)


def _related(relation: Relation, quantifier: str, inner: Condition, titles: Titles) -> str:
    if inner == TRUE:
        return _emptiness(relation, empty=quantifier == "none")
    if isinstance(inner, KeyIn):
        named = titles.get(relation.target, {})
        value = ", ".join(named[key].text if key in named else say(GONE) for key in inner.keys)
        operator = "eq" if len(inner.keys) == 1 else "in"
        if quantifier == "none":
            operator = "ne" if operator == "eq" else "nin"
        return say(SENTENCES[operator], field=say(relation.label), value=value)
    words = {
        "some": mark("{field} with {condition}"),
        "none": mark("no {field} with {condition}"),
        "all": mark("all {field} with {condition}"),
    }
    return say(words[quantifier], field=say(relation.label), condition=_inside(inner, titles))


def _emptiness(source: Field | Relation, *, empty: bool) -> str:
    label = say(source.label)
    if empty:
        return say("{field} is empty", field=label)
    return say("{field} is not empty", field=label)


def compared(field: Field, operator: str, value: Any) -> str:
    """A comparison of a field in words."""
    if operator == "isnull":
        return _emptiness(field, empty=value)
    # A condition knows the field as the declaration has it.
    label = say(field.label)
    if is_period(value):
        preset = _preset(operator, value)
        if preset:
            return say("{field}: {period}", field=label, period=say(preset))
    words = SENTENCES
    if field.kind in DATED:
        words = {**SENTENCES, **MOMENT_SENTENCES}
    if operator == "between":
        first, last = (value_words(field, operator, each) for each in value)
        return say(words[operator], field=label, value=first, last=last)
    several = value if isinstance(value, list) else [value]
    shown = ", ".join(value_words(field, operator, each) for each in several)
    if len(several) == 1:
        operator = {"in": "eq", "nin": "ne"}.get(operator, operator)
    return say(words[operator], field=label, value=shown)


def _preset(operator: str, value: Any) -> str | None:
    several = value if isinstance(value, list) else [value]
    text = ",".join(each.text if isinstance(each, Relative) else "" for each in several)
    found = ((words, op, of) for words, op, of in PRESETS if (op, of) == (operator, text))
    return next(found, (None,))[0]


def value_words(field: Field, operator: str, value: Any) -> str:
    """What a field is compared with, in words."""
    if isinstance(value, Relative | Dated):
        return period_words(value)
    if operator in TEXT:
        return str(value)
    wire = adapter_of(field.shape).dump_python(value, mode="json")
    shown = wire_shown(field, wire)
    return shown.text or shown.note


def period_words(period: Period) -> str:
    """A period in words."""
    if isinstance(period, Dated):
        return day(period.text)
    if not period.number:
        return say(_WORDS[period.word])
    forms = (_AGO if period.number < 0 else _AHEAD)[period.unit]
    when = say_many(*forms, abs(period.number))
    return say(_MOVED[period.word], when=when)


def operator_words(operator: str) -> str:
    """An operator in words, as it stands between a field and a value."""
    return say(_OPERATORS[operator])


_OPERATORS = {
    "eq": mark("is"),
    "ne": mark("is not"),
    "lt": mark("below"),
    "lte": mark("up to"),
    "gt": mark("above"),
    "gte": mark("from"),
    "range": mark("from … to"),
    "between": mark("from … to"),
    "in": mark("is one of"),
    "nin": mark("is none of"),
    "like": mark("matches exactly"),
    "ilike": mark("matches"),
    "contains": mark("contains"),
    "startswith": mark("starts with"),
    "endswith": mark("ends with"),
    "null": mark("is empty"),
    "filled": mark("is not empty"),
    "some": mark("has one with"),
    "none": mark("has none with"),
    "all": mark("has only those with"),
}
