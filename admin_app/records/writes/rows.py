"""The rows of a write: loaded under the policy, locked, and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Select, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.policies import Trash, policy, require
from admin_app.database import fetch
from admin_app.declaration import Actor, Grant, Key, Origin, Registry, Resource, Write
from admin_app.errors import NotFoundError, StaleVersionError
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import Values
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.reach import Reaching, RowAction, condition_of_row
from admin_app.records.writes.readback import Readback
from admin_app.records.writes.statements import statements_of
from admin_app.records.writes.triggers import triggered

ANY = "*"
"""Stands alone in ``if_match`` for every version of a record that is there."""


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
class _Lock:
    """A statement that reads rows of a resource, in sight, and locks them."""

    statement: Select[Any]
    columns: tuple[str, ...]
    """The fields that it selects first, and after them perhaps whether the action reaches it."""
    tells_reach: bool


@lru_cache(maxsize=1_024)
def _lock(
    resource: Resource, grants: frozenset[Grant], action: RowAction, trash: Trash, *, many: bool
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
    reach = (
        condition_of_row(resource, config.row_conditions(action)) if config.grants(action) else None
    )
    statement = (
        select(*columns.values(), *([] if reach is None else [reach]))
        .where(meant, *config.row_conditions("read"))
        # An update leaves the key alone, so links to the row need not wait for it.
        .with_for_update(of=resource.table, key_share=action == "update")
    )
    if many:
        statement = statement.order_by(*(each.expression for each in resource.key))
    return _Lock(statement, tuple(columns), reach is not None)


class Rows:
    """The rows that one actor writes to in one transaction."""

    def __init__(
        self,
        registry: Registry,
        session: AsyncSession,
        connection: AsyncConnection,
        actor: Actor,
        origin: Origin,
        views: Readback,
    ) -> None:
        self.session = session
        self.connection = connection
        self.actor = actor
        self.reach = Reaching(connection, actor)
        self._registry = registry
        self._origin = origin
        self._views = views

    async def load(
        self, resource: Resource, key: Key, action: RowAction, trash: Trash = "without"
    ) -> Row:
        """A row, locked. Out of sight is absent, out of reach forbidden."""
        (row,) = await self.load_all(resource, [key], action, trash)
        return row

    async def load_all(
        self, resource: Resource, keys: Sequence[Key], action: RowAction, trash: Trash = "without"
    ) -> list[Row]:
        """``load``, of rows with different keys, all with the statements that one would take."""
        require(self.actor, resource, "read")
        found, reached = await self._locked(resource, keys, action, trash)
        if any(key not in found for key in keys):
            raise NotFoundError(resource.absent)
        require(self.actor, resource, action)
        await self.reach.check(resource, keys, action, reached)
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
        self, resource: Resource, keys: Sequence[Key], action: RowAction, trash: Trash
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

        Returns the columns as they are then, and for ``Reaching.check`` whether it is in reach;
        none of what cannot be told without looking.
        """
        reach = await self.reach.returnable(resource, "update")
        returned, reached = await statements_of(resource).update(
            self.connection, row.key, values, row.whole, reach
        )
        return returned[0] if returned and await self.returns_all(resource) else None, reached

    async def returns_all(self, resource: Resource) -> bool:
        """Whether RETURNING gives all that makes up the rows of a resource after a write."""
        statements = statements_of(resource)
        # See ``Reaching.returnable``: a computed column may be of a null that is taken for none.
        sure = statements.bare or self.connection.dialect.name != "sqlite"
        return sure and statements.plain and not await triggered(self.connection, resource.table)

    async def write_columns(
        self, resource: Resource, rows: Iterable[tuple[Key, Values, Values]]
    ) -> None:
        """Set columns of rows and raise their versions: keys, what is set, what they are now."""
        await statements_of(resource).update_all(self.connection, rows)


async def flush(session: AsyncSession) -> None:
    """Write what a declaration has changed in the session's own way: by its entities."""
    if session.new or session.dirty or session.deleted:
        await session.flush()


def check_unchanged(resource: Resource, before: Values, if_match: Collection[str] | None) -> None:
    """Raise ``StaleVersionError`` unless a record is one of those that are meant, or any is."""
    if if_match is None or [*if_match] == [ANY]:
        return
    now = Representation(resource, before)
    if not any(map(now.matches, if_match)):
        raise stale(resource)


def stale(resource: Resource) -> StaleVersionError:
    """The refusal of a write to another version than was meant."""
    msg = f"This {resource.label.lower()} has been changed since it was read. Read it again."
    return StaleVersionError(msg)
