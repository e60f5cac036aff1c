"""Explain why somebody may, or may not, do something to a record. For administrators.

Everything is computed by what decides requests themselves: the grants, the rules as SQL, and the
resource as that user sees it. What the declaration's own checks (``before_write``) would refuse
depends on what is written, and is no part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.grants import active_holders, find_holder, nearest_user
from admin_app.access.policies import require, withheld
from admin_app.declaration import ACTIONS, Actor, Key, Registry, Resource, acting
from admin_app.errors import (
    BadRequestError,
    FieldError,
    ForbiddenError,
    NotFoundError,
    UnauthenticatedError,
)
from admin_app.records.explaining.explained_fields import ExplainedField, FieldExplainer
from admin_app.records.explaining.verdict import Case, ExplainedGrant, Reason, true_rules
from admin_app.records.reads.reader import Reader
from admin_app.suggestions import meant

MOST_USERS = 200
"""The most users that ``who_may`` lists."""
ON_RECORDS = ("read", "update", "delete")
"""The most actions that ``who_may`` lists."""
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether somebody may do something, and why."""

    user: str
    resource: Resource
    action: str
    key: str | None
    allowed: bool
    reason: Reason
    words: str
    grants: tuple[ExplainedGrant, ...]
    """Those of the action; for a change of a record those of reading as well, which it needs."""
    fields: tuple[ExplainedField, ...]

    @property
    def verdict(self) -> str:
        return "allowed" if self.allowed else "denied"


@dataclass(frozen=True, slots=True)
class Rights:
    """What one user may do to one record."""

    user: str
    roles: tuple[str, ...]
    may: frozenset[str]
    """The allowed ones of ``ON_RECORDS``."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by declared names; see ``asked``."""

    user: str
    resource: Resource
    action: str
    key: str | None
    field: str | None


def require_explaining(actor: Actor, registry: Registry) -> None:
    """Raise ``ForbiddenError`` for who may not read all of users and of grants."""
    _require_reading_all(actor, registry, "admin_user", "admin_grant")


def require_reading_grants(actor: Actor, registry: Registry) -> None:
    """Raise ``ForbiddenError`` for who may not read all of roles and of grants."""
    _require_reading_all(actor, registry, "admin_role", "admin_grant")


def passes(check: Callable[[Actor, Registry], None], actor: Actor, registry: Registry) -> bool:
    """Whether one of the checks above lets the actor pass."""
    try:
        check(actor, registry)
    except (ForbiddenError, UnauthenticatedError):
        return False
    return True


def _require_reading_all(actor: Actor, registry: Registry, *names: str) -> None:
    for name in names:
        require(actor, registry[name], "read")
        if withheld(actor.grants, registry[name], "read"):
            msg = f"You may not read everything of {registry[name].label_plural.lower()}."
            raise ForbiddenError(msg)


def asked(
    registry: Registry, user: str, resource: str, action: str, key: str | None, field: str | None
) -> Question:
    """Check a question's names.

    Raises ``BadRequestError`` with the nearest name for each that nothing has.
    """
    wrong = []
    found = registry.get(resource)
    if found is None:
        wrong.append(_unknown("resource", resource, registry))
    actions = dict.fromkeys(
        (*ACTIONS, *(name for each in registry.values() for name in each.actions))
    )
    if action not in actions:
        near = found.actions if found is not None else actions
        wrong.append(_unknown("action", action, near))
    if found is not None and field is not None:
        names = [*found.fields, *found.relations]
        if field not in names:
            wrong.append(_unknown("field", field, names))
    if action == "create" and key is not None:
        detail = "What is created has no key yet; ask without one."
        wrong.append(FieldError(("key",), "key_of_create", detail))
    if wrong or found is None:
        raise _bad(wrong)
    return Question(user, found, action, key, field)


async def explain(
    reader: Reader, connection: AsyncConnection, asker: Actor, question: Question
) -> Explanation:
    """Answer a question. Raises ``BadRequestError`` for a user who is not there."""
    holder = await find_holder(connection, question.user)
    if holder is None:
        near = await nearest_user(connection, question.user)
        raise _bad([_unknown("user", question.user, [near] if near else [])])
    key = await _key_in_sight(reader, connection, asker, question)
    case = Case(reader, holder, question.resource, question.action)
    case.one = question.key is not None
    case.absent = case.one and key is None
    if key is not None:
        case.true = await true_rules(connection, holder.actor, question.resource, key, case.rules())
    explainer = FieldExplainer(reader, holder, question.resource, question.action)
    if key is not None:
        await explainer.look(connection, key)
    names = None if question.field is None else [question.field]
    return Explanation(
        user=holder.actor.name,
        resource=question.resource,
        action=question.action,
        key=question.key,
        allowed=case.allowed,
        reason=case.reason,
        words=case.words,
        grants=case.grants(),
        fields=explainer.fields(names),
    )


async def who_may(
    reader: Reader, connection: AsyncConnection, asker: Actor, resource: Resource, key: Key
) -> list[Rights]:
    """What each of the first active users may do to a record.

    Raises ``NotFoundError`` when the record is absent or out of the asker's sight.
    """
    with acting(asker):
        if not await reader.visible(connection, asker, resource, [key]):
            raise NotFoundError(resource.absent)
    found = []
    for holder in await active_holders(connection, MOST_USERS):
        cases = {each: Case(reader, holder, resource, each) for each in ON_RECORDS}
        rules = {name for case in cases.values() for name in case.rules()}
        true = await true_rules(connection, holder.actor, resource, key, rules)
        for case in cases.values():
            case.one, case.true = True, true
        may = frozenset(name for name, case in cases.items() if case.allowed)
        roles = tuple(sorted(holder.actor.roles))
        found.append(Rights(holder.actor.name, roles, may))
    return found


async def _key_in_sight(
    reader: Reader, connection: AsyncConnection, asker: Actor, question: Question
) -> Key | None:
    """The key that is asked about; none of a record that is absent, or out of the asker's sight."""
    if question.key is None:
        return None
    key = question.resource.key_or_none(question.key)
    if key is None:
        return None
    with acting(asker):
        there = await reader.visible(connection, asker, question.resource, [key])
    return key if there else None


def _unknown(parameter: str, name: str, known: Iterable[str]) -> FieldError:
    detail = f"There is no {parameter} {name[:_LONGEST_NAME]!r}." + meant(name, known)
    return FieldError((parameter,), f"unknown_{parameter}", detail)


def _bad(errors: list[FieldError]) -> BadRequestError:
    return BadRequestError("This cannot be explained as asked.", errors=errors)
