"""The lines of a record's page: its values, and what it points to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Field, Kind, Relation
from admin_app.panel.display import Shown, shown
from admin_app.panel.granted import in_words
from admin_app.panel.layout import order_of
from admin_app.panel.links import (
    related,
    titles_of,
)
from admin_app.panel.visit import Visit
from admin_app.records import Representation

LINKS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a record's page."""

    label: str
    value: Shown
    href: str | None = None
    """Where the value can be downloaded."""


async def entries(visit: Visit, record: Representation) -> tuple[list[Entry], list[Entry]]:
    """The values people work with, and the technical ones: keys, versions."""
    main: list[Entry] = []
    technical: list[Entry] = []
    resource = visit.registry[record.resource.name]
    told = in_words(visit, resource, record.values)
    for source in order_of(resource):
        if isinstance(source, Relation):
            titles = await titles_of(visit, source, [record.values], most=LINKS_SHOWN)
            value = related(visit, source, record.values, titles, most=LINKS_SHOWN)
            main.append(Entry(source.label, value))
            continue
        entry = _entry(visit, record, source, told)
        automatic = source.primary_key and not source.creatable
        hidden = automatic or source.name == resource.version
        (technical if hidden else main).append(entry)
    return main, technical


def _entry(visit: Visit, record: Representation, field: Field, told: Mapping[str, Any]) -> Entry:
    value = shown(record.resource, field, told)
    downloadable = field.kind is Kind.BINARY and not value.empty and not value.note
    href = visit.urls.file(record.resource, record.key, field.name) if downloadable else None
    return Entry(field.label, value, href)
