"""The write path: one transaction's creates, updates and deletes, each with its change.

The one way to write a record, whichever door it came through: validate by the generated schema,
load through the policy, check the version, set only what differs, build the answer, note the
change. Committing is left to ``database.write``, which may run all of it again.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import Trash, require
from admin_app.database import savepoint
from admin_app.declaration import Actor, Field, Key, Resource
from admin_app.errors import NotFoundError
from admin_app.records.reads.reader import Values
from admin_app.records.reads.representation import Representation
from admin_app.records.trail.changes import Entry
from admin_app.records.writes.children import Children
from admin_app.records.writes.creations import Creations
from admin_app.records.writes.deletes.effects import Effects
from admin_app.records.writes.deletes.removal import Meant, Removal
from admin_app.records.writes.deletes.trash import Moves
from admin_app.records.writes.fast.insert import Obstacle
from admin_app.records.writes.places import Place
from admin_app.records.writes.transaction import Transaction
from admin_app.records.writes.updates import Edit, Updates

Input = bytes | Mapping[str, Any]
"""A JSON document, or a mapping of JSON data by field."""


class Writer:
    """The writes of one transaction by one actor."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        """What its writes are done with, for functions that do more in the same transaction."""
        self._journal = transaction.journal
        self._views = transaction.views
        children = Children(self, transaction)
        self._creations = Creations(transaction, children)
        self._updates = Updates(transaction, children)
        self._removal = Removal(transaction)
        self._moves = Moves(transaction)

    @property
    def actor(self) -> Actor:
        """Who writes."""
        return self.transaction.actor

    @property
    def connection(self) -> AsyncConnection:
        """The connection of the transaction."""
        return self.transaction.connection

    @property
    def change_set(self) -> uuid.UUID:
        """The change set of all its changes."""
        return self._journal.change_set

    @property
    def changes(self) -> Sequence[Entry]:
        """The changes noted so far."""
        return self._journal.entries

    @property
    def changed(self) -> bool:
        """Whether anything has been done so far."""
        return bool(self._journal.entries) or self._journal.recorded_elsewhere

    def list_changes(self) -> None:
        """Have all ``changes`` there, for somebody who is going to look at them."""
        self._journal.listed = True

    async def obstacle(self, resource: Resource, values: Sequence[Values]) -> Obstacle | None:
        """Why valid new records cannot take the fast path; see ``FastInsert``."""
        return await self._creations.obstacle(resource, values)

    def unbounded(self) -> Writer:
        """A writer of this transaction without checks of grants, for actions of declarations."""
        return Writer(self.transaction.unbounded())

    def seen(self, resource: Resource, *actions: str) -> Resource:
        """The resource as the actor sees it.

        Raises ``ForbiddenError`` unless they may do ``actions`` to some records of it.
        """
        seen = self._views.seen(resource)
        for each in actions:
            require(self.actor, seen, each)
        return seen

    async def find(
        self,
        resource: Resource,
        fields: Sequence[Field],
        wanted: Iterable[Key],
        *,
        sets: bool,
        trash: Trash = "without",
    ) -> dict[Key, list[Values]]:
        """The records in sight whose ``fields`` have one of the ``wanted`` values, by those.

        Many-to-many relations are read only with ``sets``. Raises ``ForbiddenError``.
        """
        require(self.actor, resource, "read")
        found: dict[Key, list[Values]] = {}
        for values in await self.transaction.reader.find(
            self.connection, self.actor, resource, fields, list(wanted), sets=sets, trash=trash
        ):
            found.setdefault(tuple(values[each.name] for each in fields), []).append(values)
        return found

    async def create(self, resource: Resource, data: Input) -> Representation:
        """Create a record.

        Raises ``BadRequestError`` (not JSON), ``ForbiddenError``, ``InvalidInputError`` and
        ``UniqueConflictError``.
        """
        (made,) = await self.create_all(resource, [data])
        return made

    async def create_all(
        self, resource: Resource, data: Iterable[Input], *, places: Sequence[Place] = ()
    ) -> list[Representation]:
        """Create records, all with the statements that one would take.

        Raises what ``create`` raises; it says which record is meant where each has its place.
        """
        return await self._creations.all(resource, data, places)

    async def create_valid(
        self, resource: Resource, values: Sequence[Values], *, places: Sequence[Place] = ()
    ) -> list[Representation]:
        """``create_all``, of records that ``valid_items`` has found valid."""
        return await self._creations.valid(resource, values, places)

    async def create_valid_for_keys(
        self, resource: Resource, values: Sequence[Values], *, places: Sequence[Place] = ()
    ) -> list[Key]:
        """``create_valid``, for whom the keys are enough: they cost less."""
        return await self._creations.valid_for_keys(resource, values, places)

    async def update(
        self,
        resource: Resource,
        key: Key,
        data: Input,
        *,
        if_match: Collection[str] | None = None,
    ) -> Representation:
        """Change what differs of a record; nothing at all when nothing does.

        Raises ``NotFoundError`` (absent or out of sight), ``ForbiddenError``, ``StaleVersionError``
        when the stored record's ``etag`` is none of ``if_match``, and what ``create`` raises.
        """
        return await self._updates.one(resource, Edit(key, data, if_match))

    async def update_all(
        self, resource: Resource, edits: Sequence[Edit]
    ) -> list[Representation] | None:
        """``update``, of many records with the statements that one would take.

        None where they can only be done one by one. Raises what ``update`` raises of any of them;
        the place it is about is not said, and the savepoint it stood in has to be undone.
        """
        return await self._updates.together(resource, edits)

    async def delete(
        self,
        resource: Resource,
        key: Key,
        *,
        if_match: Collection[str] | None = None,
        allowed: Callable[[Effects], None] | None = None,
    ) -> Effects:
        """Delete a record with what cascades from it; a change is recorded of each.

        ``allowed`` is shown the effects before they happen, and may raise. One of a resource with a
        trash goes there alone. Raises ``NotFoundError``, ``ForbiddenError``, ``StaleVersionError``,
        and ``InUseError`` that names what holds the record and how many do.
        """
        meant = Meant(key, if_match)
        if resource.options.trash is None:
            return await self._removal.one(resource, meant, "without", allowed)
        await self._moves.one(resource, meant, to_trash=True)
        return Effects()

    async def delete_all(
        self,
        resource: Resource,
        meant: Mapping[Key, Meant],
        *,
        allowed: Callable[[Effects], None] | None = None,
    ) -> list[Effects] | None:
        """``delete``, of many records with the statements that one would take.

        None where they can only be done one by one, whichever they are. Raises what ``delete``
        raises of any of them; the savepoint it stood in has then to be undone.
        """
        if resource.options.trash is None:
            return await self._removal.together(resource, meant, "without", allowed)
        moved = await self._moves.together(resource, meant, to_trash=True)
        return None if moved is None else [Effects() for _ in moved]

    async def purge(
        self, resource: Resource, key: Key, *, if_match: Collection[str] | None = None
    ) -> Effects:
        """Delete a record in the trash for good; see ``delete``."""
        _require_trash(resource)
        return await self._removal.one(resource, Meant(key, if_match), "only")

    async def purge_all(
        self, resource: Resource, meant: Mapping[Key, Meant]
    ) -> list[Effects] | None:
        """``purge``, of many records as ``delete_all`` does it."""
        _require_trash(resource)
        return await self._removal.together(resource, meant, "only")

    async def restore(
        self, resource: Resource, key: Key, *, if_match: Collection[str] | None = None
    ) -> Representation:
        """Take a record out of the trash.

        Raises ``NotFoundError`` for one that is not there, ``ForbiddenError``,
        ``StaleVersionError``, and ``UniqueConflictError`` where another has taken its place.
        """
        _require_trash(resource)
        return await self._moves.one(resource, Meant(key, if_match), to_trash=False)

    async def restore_all(
        self, resource: Resource, meant: Mapping[Key, Meant]
    ) -> list[Representation] | None:
        """``restore``, of many records; none where they can only be done one by one."""
        _require_trash(resource)
        return await self._moves.together(resource, meant, to_trash=False)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what happens inside, the changes noted of it too, when it raises."""
        with self._journal.undone_with():
            async with savepoint(self.transaction.session):
                yield

    async def finish(self) -> None:
        """Write the changes of everything done so far; the last thing before the commit."""
        await self._journal.save(self.connection)


def _require_trash(resource: Resource) -> None:
    if resource.options.trash is None:
        raise NotFoundError(resource.absent)
