"""Nested writes: records of one-to-many relations, written with the record they point to.

What a body does not name stays as it is. Each child is created, updated and deleted as if it had
been asked for by itself, with its own rights, checks, hooks and changes; only that it points to its
parent is given, and cannot be given otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from sqlalchemy import select

from admin_app.access.policies import policy
from admin_app.declaration import Key, Relation, Resource
from admin_app.declaration.schemas import MAX_CHILDREN
from admin_app.errors import FieldError, InvalidInputError, NotFoundError
from admin_app.records.reads.reader import Values, key_is
from admin_app.records.writes.places import Place, at
from admin_app.records.writes.tags import tags_of
from admin_app.records.writes.transaction import Transaction

MAX_DEPTH = 5
"""Levels of children of children that one body may write."""


class ChildWriter(Protocol):
    """The writes of single records, which write what bodies say of children in turn."""

    async def create_all(
        self,
        resource: Resource,
        data: Iterable[Mapping[str, Any]],
        *,
        places: Sequence[Place],
    ) -> object: ...

    async def update(
        self,
        resource: Resource,
        key: Key,
        data: Mapping[str, Any],
        *,
        if_match: Collection[str] | None,
    ) -> object: ...

    async def delete(
        self, resource: Resource, key: Key, *, if_match: Collection[str] | None
    ) -> object: ...


class Children:
    """Writes what bodies say of children, in one transaction by one actor."""

    def __init__(self, writer: ChildWriter, transaction: Transaction) -> None:
        self._writer = writer
        self._registry = transaction.registry
        self._connection = transaction.connection
        self._actor = transaction.actor
        self._depth = 0
        self._count = 0

    async def write(self, resource: Resource, parent: Values, given: Mapping[str, Any]) -> None:
        """Do what is ``given`` of children by relation; ``parent`` is everything of their record.

        Raises what the writes of each raise, with its place in the body; a record that is another
        parent's is absent.
        """
        self._depth += 1
        try:
            for name, edit in given.items():
                relation = resource.relations[name]
                with at((name,)):
                    self._limit(edit)
                    await self._write(relation, _pointers(relation, parent), edit)
        finally:
            self._depth -= 1

    def _limit(self, edit: Mapping[str, Any]) -> None:
        self._count += sum(len(each) for each in edit.values())
        if self._depth > MAX_DEPTH:
            _refuse("too_deep", f"At most {MAX_DEPTH} levels of records in records.")
        if self._count > MAX_CHILDREN:
            _refuse("too_long", f"At most {MAX_CHILDREN:,} records in records.")

    async def _write(self, relation: Relation, pointers: Values, edit: Mapping[str, Any]) -> None:
        """First what goes, so that what comes may have the values that must be unique."""
        target = self._registry.target(relation)
        for index, item in enumerate(edit.get("delete", ())):
            named = {"key": item} if isinstance(item, str) else item
            with at(("delete", index)):
                key = await self._own(target, named["key"], pointers, "delete")
                tags = tags_of(target, named)
                await self._writer.delete(target, key, if_match=tags)
        for index, each in enumerate(edit.get("update", ())):
            place: Place = ("update", index)
            with at(place):
                _refuse_pointers(relation, each["data"], ("data",))
                key = await self._own(target, each["key"], pointers, "update")
                tags = tags_of(target, each)
            with at(place, data=("data",)):
                await self._writer.update(target, key, each["data"], if_match=tags)
        new = edit.get("create", ())
        for index, each in enumerate(new):
            _refuse_pointers(relation, each, ("create", index))
        if new:
            given = {name: target.wire(name, value) for name, value in pointers.items()}
            await self._writer.create_all(
                target,
                [{**each, **given} for each in new],
                places=[("create", index) for index in range(len(new))],
            )

    async def _own(self, target: Resource, text: str, pointers: Values, action: Any) -> Key:
        """The key of a record that points to the parent, and will until the transaction ends."""
        key, config = target.parse_key(text), policy(self._actor, target)
        columns = [target.fields[name].expression == value for name, value in pointers.items()]
        statement = select(*(each.expression for each in target.key))
        statement = statement.where(key_is(target, key), *columns, *config.row_conditions("read"))
        if config.grants(action):
            # Who may not is refused later, and has kept nobody waiting.
            statement = statement.with_for_update(of=target.model, key_share=action == "update")
        if (await self._connection.execute(statement)).first() is None:
            raise NotFoundError(target.absent)
        return key


def _pointers(relation: Relation, parent: Values) -> Values:
    """The foreign key by which records of the relation point to the parent."""
    return {far: parent[near] for far, near in relation.pointing}


def _refuse_pointers(relation: Relation, data: Mapping[str, Any], place: Place) -> None:
    detail = "It is given by the record that this one is sent with."
    errors = [
        FieldError((*place, name), "given_by_parent", detail)
        for name, _ in relation.pointing
        if name in data
    ]
    if errors:
        raise InvalidInputError(detail, errors=errors)


def _refuse(code: str, detail: str) -> NoReturn:
    raise InvalidInputError.about((), code, detail)
