"""Upserts: create a record, or merge it into the one with the same unique values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pydantic_core
from sqlalchemy import Column, Index, PrimaryKeyConstraint, UniqueConstraint

from admin_app.declaration import Field, Key, Resource
from admin_app.errors import (
    BadRequestError,
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    UniqueConflictError,
)
from admin_app.records.reads.reader import Values
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.differences import put
from admin_app.records.writes.places import Place, at
from admin_app.records.writes.tags import tags_of
from admin_app.records.writes.trying import tried
from admin_app.records.writes.updates import Edit
from admin_app.records.writes.writer import Input, Writer

MAX_ROUNDS = 5
"""Times that records are looked for again which others have created meanwhile."""

Result = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Upsert:
    """By which fields a record is known, and whether the one that is there is changed."""

    fields: tuple[Field, ...]
    merge: bool = True


def upsert_of(resource: Resource, text: str, *, merge: bool) -> Upsert:
    """Read the names of fields, joined by commas, that are unique together.

    ``resource`` is as the actor sees it. Raises ``BadRequestError`` that names what can be given.
    """
    possible = unique_fields(resource)
    names = text.split(",")
    if len(set(names)) < len(names) or {*names} not in map(set, possible):
        known = " or ".join(",".join(each) for each in possible) or "nothing here"
        detail = f"Give what is unique: {known}."
        raise BadRequestError.about(("on_conflict",), "not_unique", detail)
    return Upsert(tuple(resource.fields[name] for name in names), merge)


def unique_fields(resource: Resource) -> list[tuple[str, ...]]:
    """The fields that no two records have the same of, and that a create may give."""
    names = {
        each.column: name
        for name, each in resource.readable.items()
        if each.column is not None and each.creatable
    }
    rules: list[Any] = [*resource.table.constraints, *resource.table.indexes]
    found = {
        tuple(names[column] for column in each.columns)
        for each in rules
        if _is_unique(resource, each) and all(column in names for column in each.columns)
    }
    return sorted(found - {()})


def _is_unique(resource: Resource, rule: Any) -> bool:
    if isinstance(rule, Index):
        # One of what is made of columns says nothing of the columns alone.
        plain = all(isinstance(each, Column) for each in rule.expressions)
        return bool(rule.unique) and plain and _of_all_rows(resource, rule)
    return isinstance(rule, (UniqueConstraint, PrimaryKeyConstraint))


def _of_all_rows(resource: Resource, rule: Index) -> bool:
    """Whether an index is of every row, or of every one that is not in the trash."""
    bounds = [rule.dialect_options[name].get("where") for name in ("postgresql", "sqlite")]
    trash = resource.options.trash
    if trash is None or trash not in resource.fields:
        return bounds == [None, None]
    there = f"{getattr(resource.fields[trash].column, 'name', '')} is null"
    found = [str(each).lower().rpartition(".")[2] for each in bounds if each is not None]
    return all(each == there for each in found)


@dataclass(frozen=True, slots=True)
class _Item:
    """A record that was sent."""

    identity: Key
    """The values by which it is known."""
    body: Mapping[str, Any]
    place: Place


async def upsert_all(
    writer: Writer,
    resource: Resource,
    data: Sequence[Input],
    upsert: Upsert,
    places: Sequence[Place] = ((),),
) -> list[tuple[Representation, Result]]:
    """Create those of the records that are not there, and merge the others; what became of each.

    Raises what ``Writer.create`` and ``Writer.update`` raise; ``UniqueConflictError`` where the
    record that is there is out of sight.
    """
    actions = ("create", "read", "update") if upsert.merge else ("create", "read")
    seen = writer.seen(resource, *actions)
    items = [_item(seen, each, upsert, place) for each, place in zip(data, places, strict=True)]
    _refuse_twice(items, upsert)
    made, there = await _create_absent(writer, seen, upsert, items)
    old = [each for each in items if each.identity not in made]
    if upsert.merge:
        result: Result = "updated"
        known = {each.name for each in upsert.fields}
        edits = [
            Edit(seen.key_of(there[each.identity][0]), _without(known, each.body)) for each in old
        ]
        kept = await _merged(writer, seen, edits, [each.place for each in old])
    else:
        result = "unchanged"
        kept = [Representation(seen, there[each.identity][0]) for each in old]
    others = {each.identity: one for each, one in zip(old, kept, strict=True)}
    return [
        (made[each.identity], "created")
        if each.identity in made
        else (others[each.identity], result)
        for each in items
    ]


async def _create_absent(
    writer: Writer, seen: Resource, upsert: Upsert, items: Sequence[_Item]
) -> tuple[dict[Key, Representation], dict[Key, list[Values]]]:
    """Create those that are not there; what was created, and what is there, by identity."""
    rounds = MAX_ROUNDS
    while True:
        rounds -= 1
        wanted = [each.identity for each in items]
        there = await writer.find(seen, upsert.fields, wanted, sets=not upsert.merge)
        new = [each for each in items if each.identity not in there]
        bodies, places = [each.body for each in new], [each.place for each in new]
        try:
            async with writer.savepoint():
                created = await writer.create_all(seen, bodies, places=places)
        except UniqueConflictError:
            wanted = [each.identity for each in new]
            meanwhile = await writer.find(seen, upsert.fields, wanted, sets=False)
            if not meanwhile or not rounds:
                raise
        else:
            return {each.identity: one for each, one in zip(new, created, strict=True)}, there


def _without(known: Collection[str], body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in known}


async def _merged(
    writer: Writer, seen: Resource, edits: Sequence[Edit], places: Sequence[Place]
) -> list[Representation]:
    """Merge bodies into the records that are there, together where that can be done.

    Together they are locked in one order, so that two lists do not wait for each other in a circle.
    """
    if len(edits) > 1 and not seen.options.require_if_match:
        made = await tried(writer, lambda: writer.update_all(seen, edits))
        if made:
            return made
    return [await _merged_one(writer, seen, *each) for each in zip(edits, places, strict=True)]


async def _merged_one(writer: Writer, seen: Resource, edit: Edit, place: Place) -> Representation:
    with at(place):
        tags_of(seen, {})
        try:
            return await writer.update(seen, edit.key, edit.data)
        except NotFoundError as error:
            msg = f"This {seen.label.lower()} has been deleted meanwhile."
            raise ConflictError(msg) from error


def _item(seen: Resource, data: Input, upsert: Upsert, place: Place) -> _Item:
    identity = _identity(seen, data, upsert, place)
    # It has been parsed, so JSON it is.
    body = pydantic_core.from_json(data) if isinstance(data, bytes) else data
    return _Item(identity, body, place)


def _identity(seen: Resource, data: Input, upsert: Upsert, place: Place) -> Key:
    """The values by which a record is known, as its model keeps them."""
    with at(place):
        values = seen.create.parse(data)
        detail = "A value is needed: the record is known by it."
        errors = [
            FieldError((each.name,), "required", detail)
            for each in upsert.fields
            if values.get(each.name) is None
        ]
        if errors:
            raise InvalidInputError(detail, errors=errors)
        entity = seen.model.__mapper__.class_manager.new_instance()
        put(entity, {each.name: values[each.name] for each in upsert.fields})
    return tuple(getattr(entity, each.name) for each in upsert.fields)


def _refuse_twice(items: Sequence[_Item], upsert: Upsert) -> None:
    first = {each.identity: each for each in reversed(items)}
    name, detail = upsert.fields[0].name, "An item before it has the same."
    errors = [
        FieldError((*each.place, name), "repeated", detail)
        for each in items
        if first[each.identity] is not each
    ]
    if errors:
        raise InvalidInputError("Two items are about one record.", errors=errors)
