"""Edits of many-to-many relations as requested, and the changes they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from admin_app.declaration import Key, Relation
from admin_app.records.writes.places import Place


@dataclass(slots=True)
class SetChange:
    """The keys that a many-to-many relation of one record gains and loses."""

    relation: Relation
    gained: list[Key] = field(default_factory=list)
    lost: list[Key] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SetEdit:
    """A requested edit of a set: replace it, or add some keys and remove others."""

    add: Sequence[Any]
    remove: Sequence[Any] = ()
    whole: bool = False
    """Whether what is not in ``add`` leaves."""
    place: Place = ()
    """Where ``add`` stands in what was given."""


def set_edit(given: Any) -> SetEdit:
    """Read a set as a body gives it: a list, or an object of ``set`` or ``add`` and ``remove``."""
    if not isinstance(given, Mapping):
        return SetEdit(given, whole=True)
    if "set" in given:
        return SetEdit(given["set"], whole=True, place=("set",))
    return SetEdit(given.get("add", ()), given.get("remove", ()), place=("add",))
