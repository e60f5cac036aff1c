"""The row a write is about: loaded under the policy, locked, asked about, changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, inspect, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.policies import Trash, policy, require
from admin_app.database import fetch
from admin_app.declaration import Actor, Grant, Key, Origin, Registry, Resource, Write
from admin_app.errors import ForbiddenError, NotFoundError, StaleVersionError
from admin_app.records.reads.portions import batches
from admin_app.records.reads.reader import Values, key_in
from admin_app.records.reads.record import record
from admin_app.records.writes.drafts import Draft
from admin_app.records.writes.places import at
from admin_app.records.writes.statements import Reach, of_row_alone, statements_of
from admin_app.records.writes.triggers import triggered
from admin_app.records.writes.views import Views

ANY = "*"
"""Stands alone in ``if_match`` for every version of a record that is there."""
Change = Literal["update", "delete"]
Action = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is locked until the transaction ends."""

    key: Key
    stored: Values
    """All its columns, sensitive ones too, by their fields."""
    whole: Values
    """Everything of the record."""
    view: Values
    """As much of it as the actor sees."""


@dataclass(frozen=True, slots=True)
class NewReach:
    """What the rules of a create ask of a row."""

    known: bool
    """Whether ``told`` is all of it."""
    told: Reach | None


@dataclass(frozen=True, slots=True)
class _Lock:
    """A statement that reads rows of a resource, in sight, and locks them."""

    statement: Select[Any]
    columns: tuple[str, ...]
    """The fields that it selects first, and after them perhaps whether the action reaches it."""
    tells_reach: bool


@lru_cache(maxsize=1_024)
def _lock(
    resource: Resource, grants: frozenset[Grant], action: Change, trash: Trash, *, many: bool
) -> _Lock:
    config = policy(Actor(user_id=None, name="", grants=grants), resource, trash)
    columns = {
        name: each.expression if each.column is None else each.column
        for name, each in resource.fields.items()
        if each.column is not None or statements_of(resource).plain
    }
    rows = statements_of(resource)
    meant = rows.is_one if many else rows.is_meant
    # Of other rows a lock's statement may tell what they were before it was waited for.
    reach = _told(resource, config.row_conditions(action)) if config.grants(action) else None
    statement = (
        select(*columns.values(), *([] if reach is None else [reach]))
        .where(meant, *config.row_conditions("read"))
        # An update leaves the key alone, so links to the row need not wait for it.
        .with_for_update(of=resource.table, key_share=action == "update")
    )
    if many:
        statement = statement.order_by(*(each.expression for each in resource.key))
    return _Lock(statement, tuple(columns), reach is not None)


@lru_cache(maxsize=1_024)
def _conditions(resource: Resource, grants: frozenset[Grant], action: Action) -> Sequence[Any]:
    """What must be true of a row before an action, or of what it has made of it."""
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
    """What rows must be once they are written, if they can tell by themselves."""
    told = _told(resource, _conditions(resource, grants, action))
    return None if told is None else Reach(told)


def _told(resource: Resource, conditions: Sequence[Any]) -> ColumnElement[bool] | None:
    """Conditions as one column, where there are any and they are about one row alone."""
    if not conditions or not all(of_row_alone(each, resource.table) for each in conditions):
        return None
    return and_(true(), *conditions).label("_reach")


