"""Values as people read them, in lists, details and histories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Field, Kind, Resource
from admin_app.declaration.fields import words

SHORT = 120
"""Characters of a text that a list shows; the cell is narrower, the rest is a click away."""
GROUPED_FROM = 10_000
"""Whole numbers below stand as they are: most of them are years."""
MINUTE = len("2026-01-31 14:30")
NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
DATED = frozenset({Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.INSTANT})
MEASURED = NUMBERS | DATED
"""Kinds whose values stand on the right, to be compared down the column."""
CODE = frozenset({Kind.JSON, Kind.UUID, Kind.INTERVAL})


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
    """Said in place of a text that is empty or must not be seen."""

    @property
    def empty(self) -> bool:
        return not (self.text or self.links or self.note)


NOTHING = Shown()


def shown(resource: Resource, field: Field, values: Mapping[str, Any]) -> Shown:
    """A record's value in full."""
    if field.sensitive:
        return Shown(note="Kept secret")
    value = values[field.name]
    if value is None:
        return NOTHING
    if field.kind is Kind.BINARY:
        return Shown(size_words(len(value)))
    return wire_shown(field, resource.wire(field.name, value))


def wire_shown(field: Field, value: Any) -> Shown:
    """A value given as JSON data, as changes keep it."""
    if value is None:
        return NOTHING
    if value == "" and isinstance(value, str) and field.kind is not Kind.BINARY:
        return Shown(note="Empty text")
    if field.kind is Kind.JSON and isinstance(value, dict | list) and value:
        return Shown(json.dumps(value, indent=2, ensure_ascii=False), code=True)
    return Shown(_text(field, value), code=field.kind in CODE)


def shortened(value: Shown) -> Shown:
    """The same for a narrow place."""
    text = " ".join(value.text[: SHORT * 2].split())
    if len(text) <= SHORT and len(value.text) <= SHORT:
        return Shown(text, value.links, value.more, note=value.note)
    return Shown(f"{text[:SHORT].rstrip()}…", value.links, value.more, note=value.note)


def brief(field: Field, value: Shown) -> Shown:
    """A value for a list's cell: shortened, moments to the minute."""
    if field.kind in {Kind.DATETIME, Kind.INSTANT} and value.text:
        zone = " UTC" if value.text.endswith(" UTC") else ""
        return Shown(f"{value.text[:MINUTE]}{zone}")
    return shortened(value)


def _text(field: Field, value: Any) -> str:  # noqa: PLR0911 - one line a kind
    match field.kind:
        case Kind.BOOLEAN:
            return "Yes" if value else "No"
        case Kind.INTEGER:
            return _whole(field, value)
        case Kind.ENUM:
            return choice_words(value)
        case Kind.DATETIME | Kind.INSTANT:
            return moment(str(value))
        case Kind.TIME:
            return trimmed(str(value))
        case Kind.ARRAY:
            return ", ".join(str(each) for each in value)
        case Kind.JSON:
            return json.dumps(value, ensure_ascii=False)
        case Kind.BINARY:
            return size_words(len(str(value).rstrip("=")) * 3 // 4)
        case _:
            return str(value)


def _whole(field: Field, value: int) -> str:
    plain = field.primary_key or field.unique or abs(value) < GROUPED_FROM
    text = str(abs(value)) if plain else f"{abs(value):,}"
    return f"\N{MINUS SIGN}{text}" if value < 0 else text


def choice_words(value: Any) -> str:
    """One of a field's choices."""
    return words(value) if isinstance(value, str) else str(value)


def moment(text: str) -> str:
    """An ISO 8601 date and time, with its zone in words."""
    zoned = text.endswith("Z")
    return f"{trimmed(text.removesuffix('Z')).replace('T', ' ', 1)}{' UTC' if zoned else ''}"


def trimmed(text: str) -> str:
    """A time without the zeros that end its fraction of a second."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def size_words(size: int) -> str:
    """A number of bytes."""
    for unit, factor in (("MB", 1024**2), ("KB", 1024)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return "1 byte" if size == 1 else f"{size} bytes"


def counted(count: int, resource: Resource) -> str:
    """``3 books``."""
    noun = resource.label if count == 1 else resource.label_plural
    return f"{count:,} {noun.lower()}"
