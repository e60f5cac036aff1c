"""Many records of one resource in one write: those of a list, or those that a query finds.

Each is written by the ``Writer`` as if it had been asked for by itself. A list is done whole or not
at all, or (``atomic`` false) as far as it can be, each item in a savepoint of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from typing import Any, Literal, NotRequired, TypeVar

from pydantic import Field as About

from admin_app.declaration import Key, Resource
from admin_app.declaration.schemas import KeyText, TagText, make_schema
from admin_app.declaration.values import annotated, list_of
from admin_app.errors import AppError, NotFoundError, TooManyAffectedError
from admin_app.records.queries.conditions import TRUE
from admin_app.records.queries.query import Query, Shape
from admin_app.records.reads.record import Record
from admin_app.records.writes.drafts import ITEMS, valid_items
from admin_app.records.writes.places import Place, at
from admin_app.records.writes.tags import tags_of
from admin_app.records.writes.updates import Edit
from admin_app.records.writes.upsert import Upsert, upsert_all
from admin_app.records.writes.writer import Input, Writer

MAX_ITEMS = 1_000
"""Records that one request writes."""

T = TypeVar("T")
Result = Literal["created", "updated", "deleted", "unchanged"]
Item = Mapping[str, Any]


def _items(item: Any) -> dict[str, Any]:
    return {ITEMS: annotated(list_of(item), About(min_length=1, max_length=MAX_ITEMS))}


_TO_UPDATE = {"key": KeyText, "data": dict[str, Any], "if_match": NotRequired[TagText]}
_TO_DELETE = {"key": KeyText, "if_match": NotRequired[TagText]}
BULK_CREATE = make_schema("BulkCreate", _items(dict[str, Any]))
BULK_UPDATE = make_schema("BulkUpdate", _items(make_schema("BulkUpdateItem", _TO_UPDATE).typed))
BULK_DELETE = make_schema("BulkDelete", _items(make_schema("BulkDeleteItem", _TO_DELETE).typed))
"""What lists of items look like; records in them are looked at by their own schemas."""


@dataclass(slots=True)
class Outcome:
    """What became of one item: a result with the record's key, or the error it was refused with."""

    result: Result | None = None
    key: Key = ()
    record: Record | None = None
    """As it is now; none where it is deleted."""
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
        else:
            valid = new.valid[which]
            made = await writer.create_valid(resource, valid, places=places[which], brief=brief)
        return [Outcome("created", each.key, each) for each in made]

    if atomic:
        return await some(slice(None))
    try:
        async with writer.savepoint():
            return await some(slice(None))
    except AppError:
        return await _one_by_one(writer, len(new), lambda at_: _first(some, at_))


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
        key = _key(resource, item, place)
        with at(place):
            tags = tags_of(resource, item)
        with at(place, data=("data",)):
            made = await writer.update(resource, key, item["data"], if_match=tags)
        return Outcome("updated", key, made)

    async def together() -> list[Outcome] | None:
        edits = [
            Edit(resource.parse_key(each["key"]), each["data"], tags_of(resource, each))
            for each in items
        ]
        made = await writer.update_all(resource, edits)
        return None if made is None else [Outcome("updated", each.key, each) for each in made]

    if len(items) > 1 and (outcomes := await _tried(writer, together)):
        return outcomes
    return await _all(writer, len(items), one, atomic=atomic)


async def _tried(writer: Writer, together: Callable[[], Awaitable[list[T] | None]]) -> list[T]:
    """What is done together, if it can be; nothing where it is refused, and then none of it is.

    Which of them is refused, and why, is told by whoever does them one by one.
    """
    try:
        async with writer.savepoint():
            return await together() or []
    except AppError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return []


async def delete_items(
    writer: Writer, resource: Resource, items: Sequence[Item], *, atomic: bool = True
) -> list[Outcome]:
    """Delete the record of each item: ``key`` and perhaps ``if_match``.

    One in sight that has gone with another of them is deleted as well.
    """
    seen = writer.seen(resource, "read", "delete")
    asked = [key for each in items if (key := _key_or_none(resource, each)) is not None]
    known = {*await writer.find(seen, seen.key, asked, sets=False)}
    gone: set[Key] = set()

    async def one(index: int) -> Outcome:
        item, place = items[index], ("items", index)
        key = _key(resource, item, place)
        with at(place):
            await _delete(writer, resource, key, known, gone, tags_of(resource, item))
        return Outcome("deleted", key)

    return await _all(writer, len(items), one, atomic=atomic)


