"""What records are called: those with given keys, or those that a look-up offers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastcrud import PolicyConfig
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import policy
from admin_app.declaration import Actor, Field, Key, Resource
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.matches import Search
from admin_app.records.reads.reader import Reader, Values, key_in


@dataclass(frozen=True, slots=True)
class Title:
    """What people call a record, with a detail that tells namesakes apart."""

    key: Key
    text: str
    detail: str
    values: Values = field(default_factory=dict)
    """Its other fields that were asked for."""


async def read_titles(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    keys: Collection[Key],
    more: Sequence[str] = (),
) -> dict[Key, Title]:
    """What the records with ``keys`` are called; those out of sight are left out.

    ``more`` are names of fields whose values are read as well.
    """
    resource = reader.sight.registry(actor)[resource.name]
    config = policy(actor, resource)
    found: dict[Key, Title] = {}
    if not config.grants("read"):
        return found
    for batch in batches(list(keys)):
        conditions = [key_in(resource, batch)]
        for each in await _titles(reader, connection, config, resource, conditions, more=more):
            found[each.key] = each
    return found


async def choices(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    words: Sequence[str],
    limit: int,
) -> list[Title]:
    """The first records that contain every word: what a look-up offers.

    The best matches of a full text, else by title.
    """
    resource = reader.sight.registry(actor)[resource.name]
    config = policy(actor, resource)
    if not config.grants("read"):
        return []
    if words and resource.options.full_text:
        return await _best(reader, connection, actor, resource, words, limit)
    conditions = reader.criteria.all_of(actor, resource, (), words)
    return await _titles(reader, connection, config, resource, conditions, limit)


async def _best(
    reader: Reader,
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    words: Sequence[str],
    limit: int,
) -> list[Title]:
    wanted = _wanted(resource, ())
    columns = [each.expression for each in wanted.values()]
    search = Search(reader, actor, resource, (), words)
    found = await search.find(connection, limit)
    statement = await search.page(columns, found, _by_title(resource), 0, limit)
    rows = (await connection.execute(statement)).all()
    return [_title(resource, dict(zip(wanted, row, strict=True))) for row in rows]


async def _titles(
    reader: Reader,
    connection: AsyncConnection,
    config: PolicyConfig,
    resource: Resource,
    conditions: Sequence[ColumnElement[bool]],
    limit: int | None = None,
    more: Sequence[str] = (),
) -> list[Title]:
    wanted = _wanted(resource, more)
    columns = [each.expression for each in wanted.values()]
    statement = await reader.select(resource, config, columns, conditions)
    statement = statement.order_by(*_by_title(resource)).limit(limit)
    rows = (await connection.execute(statement)).all()
    return [_title(resource, dict(zip(wanted, row, strict=True)), more) for row in rows]


def _wanted(resource: Resource, more: Sequence[str]) -> dict[str, Field]:
    """The fields that titles are made of, by name, and ``more``."""
    found = {each.name: each for each in resource.key}
    found[resource.title] = resource.fields[resource.title]
    found |= {name: resource.fields[name] for name in resource.detail}
    return found | {name: resource.readable[name] for name in more}


def _by_title(resource: Resource) -> list[ColumnElement[Any]]:
    title = resource.fields[resource.title].expression
    return [title, *(each.expression for each in resource.key)]


def _title(resource: Resource, values: Mapping[str, Any], more: Sequence[str] = ()) -> Title:
    details = [values[name] for name in resource.detail if values[name] is not None]
    return Title(
        resource.key_of(values),
        resource.title_of(values),
        ", ".join(str(getattr(each, "value", each)) for each in details),
        {name: values[name] for name in more},
    )
