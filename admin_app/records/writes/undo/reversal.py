"""Conflicts of an undoing: why something cannot be undone, with the values that show it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from admin_app.errors import Conflict
from admin_app.records.trail.net import Net

ConflictCode = Literal["changed", "gone", "there", "in_use", "refused", "not_kept", "not_declared"]
_DETAILS: Mapping[str, str] = MappingProxyType(
    {
        "changed": "It has been changed since.",
        "gone": "It is no longer there.",
        "there": "There is such a record again.",
        "in_use": "Others depend on it by now.",
        "not_kept": "It is kept secret, so nobody knows what it was.",
        "not_declared": "There is no such field any more.",
    }
)


def conflict(net: Net, code: ConflictCode, **known: Any) -> Conflict:
    """A conflict about the record of some changes; it may have words of its own."""
    return Conflict(
        resource=net.resource.name,
        key=net.resource.key_text(net.key),
        title=net.title,
        code=code,
        detail=known.pop("detail", None) or _DETAILS[code],
        **known,
    )
