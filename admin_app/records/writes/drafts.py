"""Drafts: records to be created together, each with its place in the request's body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import pydantic_core
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.database import savepoint
from admin_app.declaration import Registry, Resource
from admin_app.declaration.schemas import make_schema
from admin_app.declaration.values import list_of
from admin_app.errors import AppError
from admin_app.records.reads.reader import Values
from admin_app.records.writes.bodies import parted
from admin_app.records.writes.differences import made_of
from admin_app.records.writes.links import Links
from admin_app.records.writes.places import Place, all_at, at
from admin_app.records.writes.refusals import explained
from admin_app.records.writes.set_edits import SetChange
from admin_app.records.writes.statements import Reach, Written, statements_of

ITEMS = "items"
"""The member of a list of records that has them."""


@dataclass(slots=True)
class Draft:
    """A new record, validated, before it is inserted."""

    values: Values
    """Its columns."""
    sets: dict[str, Any]
    children: Mapping[str, Mapping[str, Any]]
    place: Place
    gained: list[SetChange] = field(default_factory=list)


def drafts_of(
    resource: Resource, seen: Resource, data: Iterable[Any], places: Sequence[Place]
) -> list[Draft]:
    """Validate records; ``places`` has one for each of them, or none at all.

    Raises ``BadRequestError``, and ``InvalidInputError`` of all that is wrong with any of them.
    """
    given = list(data)
    if len(given) > 1 and all(isinstance(each, Mapping) for each in given):
        try:
            body = pydantic_core.to_json({ITEMS: given})
        except ValueError:
            body = b""
        valid = valid_items(seen, body)
        if valid is not None:
            return valid_drafts(resource, valid, places)
    where = places or [()] * len(given)
    work = [partial(_draft, resource, seen, *each) for each in zip(where, given, strict=True)]
    return all_at(zip(where, work, strict=True))


def valid_drafts(
    resource: Resource, values: Sequence[Values], places: Sequence[Place]
) -> list[Draft]:
    """Drafts of records that have been validated already."""
    where = places or [()] * len(values)
    return [_drafted(resource, *each) for each in zip(where, values, strict=True)]


def valid_items(seen: Resource, body: bytes) -> list[Values] | None:
    """The records of a list, ``body``, all validated at once.

    None where what is wrong, or nested, has to be looked at one by one.
    """
    try:
        items: list[Values] = _several(seen).validate_json(body)[ITEMS]
    except ValueError:
        return None
    nested = seen.children.keys()
    return None if nested and any(nested & each.keys() for each in items) else items


@lru_cache(maxsize=1_024)
def _several(seen: Resource) -> TypeAdapter[dict[str, list[Values]]]:
    return make_schema("Items", {ITEMS: list_of(seen.create.typed)}).adapter


def _draft(resource: Resource, seen: Resource, place: Place, data: Any) -> Draft:
    return _drafted(resource, place, seen.create.parse(data))


def _drafted(resource: Resource, place: Place, values: Values) -> Draft:
    if not resource.sets and not resource.children:
        return Draft(dict(values), {}, {}, place)
    return Draft(*parted(resource, values), place)


class Inserter:
    """Inserts drafts with their links, all with the statements that one would take."""

    def __init__(
        self,
        session: AsyncSession,
        connection: AsyncConnection,
        links: Links,
        registry: Registry,
    ) -> None:
        self._session = session
        self._connection = connection
        self._links = links
        self._registry = registry

    async def insert(
        self,
        resource: Resource,
        seen: Resource,
        drafts: Sequence[Draft],
        reach: Reach | None,
    ) -> Written:
        """Insert drafts; returns the fields ``RowStatements.returned`` of each.

        A refusal's path leads to its record. Raises what ``explained`` raises of ``seen``.
        """
        if len(drafts) == 1 or not any(each.place for each in drafts):
            with at(drafts[0].place if drafts else ()):
                return await self._insert(resource, seen, drafts, reach)
        try:
            async with savepoint(self._session):
                return await self._insert(resource, seen, drafts, reach)
        except AppError:
            await self._refuse(resource, seen, drafts)
            raise

    async def _refuse(self, resource: Resource, seen: Resource, drafts: Sequence[Draft]) -> None:
        """Find the draft that is refused, and raise what is said of that one.

        What a database refuses is one record, be it for another before it: so the shortest
        beginning that is refused ends with it.
        """
        taken_, refused = 0, len(drafts)
        while taken_ + 1 < refused:
            middle = (taken_ + refused) // 2
            try:
                await self._attempt(resource, seen, drafts[:middle])
            except AppError:
                refused = middle
            else:
                taken_ = middle
        with at(drafts[refused - 1].place):
            await self._attempt(resource, seen, drafts[:refused])

    async def _attempt(self, resource: Resource, seen: Resource, drafts: Sequence[Draft]) -> None:
        with suppress(_TakenBackError):
            async with savepoint(self._session):
                await self._insert(resource, seen, drafts)
                raise _TakenBackError

    async def _insert(
        self,
        resource: Resource,
        seen: Resource,
        drafts: Sequence[Draft],
        reach: Reach | None = None,
    ) -> Written:
        with explained(seen, self._registry):
            given = [made_of(resource, each.values, {}) for each in drafts]
            rows, reached = await statements_of(resource).insert(self._connection, given, reach)
            gained = [each.gained for each in drafts]
            await self._links.apply(zip(gained, rows, strict=True))
        return rows, reached


class _TakenBackError(Exception):
    """Raised to undo an attempt that has succeeded."""
