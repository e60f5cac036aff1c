"""Many records of one resource in one write, as a list gives them: creates and updates.

Each is written by the ``Writer`` as if it had been asked for by itself. A list is done whole or not
at all, or (``atomic`` false) as far as it can be, each item in a savepoint of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Literal, NotRequired

from pydantic import Field as About

from admin_app.declaration import Key, Resource
from admin_app.declaration.schemas import KeyText, TagText, make_schema
from admin_app.declaration.values import annotated, list_of
from admin_app.errors import AppError
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.bulk.upsert import Upsert, upsert_all
from admin_app.records.writes.drafts import ITEMS, valid_items
from admin_app.records.writes.places import Place, at
from admin_app.records.writes.tags import tags_of
from admin_app.records.writes.trying import by_halves
from admin_app.records.writes.updates import Edit
from admin_app.records.writes.writer import Writer

MAX_ITEMS = 1_000
"""Records that one request writes."""

Result = Literal["created", "updated", "deleted", "unchanged"]
Item = Mapping[str, Any]


def _items(item: Any) -> dict[str, Any]:
    return {ITEMS: annotated(list_of(item), About(min_length=1, max_length=MAX_ITEMS))}


_TO_UPDATE = {"key": KeyText, "data": dict[str, Any], "if_match": NotRequired[TagText]}
_TO_DELETE = {"key": KeyText, "if_match": NotRequired[TagText]}
BULK_CREATE = make_schema("BulkCreate", _items(dict[str, Any]))
BULK_UPDATE = make_schema("BulkUpdate", _items(make_schema("BulkUpdateItem", _TO_UPDATE).typed))
BULK_DELETE = make_schema("BulkDelete", _items(make_schema("BulkDeleteItem", _TO_DELETE).typed))
"""The schemas of lists of items; records in them are validated by their own schemas."""


@dataclass(slots=True)
class Outcome:
    """The outcome of one item: a result with the record's key, or the error that refused it."""

    result: Result | None = None
    key: Key = ()
    record: Representation | None = None
    """As it is now; none where it is deleted, or nothing but its key was asked for."""
    error: AppError | None = None


class NewItems:
    """The list of a body, whose records are validated together if they can be."""

    def __init__(self, seen: Resource, body: bytes) -> None:
        """Read a list of records of a resource as the actor sees it.

        Raises ``BadRequestError``, and ``InvalidInputError`` for what is no list of records.
        """
        self._body = body
        valid = valid_items(seen, body)
        self.valid = valid if valid and len(valid) <= MAX_ITEMS else None
        self._count = len(self.items if self.valid is None else self.valid)

    def __len__(self) -> int:
        return self._count

    @cached_property
    def items(self) -> Sequence[Item]:
        """The records as they were sent."""
        found: Sequence[Item] = BULK_CREATE.parse(self._body)[ITEMS]
        return found


async def create_items(
    writer: Writer,
    resource: Resource,
    new: NewItems,
    *,
    atomic: bool = True,
    upsert: Upsert | None = None,
    brief: bool = False,
) -> list[Outcome]:
    """Create a record of each item, or with ``upsert`` merge it into the one that is there.

    ``brief``: nothing but their keys is asked for.
    """
    writer.seen(resource, "create")
    places = _places(len(new))

    async def some(which: slice) -> list[Outcome]:
        if upsert is not None:
            found = await upsert_all(writer, resource, new.items[which], upsert, places[which])
            return [Outcome(result, each.key, each) for each, result in found]
        if new.valid is None:
            made = await writer.create_all(resource, new.items[which], places=places[which])
        elif brief:
            valid, here = new.valid[which], places[which]
            keys = await writer.create_valid_for_keys(resource, valid, places=here)
            return [Outcome("created", key) for key in keys]
        else:
            made = await writer.create_valid(resource, new.valid[which], places=places[which])
        return [Outcome("created", each.key, each) for each in made]

    if atomic:
        return await some(slice(None))
    try:
        async with writer.savepoint():
            return await some(slice(None))
    except AppError:
        one = kept(writer, lambda index: _first(some, index))
        return [await one(index) for index in range(len(new))]


async def _first(some: Callable[[slice], Awaitable[list[Outcome]]], index: int) -> Outcome:
    (outcome,) = await some(slice(index, index + 1))
    return outcome


async def update_items(
    writer: Writer, resource: Resource, items: Sequence[Item], *, atomic: bool = True
) -> list[Outcome]:
    """Change the record of each item: ``key``, ``data`` and perhaps ``if_match``."""
    writer.seen(resource, "read", "update")

    async def one(index: int) -> Outcome:
        item, place = items[index], ("items", index)
        key = key_of(resource, item, place)
        with at(place):
            tags = tags_of(resource, item)
        with at(place, data=("data",)):
            made = await writer.update(resource, key, item["data"], if_match=tags)
        return Outcome("updated", key, made)

    async def together(portion: range) -> list[Outcome] | None:
        some = [items[index] for index in portion]
        edits = [
            Edit(resource.parse_key(each["key"]), each["data"], tags_of(resource, each))
            for each in some
        ]
        made = await writer.update_all(resource, edits)
        return None if made is None else [Outcome("updated", each.key, each) for each in made]

    return await by_halves(writer, len(items), together, one if atomic else kept(writer, one))


def kept(
    writer: Writer, one: Callable[[int], Awaitable[Outcome]]
) -> Callable[[int], Awaitable[Outcome]]:
    """``one``, with its refusal as its outcome."""

    async def tell(index: int) -> Outcome:
        try:
            async with writer.savepoint():
                return await one(index)
        except AppError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return Outcome(error=error)

    return tell


def _places(count: int) -> list[Place]:
    return [(ITEMS, index) for index in range(count)]


def key_of(resource: Resource, item: Item, place: Place) -> Key:
    """The key of an item that stands there."""
    with at((*place, "key")):
        return resource.parse_key(item["key"])
