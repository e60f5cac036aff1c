"""Values as people read them, in lists, details and histories."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from babel.dates import format_skeleton

from admin_app.declaration import SYSTEM, Field, Kind, Resource
from admin_app.declaration.fields import words
from admin_app.declaration.values import to_text
from admin_app.panel.language import ENGLISH, language, lowered, mark, number, say, say_many, zone
from admin_app.records import COUNT_CAP

SHORT = 120
"""Characters of a text that a list shows; the cell is narrower, the rest is a click away."""
GROUPED_FROM = 10_000
"""Integers below this are not grouped by thousands: most of them are years."""
_SECONDS = re.compile(r"(\d\d:\d\d):\d\d(?:\.\d+)?")
_FRACTION = re.compile(r"(?<=:\d\d)\.\d+")
DAY = len("2026-01-31")
"""Characters of a date."""
NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
DATED = frozenset({Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.INSTANT})
MEASURED = NUMBERS | DATED
"""Kinds that are aligned to the right, to be compared down the column."""
DOOR_WORDS = {
    "panel": mark("in the panel"),
    "rest": mark("through the API"),
    "command line": mark("on the command line"),
    "import": mark("in an import"),
}
"""The surface of a change in words, by its source."""
CODE = frozenset({Kind.JSON, Kind.UUID})
CLOSED = frozenset({Kind.BOOLEAN, Kind.ENUM})
"""Kinds of which there are few values, to be chosen from."""
_DURATION = re.compile(
    r"(-?)P(?:(\d{1,7})Y)?(?:(\d{1,9})D)?"
    r"(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_YEAR = 365
"""Days: what pydantic means by a year of a duration."""


@dataclass(frozen=True, slots=True)
class Link:
    """Text that leads somewhere, if the reader may go there."""

    text: str
    href: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A value to be shown: text, or links; neither stands for nothing."""

    text: str = ""
    links: tuple[Link, ...] = ()
    more: int = 0
    """Links that are not shown."""
    code: bool = False
    note: str = ""
    """Shown in place of a text that is empty or must not be seen."""
    tone: str = ""
    """What a choice means, where a colour says so."""

    @property
    def empty(self) -> bool:
        return not (self.text or self.links or self.note)


NOTHING = Shown()


def shown(resource: Resource, field: Field, values: Mapping[str, Any]) -> Shown:
    """A record's value in full."""
    if field.sensitive:
        return Shown(note=say("Kept secret"))
    value = values[field.name]
    if value is None or (value == "" and not field.nullable):
        return NOTHING
    if field.kind is Kind.BINARY:
        return Shown(size_words(len(value)))
    if field.kind in {Kind.DATETIME, Kind.INSTANT}:
        value = value.replace(microsecond=0)
    return wire_shown(field, resource.wire(field.name, value))


def wire_shown(field: Field, value: Any) -> Shown:
    """A value given as JSON data, as changes keep it."""
    if value is None:
        return NOTHING
    if value == "" and isinstance(value, str) and field.kind is not Kind.BINARY:
        return Shown(note=say("Empty text"))
    if field.kind is Kind.JSON and isinstance(value, dict | list) and value:
        return Shown(json.dumps(value, indent=2, ensure_ascii=False), code=True)
    tone = field.tones.get(value, "") if field.tones else ""
    unit = f"\N{NO-BREAK SPACE}{field.unit}" if field.unit else ""
    return Shown(f"{_text(field, value)}{unit}", code=field.kind in CODE, tone=tone)


def shortened(value: Shown) -> Shown:
    """A value shortened for a narrow place."""
    text = " ".join(value.text[: SHORT * 2].split())
    if len(text) <= SHORT and len(value.text) <= SHORT:
        return Shown(text, value.links, value.more, note=value.note, tone=value.tone)
    return Shown(f"{text[:SHORT].rstrip()}…", value.links, value.more, note=value.note)


def brief(field: Field, value: Shown) -> Shown:
    """A value for a list's cell: shortened, moments to the minute."""
    if field.kind in {Kind.DATETIME, Kind.INSTANT} and value.text:
        return Shown(_SECONDS.sub(r"\1", value.text, count=1))
    return shortened(value)


