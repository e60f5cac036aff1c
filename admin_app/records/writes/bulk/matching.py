"""The records that a query finds, all written in the same way or none of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Literal

from admin_app.access.policies import policy
from admin_app.declaration import Key, Resource
from admin_app.errors import AppError, TooManyAffectedError
from admin_app.records.queries.conditions import TRUE, KeyIn
from admin_app.records.queries.query import Query, Shape
from admin_app.records.reads.pages import read_page
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.bulk.removals import Removals
from admin_app.records.writes.deletes.removal import Meant
from admin_app.records.writes.trying import by_halves
from admin_app.records.writes.updates import Edit
from admin_app.records.writes.writer import Input, Writer


async def update_matching(
    writer: Writer, resource: Resource, query: Query, data: Input, *, at_most: int
) -> list[Key]:
    """Give every record that a query finds the same values; these are their keys.

    Raises ``TooManyAffectedError``, and what ``Writer.update`` raises of any of them.
    """
    # Also where nothing is found, wrong values are.
    writer.seen(resource, "read", "update").update.parse(data)
    keys = await _matching(writer, resource, query, "update", at_most)

    async def together(portion: range) -> list[Representation] | None:
        return await writer.update_all(resource, [Edit(keys[each], data) for each in portion])

    async def one(index: int) -> Representation:
        with _about(resource, keys[index]):
            return await writer.update(resource, keys[index], data)

    await by_halves(writer, len(keys), together, one)
    return keys


async def delete_matching(
    writer: Writer, resource: Resource, query: Query, *, at_most: int
) -> list[Key]:
    """Delete every record that a query finds; these are their keys.

    Raises ``TooManyAffectedError``, and what ``Writer.delete`` raises of any of them.
    """
    writer.seen(resource, "read", "delete")
    keys = await _matching(writer, resource, query, "delete", at_most)
    removals = Removals(writer, resource, lambda index: Meant(keys[index]))
    removals.known = {*keys}

    async def one(index: int) -> Key:
        with _about(resource, keys[index]):
            await removals.one(Meant(keys[index]))
        return keys[index]

    return await by_halves(writer, len(keys), removals.together, one)


async def _matching(
    writer: Writer,
    resource: Resource,
    query: Query,
    action: Literal["update", "delete"],
    at_most: int,
) -> list[Key]:
    names = tuple(each.name for each in resource.key)
    query = replace(query, limit=at_most + 1, shape=Shape(names))
    found = await _found(writer, resource, query, action)
    if len(found) > at_most:
        msg = f"More than {at_most} {resource.label_plural.lower()} match. Nothing has been done."
        raise TooManyAffectedError(msg)
    return found


async def _found(
    writer: Writer, resource: Resource, query: Query, action: Literal["update", "delete"]
) -> list[Key]:
    """The keys of the first records in sight that a query finds, in turn.

    They stay so until the transaction ends, where the actor may do ``action`` to any.
    """
    reader, connection, actor = writer.transaction.reader, writer.connection, writer.actor
    page = await read_page(reader, connection, actor, resource, query)
    keys = [resource.key_of(each) for each in page.rows]
    if not keys or connection.dialect.name == "sqlite":
        return keys
    if policy(actor, resource).grants(action):
        links = writer.transaction.links
        await links.lock_records(resource, keys, update=action == "update")
        # Some may have been changed, by who had locked them first.
        narrowed = replace(query, filters=(*query.filters, KeyIn(tuple(keys))))
        page = await read_page(reader, connection, actor, resource, narrowed)
    return [resource.key_of(each) for each in page.rows]


def filtered(query: Query) -> bool:
    """Whether a query leaves anything out."""
    return bool(query.words) or any(each != TRUE for each in query.filters)


@contextmanager
def _about(resource: Resource, key: Key) -> Iterator[None]:
    """Let a refusal inside say which record it is about."""
    try:
        yield
    except AppError as error:
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            error.detail = f"{resource.label} {resource.key_text(key)}: {error.detail}"
        raise
