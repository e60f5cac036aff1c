"""The write path: one transaction's creates, updates and deletes, each with its change.

The one way to write a record, whichever door it came through: validate by the generated schema,
load through the policy, check the version, set only what differs, build the answer, note the
change. Committing is left to ``database.write``, which may run all of it again.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.policies import Trash, policy, require
from admin_app.database import savepoint
from admin_app.declaration import (
    SYSTEM,
    Actor,
    Call,
    DeclaredAction,
    Field,
    Key,
    Origin,
    Resource,
)
from admin_app.errors import NotFoundError
from admin_app.records.queries.conditions import KeyIn
from admin_app.records.queries.query import Query
from admin_app.records.reads.pages import read_page
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.reads.record import Record
from admin_app.records.trail.changes import Entry
from admin_app.records.writes.actions import ActionWrites, require_runnable
from admin_app.records.writes.bulk.updates import Edit, Updates
from admin_app.records.writes.children import Children, taken
from admin_app.records.writes.creations import Creations
from admin_app.records.writes.deletes.effects import Effects
from admin_app.records.writes.deletes.removal import Meant, Removal
from admin_app.records.writes.deletes.trash import Moves
from admin_app.records.writes.differences import changed_values, parted
from admin_app.records.writes.fast.insert import Obstacle
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.places import Place
from admin_app.records.writes.rows import check_unchanged
from admin_app.records.writes.set_edits import set_edit
from admin_app.records.writes.transaction import Transaction
from admin_app.records.writes.undo.obstacles import Identity
from admin_app.records.writes.undo.reverting import Part, Reverted, Reverting, Touched
from admin_app.records.writes.undo.reviving import Remains, Revival

Input = bytes | Mapping[str, Any]
"""A JSON document, or a mapping of JSON data by field."""


class Writer:
    """The writes of one transaction by one actor."""

    def __init__(
        self,
        reader: Reader,
        session: AsyncSession,
        connection: AsyncConnection,
        actor: Actor,
        origin: Origin,
        change_set: uuid.UUID | None = None,
        journal: Journal | None = None,
    ) -> None:
        journal = journal or Journal(reader.registry, actor, origin, change_set)
        made = Transaction(reader, session, connection, actor, origin, journal)
        self._transaction = made
        self._reader = reader
        self._registry = reader.registry
        self._session = session
        self._connection = connection
        self._actor = actor
        self._journal = journal
        self._views = made.views
        self._links = made.links
        children = Children(self, reader.registry, connection, actor)
        self._creations = Creations(made, children)
        self._updates = Updates(made, children)
        self._removal = Removal(made)
        self._moves = Moves(made)

    @property
    def actor(self) -> Actor:
        """Who writes."""
        return self._actor

    @property
    def connection(self) -> AsyncConnection:
        """The connection of the transaction."""
        return self._connection

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
        actor = replace(self._actor, grants=SYSTEM.grants)
        return Writer(
            self._reader,
            self._session,
            self._connection,
            actor,
            self._transaction.origin,
            journal=self._journal,
        )

    async def run(
        self,
        resource: Resource,
        action: DeclaredAction,
        keys: Sequence[Key],
        given: Any,
        *,
        if_match: Collection[str] | None = None,
    ) -> Any:
        """Run a declared action with its parameters on the records with ``keys``.

        Raises ``NotFoundError`` for those absent or out of sight, ``ForbiddenError``,
        ``StaleVersionError`` as ``update`` does, and what the action raises.
        """
        await require_runnable(self._session, self._actor, resource, action, keys)
        if if_match is not None:
            seen = self._views.seen(resource)
            for rows in (await self.find(seen, seen.key, keys, sets=True)).values():
                check_unchanged(seen, rows[0], if_match)
        call = Call(
            resource=resource.name,
            keys=tuple(keys),
            parameters=given,
            actor=self._actor,
            origin=self._transaction.origin,
            session=self._session,
            writes=ActionWrites(self.unbounded(), self._registry, self._session),
        )
        return await action.run(call)

    def seen(self, resource: Resource, *actions: str) -> Resource:
        """The resource as the actor sees it.

        Raises ``ForbiddenError`` unless they may do ``actions`` to some records of it.
        """
        seen = self._views.seen(resource)
        for each in actions:
            require(self._actor, seen, each)
        return seen

    async def matching(
        self, resource: Resource, query: Query, action: Literal["update", "delete"]
    ) -> list[Key]:
        """The keys of the first records in sight that a query finds, in turn.

        They stay so until the transaction ends, where the actor may do ``action`` to any.
        """
        page = await read_page(self._reader, self._connection, self._actor, resource, query)
        keys = [resource.key_of(each) for each in page.rows]
        if not keys or self._connection.dialect.name == "sqlite":
            return keys
        if policy(self._actor, resource).grants(action):
            await self._links.lock_records(resource, keys, update=action == "update")
            # Some may have been changed, by who had locked them first.
            narrowed = replace(query, filters=(*query.filters, KeyIn(tuple(keys))))
            page = await read_page(self._reader, self._connection, self._actor, resource, narrowed)
        return [resource.key_of(each) for each in page.rows]

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
        require(self._actor, resource, "read")
        found: dict[Key, list[Values]] = {}
        for values in await self._reader.find(
            self._connection, self._actor, resource, fields, list(wanted), sets=sets, trash=trash
        ):
            found.setdefault(tuple(values[each.name] for each in fields), []).append(values)
        return found

    def same(self, resource: Resource, before: Values, data: Input) -> bool:
        """Whether ``update`` would change nothing of a record that was read as ``before``."""
        values = self._views.seen(resource).update.parse(data)
        if taken(resource, values):
            return False
        values, sets = parted(resource, values)
        for name, given in sets.items():
            target, edit = self._registry.target(resource.sets[name]), set_edit(given)
            held = {*map(target.dereference, before[name])}
            kept = set() if edit.whole else held - {*map(target.dereference, edit.remove)}
            if kept | {*map(target.dereference, edit.add)} != held:
                return False
        return not changed_values(resource, before, values)

    async def create(self, resource: Resource, data: Input) -> Record:
        """Create a record.

        Raises ``BadRequestError`` (not JSON), ``ForbiddenError``, ``InvalidInputError`` and
        ``UniqueConflictError``.
        """
        (made,) = await self.create_all(resource, [data])
        return made

    async def create_all(
        self, resource: Resource, data: Iterable[Input], *, places: Sequence[Place] = ()
    ) -> list[Record]:
        """Create records, all with the statements that one would take.

        Raises what ``create`` raises; it says which record is meant where each has its place.
        """
        return await self._creations.all(resource, data, places)

    async def create_valid(
        self,
        resource: Resource,
        values: Sequence[Values],
        *,
        places: Sequence[Place] = (),
        brief: bool = False,
    ) -> list[Record]:
        """``create_all``, of records that ``valid_items`` has found valid.

        ``brief``: nothing but their keys is asked for, and perhaps there is no more.
        """
        return await self._creations.valid(resource, values, places, brief=brief)

    async def update(
        self,
        resource: Resource,
        key: Key,
        data: Input,
        *,
        if_match: Collection[str] | None = None,
    ) -> Record:
        """Change what differs of a record; nothing at all when nothing does.

        Raises ``NotFoundError`` (absent or out of sight), ``ForbiddenError``, ``StaleVersionError``
        when the stored record's ``etag`` is none of ``if_match``, and what ``create`` raises.
        """
        return await self._updates.one(resource, Edit(key, data, if_match))

    async def update_all(self, resource: Resource, edits: Sequence[Edit]) -> list[Record] | None:
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
    ) -> Record:
        """Take a record out of the trash.

        Raises ``NotFoundError`` for one that is not there, ``ForbiddenError``,
        ``StaleVersionError``, and ``UniqueConflictError`` where another has taken its place.
        """
        _require_trash(resource)
        return await self._moves.one(resource, Meant(key, if_match), to_trash=False)

    async def restore_all(
        self, resource: Resource, meant: Mapping[Key, Meant]
    ) -> list[Record] | None:
        """``restore``, of many records; none where they can only be done one by one."""
        _require_trash(resource)
        return await self._moves.together(resource, meant, to_trash=False)

    async def revive(self, resource: Resource, remains: Sequence[Remains]) -> None:
        """Create records again that were deleted, whole and with their keys.

        Raises what ``create`` does.
        """
        await Revival(self._transaction).revive(resource, remains)

    async def hold(self, resource: Resource, keys: Collection[Key]) -> None:
        """Lock records until the transaction ends, if the actor may change any."""
        if self._connection.dialect.name == "sqlite":
            return
        if policy(self._actor, resource).grants("update"):
            await self._links.lock_records(resource, [*keys])

    async def undo(self, change_set: uuid.UUID, *, skip_conflicts: bool = False) -> Reverted:
        """Undo all that the actor sees of a change set; see ``Reverting``.

        Raises ``NotFoundError``, ``RevertTooLargeError``, ``RevertConflictError`` unless what has
        changed since is to be skipped, and ``ForbiddenError``.
        """
        return await self._reverting(skip_conflicts).undo_set(change_set)

    async def look_at(self, change_set: uuid.UUID, before: int | None, known: Touched) -> Part:
        """What is in the way of undoing the part of a change set that ends ``before`` a change.

        Nothing is undone, and what is ``known`` already is left out. Raises ``ForbiddenError``,
        and ``RevertTooLargeError`` for an act that is too large even alone.
        """
        return await self._reverting(skip=True).look_at(change_set, before, known)

    async def undo_part(
        self,
        change_set: uuid.UUID,
        before: int | None,
        made: Collection[Identity],
        *,
        skip_conflicts: bool = False,
    ) -> Part:
        """Undo the part of a change set that ends ``before`` a change.

        ``made`` are the records that all of it created. Raises as ``undo`` does.
        """
        return await self._reverting(skip_conflicts).undo_part(change_set, before, made)

    async def undo_change(
        self,
        resource: Resource,
        key: Key,
        change: int,
        fields: Sequence[str] | None = None,
        *,
        if_match: Collection[str] | None = None,
        skip_conflicts: bool = False,
    ) -> Reverted:
        """Undo one change of a record, or these fields of it.

        Raises ``InvalidInputError`` for what it is not, ``StaleVersionError`` as ``update`` does,
        and what ``undo`` raises.
        """
        await self._check_match(resource, key, if_match)
        reverting = self._reverting(skip_conflicts)
        return await reverting.undo_change(resource, key, change, fields)

    async def to_state(
        self,
        resource: Resource,
        key: Key,
        change: int,
        *,
        before: bool = False,
        if_match: Collection[str] | None = None,
        skip_conflicts: bool = False,
    ) -> Reverted:
        """Make a record what it was after a change of it, or before.

        Raises ``NotFoundError`` and what ``undo_change`` raises.
        """
        await self._check_match(resource, key, if_match)
        return await self._reverting(skip_conflicts).to_state(resource, key, change, before=before)

    async def _check_match(
        self, resource: Resource, key: Key, if_match: Collection[str] | None
    ) -> None:
        seen = self.seen(resource, "read")
        if if_match is not None:
            found = await self.find(seen, seen.key, [key], sets=True)
            if not found:
                raise NotFoundError(seen.absent)
            check_unchanged(seen, found[key][0], if_match)

    def _reverting(self, skip: bool) -> Reverting:
        return Reverting(self, self._reader, self._journal, skip=skip)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what happens inside, the changes noted of it too, when it raises."""
        with self._journal.undone_with():
            async with savepoint(self._session):
                yield

    async def finish(self) -> None:
        """Write the changes of everything done so far; the last thing before the commit."""
        await self._journal.save(self._connection)


def _require_trash(resource: Resource) -> None:
    if resource.options.trash is None:
        raise NotFoundError(resource.absent)
