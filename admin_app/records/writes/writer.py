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

from admin_app.access.policies import policy, require
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
    stamped,
)
from admin_app.errors import NotFoundError
from admin_app.records.changes import Entry
from admin_app.records.queries.conditions import KeyIn
from admin_app.records.queries.query import Query
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.reads.record import Record, record
from admin_app.records.writes.actions import ActionWrites, require_runnable
from admin_app.records.writes.at_once import AtOnce, Obstacle
from admin_app.records.writes.children import Children, taken
from admin_app.records.writes.differences import changed_values, made_of, parted, told_fields
from admin_app.records.writes.drafts import Draft, Inserter, drafts_of, valid_drafts
from admin_app.records.writes.effects import (
    Effects,
)
from admin_app.records.writes.foretold import Foretold
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.links import Links, set_edit, unseen_rest
from admin_app.records.writes.places import Place, at
from admin_app.records.writes.refusals import check_computed, computes, explained
from admin_app.records.writes.removal import Removal
from admin_app.records.writes.reverting import Reverted, Reverting
from admin_app.records.writes.reviving import Remains, Revival
from admin_app.records.writes.rows import Rows, check_unchanged
from admin_app.records.writes.tellings import Telling, Tellings
from admin_app.records.writes.updates import Edit, Updates
from admin_app.records.writes.views import Views

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
        self._reader = reader
        self._registry = reader.registry
        self._session = session
        self._connection = connection
        self._actor = actor
        self._origin = origin
        self._links = Links(reader, connection, actor)
        self._views = Views(reader, connection, actor)
        self._journal = journal or Journal(reader.registry, actor, origin, change_set)
        self._tellings = Tellings(reader, connection, self._journal)
        self._rows = Rows(reader.registry, session, connection, actor, origin, self._views)
        self._inserter = Inserter(session, connection, self._links, reader.registry)
        self._at_once = AtOnce(
            session, connection, reader.registry, self._rows, self._links, self._journal
        )
        self._foretold = Foretold(connection, self._rows, self._journal)
        self._children = Children(self, reader.registry, connection, actor)
        self._updates = Updates(
            reader.registry, self._views, self._rows, self._links, self._journal
        )
        self._removal = Removal(reader, self._rows, self._views, self._journal, self._tellings)

    @property
    def actor(self) -> Actor:
        """Who writes."""
        return self._actor

    @property
    def connection(self) -> AsyncConnection:
        """What the transaction runs on."""
        return self._connection

    @property
    def change_set(self) -> uuid.UUID:
        """What all its changes share."""
        return self._journal.change_set

    @property
    def changes(self) -> Sequence[Entry]:
        """What has been done so far, record by record."""
        return self._journal.entries

    @property
    def changed(self) -> bool:
        """Whether anything has been done so far."""
        return bool(self._journal.entries) or self._journal.told_otherwise

    def list_changes(self) -> None:
        """Have all ``changes`` there, for somebody who is going to look at them."""
        self._journal.listed = True

    async def obstacle(self, resource: Resource, values: Sequence[Values]) -> Obstacle | None:
        """What keeps valid new records from being written at once; see ``AtOnce``."""
        return await self._at_once.obstacle(self._views.whole(resource), values)

    def unbounded(self) -> Writer:
        """The same transaction, for what a declaration does itself: no grant is asked."""
        actor = replace(self._actor, grants=SYSTEM.grants)
        return Writer(
            self._reader,
            self._session,
            self._connection,
            actor,
            self._origin,
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
            origin=self._origin,
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
        page = await self._reader.page(self._connection, self._actor, resource, query)
        keys = [resource.key_of(each) for each in page.rows]
        if not keys or self._connection.dialect.name == "sqlite":
            return keys
        if policy(self._actor, resource).grants(action):
            await self._links.lock_records(resource, keys, update=action == "update")
            # Some may have been changed, by who had locked them first.
            narrowed = replace(query, filters=(*query.filters, KeyIn(tuple(keys))))
            page = await self._reader.page(self._connection, self._actor, resource, narrowed)
        return [resource.key_of(each) for each in page.rows]

    async def find(
        self, resource: Resource, fields: Sequence[Field], wanted: Iterable[Key], *, sets: bool
    ) -> dict[Key, list[Values]]:
        """The records in sight whose ``fields`` have one of the ``wanted`` values, by those.

        Many-to-many relations are read only with ``sets``. Raises ``ForbiddenError``.
        """
        require(self._actor, resource, "read")
        found: dict[Key, list[Values]] = {}
        for values in await self._reader.find(
            self._connection, self._actor, resource, fields, list(wanted), sets=sets
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
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        require(self._actor, seen, "create")
        return await self._create(resource, seen, drafts_of(resource, seen, data, places))

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
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        require(self._actor, seen, "create")
        rows = await self._at_once.insert(resource, seen, values, brief=brief)
        if rows is not None and brief:
            return [record(seen, each) for each in rows]
        if rows is not None:
            return await self._made(resource, rows)
        return await self._create(resource, seen, valid_drafts(resource, values, places))

    async def _create(
        self, resource: Resource, seen: Resource, drafts: Sequence[Draft]
    ) -> list[Record]:
        if len(drafts) == 1 and not drafts[0].sets and not drafts[0].children:
            with at(drafts[0].place):
                row = await self._at_once.insert_one(resource, seen, drafts[0].values)
            if row is not None:
                return await self._made(resource, [row])
        await self._check_new(resource, drafts)
        reach = await self._rows.told_reach(resource, "create")
        rows, reached = await self._inserter.insert(resource, seen, drafts, reach)
        keys = [resource.key_of(row) for row in rows]
        await self._rows.check_all_reach(resource, keys, drafts, reached)
        if rows and await self._rows.tells_all(resource):
            wholes = rows
            await self._views.add_new_sets(resource, rows, [each.gained for each in drafts])
        else:
            wholes = await self._views.wholes(resource, keys)
        if computes(resource):
            for whole, each in zip(wholes, drafts, strict=True):
                with at(each.place):
                    check_computed(resource, whole)
        answers = await self._views.answers(resource, keys, wholes)
        entries = self._journal.creations(resource, wholes, [each.gained for each in drafts])
        tellings: list[Telling] = []
        for key, each, entry in zip(keys, drafts, entries, strict=True):
            if each.gained:
                tellings += self._tellings.other_ends(resource, key, each.gained, entry)
        await self._tellings.tell(tellings)
        if not any(each.children for each in drafts):
            return answers
        for whole, each in zip(wholes, drafts, strict=True):
            with at(each.place):
                await self._children.write(resource, whole, each.children)
        return await self._views.answers(resource, keys, await self._views.wholes(resource, keys))

    async def _made(self, resource: Resource, rows: Sequence[Values]) -> list[Record]:
        """The answers of rows that were inserted with no links."""
        await self._views.add_new_sets(resource, rows, ())
        keys = [resource.key_of(each) for each in rows]
        return await self._views.answers(resource, keys, rows)

    async def _check_new(self, resource: Resource, drafts: Sequence[Draft]) -> None:
        """Refuse drafts that refer to nothing, or that their declaration refuses; stamp them."""
        stamps = {
            each.name: stamped(each.stamp)
            for each in resource.fields.values()
            if each.stamp is not None
        }
        asks = resource.options.before_write is not None
        asked = [{**each.values, **each.sets} if each.sets else each.values for each in drafts]
        async with self._links.asked_ahead(resource, asked):
            for each in drafts:
                with at(each.place):
                    await self._links.check(resource, each.values, {})
                    each.gained = await self._links.changes(resource, {}, each.sets)
                    each.values.update(stamps)
                    if asks:
                        sets = self._links.outcome(resource, {}, each.sets, each.gained)
                        await self._rows.ask(resource, "create", {}, {**each.values, **sets})

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
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        # First of all, or the words on a wrong body would tell what fields there are.
        require(self._actor, resource, "read")
        values, sets = parted(resource, seen.update.parse(data))
        children = taken(resource, values)
        answer = await self._change(resource, seen, key, values, sets, if_match)
        if not children:
            return answer
        (whole,) = await self._views.wholes(resource, [key])
        await self._children.write(resource, whole, children)
        (whole,) = await self._views.wholes(resource, [key])
        (answer,) = await self._views.answers(resource, [key], [whole])
        return answer

    async def update_all(self, resource: Resource, edits: Sequence[Edit]) -> list[Record] | None:
        """``update``, of many records with the statements that one would take.

        None where they can only be done one by one. Raises what ``update`` raises of any of them;
        the place it is about is not said, and the savepoint it stood in has to be undone.
        """
        return await self._updates.together(resource, edits)

    async def _change(
        self,
        resource: Resource,
        seen: Resource,
        key: Key,
        values: Values,
        sets: dict[str, Any],
        if_match: Collection[str] | None,
    ) -> Record:
        """``update``, of the record alone."""
        if policy(self._actor, resource).grants("update"):
            # Who may not is refused below, and has kept nobody waiting.
            await self._links.lock(resource, key, sets)
        row = await self._rows.load(resource, key, "update")
        before, view = row.whole, row.view
        check_unchanged(seen, view, if_match)
        # As it is seen: what is out of sight is nobody's to confirm by a guess, nor to clear.
        known = {name: view.get(name) for name in before}
        changed = changed_values(resource, known, values)
        changes = await self._links.changes(resource, view, sets)
        if not changed and not changes:
            return record(seen, view)
        sets = self._links.outcome(resource, view, sets, changes)
        await self._links.check(resource, changed, known)
        changed |= unseen_rest(resource, changed, before, known)
        await self._rows.ask(resource, "update", before, {**before, **changed, **sets})
        async with explained(seen, self._registry):
            made = made_of(resource, changed, row.stored)
            if not made and not changes:
                return record(seen, view)
            columns: Values | None
            done = None if changes else await self._foretold.update(resource, row, made)
            if done is None:
                columns, reached = await self._rows.apply(resource, row, made)
            else:
                columns, reached = done.columns, done.reached
            await self._links.apply([(changes, before)])
        await self._rows.check_reach(resource, [key], "update", reached)
        after = await self._views.after(resource, before, columns, changes)
        check_computed(resource, after)
        (answer,) = await self._views.answers(resource, [key], [after])
        told = told_fields(resource, before, after, changed)
        if not told and not changes:
            if done is not None:
                await self._foretold.settle(done, None)
            return answer
        entry = self._journal.update(
            resource,
            key,
            resource.title_of(after),
            before=before,
            after=after,
            names=told,
            sets=changes,
        )
        if done is not None:
            await self._foretold.settle(done, entry)
        await self._tellings.tell(self._tellings.other_ends(resource, key, changes, entry))
        return answer

    async def delete(
        self,
        resource: Resource,
        key: Key,
        *,
        if_match: Collection[str] | None = None,
        allowed: Callable[[Effects], None] | None = None,
    ) -> Effects:
        """Delete a record with what cascades from it, each told of by a change.

        ``allowed`` is shown the effects before they happen, and may raise.

        One of a resource with a trash goes there alone. Raises ``NotFoundError``,
        ``ForbiddenError``, ``StaleVersionError``, and ``InUseError`` that names what holds the
        record and how many do.
        """
        return await self._removal.delete(resource, key, if_match, allowed)

    async def purge(
        self, resource: Resource, key: Key, *, if_match: Collection[str] | None = None
    ) -> Effects:
        """Delete a record in the trash for good; see ``delete``."""
        return await self._removal.purge(resource, key, if_match)

    async def restore(
        self, resource: Resource, key: Key, *, if_match: Collection[str] | None = None
    ) -> Record:
        """Take a record out of the trash.

        Raises ``NotFoundError`` for one that is not there, ``ForbiddenError``,
        ``StaleVersionError``, and ``UniqueConflictError`` where another has taken its place.
        """
        return await self._removal.restore(resource, key, if_match)

    async def revive(self, resource: Resource, remains: Sequence[Remains]) -> None:
        """Create records again that were deleted, whole and with their keys.

        Raises what ``create`` does.
        """
        revival = Revival(self._rows, self._views, self._inserter, self._journal, self._tellings)
        await revival.revive(resource, remains)

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
