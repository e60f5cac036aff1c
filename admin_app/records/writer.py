"""The write path: one transaction's creates, updates and deletes, each with its change.

The one way to write a record, whichever door it came through: validate by the generated schema,
load through the policy, check the version, set only what differs, build the answer, note the
change. Committing is left to ``database.write``, which may run all of it again.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import lazyload
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from admin_app.access.policies import policy, require
from admin_app.database import savepoint
from admin_app.declaration import Actor, Field, Key, Origin, Resource, Write, stamped
from admin_app.errors import (
    FieldError,
    ForbiddenError,
    InUseError,
    NotFoundError,
    StaleVersionError,
)
from admin_app.records.changes import Entry
from admin_app.records.differences import changed_values, parted, put, told_fields
from admin_app.records.effects import (
    Effects,
    association_tables,
    in_sight,
    plan_delete,
    rows_with,
)
from admin_app.records.journal import Journal
from admin_app.records.links import Links, SetChange, unseen_rest
from admin_app.records.reader import Reader, Values, key_is
from admin_app.records.record import Record, record
from admin_app.records.refusals import explained
from admin_app.records.tellings import Telling, Tellings
from admin_app.records.views import Views

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
    ) -> None:
        self._reader = reader
        self._registry = reader.registry
        self._session = session
        self._connection = connection
        self._actor = actor
        self._origin = origin
        self._links = Links(reader, connection, actor)
        self._views = Views(reader, connection, actor)
        self._journal = Journal(reader.registry, actor, origin, change_set)
        self._tellings = Tellings(reader, connection, self._journal)

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
        for name in [name for name in values if name in resource.sets]:
            target = self._registry.target(resource.sets[name])
            wanted, held = values.pop(name), before[name]
            if {*map(target.dereference, wanted)} != {*map(target.dereference, held)}:
                return False
        return not changed_values(resource, before, values)

    async def create(self, resource: Resource, data: Input) -> Record:
        """Create a record.

        Raises ``BadRequestError`` (not JSON), ``ForbiddenError``, ``InvalidInputError`` and
        ``UniqueConflictError``.
        """
        (made,) = await self.create_all(resource, [data])
        return made

    async def create_all(self, resource: Resource, data: Iterable[Input]) -> list[Record]:
        """Create records, all with the statements that one would take.

        Raises what ``create`` raises, without a word on which record is meant.
        """
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        config = require(self._actor, seen, "create")
        drafts = [parted(resource, seen.create.parse(each)) for each in data]
        stamps = {
            each.name: stamped(each.stamp)
            for each in resource.fields.values()
            if each.stamp is not None
        }
        changes: list[list[SetChange]] = []
        async with self._links.asked_ahead(resource, [{**row, **sets} for row, sets in drafts]):
            for values, sets in drafts:
                await self._links.check(resource, values, {})
                changes.append(await self._links.changes(resource, {}, sets))
                values.update(stamps)
                await self._ask(resource, "create", {}, {**values, **sets})
        async with explained(seen, self._registry):
            rows = await self._insert(resource, [values for values, _ in drafts])
            await self._links.apply(zip(changes, rows, strict=True))
        keys = [resource.key_of(row) for row in rows]
        for key in keys:
            await self._check_reach(resource, key, config.check_conditions_for("create"))
        wholes = await self._views.wholes(resource, keys)
        answers = await self._views.answers(resource, keys, wholes)
        tellings: list[Telling] = []
        for key, whole, gained in zip(keys, wholes, changes, strict=True):
            entry = self._journal.creation(resource, whole, gained)
            tellings += self._tellings.other_ends(resource, key, gained, entry)
        await self._tellings.tell(tellings)
        return answers

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
        if policy(self._actor, resource).grants("update"):
            # Who may not is refused below, and has kept nobody waiting.
            await self._links.lock(resource, key, sets)
        entity, before, view = await self._load(resource, key, "update")
        _check_unchanged(seen, view, if_match)
        # As it is seen: what is out of sight is nobody's to confirm by a guess, nor to clear.
        known = {name: view.get(name) for name in before}
        changed = changed_values(resource, known, values)
        changes = await self._links.changes(resource, view, sets)
        if not changed and not changes:
            return record(seen, view)
        await self._links.check(resource, changed, known)
        changed |= unseen_rest(resource, changed, before, known)
        await self._ask(resource, "update", before, {**before, **changed, **sets})
        async with explained(seen, self._registry):
            await self._apply(resource, entity, changed)
            await self._links.apply([(changes, before)])
        conditions = policy(self._actor, resource).check_conditions_for("update")
        await self._check_reach(resource, key, conditions)
        (after,) = await self._views.wholes(resource, [key])
        (answer,) = await self._views.answers(resource, [key], [after])
        told = told_fields(resource, before, after, changed)
        if not told and not changes:
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
        await self._tellings.tell(self._tellings.other_ends(resource, key, changes, entry))
        return answer

    async def delete(
        self, resource: Resource, key: Key, *, if_match: Collection[str] | None = None
    ) -> Effects:
        """Delete a record with what cascades from it, each told of by a change.

        Raises ``NotFoundError``, ``ForbiddenError``, ``StaleVersionError``, and ``InUseError`` that
        names what holds the record and how many do.
        """
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        entity, before, view = await self._load(resource, key, "delete")
        self._session.expunge(entity)
        _check_unchanged(seen, view, if_match)
        effects = await plan_delete(self._registry, self._connection, resource, key, lock=True)
        if effects.blocked:
            known = await in_sight(self._reader, self._connection, self._actor, effects)
            raise _in_use(resource, known)
        await self._ask(resource, "delete", before, {})
        cause = self._journal.deletion(resource, before)
        async with explained(seen, self._registry, deleting=True):
            await self._let_go(effects, cause)
            await self._remove(effects, cause)
        return effects

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what happens inside, the changes noted of it too, when it raises."""
        with self._journal.undone_with():
            async with savepoint(self._session):
                yield

    async def finish(self) -> None:
        """Write the changes of everything done so far; the last thing before the commit."""
        await self._journal.save(self._session)

    async def _load(
        self, resource: Resource, key: Key, action: Literal["update", "delete"]
    ) -> tuple[Any, Values, Values]:
        """The entity, locked, its values, and as many of them as the actor sees.

        Out of sight is absent, out of reach forbidden.
        """
        config = require(self._actor, resource, "read")
        statement = (
            select(resource.model)
            .where(key_is(resource, key), *config.row_conditions("read"))
            # A relation that its model always joins would multiply the row, and is not needed.
            .options(lazyload("*"))
            # An update leaves the key alone, so links to the row need not wait for it.
            .with_for_update(of=resource.model, key_share=action == "update")
        )
        entity = (await self._session.scalars(statement)).one_or_none()
        if entity is None:
            raise NotFoundError(resource.absent)
        require(self._actor, resource, action)
        await self._check_reach(resource, key, config.row_conditions(action))
        (whole,) = await self._views.wholes(resource, [key])
        (view,) = await self._views.views(resource, [key], [whole])
        return entity, whole, view

    async def _ask(
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
                    self._session,
                    self._registry,
                    self._actor,
                    self._origin,
                    action,
                    before,
                    after,
                )
            )

    async def _insert(self, resource: Resource, rows: Iterable[Values]) -> list[Values]:
        """Insert rows; what comes back is their keys and the columns their links need."""
        entities = []
        for values in rows:
            entity = resource.model.__mapper__.class_manager.new_instance()
            put(resource, entity, values)
            entities.append(entity)
        self._session.add_all(entities)
        await self._session.flush()
        names = {each.name for each in resource.key}
        names |= {name for each in resource.sets.values() for name, _ in each.own_columns}
        inserted = [{name: getattr(each, name) for name in names} for each in entities]
        for each in entities:
            self._session.expunge(each)
        return inserted

    async def _apply(self, resource: Resource, entity: Any, changed: Values) -> None:
        key = tuple(getattr(entity, each.name) for each in resource.key)
        if changed:
            put(resource, entity, changed)
            for name in changed:
                if resource.fields[name].sensitive:
                    # Else the version would tell whether the value was a right guess.
                    flag_modified(entity, name)
            try:
                await self._session.flush()
            except StaleDataError as error:
                raise _stale(resource) from error
        self._session.expunge(entity)
        if not changed:
            # A changed set alone leaves the row as it is; its version must rise all the same.
            await self._write_columns(resource, key, {})

    async def _let_go(self, effects: Effects, cause: Entry) -> None:
        """Set null what points to a deleted record, and take it out of the sets that hold it."""
        for resource, key, names in effects.cleared:
            (before,) = await self._views.wholes(resource, [key])
            nothing = dict.fromkeys(names)
            await self._write_columns(resource, key, nothing)
            self._journal.update(
                resource,
                key,
                resource.title_of(before),
                before=before,
                after=nothing,
                names=names,
                cause=cause,
            )
        await self._tellings.tell(
            Telling(resource, key, SetChange(relation, lost=[lost]), cause)
            for resource, key, relation, lost in effects.unlinked
        )

    async def _remove(self, effects: Effects, cause: Entry) -> None:
        for resource, key in effects.deleted:
            (before,) = await self._views.wholes(resource, [key])
            if (resource, key) != (cause.resource, cause.key):
                self._journal.deletion(resource, before, cause)
            for table, pairs in association_tables(self._registry, resource):
                columns = [column for _, column in pairs]
                values = tuple(before[name] for name, _ in pairs)
                await self._connection.execute(
                    delete(table).where(rows_with(table, columns, [values]))
                )
        for resource, key in effects.deleted:
            await self._session.execute(
                delete(resource.model).where(key_is(resource, key)),
                execution_options={"synchronize_session": False},
            )

    async def _write_columns(self, resource: Resource, key: Key, values: Values) -> None:
        """Set columns of one row and raise its version, past the session's entities."""
        changes: dict[Any, Any] = {
            resource.fields[name].expression: value for name, value in values.items()
        }
        if resource.version is not None:
            version = resource.fields[resource.version].expression
            changes[version] = version + 1
        if changes:
            await self._session.execute(
                update(resource.model).where(key_is(resource, key)).values(changes),
                execution_options={"synchronize_session": False},
            )

    async def _check_reach(self, resource: Resource, key: Key, conditions: Sequence[Any]) -> None:
        if not conditions:
            return
        statement = select(*(each.expression for each in resource.key))
        found = await self._connection.execute(statement.where(key_is(resource, key), *conditions))
        if found.first() is None:
            msg = f"You may not do this to this {resource.label.lower()}."
            raise ForbiddenError(msg)


def _check_unchanged(resource: Resource, before: Values, if_match: Collection[str] | None) -> None:
    if if_match is not None and record(resource, before).etag not in if_match:
        raise _stale(resource)


def _stale(resource: Resource) -> StaleVersionError:
    msg = f"This {resource.label.lower()} has been changed since it was read. Read it again."
    return StaleVersionError(msg)


def _in_use(resource: Resource, effects: Effects) -> InUseError:
    """Name what holds the record, as far as the actor may know of it."""
    holders = [
        f"{each.count} {each.resource.label_plural.lower()}"
        for each in effects.blocked
        if each.count
    ] or ["records out of your sight"]
    msg = f"This {resource.label.lower()} is in use by {', '.join(holders)}."
    errors = [FieldError((), "in_use", f"{each} point to it.") for each in holders]
    return InUseError(msg, errors=errors)
