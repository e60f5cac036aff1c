"""The ``before_write`` hooks of users, roles, grants and sessions, at every surface alike.

Nobody gives what they do not have, somebody can always mend the rest, and what takes a right away
takes it away in the same transaction.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.confirmation import require_confirmed
from admin_app.access.escalation import holds
from admin_app.access.events import log_event
from admin_app.access.roles import ADMINISTRATOR, is_fixed
from admin_app.access.tables import ROLE_NAME_LENGTH, Event, Role, RoleGrant, User, UserRole
from admin_app.access.users import check_name, close, end_password_links
from admin_app.declaration import (
    EVERY_RESOURCE,
    Actor,
    Grant,
    Registry,
    Resource,
    Write,
)
from admin_app.errors import ConflictError, FieldError, ForbiddenError, InvalidInputError
from admin_app.suggestions import meant


async def guard_user(write: Write) -> None:
    """What holds for a user.

    Who can no longer sign in loses sessions and password links, who is given a role the links.

    Raises ``ConfirmationRequiredError``, ``InvalidInputError`` at ``name``, ``ForbiddenError`` for
    roles that grant more than the actor has, and ``ConflictError`` for the last administrator.
    """
    require_confirmed(write.actor)
    before, after = _roles(write.before), _roles(write.after)
    if write.changes("name"):
        check_name(write.after["name"])
    await _require_covering(write.session, write.actor, before | after)
    administers = await _administrator_role(write.session)
    keeps = write.after.get("active", True) and not write.after.get("service", False)
    if administers in before and not (administers in after and keeps):
        await _require_another_administrator(write.session, administers, write.before["id"])
    if write.before and not keeps:
        await close(write.session, write.before["id"])
    elif write.before and after - before:
        # Who made the link may hold less than its user will from now on.
        await end_password_links(write.session, write.before["id"])
    await _log(write, "user", (write.after or write.before)["name"])


async def guard_role(write: Write) -> None:
    """What holds for a role.

    Raises ``ConfirmationRequiredError``, ``InvalidInputError`` at ``name`` and
    ``statement_seconds``, ``ForbiddenError`` for a role that grants more than the actor has, and
    ``ConflictError`` for one that somebody has and for the administrator's, which stays.
    """
    require_confirmed(write.actor)
    if write.changes("name") and write.after:
        check_role_name(write.after["name"])
    if write.changes("statement_seconds") and write.after:
        _check_statement_seconds(write.after.get("statement_seconds"))
    if write.before:
        await _require_covering(write.session, write.actor, {write.before["id"]})
        if write.before["name"] == ADMINISTRATOR and write.changes("name"):
            raise _administrator_stays()
    if write.action == "delete":
        await _require_no_holder(write.session, write.before)
    await _log(write, "role", (write.after or write.before)["name"])


async def guard_grant(write: Write) -> None:
    """What holds for a grant.

    Raises ``ConfirmationRequiredError``, ``InvalidInputError`` for names that nothing has,
    ``ForbiddenError`` for what the actor does not have, and ``ConflictError`` for the
    administrator's grants, which stay, but for actions that models declare.
    """
    require_confirmed(write.actor)
    if write.after:
        _check_names(write.registry, write.after)
    for values in filter(None, (write.before, write.after)):
        # Locked, so that nobody has the role deleted, or is given it, meanwhile.
        name = await write.session.scalar(
            select(Role.name).where(Role.id == values["role_id"]).with_for_update()
        )
        if is_fixed(str(name), values["resource"], values["action"]):
            raise _administrator_stays()
        if not holds(write.actor, [_grant(values)]):
            msg = "You cannot give or take what you do not have yourself."
            raise ForbiddenError(msg)
    if write.before.get("without"):
        # It may be what withholds a field that the role's other grants extend to.
        await _require_covering(write.session, write.actor, {write.before["role_id"]})
    await log_event(
        write.session,
        _GRANT_EVENTS[write.action],
        write.actor,
        write.origin,
        subject=str(name),
        details={each: (write.after or write.before).get(each) for each in _GRANT_FIELDS},
    )


async def guard_session(write: Write) -> None:
    """Log that somebody's session is ended.

    Raises ``ConfirmationRequiredError``, and ``ForbiddenError`` for that of somebody who may do
    more than the actor.
    """
    require_confirmed(write.actor)
    owner = write.before["user_id"]
    theirs = await write.session.scalars(select(UserRole.role_id).where(UserRole.user_id == owner))
    await _require_covering(write.session, write.actor, set(theirs))
    name = await write.session.scalar(select(User.name).where(User.id == owner))
    await log_event(write.session, "session_ended", write.actor, write.origin, subject=str(name))


def check_role_name(name: str) -> None:
    """Raise ``InvalidInputError`` at ``name`` for a name that no role can have."""
    if not (0 < len(name) <= ROLE_NAME_LENGTH and name.isprintable() and name == name.strip()):
        detail = f"A role's name has 1 to {ROLE_NAME_LENGTH} visible characters."
        raise InvalidInputError.about(("name",), "name", detail)


def _check_statement_seconds(seconds: float | None) -> None:
    if seconds is not None and not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        detail = f"Between {LEAST_SECONDS} and {MOST_SECONDS:,} seconds."
        code = "greater_than_equal" if seconds < LEAST_SECONDS else "less_than_equal"
        raise InvalidInputError.about(("statement_seconds",), code, detail)


LEAST_SECONDS, MOST_SECONDS = 0.05, 3600
"""The longest ``statement_seconds`` of a role; the installation caps it too."""
_TOLD = ("name", "active", "service", "second_factor", "statement_seconds")
"""What an event says of a changed user or role; the change itself says everything."""
_GRANT_FIELDS = ("resource", "action", "rule", "without")
_GRANT_EVENTS: dict[str, Event] = {
    "create": "grant_added",
    "update": "grant_changed",
    "delete": "grant_removed",
}
_EVENTS: dict[tuple[str, str], Event] = {
    ("user", "create"): "user_created",
    ("user", "update"): "user_changed",
    ("role", "create"): "role_created",
    ("role", "update"): "role_changed",
    ("role", "delete"): "role_deleted",
}


async def _log(write: Write, what: str, subject: str) -> None:
    details: dict[str, Any] = {}
    if write.action == "update":
        details = {name: write.after[name] for name in _TOLD if write.changes(name)}
    if _roles(write.before) != _roles(write.after):
        ids = _roles(write.after)
        names = await write.session.scalars(
            select(Role.name).where(Role.id.in_(ids)).order_by(Role.name)
        )
        details["roles"] = list(names)
    await log_event(
        write.session,
        _EVENTS[what, write.action],
        write.actor,
        write.origin,
        subject=subject,
        details=details,
    )


def _roles(values: Any) -> set[int]:
    return set(values.get("roles", ()))


async def _require_covering(session: AsyncSession, actor: Actor, roles: set[int]) -> None:
    """Nobody makes somebody, or of somebody, more than they are themselves."""
    rows = await session.scalars(select(RoleGrant).where(RoleGrant.role_id.in_(roles)))
    granted = [
        Grant(each.resource, each.action, each.rule, frozenset(each.without or ())) for each in rows
    ]
    if not holds(actor, granted):
        msg = "You cannot give or take what you do not have yourself."
        raise ForbiddenError(msg)


async def _administrator_role(session: AsyncSession) -> int:
    """The id of the administrator's role, locked: who is the last is found out one at a time."""
    found = await session.scalar(
        select(Role.id).where(Role.name == ADMINISTRATOR).with_for_update()
    )
    return -1 if found is None else found


