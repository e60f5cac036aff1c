"""Checks of row rules, before and after a write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import policy
from admin_app.database import fetch
from admin_app.declaration import Actor, Grant, Key, Resource
from admin_app.errors import ForbiddenError
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import key_in
from admin_app.records.writes.drafts import Draft
from admin_app.records.writes.places import at
from admin_app.records.writes.statements import Reach, of_row_alone, statements_of
from admin_app.records.writes.triggers import triggered

RowAction = Literal["update", "delete"]
"""What is done to a row that is there."""
Action = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class NewReach:
    """What the rules of a create demand of a row."""

    known: bool
    """Whether ``returnable`` is all of it."""
    returnable: Reach | None


class Reaching:
    """The reach of one actor's writes on one connection."""

    def __init__(self, connection: AsyncConnection, actor: Actor) -> None:
        self._connection = connection
        self._actor = actor

    def independent(self, resource: Resource, action: RowAction) -> bool:
        """Whether an action may be done to a record whatever becomes of others."""
        config = policy(self._actor, resource)
        conditions = [*config.row_conditions("read")]
        if config.grants(action):
            conditions += config.row_conditions(action)
        return resource.options.before_write is None and all(
            of_row_alone(each, resource.table) for each in conditions
        )

    async def returnable(self, resource: Resource, action: Action) -> Reach | None:
        """The rules as a column that a writing statement returns; ``None`` where it cannot.

        RETURNING of SQLite (3.40) takes columns for NOT NULL that stand beside such ones, and says
        of a null that it is none.
        """
        if self._connection.dialect.name == "sqlite":
            return None
        if await triggered(self._connection, resource.table):
            return None
        return _written(resource, self._actor.grants, action)

    def new(self, resource: Resource) -> NewReach:
        """What new rows have to be, apart from what is asked of the actor."""
        returnable = _written(resource, self._actor.grants, "create")
        asked = _conditions(resource, self._actor.grants, "create")
        return NewReach(known=returnable is not None or not asked, returnable=returnable)

    async def check_new(
        self,
        resource: Resource,
        keys: Sequence[Key],
        drafts: Sequence[Draft],
        reached: Collection[Key] | None,
    ) -> None:
        """Refuse new records that the rules of a create do not reach, unless known to be."""
        if not _conditions(resource, self._actor.grants, "create"):
            return
        if reached is None:
            reached = await self._in_reach(resource, keys, "create")
        for key, each in zip(keys, drafts, strict=True):
            if key not in reached:
                with at(each.place):
                    raise out_of_reach(resource)

    async def check(
        self,
        resource: Resource,
        keys: Sequence[Key],
        action: Action,
        reached: Collection[Key] | None = None,
    ) -> None:
        """Refuse rows that an action does not reach, unless they are known to be."""
        if not _conditions(resource, self._actor.grants, action):
            return
        if reached is None:
            reached = await self._in_reach(resource, keys, action)
        if any(key not in reached for key in keys):
            raise out_of_reach(resource)

    async def _in_reach(self, resource: Resource, keys: Sequence[Key], action: Action) -> set[Key]:
        if len(keys) == 1:
            statement = _reached(resource, self._actor.grants, action)
            binds = statements_of(resource).key_binds(keys[0])
            return {tuple(row) for row in await fetch(self._connection, statement, binds)}
        conditions = _conditions(resource, self._actor.grants, action)
        columns = [each.expression for each in resource.key]
        found: set[Key] = set()
        for batch in batches(list(keys)):
            statement = select(*columns).where(key_in(resource, batch), *conditions)
            found.update(tuple(row) for row in await self._connection.execute(statement))
        return found


def out_of_reach(resource: Resource) -> ForbiddenError:
    """The refusal of a write that the rules of its action do not reach."""
    return ForbiddenError(f"You may not do this to this {resource.label.lower()}.")


def condition_of_row(resource: Resource, conditions: Sequence[Any]) -> ColumnElement[bool] | None:
    """Conditions as one column, where there are any and they are about one row alone."""
    if not conditions or not all(of_row_alone(each, resource.table) for each in conditions):
        return None
    return and_(true(), *conditions).label("_reach")


@lru_cache(maxsize=1_024)
def _conditions(resource: Resource, grants: frozenset[Grant], action: Action) -> Sequence[Any]:
    """The conditions on a row before an action, or on the row that a write leaves."""
    config = policy(Actor(user_id=None, name="", grants=grants), resource)
    return (
        config.row_conditions(action) if action == "delete" else config.check_conditions_for(action)
    )


@lru_cache(maxsize=1_024)
def _reached(resource: Resource, grants: frozenset[Grant], action: Action) -> Select[Any]:
    """The statement that finds a row if an action reaches it."""
    keys = (each.expression for each in resource.key)
    meant = statements_of(resource).is_meant
    return select(*keys).where(meant, *_conditions(resource, grants, action))


@lru_cache(maxsize=1_024)
def _written(resource: Resource, grants: frozenset[Grant], action: Action) -> Reach | None:
    """The conditions on written rows as one column, if they concern the row alone."""
    returnable = condition_of_row(resource, _conditions(resource, grants, action))
    return None if returnable is None else Reach(returnable)
