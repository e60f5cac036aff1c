"""The row a write is about: loaded under the policy, locked, asked about, changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from admin_app.access.policies import Trash, policy, require
from admin_app.declaration import Actor, Key, Origin, Registry, Resource, Write
from admin_app.errors import ForbiddenError, NotFoundError, StaleVersionError
from admin_app.records.reads.portions import batches
from admin_app.records.reads.reader import Values, key_in, key_is
from admin_app.records.reads.record import record
from admin_app.records.writes.differences import put
from admin_app.records.writes.drafts import Draft
from admin_app.records.writes.places import at
from admin_app.records.writes.views import Views

ANY = "*"
"""Stands alone in ``if_match`` for every version of a record that is there."""


class Rows:
    """The rows that one actor writes to in one transaction."""

    def __init__(
        self,
        registry: Registry,
        session: AsyncSession,
        actor: Actor,
        origin: Origin,
        views: Views,
    ) -> None:
        self.session = session
        self.actor = actor
        self._registry = registry
        self._origin = origin
        self._views = views

    async def load(
        self,
        resource: Resource,
        key: Key,
        action: Literal["update", "delete"],
        trash: Trash = "without",
    ) -> tuple[Any, Values, Values]:
        """The entity, locked, its values, and as many of them as the actor sees.

        Out of sight is absent, out of reach forbidden.
        """
        require(self.actor, resource, "read")
        config = policy(self.actor, resource, trash)
        statement = (
            select(resource.model)
            .where(key_is(resource, key), *config.row_conditions("read"))
            # A relation that its model always joins would multiply the row, and is not needed.
            .options(lazyload("*"))
            # An update leaves the key alone, so links to the row need not wait for it.
            .with_for_update(of=resource.model, key_share=action == "update")
            # The transaction may have written the row before, past the session.
            .execution_options(populate_existing=True)
        )
        entity = (await self.session.scalars(statement)).one_or_none()
        if entity is None:
            raise NotFoundError(resource.absent)
        require(self.actor, resource, action)
        await self.check_reach(resource, key, config.row_conditions(action))
        (whole,) = await self._views.wholes(resource, [key])
        (view,) = await self._views.views(resource, [key], [whole])
        return entity, whole, view

    async def ask(
        self,
        resource: Resource,
        action: Literal["create", "update", "delete"],
        before: Values,
        after: Values,
    ) -> None:
        """Let the declaration refuse the write."""
        hook = resource.options.before_write
        if hook is not None:
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

    async def apply(self, resource: Resource, entity: Any, changed: Values) -> None:
        key = tuple(getattr(entity, each.name) for each in resource.key)
        if changed:
            put(resource, entity, changed)
            for name in changed:
                if resource.fields[name].sensitive:
                    # Else the version would tell whether the value was a right guess.
                    flag_modified(entity, name)
            try:
                await self.session.flush()
            except StaleDataError as error:
                raise stale(resource) from error
        self.session.expunge(entity)
        if not changed:
            # A changed set alone leaves the row as it is; its version must rise all the same.
            await self.write_columns(resource, key, {})

    async def write_columns(self, resource: Resource, key: Key, values: Values) -> None:
        """Set columns of one row and raise its version, past the session's entities."""
        changes: dict[Any, Any] = {
            resource.fields[name].expression: value for name, value in values.items()
        }
        if resource.version is not None:
            version = resource.fields[resource.version].expression
            changes[version] = version + 1
        if changes:
            await self.session.execute(
                update(resource.model).where(key_is(resource, key)).values(changes),
                execution_options={"synchronize_session": False},
            )

    async def check_all_reach(
        self,
        resource: Resource,
        keys: Sequence[Key],
        conditions: Sequence[Any],
        drafts: Sequence[Draft],
    ) -> None:
        """Refuse new records that the rules of a create do not reach."""
        if not conditions:
            return
        columns = [each.expression for each in resource.key]
        found: set[Key] = set()
        for batch in batches(list(keys)):
            statement = select(*columns).where(key_in(resource, batch), *conditions)
            found.update(tuple(row) for row in await self.session.execute(statement))
        for key, each in zip(keys, drafts, strict=True):
            with at(each.place):
                if key not in found:
                    raise out_of_reach(resource)

    async def check_reach(self, resource: Resource, key: Key, conditions: Sequence[Any]) -> None:
        if not conditions:
            return
        statement = select(*(each.expression for each in resource.key))
        found = await self.session.execute(statement.where(key_is(resource, key), *conditions))
        if found.first() is None:
            raise out_of_reach(resource)


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