async def update_matching(
    writer: Writer, resource: Resource, query: Query, data: Input, *, at_most: int
) -> list[Key]:
    """Give every record that a query finds the same values; these are their keys.

    Raises ``TooManyAffectedError``, and what ``Writer.update`` raises of any of them.
    """
    # Also where nothing is found, wrong values are.
    writer.seen(resource, "read", "update").update.parse(data)
    keys = await _matching(writer, resource, query, "update", at_most)

    async def together() -> list[Record] | None:
        return await writer.update_all(resource, [Edit(key, data) for key in keys])

    if len(keys) > 1 and await _tried(writer, together):
        return keys
    for key in keys:
        with _about(resource, key):
            await writer.update(resource, key, data)
    return keys


async def delete_matching(
    writer: Writer, resource: Resource, query: Query, *, at_most: int
) -> list[Key]:
    """Delete every record that a query finds; these are their keys.

    Raises ``TooManyAffectedError``, and what ``Writer.delete`` raises of any of them.
    """
    writer.seen(resource, "read", "delete")
    keys = await _matching(writer, resource, query, "delete", at_most)
    known, gone = set(keys), set[Key]()
    for key in keys:
        with _about(resource, key):
            await _delete(writer, resource, key, known, gone)
    return keys


async def _matching(
    writer: Writer,
    resource: Resource,
    query: Query,
    action: Literal["update", "delete"],
    at_most: int,
) -> list[Key]:
    keys = tuple(each.name for each in resource.key)
    found = await writer.matching(
        resource, replace(query, limit=at_most + 1, shape=Shape(keys)), action
    )
    if len(found) > at_most:
        msg = f"More than {at_most} {resource.label_plural.lower()} match. Nothing has been done."
        raise TooManyAffectedError(msg)
    return found


def filtered(query: Query) -> bool:
    """Whether a query leaves anything out."""
    return bool(query.words) or any(each != TRUE for each in query.filters)


async def _delete(
    writer: Writer,
    resource: Resource,
    key: Key,
    known: set[Key],
    gone: set[Key],
    if_match: Sequence[str] | None = None,
) -> None:
    """Delete a record unless it is ``gone``.

    Of those that go with it only the ``known`` ones count as gone: that others have would tell, of
    a record out of sight, whose it was.
    """
    if key in gone:
        return
    effects = await writer.delete(resource, key, if_match=if_match)
    with_it = {each for owner, each in effects.deleted if owner.name == resource.name}
    gone.update(with_it & known)
    gone.add(key)  # To the trash, if not for good.


async def _all(
    writer: Writer, count: int, one: Callable[[int], Awaitable[Outcome]], *, atomic: bool
) -> list[Outcome]:
    if atomic:
        return [await one(index) for index in range(count)]
    return await _one_by_one(writer, count, one)


async def _one_by_one(
    writer: Writer, count: int, one: Callable[[int], Awaitable[Outcome]]
) -> list[Outcome]:
    outcomes = []
    for index in range(count):
        try:
            async with writer.savepoint():
                outcomes.append(await one(index))
        except AppError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            outcomes.append(Outcome(error=error))
    return outcomes


def _places(count: int) -> list[Place]:
    return [(ITEMS, index) for index in range(count)]


def _key(resource: Resource, item: Item, place: Place) -> Key:
    with at((*place, "key")):
        return resource.parse_key(item["key"])


def _key_or_none(resource: Resource, item: Item) -> Key | None:
    with suppress(NotFoundError):
        return resource.parse_key(item["key"])
    return None


@contextmanager
def _about(resource: Resource, key: Key) -> Iterator[None]:
    """Let a refusal inside say which record it is about."""
    try:
        yield
    except AppError as error:
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            error.detail = f"{resource.label} {resource.key_text(key)}: {error.detail}"
        raise
