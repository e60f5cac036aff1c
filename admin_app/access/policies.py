"""What an actor may do to a resource, in FastCRUD's vocabulary. Deny by default."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fastcrud import PolicyConfig
from sqlalchemy import or_

from admin_app.declaration import Action, Actor, Grant, Resource
from admin_app.errors import ForbiddenError, UnauthenticatedError


def policy(actor: Actor, resource: Resource) -> PolicyConfig:
    """What ``actor`` may do to ``resource``: the one policy function of the application.

    Grants add up; what no grant allows is denied. A grant by a named rule reaches the rows the
    rule is true for, before and after a write.
    """
    return _policy(actor.grants, resource)


def require(actor: Actor, resource: Resource, action: Action) -> PolicyConfig:
    """``policy``, where the action must be allowed on some rows at least.

    Raises ``UnauthenticatedError`` for nobody and ``ForbiddenError`` for somebody without a grant.
    """
    if actor.anonymous:
        raise UnauthenticatedError
    config = policy(actor, resource)
    if not config.grants(action):
        msg = f"You may not {action} {resource.label_plural.lower()}."
        raise ForbiddenError(msg)
    return config


@lru_cache(maxsize=1024)
def _policy(grants: frozenset[Grant], resource: Resource) -> PolicyConfig:
    create = _reach(grants, resource, "create")
    return PolicyConfig(
        read=_reach(grants, resource, "read"),
        create=create is not False,
        create_check=None if isinstance(create, bool) else create,
        update=_reach(grants, resource, "update"),
        delete=_reach(grants, resource, "delete"),
    )


def _reach(grants: frozenset[Grant], resource: Resource, action: Action) -> Any:
    """Every row (true), none (false), or the condition of the rules that grant the action."""
    found = reach(grants, resource, action)
    return found if isinstance(found, bool) else or_(*(resource.rules[name] for name in found))


def reach(grants: frozenset[Grant], resource: Resource, action: Action) -> bool | tuple[str, ...]:
    """Every row (true), none (false), or those of the named rules of the resource."""
    if resource.options.read_only and action != "read":
        return False
    mine = [
        each for each in grants if each.action == action and each.resource in {"*", resource.name}
    ]
    if any(each.rule is None for each in mine):
        return True
    names = sorted({each.rule for each in mine if each.rule and each.rule in resource.rules})
    return tuple(names) or False
