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
from admin_app.records.reads.record import Record, record
from admin_app.records.writes.bulk.updates import Edit
from admin_app.records.writes.differences import put
from admin_app.records.writes.places import Place, at
from admin_app.records.writes.tags import tags_of
from admin_app.records.writes.trying import tried
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
        errors = [FieldError(("on_conflict",), "not_unique", detail)]
        raise BadRequestError(detail, errors=errors)
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


async def upsert_all(
    writer: Writer,
    resource: Resource,
    data: Sequence[Input],
    upsert: Upsert,
    places: Sequence[Place] = ((),),
) -> list[tuple[Record, Result]]:
    """Create those of the records that are not there, and merge the others; what became of each.

    Raises what ``Writer.create`` and ``Writer.update`` raise; ``UniqueConflictError`` where the
    record that is there is out of sight.
    """
    actions = ("create", "read", "update") if upsert.merge else ("create", "read")
    seen = writer.seen(resource, *actions)
    keys = [_identity(seen, each, upsert, place) for each, place in zip(data, places, strict=True)]
    # It has been parsed, so JSON it is.
    bodies = [pydantic_core.from_json(each) if isinstance(each, bytes) else each for each in data]
    _refuse_twice(keys, upsert, places)
    made: dict[Key, Record] = {}
    for turn in range(MAX_ROUNDS):
        there = await writer.find(seen, upsert.fields, keys, sets=not upsert.merge)
        new = [index for index, key in enumerate(keys) if key not in there]
        try:
            async with writer.savepoint():
                created = await writer.create_all(
                    resource, [bodies[each] for each in new], places=[places[each] for each in new]
                )
        except UniqueConflictError:
            meanwhile = await writer.find(
                seen, upsert.fields, [keys[each] for each in new], sets=False
            )
            if not meanwhile or turn + 1 == MAX_ROUNDS:
                raise
        else:
            made = {keys[index]: each for index, each in zip(new, created, strict=True)}
            break
    old = [index for index, key in enumerate(keys) if key not in made]
    if upsert.merge:
        result: Result = "updated"
        known = {each.name for each in upsert.fields}
        edits = [
            Edit(seen.key_of(there[keys[index]][0]), _without(known, bodies[index]))
            for index in old
        ]
        merged = await _merged(writer, seen, edits, [places[index] for index in old])
    else:
        result = "unchanged"
        merged = [record(seen, there[keys[index]][0]) for index in old]
    others = {keys[index]: each for index, each in zip(old, merged, strict=True)}
    return [(made[key], "created") if key in made else (others[key], result) for key in keys]


def _without(known: Collection[str], body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in known}


async def _merged(
    writer: Writer, seen: Resource, edits: Sequence[Edit], places: Sequence[Place]
) -> list[Record]:
    """Merge bodies into the records that are there, together where that can be done.

    Together they are locked in one order, so that two lists do not wait for each other in a circle.
    """
    if len(edits) > 1 and not seen.options.require_if_match:
        made = await tried(writer, lambda: writer.update_all(seen, edits))
        if made:
            return made
    return [await _merged_one(writer, seen, *each) for each in zip(edits, places, strict=True)]


async def _merged_one(writer: Writer, seen: Resource, edit: Edit, place: Place) -> Record:
    with at(place):
        tags_of(seen, {})
        try:
            return await writer.update(seen, edit.key, edit.data)
        except NotFoundError as error:
            msg = f"This {seen.label.lower()} has been deleted meanwhile."
            raise ConflictError(msg) from error


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


def _refuse_twice(keys: Sequence[Key], upsert: Upsert, places: Sequence[Place]) -> None:
    first = {key: index for index, key in reversed([*enumerate(keys)])}
    name, detail = upsert.fields[0].name, "An item before it has the same."
    errors = [
        FieldError((*places[index], name), "repeated", detail)
        for index, key in enumerate(keys)
        if first[key] != index
    ]
    if errors:
        raise InvalidInputError("Two items are about one record.", errors=errors)
