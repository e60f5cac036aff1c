"""What an actor may do to a resource, in FastCRUD's vocabulary. Deny by default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from fastcrud import PolicyConfig
from sqlalchemy import ColumnElement, and_, false, or_, true

from admin_app.access.actors import narrowed
from admin_app.declaration import (
    EVERY_OWN_RESOURCE,
    EVERY_RESOURCE,
    Actor,
    Grant,
    Resource,
)
from admin_app.errors import ForbiddenError, UnauthenticatedError

Trash = Literal["without", "with", "only"]
TRASH: tuple[Trash, ...] = ("without", "with", "only")


def policy(actor: Actor, resource: Resource, trash: Trash = "without") -> PolicyConfig:
    """What ``actor`` may do to ``resource``: the one policy function of the application.

    Grants add up; what no grant allows is denied. A grant by a named rule reaches the rows the
    rule is true for, before and after a write. ``trash``: which records are there at all, where
    the resource has one; those in it are seen by who may delete them.
    """
    return _policy(actor.grants, resource, trash)


def require(actor: Actor, resource: Resource, action: str) -> PolicyConfig:
    """``policy``, where the action must be allowed on some rows at least.

    Raises ``UnauthenticatedError`` for nobody and ``ForbiddenError`` for somebody without a grant.
    """
    if actor.anonymous:
        raise UnauthenticatedError
    if not reach(actor.grants, resource, action):
        raise _forbidden(actor, resource, action)
    return policy(actor, resource)


def _forbidden(actor: Actor, resource: Resource, action: str) -> ForbiddenError:
    """The refusal, which tells a token what is missing.

    Whether its owner has what a scope keeps from it is not told: whoever holds it may be another.
    """
    told = f"You may not {action} {resource.label_plural.lower()}."
    if actor.token_id is None:
        return ForbiddenError(told)
    if actor.must_enrol:
        return ForbiddenError(f"{told} The owner of this token has to set up a second factor.")
    scope = f"{resource.name}:{action}"
    if narrowed([Grant(resource.name, action)], actor.scopes):
        return ForbiddenError(f"{told} The owner of this token lacks the grant {scope}.")
    # RFC 6750 section 3.1.
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    headers = {"WWW-Authenticate": challenge} if scope.isascii() else {}
    return ForbiddenError(f"{told} This token has no scope {scope}.", headers=headers)


@lru_cache(maxsize=1024)
def _policy(grants: frozenset[Grant], resource: Resource, trash: Trash) -> PolicyConfig:
    create = _reach(grants, resource, "create")
    return PolicyConfig(
        read=_shown(grants, resource, trash),
        create=create is not False,
        create_check=None if isinstance(create, bool) else create,
        update=_reach(grants, resource, "update"),
        delete=_reach(grants, resource, "delete"),
    )


def _shown(grants: frozenset[Grant], resource: Resource, trash: Trash) -> Any:
    """``_reach`` of reading, without or with what is in the trash, or that alone."""
    readable = _reach(grants, resource, "read")
    if resource.options.trash is None or readable is False:
        return readable
    # Of the model: whoever does not see when it was deleted does not see the record either.
    at = getattr(resource.model, resource.options.trash)
    theirs = _condition(_reach(grants, resource, "delete"))
    kept = {
        "without": at.is_(None),
        "only": and_(at.is_not(None), theirs),
        "with": or_(at.is_(None), theirs),
    }
    return and_(_condition(readable), kept[trash])


def _condition(found: Any) -> ColumnElement[bool]:
    return (true() if found else false()) if isinstance(found, bool) else found


def _reach(grants: frozenset[Grant], resource: Resource, action: str) -> Any:
    """Every row (true), none (false), or the condition of the rules that grant the action."""
    found = reach(grants, resource, action)
    return found if isinstance(found, bool) else or_(*(resource.rules[name] for name in found))


def reach_conditions(actor: Actor, resource: Resource, action: str) -> list[ColumnElement[bool]]:
    """The conditions of the rows that an action reaches: none where every row will do."""
    found = _reach(actor.grants, resource, action)
    return [false()] if found is False else [] if found is True else [found]


@lru_cache(maxsize=4096)
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
    """The fields and relations that the actor's grants of an action withhold."""
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
    """The fields and relations that a grant withholds: a relation goes with its foreign key."""
    relations = (resource.relations[name] for name in grant.without & resource.relations.keys())
    return grant.without.union(*(each.fields for each in relations))
