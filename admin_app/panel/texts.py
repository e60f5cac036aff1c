"""Values as the text of a control and back: one pair of functions for every kind.

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
from admin_app.panel.display import trimmed

_ZONED = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)\Z", re.ASCII)


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
            return trimmed(str(wire).removesuffix("Z"))
        case _:
            return str(wire)


def wire_of(field: Field, text: str) -> Any:
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
            return text if _ZONED.search(text) else f"{text}Z"
        case _:
            return from_text(field.shape, text)


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
    zoned = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return zoned.isoformat()


_MOMENTS: dict[Kind, Callable[[str], str]] = {
    Kind.DATE: lambda text: date.fromisoformat(text).isoformat(),
    Kind.TIME: lambda text: time.fromisoformat(text).isoformat(),
    Kind.DATETIME: lambda text: datetime.fromisoformat(text).isoformat(),
    Kind.INSTANT: _instant,
}
