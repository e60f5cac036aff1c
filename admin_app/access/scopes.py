"""What an API token is narrowed to: texts ``resource:action``, either of which may be ``*``.

A scope takes away and never gives: what its owner may not do, no scope allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from admin_app.access.actors import narrowed
from admin_app.access.policies import reach
from admin_app.declaration import SYSTEM, Actor, Grant, Resource
from admin_app.errors import FieldError, InvalidInputError
from admin_app.suggestions import meant

MAX_SCOPES = 100
LONGEST_SCOPE = 200
ANYTHING = "*"
_SCOPE = re.compile(r"(\*|\w[\w-]*):(\*|\w[\w-]*)")


def check_scopes(scopes: Sequence[str] | None) -> list[str] | None:
    """Each scope once; ``None`` as it is. Raises ``InvalidInputError`` at ``scopes``."""
    if scopes is None:
        return None
    if not 0 < len(scopes) <= MAX_SCOPES:
        detail = f"Give 1 to {MAX_SCOPES} scopes, or null for all that the owner may."
        raise InvalidInputError.about(("scopes",), "length", detail)
    detail = "Write a scope as resource:action, such as book:read."
    _refuse(
        FieldError(("scopes", at), "scope", detail)
        for at, each in enumerate(scopes)
        if not _is_scope(each)
    )
    return list(dict.fromkeys(scopes))


def check_known(
    scopes: Sequence[str] | None, registry: Mapping[str, Resource], actor: Actor = SYSTEM
) -> None:
    """Raise ``InvalidInputError`` at each scope of a resource or action that is not declared.

    A resource that ``actor`` may do nothing to is as one that is not there. What is no scope at all
    is left to ``check_scopes``.
    """
    known = scopable(registry, actor)
    _refuse(
        FieldError(("scopes", at), "unknown_scope", words)
        for at, each in enumerate(scopes or ())
        if _is_scope(each) and (words := _unknown(each, known))
    )


def scopable(registry: Mapping[str, Resource], actor: Actor) -> dict[str, Resource]:
    """The resources that a scope of the actor's making may name."""
    return {
        name: each
        for name, each in registry.items()
        if any(reach(actor.grants, each, action) for action in each.actions)
    }


def within(scopes: Sequence[str] | None, wider: Sequence[str] | None) -> bool:
    """Whether ``scopes`` allow nothing that ``wider`` do not, whoever the owner is."""
    pairs = [each.partition(":") for each in scopes or (f"{ANYTHING}:{ANYTHING}",)]
    wanted = [Grant(resource, action) for resource, _, action in pairs]
    return all(each in narrowed([each], wider) for each in wanted)


def _is_scope(text: str) -> bool:
    return len(text) <= LONGEST_SCOPE and _SCOPE.fullmatch(text) is not None


def _unknown(scope: str, registry: Mapping[str, Resource]) -> str:
    """What of a scope is not declared, in words; empty when nothing is."""
    resource, _, action = scope.partition(":")
    if resource not in {ANYTHING, *registry}:
        return f"There is no resource {resource}." + meant(resource, registry)
    concerned = registry.values() if resource == ANYTHING else [registry[resource]]
    actions = {name for each in concerned for name in each.actions}
    if action not in {ANYTHING, *actions}:
        return f"{resource} has no action {action}." + meant(action, sorted(actions))
    return ""


def _refuse(found: Iterable[FieldError]) -> None:
    errors = list(found)
    if errors:
        msg = "Some scopes are not valid."
        raise InvalidInputError(msg, errors=errors)