def _text(field: Field, value: Any) -> str:  # noqa: C901, PLR0911 - one line a kind
    match field.kind:
        case Kind.BOOLEAN | Kind.ENUM:
            return choice_words(value)
        case Kind.INTEGER:
            return _whole(field, value)
        case Kind.DECIMAL | Kind.FLOAT:
            return str(value).replace(".", language().decimal_sign)
        case Kind.DATE:
            return day(str(value))
        case Kind.DATETIME | Kind.INSTANT:
            # Of what nobody sets, as when it was deleted, no fraction of a second matters.
            return moment(str(value) if field.updatable else _FRACTION.sub("", str(value)))
        case Kind.TIME:
            return trimmed(str(value))
        case Kind.INTERVAL:
            return lasting(str(value))
        case Kind.ARRAY:
            return ", ".join(str(each) for each in value)
        case Kind.JSON:
            return json.dumps(value, ensure_ascii=False)
        case Kind.BINARY:
            return size_words(len(str(value).rstrip("=")) * 3 // 4)
        case _:
            return str(value)


def lasting(wire: str) -> str:
    """A duration in words, ``1 d 2 h 30 min``, as a form takes it; other text as it is."""
    found = _DURATION.fullmatch(wire)
    if found is None:
        return wire
    sign, years, days, *clock = found.groups()
    numbers = (str(int(years or 0) * _YEAR + int(days or 0)), *clock)
    units = zip(numbers, ("d", "h", "min", "s"), strict=True)
    parts = [f"{each} {unit}" for each, unit in units if each and each.strip("0.")]
    return sign + (" ".join(parts) or "0 s")


def _whole(field: Field, value: int) -> str:
    plain = field.primary_key or field.unique or abs(value) < GROUPED_FROM
    text = str(abs(value)) if plain else number(abs(value))
    return f"\N{MINUS SIGN}{text}" if value < 0 else text


def choice_words(value: Any) -> str:
    """One of a field's choices, or yes or no, given as JSON data."""
    if isinstance(value, bool):
        return say("Yes") if value else say("No")
    return say(words(value)) if isinstance(value, str) else str(value)


def choices_of(field: Field) -> list[tuple[str, str]]:
    """What there is to choose for a field of ``CLOSED`` kind: each as text, and in words."""
    values = (True, False) if field.kind is Kind.BOOLEAN else field.shape.choices
    return [(to_text(each), choice_words(each)) for each in values]


def titled(resource: Resource, values: Mapping[str, Any]) -> str:
    """A record's title, in words where it is one of a few choices."""
    field = resource.readable.get(resource.title)
    value = values.get(resource.title)
    chosen = field is not None and field.kind is Kind.ENUM and value is not None
    return (
        choice_words(resource.wire(resource.title, value)) if chosen else resource.title_of(values)
    )


def action_words(name: str) -> str:
    """What may be done, by the name that grants have for it."""
    if not language().messages:
        return name
    return language().find(name) or lowered(say(words(name.replace("-", "_"))))


def day(text: str) -> str:
    """An ISO 8601 date as the reader writes it."""
    chosen = language()
    if chosen.code == ENGLISH:
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return str(format_skeleton("yMd", found, locale=chosen.locale))


def moment(text: str) -> str:
    """An ISO 8601 date and time; a point in time in the reader's zone, with its name."""
    name = ""
    if text.endswith("Z"):
        text, name = _local(text.removesuffix("Z"))
    return f"{day(text[:DAY])} {trimmed(text[DAY + 1 :])}{name}"


def _local(text: str) -> tuple[str, str]:
    """A date and time of UTC as those of the reader's zone, and what that is called then."""
    if zone().key == "UTC":
        return text, " UTC"
    try:
        found = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone())
    except (ValueError, OverflowError):
        return text, " UTC"
    name = found.tzname() or ""
    return found.replace(tzinfo=None).isoformat(), f" {zone_name(name)}"


def zone_name(name: str) -> str:
    """The abbreviation of a zone; where it has none, how far it is from UTC."""
    return f"UTC{name}" if name[:1] in {"+", "-"} else name


def told(at: datetime) -> str:
    """A point in time to the minute."""
    text = moment(f"{at.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()}Z")
    return _SECONDS.sub(r"\1", text, count=1)


def trimmed(text: str) -> str:
    """A time without the zeros that end its fraction of a second."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def size_words(size: int) -> str:
    """A number of bytes."""
    for unit, factor in ((mark("{size} MB"), 1024**2), (mark("{size} KB"), 1024)):
        if size >= factor:
            return say(unit, size=number(size / factor, ".1f"))
    return say_many("{count} byte", "{count} bytes", size)


def who(actor_name: str, impersonator: str | None) -> str:
    """Who made a change; somebody may have acted as somebody else."""
    if impersonator is None:
        return say("command line") if actor_name == SYSTEM.name else actor_name
    return say("{impersonator} as {name}", impersonator=impersonator, name=actor_name)


def total_words(total: int | None, cap: int | None = None) -> str:
    """How many there are, as far as they were counted: up to ``cap``, or as usual."""
    if total is None:
        return ""
    cap = cap or COUNT_CAP
    return f"{number(cap)}+" if total > cap else number(total)