class Rows:
    """The rows that one actor writes to in one transaction."""

    def __init__(
        self,
        registry: Registry,
        session: AsyncSession,
        connection: AsyncConnection,
        actor: Actor,
        origin: Origin,
        views: Views,
    ) -> None:
        self.session = session
        self.connection = connection
        self.actor = actor
        self._registry = registry
        self._origin = origin
        self._views = views

    async def load(
        self, resource: Resource, key: Key, action: Change, trash: Trash = "without"
    ) -> Row:
        """A row, locked. Out of sight is absent, out of reach forbidden."""
        (row,) = await self.load_all(resource, [key], action, trash)
        return row

    async def load_all(
        self, resource: Resource, keys: Sequence[Key], action: Change, trash: Trash = "without"
    ) -> list[Row]:
        """``load``, of rows with different keys, all with the statements that one would take."""
        require(self.actor, resource, "read")
        found, reached = await self._locked(resource, keys, action, trash)
        if any(key not in found for key in keys):
            raise NotFoundError(resource.absent)
        require(self.actor, resource, action)
        await self.check_reach(resource, keys, action, reached)
        rows = [found[key] for key in keys]
        statements = statements_of(resource)
        if statements.plain:
            wholes = [{name: row[name] for name in statements.names} for row in rows]
            await self._views.add_sets(resource, wholes)
        else:
            wholes = await self._views.wholes(resource, keys)
        views = await self._views.views(resource, keys, wholes)
        return [Row(*each) for each in zip(keys, rows, wholes, views, strict=True)]

    async def _locked(
        self, resource: Resource, keys: Sequence[Key], action: Change, trash: Trash
    ) -> tuple[dict[Key, Values], set[Key] | None]:
        """Rows by key, and which of them the action reaches, if the statement could tell."""
        one, statements = len(keys) == 1, statements_of(resource)
        lock = _lock(resource, self.actor.grants, action, trash, many=not one)
        found: dict[Key, Values] = {}
        reached: set[Key] = set()
        for batch in batches(list(keys)):
            given = statements.key_binds(batch[0]) if one else statements.keys_bind(batch)
            for row in await fetch(self.connection, lock.statement, given):
                values = dict(zip(lock.columns, row, strict=False))
                key = resource.key_of(values)
                found[key] = values
                if lock.tells_reach and row[-1]:
                    reached.add(key)
        return found, reached if lock.tells_reach else None

    async def ask(
        self,
        resource: Resource,
        action: Literal["create", "update", "delete"],
        before: Values,
        after: Values,
    ) -> None:
        """Let the declaration refuse the write."""
        hook = resource.options.before_write
        if hook is None:
            return
        if before:
            self._forget(resource, resource.key_of(before))
        await hook(
            Write(
                self.session,
                self._registry,
                self.actor,
                self._origin,
                action,
                before,
                after,
            )
        )
        await flush(self.session)

    def _forget(self, resource: Resource, key: Key) -> None:
        """Let a hook that asks the session for a record read what has been written since."""
        session, mapper = self.session.sync_session, inspect(resource.model)
        entity = session.identity_map.get(mapper.identity_key_from_primary_key(key))
        if entity is not None:
            session.expunge(entity)

    async def apply(
        self, resource: Resource, row: Row, values: Values
    ) -> tuple[Values | None, set[Key] | None]:
        """Set columns of a row and raise its version.

        Returns the columns as they are then, and for ``check_reach`` whether it is in reach; none
        of what cannot be told without looking.
        """
        reach = await self.told_reach(resource, "update")
        told, reached = await statements_of(resource).update(
            self.connection, row.key, values, row.whole, reach
        )
        return told[0] if told and await self.tells_all(resource) else None, reached

    async def told_reach(self, resource: Resource, action: Action) -> Reach | None:
        """What the statement that writes rows can tell of their reach, if all there is to tell.

        RETURNING of SQLite (3.40) takes columns for NOT NULL that stand beside such ones, and says
        of a null that it is none.
        """
        if self.connection.dialect.name == "sqlite":
            return None
        if await triggered(self.connection, resource.table):
            return None
        return _written(resource, self.actor.grants, action)

    def new_reach(self, resource: Resource) -> NewReach:
        """What new rows have to be, apart from what is asked of the actor."""
        told = _written(resource, self.actor.grants, "create")
        asked = _conditions(resource, self.actor.grants, "create")
        return NewReach(known=told is not None or not asked, told=told)

    async def tells_all(self, resource: Resource) -> bool:
        """Whether the statements that write rows of a resource tell all of what they become."""
        statements = statements_of(resource)
        # See ``told_reach``: what is made of columns may be made of a null that is taken for none.
        sure = statements.bare or self.connection.dialect.name != "sqlite"
        return sure and statements.plain and not await triggered(self.connection, resource.table)

    async def write_columns(
        self, resource: Resource, rows: Iterable[tuple[Key, Values, Values]]
    ) -> None:
        """Set columns of rows and raise their versions: keys, what is set, what they are now."""
        await statements_of(resource).update_all(self.connection, rows)

    async def check_all_reach(
        self,
        resource: Resource,
        keys: Sequence[Key],
        drafts: Sequence[Draft],
        reached: Collection[Key] | None,
    ) -> None:
        """Refuse new records that the rules of a create do not reach, unless known to be."""
        if not _conditions(resource, self.actor.grants, "create"):
            return
        if reached is None:
            reached = await self._in_reach(resource, keys, "create")
        for key, each in zip(keys, drafts, strict=True):
            if key not in reached:
                with at(each.place):
                    raise out_of_reach(resource)

    async def check_reach(
        self,
        resource: Resource,
        keys: Sequence[Key],
        action: Action,
        reached: Collection[Key] | None = None,
    ) -> None:
        """Refuse rows that an action does not reach, unless they are known to be."""
        if not _conditions(resource, self.actor.grants, action):
            return
        if reached is None:
            reached = await self._in_reach(resource, keys, action)
        if any(key not in reached for key in keys):
            raise out_of_reach(resource)

    async def _in_reach(self, resource: Resource, keys: Sequence[Key], action: Action) -> set[Key]:
        if len(keys) == 1:
            statement = _reached(resource, self.actor.grants, action)
            binds = statements_of(resource).key_binds(keys[0])
            return {tuple(row) for row in await fetch(self.connection, statement, binds)}
        conditions = _conditions(resource, self.actor.grants, action)
        columns = [each.expression for each in resource.key]
        found: set[Key] = set()
        for batch in batches(list(keys)):
            statement = select(*columns).where(key_in(resource, batch), *conditions)
            found.update(tuple(row) for row in await self.connection.execute(statement))
        return found


async def flush(session: AsyncSession) -> None:
    """Write what a declaration has changed in the session's own way: by its entities."""
    if session.new or session.dirty or session.deleted:
        await session.flush()


def out_of_reach(resource: Resource) -> ForbiddenError:
    return ForbiddenError(f"You may not do this to this {resource.label.lower()}.")


def check_unchanged(resource: Resource, before: Values, if_match: Collection[str] | None) -> None:
    """Raise ``StaleVersionError`` unless a record is one of those that are meant, or any is."""
    if if_match is None or [*if_match] == [ANY]:
        return
    now = record(resource, before)
    if not any(map(now.matches, if_match)):
        raise stale(resource)


def stale(resource: Resource) -> StaleVersionError:
    """The refusal of a write to another version than was meant."""
    msg = f"This {resource.label.lower()} has been changed since it was read. Read it again."
    return StaleVersionError(msg)