async def _require_another_administrator(session: AsyncSession, role: int, user: int) -> None:
    others = (
        select(User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .where(
            UserRole.role_id == role,
            User.id != user,
            User.active,
            ~User.service,
            User.password_hash.is_not(None),
        )
        .limit(1)
    )
    if await session.scalar(others) is None:
        msg = "This is the last administrator who can sign in. Make another one first."
        raise ConflictError(msg)


async def _require_no_holder(session: AsyncSession, role: Any) -> None:
    if role["name"] == ADMINISTRATOR:
        raise _administrator_stays()
    await session.execute(select(Role.id).where(Role.id == role["id"]).with_for_update())
    holder = select(UserRole.user_id).where(UserRole.role_id == role["id"]).limit(1)
    if await session.scalar(holder) is not None:
        msg = f"Somebody has the role {role['name']}. Give them another one first."
        raise ConflictError(msg)


def _administrator_stays() -> ConflictError:
    return ConflictError(
        f"The role {ADMINISTRATOR} stays as it is: somebody must be able to mend the rest."
    )


def _grant(values: Any) -> Grant:
    return Grant(
        values["resource"],
        values["action"],
        values.get("rule"),
        frozenset(values.get("without") or ()),
    )


def _check_names(registry: Registry, values: Any) -> None:
    """Refuse a grant that names what no declaration has."""
    name = values["resource"]
    if name == EVERY_RESOURCE:
        resources = [each for each in registry.values() if not each.own]
    elif name in registry:
        resources = [registry[name]]
    else:
        raise _unknown("resource", name, [EVERY_RESOURCE, *registry])
    actions = {action for each in resources for action in each.actions}
    if values["action"] not in actions:
        raise _unknown("action", values["action"], sorted(actions))
    rules = {rule for each in resources for rule in each.rules} if len(resources) == 1 else set()
    if values.get("rule") is not None and values["rule"] not in rules:
        raise _unknown("rule", values["rule"], sorted(rules))
    known = {field for each in resources for field in _nameable(each)}
    for field in values.get("without") or ():
        if field not in known:
            raise _unknown("without", field, sorted(known))


def _nameable(resource: Resource) -> set[str]:
    """What can be withheld: everything but the key."""
    return {*resource.fields, *resource.relations} - {each.name for each in resource.key}


def _unknown(field: str, name: str, known: list[str]) -> InvalidInputError:
    detail = f"There is no {name}." + meant(name, known)
    return InvalidInputError(
        "This grants nothing.", errors=[FieldError((field,), f"unknown_{field}", detail)]
    )
