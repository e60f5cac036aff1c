"""What an actor may do to a resource, in FastCRUD's vocabulary. Deny by default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from fastcrud import PolicyConfig
from sqlalchemy import or_

from admin_app.declaration import (
    EVERY_OWN_RESOURCE,
    EVERY_RESOURCE,
    Actor,
    Grant,
    Resource,
)
from admin_app.errors import ForbiddenError, UnauthenticatedError


def policy(actor: Actor, resource: Resource) -> PolicyConfig:
    """What ``actor`` may do to ``resource``: the one policy function of the application.

    Grants add up; what no grant allows is denied. A grant by a named rule reaches the rows the
    rule is true for, before and after a write.
    """
    return _policy(actor.grants, resource)


def require(actor: Actor, resource: Resource, action: str) -> PolicyConfig:
    """``policy``, where the action must be allowed on some rows at least.

    Raises ``UnauthenticatedError`` for nobody and ``ForbiddenError`` for somebody without a grant.
    """
    if actor.anonymous:
        raise UnauthenticatedError
    if not reach(actor.grants, resource, action):
        msg = f"You may not {action} {resource.label_plural.lower()}."
        raise ForbiddenError(msg)
    return policy(actor, resource)


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


def _reach(grants: frozenset[Grant], resource: Resource, action: str) -> Any:
    """Every row (true), none (false), or the condition of the rules that grant the action."""
    found = reach(grants, resource, action)
    return found if isinstance(found, bool) else or_(*(resource.rules[name] for name in found))


def reach(grants: frozenset[Grant], resource: Resource, action: str) -> bool | tuple[str, ...]:
    """Every row (true), none (false), or those of the named rules of the resource."""
    mine = matching(grants, resource, action)
    if any(each.rule is None for each in mine):
        return True
    return tuple(sorted({each.rule for each in mine if each.rule})) or False


def matching(grants: Iterable[Grant], resource: Resource, action: str) -> list[Grant]:
    """The grants of an action on a resource, those of rules that are not declared left out."""
    if action not in resource.actions:
        return []
    every = EVERY_OWN_RESOURCE if resource.own else EVERY_RESOURCE
    return [
        each
        for each in grants
        if each.action == action
        and each.resource in {every, resource.name}
        and (each.rule is None or each.rule in resource.rules)
    ]


def withheld(grants: Iterable[Grant], resource: Resource, action: str) -> frozenset[str]:
    """The fields and relations that an action does not extend to."""
    return withheld_together(
        replace(each, without=without(each, resource))
        for each in matching(grants, resource, action)
    )


def withheld_together(grants: Iterable[Grant]) -> frozenset[str]:
    """What grants of one action on one resource withhold when somebody has them all.

    A field counts for all rows alike: what the grants of all rows withhold, every one of them; with
    grants of rules only, whatever any of them withholds.
    """
    mine = list(grants)
    whole = [each.without for each in mine if each.rule is None]
    if whole:
        return frozenset.intersection(*whole)
    return frozenset().union(*(each.without for each in mine))


def without(grant: Grant, resource: Resource) -> frozenset[str]:
    """What a grant does not extend to: with a relation go the fields that it stands for."""
    relations = (resource.relations[name] for name in grant.without & resource.relations.keys())
    return grant.without.union(*(each.fields for each in relations))
