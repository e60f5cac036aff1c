"""PUT: a record becomes what is sent, or comes into being under the key it is sent to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import pydantic_core

from admin_app.access.policies import reach
from admin_app.declaration import Key, Resource
from admin_app.errors import (
    AlreadyThereError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    UniqueConflictError,
)
from admin_app.records.reads.reader import Values
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.defaults import defaults
from admin_app.records.writes.rows import stale
from admin_app.records.writes.writer import Writer


class Replaced(NamedTuple):
    record: Representation
    created: bool


async def replace(
    writer: Writer,
    resource: Resource,
    key: Key,
    body: bytes,
    *,
    if_match: Collection[str] | None = None,
    new: bool = False,
) -> Replaced:
    """Make a record what is sent; what is not sent goes to its default or to null.

    Sets, records of other resources, sensitive fields and those the actor may not set stay as they
    are unless sent. With ``if_match`` it has to be there, with ``new`` it must not.

    Raises what ``Writer.update`` and ``create`` do, and ``AlreadyThereError``.
    """
    seen = writer.seen(resource, "read")
    _check_key(seen, key, seen.replace.parse(body))
    data: dict[str, Any] = pydantic_core.from_json(body)
    if not await writer.find(seen, seen.key, [key], sets=False):
        if if_match is not None:
            raise stale(seen)
        made = await _create(writer, seen, key, data)
        if made is not None:
            return Replaced(made, created=True)
    if new:
        raise AlreadyThereError(already_there(seen))
    sent = {name: value for name, value in data.items() if name not in _key_names(seen)}
    whole = {**await defaults(writer.connection, seen, sent), **sent}
    return Replaced(await writer.update(seen, key, whole, if_match=if_match), created=False)


async def create_new(writer: Writer, resource: Resource, body: bytes) -> Representation:
    """``Writer.create``, where a record with the same key is a failed precondition.

    Raises ``AlreadyThereError``.
    """
    try:
        return await writer.create(resource, body)
    except UniqueConflictError as error:
        if _is_about_key(resource, error):
            raise AlreadyThereError(already_there(resource)) from error
        raise


def already_there(resource: Resource) -> str:
    """The words for a record that was to be new."""
    return f"There is such a {resource.label.lower()} already."


async def _create(
    writer: Writer, seen: Resource, key: Key, data: dict[str, Any]
) -> Representation | None:
    """Create the record; none where somebody else has done so since it was looked for."""
    given = all(each.creatable for each in seen.key)
    if not given or not reach(writer.actor.grants, seen, "create"):
        raise NotFoundError(seen.absent)
    wire = dict(zip(_key_names(seen), seen.key_wire(key), strict=True))
    try:
        async with writer.savepoint():
            return await writer.create(seen, {**data, **wire})
    except UniqueConflictError as error:
        is_key = _is_about_key(seen, error)
        if is_key and await writer.find(seen, seen.key, [key], sets=False):
            return None
        raise


def _check_key(seen: Resource, key: Key, values: Values) -> None:
    errors = [
        FieldError((name,), "fixed", "The address has another key.")
        for name, value in zip(_key_names(seen), key, strict=True)
        if name in values and values[name] != value
    ]
    if errors:
        msg = "A key cannot be changed."
        raise InvalidInputError(msg, errors=errors)


def _is_about_key(resource: Resource, error: UniqueConflictError) -> bool:
    return {each.path for each in error.errors} == {(name,) for name in _key_names(resource)}


def _key_names(resource: Resource) -> list[str]:
    return [each.name for each in resource.key]
