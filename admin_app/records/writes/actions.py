"""Run declared actions: the right to run one is checked here, what it does is up to the model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from admin_app.access.policies import policy, reach_conditions, require
from admin_app.declaration import Call, DeclaredAction, Key, Resource
from admin_app.errors import FieldError, ForbiddenError, NotFoundError
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import key_in
from admin_app.records.writes.reach import out_of_reach
from admin_app.records.writes.rows import check_unchanged, flush
from admin_app.records.writes.writer import Writer

MAX_KEYS = 1_000
"""The most records of one selection."""


async def run_action(
    writer: Writer,
    resource: Resource,
    action: DeclaredAction,
    keys: Sequence[Key],
    given: Any,
    *,
    if_match: Collection[str] | None = None,
) -> Any:
    """Run a declared action with its parameters on the records with ``keys``.

    Raises ``NotFoundError`` for those absent or out of sight, ``ForbiddenError``,
    ``StaleVersionError`` as ``Writer.update`` does, and what the action raises.
    """
    await _require_runnable(writer, resource, action, keys)
    if if_match is not None:
        seen = writer.seen(resource)
        for rows in (await writer.find(seen, seen.key, keys, sets=True)).values():
            check_unchanged(seen, rows[0], if_match)
    call = Call(
        resource=resource.name,
        keys=tuple(keys),
        parameters=given,
        actor=writer.actor,
        origin=writer.transaction.origin,
        session=writer.transaction.session,
        writes=ActionWrites(writer.unbounded()),
    )
    return await action.run(call)


async def _require_runnable(
    writer: Writer, resource: Resource, action: DeclaredAction, keys: Sequence[Key]
) -> None:
    """Refuse records that are not in sight (absent) or not in reach; the others are locked.

    Raises ``NotFoundError`` and ``ForbiddenError``, for a selection with the places of the keys.
    """
    actor, session = writer.actor, writer.transaction.session
    require(actor, resource, action.name)
    conditions = reach_conditions(actor, resource, action.name)
    if action.on == "resource":
        if conditions:
            msg = f"You may do this to some {resource.label_plural.lower()} only."
            raise ForbiddenError(msg)
        return
    require(actor, resource, "read")
    seen: list[Any] = policy(actor, resource).row_conditions("read")
    columns = [each.expression for each in resource.key]
    found: set[Key] = set()
    reached: set[Key] = set()
    for batch in batches(sorted(set(keys), key=repr)):
        statement = select(*columns).where(key_in(resource, batch))
        locked = statement.where(*seen).order_by(*columns).with_for_update(of=resource.model)
        found.update(tuple(row) for row in await session.execute(locked))
        allowed = await session.execute(statement.where(*conditions))
        reached.update(tuple(row) for row in allowed)
    _refuse_all_but(action, keys, found, NotFoundError(resource.absent))
    _refuse_all_but(action, keys, reached, out_of_reach(resource))


def _refuse_all_but(
    action: DeclaredAction,
    keys: Sequence[Key],
    good: set[Key],
    error: NotFoundError | ForbiddenError,
) -> None:
    bad = [at for at, key in enumerate(keys) if key not in good]
    if not bad:
        return
    if action.on == "selection":
        places = [FieldError(("keys", at), error.code, error.detail) for at in bad]
        raise type(error)(error.detail, errors=places)
    raise error


class ActionWrites:
    """See ``declaration.Writes``."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._registry = writer.transaction.registry
        self._session = writer.transaction.session

    async def get(self, resource: str, key: Key) -> Mapping[str, Any]:
        """Read a record."""
        await flush(self._session)
        found = self._registry[resource]
        rows = await self._writer.find(found, found.key, [key], sets=True)
        if not rows:
            raise NotFoundError(found.absent)
        return rows[key][0]

    async def create(self, resource: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create a record."""
        await flush(self._session)
        return (await self._writer.create(self._registry[resource], data)).values

    async def update(self, resource: str, key: Key, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change a record."""
        await flush(self._session)
        return (await self._writer.update(self._registry[resource], key, data)).values

    async def delete(self, resource: str, key: Key) -> None:
        """Delete a record."""
        await flush(self._session)
        await self._writer.delete(self._registry[resource], key)
