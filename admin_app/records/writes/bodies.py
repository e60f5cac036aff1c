"""The parts of a body: what it says of columns, of many-to-many relations and of children."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from admin_app.declaration import Resource
from admin_app.records.reads.reader import Values


class Parts(NamedTuple):
    """The values of a body, each by its name."""

    columns: Values
    sets: dict[str, Any]
    children: dict[str, Mapping[str, Any]]


def parted(resource: Resource, values: Values) -> Parts:
    """Take apart what was parsed."""
    parts = Parts({}, {}, {})
    for name, value in values.items():
        if name in resource.children:
            parts.children[name] = value
        elif name in resource.sets:
            parts.sets[name] = value
        else:
            parts.columns[name] = value
    return parts
