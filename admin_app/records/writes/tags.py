"""``if_match`` of the parts of a body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admin_app.declaration import Resource
from admin_app.errors import PreconditionRequiredError


def tags_of(resource: Resource, item: Mapping[str, Any]) -> list[str] | None:
    """The entity tag that an item gives as ``if_match``; none where any version will do.

    Raises ``PreconditionRequiredError`` where the resource is not changed without.
    """
    if "if_match" in item:
        return [item["if_match"]]
    if resource.options.require_if_match:
        msg = f"A {resource.label.lower()} is changed with if_match only."
        raise PreconditionRequiredError(msg)
    return None
