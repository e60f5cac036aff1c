"""What a grant allows in the words of the menu; its row holds names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admin_app.declaration import EVERY_RESOURCE, Resource
from admin_app.panel.display import action_words
from admin_app.panel.language import mark, say
from admin_app.panel.visit import Visit

GRANTS = "admin_grant"
EVERY_LABEL = mark("Every declared resource")


def in_words(visit: Visit, resource: Resource, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a record as a list shows them: a grant's with labels for its names."""
    if resource.name != GRANTS:
        return values
    told = dict(values)
    found = visit.registry.get(told.get("resource", ""))
    if found is not None:
        told["resource"] = found.label_plural
    elif told.get("resource") == EVERY_RESOURCE:
        told["resource"] = say(EVERY_LABEL)
    if "action" in told:
        told["action"] = action_words(told["action"])
    return told
