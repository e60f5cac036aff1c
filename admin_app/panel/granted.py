"""What grants and tokens allow, in the words of the menu; their rows hold names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admin_app.declaration import EVERY_RESOURCE, Resource
from admin_app.panel.display import action_words
from admin_app.panel.language import mark, say
from admin_app.panel.visit import Visit

GRANTS = "admin_grant"
TOKENS = "admin_token"
EVERY_LABEL = mark("Every declared resource")
EVERY_ACTION = mark("every action")


def in_words(visit: Visit, resource: Resource, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a record as people read them: a grant's or a token's with labels for names."""
    if resource.name == TOKENS and values.get("scopes"):
        return {**values, "scopes": [_scope(visit, each) for each in values["scopes"]]}
    if resource.name != GRANTS:
        return values
    told = dict(values)
    found = visit.registry.get(told.get("resource", ""))
    if "resource" in told:
        told["resource"] = _called(visit, told["resource"])
    if "action" in told:
        told["action"] = action_words(told["action"])
    if found is not None and told.get("without"):
        told["without"] = [_field(found, each) for each in told["without"]]
    return told


def _scope(visit: Visit, scope: str) -> str:
    resource, _, action = scope.partition(":")
    done = say(EVERY_ACTION) if action == "*" else action_words(action)
    return f"{_called(visit, resource)}: {done}"


def _called(visit: Visit, name: str) -> str:
    found = visit.registry.get(name)
    if found is not None:
        return found.label_plural
    return say(EVERY_LABEL) if name == EVERY_RESOURCE else name


def _field(resource: Resource, name: str) -> str:
    found = resource.fields.get(name) or resource.relations.get(name)
    return name if found is None else found.label
