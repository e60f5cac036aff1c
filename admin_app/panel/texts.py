"""Conversion between values and the texts of controls, for every kind.

What a control shows for a value, sent back untouched, must read as the same text: that is how a
form knows what its user has changed. So both are compared in one ``canonical`` form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from admin_app.declaration import Field, Kind
from admin_app.declaration.fields import TEXTUAL
from admin_app.declaration.values import from_text
from admin_app.panel.display import lasting, trimmed
from admin_app.panel.language import language, zone

_UNZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_SPACED = re.compile("(?<=\\d)[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}](?=\\d{3}(?!\\d))")
"""What stands between the thousands of a number that is no comma."""
_ZONED = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)\Z", re.ASCII)
_COMMA = re.compile(r"([+-]?\d{1,40}),(\d{1,40})", re.ASCII)
_GROUP = 3
"""Digits between the commas of thousands."""
_NUMBER = r"(\d{1,9})"
_IN_WORDS = re.compile(
    r"(-?)\s*"
    rf"(?:{_NUMBER}\s*w(?:eeks?)?\b\s*)?(?:{_NUMBER}\s*d(?:ays?)?\b\s*)?"
    rf"(?:{_NUMBER}\s*h(?:ours?)?\b\s*)?(?:{_NUMBER}\s*m(?:in(?:utes?)?)?\b\s*)?"
    r"(?:(\d{1,9}(?:[.,]\d{1,6})?)\s*s(?:ec(?:onds?)?)?\b\s*)?",
    re.ASCII | re.IGNORECASE,
)


class TextError(ValueError):
    """Text that cannot even be handed to the schema; the message is for people."""


def text_of(field: Field, wire: Any) -> str:  # noqa: PLR0911 - one line a kind
    """What a control shows for a value given as JSON data; NULL is empty."""
    if wire is None:
        return ""
    match field.kind:
        case Kind.JSON | Kind.ARRAY:
            return json.dumps(wire, indent=2, ensure_ascii=False)
        case Kind.FLOAT:
            return json.dumps(wire)
        case Kind.BOOLEAN:
            return "true" if wire else "false"
        case Kind.TIME | Kind.DATETIME:
            return trimmed(str(wire))
        case Kind.INSTANT:
            return _here(str(wire))
        case Kind.INTERVAL:
            return lasting(str(wire))
        case _:
            return str(wire)


def wire_of(field: Field, text: str) -> Any:  # noqa: PLR0911 - one line a kind
    """The JSON data that a control's text stands for; empty is NULL where there is one.

    Whether it is good is for the resource's schema to say. Raises ``TextError`` for what cannot
    be put to it.
    """
    if field.kind in TEXTUAL:
        text = canonical(field, text)
        # Nobody means "" by clearing a field that must be filled in.
        return None if text == "" and (field.nullable or field.required) else text
    text = text.strip()
    if text == "":
        return None
    match field.kind:
        case Kind.JSON | Kind.ARRAY:
            return _document(text)
        case Kind.DATETIME:
            return text.replace(" ", "T", 1)
        case Kind.INSTANT:
            return text if _ZONED.search(text) else _in_utc(text)
        case Kind.INTERVAL:
            return _duration(text)
        case Kind.DECIMAL | Kind.FLOAT:
            return from_text(field.shape, _pointed(field, _SPACED.sub("", text)))
        case Kind.INTEGER:
            return from_text(field.shape, _SPACED.sub("", text))
        case _:
            return from_text(field.shape, text)


def _here(wire: str) -> str:
    """An instant as the clock of the reader's zone shows it.

    An hour that a clock shows twice is told by its distance from UTC when it comes again.
    """
    plain = trimmed(wire.removesuffix("Z"))
    if zone().key == "UTC":
        return plain
    try:
        found = datetime.fromisoformat(plain).replace(tzinfo=UTC).astimezone(zone())
    except (ValueError, OverflowError):
        return wire
    shown = found if found.fold else found.replace(tzinfo=None)
    return trimmed(shown.isoformat()) if shown.tzinfo is None else shown.isoformat()


def _in_utc(text: str) -> str:
    """What a control holds of an instant, which is the clock of the reader's zone."""
    if zone().key == "UTC" or not _UNZONED.fullmatch(text):
        return f"{text}Z"
    try:
        found = datetime.fromisoformat(text).replace(tzinfo=zone()).astimezone(UTC)
    except (ValueError, OverflowError):
        return f"{text}Z"
    return f"{found.replace(tzinfo=None).isoformat()}Z"


def _duration(text: str) -> str:
    """ISO 8601 of a duration in words, ``1 d 2 h 30 min``; other text as it is."""
    found = _IN_WORDS.fullmatch(text)
    if found is None or not any(found.groups()[1:]):
        return text
    sign, weeks, days, *clock = found.groups()
    days = str(int(weeks or 0) * 7 + int(days or 0))
    time_ = "".join(f"{number}{unit}" for number, unit in zip(clock, "HMS", strict=True) if number)
    return f"{sign}P{days}D{'T' if time_ else ''}{time_}".replace(",", ".")


def _pointed(field: Field, text: str) -> str:
    """A number with a decimal comma, where it cannot be one that groups thousands."""
    found = _COMMA.fullmatch(text)
    if found is None:
        return text
    whole, places = found.groups()
    grouping = (
        language().decimal_sign != ","
        and len(places) == _GROUP
        and whole.strip("+-") != "0"
        and field.shape.scale != _GROUP
    )
    return text if grouping else f"{whole}.{places}"


def _document(text: str) -> Any:
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        msg = f"This is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        raise TextError(msg) from error
    except UnicodeEncodeError as error:
        msg = "Text cannot hold half of a surrogate pair."
        raise TextError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = "This JSON holds a number that is too long, or nests too deep."
        raise TextError(msg) from error
    return document


def canonical(field: Field, text: str) -> str:
    """The text in the one form in which two texts of the same meaning are equal.

    Browsers send every line break as CR LF and write times their own way.
    """
    if field.kind in TEXTUAL or field.kind in {Kind.JSON, Kind.ARRAY}:
        return text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.strip()
    reader = _MOMENTS.get(field.kind)
    if reader is None or not text:
        return text
    try:
        return reader(text)
    except (ValueError, OverflowError):
        return text


def _instant(text: str) -> str:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        # Whichever zone it was shown in: what nobody touches is the same text.
        return found.isoformat()
    local = found.astimezone(zone())
    return (local if local.fold else local.replace(tzinfo=None)).isoformat()


_MOMENTS: dict[Kind, Callable[[str], str]] = {
    Kind.DATE: lambda text: date.fromisoformat(text).isoformat(),
    Kind.TIME: lambda text: time.fromisoformat(text).isoformat(),
    Kind.DATETIME: lambda text: datetime.fromisoformat(text).isoformat(),
    Kind.INSTANT: _instant,
}
