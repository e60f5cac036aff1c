"""Privilege escalation is refused: grants to be given are compared with grants held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.actors import actor_from, user_select
from admin_app.access.confirmation import require_confirmed
from admin_app.access.policies import withheld_together
from admin_app.access.tables import User
from admin_app.access.users import is_user, no_user
from admin_app.declaration import (
    ACTIONS,
    EVERY_OWN_RESOURCE,
    EVERY_RESOURCE,
    OUR_PREFIX,
    SYSTEM,
    Actor,
    Grant,
)
from admin_app.errors import ConflictError, ForbiddenError

MANAGE_USERS = Grant("admin_user", "update")


def covers(held: Iterable[Grant], others: Iterable[Grant]) -> bool:
    """Whether each of ``others`` is contained in one of ``held``.

    That one has the same action, the same or a wider resource, all rows or the same rule, and is
    without none of the fields that the other extends to; nor may all of ``held`` together withhold
    one of them, because with more grants one may see less (see ``withheld_together``). Whoever may
    do all four actions to a declared resource may give the others that it declares: no role has
    those from the start, and somebody must.
    """
    mine = tuple(held)
    return all(_covered(mine, other) for other in others)


def has_power(actor: Actor, grant: Grant, over: Iterable[Grant] = ()) -> bool:
    """Whether ``actor`` holds ``grant``, and everything that somebody with ``over`` holds.

    Only grants of all rows count: the rows of a rule such as "own" are others for others.
    """
    everywhere = [each for each in actor.grants if each.rule is None]
    return actor is SYSTEM or covers(everywhere, {grant, *over})


def holds(actor: Actor, grants: Iterable[Grant]) -> bool:
    """Whether ``actor`` has all of ``grants``; the command line has every one."""
    return actor is SYSTEM or covers(actor.grants, grants)


async def require_power(
    transaction: AsyncSession, actor: Actor, grant: Grant, user: int | str
) -> Actor:
    """Look up whom ``actor`` is about to help, hinder or stand in for; the row is locked.

    Raises ``ForbiddenError`` without ``grant``, and for somebody who may do what the actor may not;
    ``ConfirmationRequiredError``; ``NotFoundError``; and ``ConflictError`` for a user who cannot
    sign in: disabled, or a service.
    """
    if not has_power(actor, grant):
        msg = f"You may not {grant.action} users."
        raise ForbiddenError(msg)
    require_confirmed(actor)
    statement = select(User.name, User.active, User.service).where(is_user(user)).with_for_update()
    known = (await transaction.execute(statement)).one_or_none()
    if known is None:
        raise no_user(user)
    if not known.active or known.service:
        why = "is a service account" if known.service else "is disabled"
        msg = f"{known.name} {why} and cannot sign in."
        raise ConflictError(msg)
    found = actor_from((await transaction.execute(user_select(User).where(is_user(user)))).all())
    if not has_power(actor, grant, found.grants):
        msg = f"{found.name} may do more than you."
        raise ForbiddenError(msg)
    return found


def _contains(held: Grant, other: Grant) -> bool:
    return (
        held.action == other.action
        and held.resource in {other.resource, _every(other.resource)}
        and held.rule in {None, other.rule}
        and held.without <= other.without
    )


def _covered(held: tuple[Grant, ...], other: Grant) -> bool:
    if any(_contains(each, other) for each in held):
        about = {other.resource, _every(other.resource)}
        mine = (each for each in held if each.action == other.action and each.resource in about)
        return withheld_together(mine) <= other.without
    if other.action in ACTIONS or other.resource.startswith(OUR_PREFIX):
        return False
    return all(_covered(held, replace(other, action=action)) for action in ACTIONS)


def _every(resource: str) -> str:
    """What stands for all resources of this one's kind; the two never stand for each other."""
    return EVERY_OWN_RESOURCE if resource.startswith(OUR_PREFIX) else EVERY_RESOURCE
