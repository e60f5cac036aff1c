"""Export: the records in sight, page by page, as files that an import takes back unchanged."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import replace
from math import inf

from admin_app.access.policies import require
from admin_app.declaration import Actor, Resource
from admin_app.errors import BadRequestError, FieldError
from admin_app.records.queries.query import Query, Shape
from admin_app.records.reads.copies import Portion, TooMuchError
from admin_app.records.reads.includes import MOST_INCLUDED, TOO_MANY_INCLUDED
from admin_app.records.reads.reader import Values
from admin_app.records.service import Records
from admin_app.records.transfer.copying import CopiedLines
from admin_app.records.transfer.files import Format
from admin_app.records.transfer.rows import Lines
from admin_app.records.transfer.stored import StoredLines

PAGE = 500
"""Records read at once: so many are in memory, however long the export."""
LEAST = 100
"""Records copied at once, however long they are."""
GROWTH = 40
"""How many times as many records may be copied next."""
MOST = 4
"""How many times as much text as is wanted may be in memory; what has more is copied in parts."""
SECONDS = 0.5
"""About so long the database may take for it."""

Quick = CopiedLines | StoredLines
_PAGING = frozenset({"limit", "cursor", "count", "offset"})


class Export:
    """One export of a resource: all it has in sight of an actor, or what a query leaves."""

    def __init__(
        self,
        records: Records,
        actor: Actor,
        resource: Resource,
        asked: Iterable[tuple[str, str]] | Query,
    ) -> None:
        """Raises ``BadRequestError`` naming each filter that cannot be used, and what reading does.

        So nothing has been written when an export is refused.
        """
        require(actor, resource, "read")
        self._records = records
        self._actor = actor
        self._seen = records.registry_for(actor)
        self._resource = self._seen[resource.name]
        query = asked if isinstance(asked, Query) else records.query(actor, resource, asked)
        self._query = _whole(self._resource, query)

    @property
    def columns(self) -> tuple[str, ...]:
        return self._written("csv").columns

    async def portions(self, format_: Format) -> AsyncGenerator[bytes]:
        """The file, as much at once as is read together; the first when it has been read."""
        written = self._written(format_)
        quick = None if self._query.shape.includes else self._quick(written.columns, format_)
        start = written.header()
        async for portion in self._lines(written) if quick is None else self._copied(quick):
            yield start + portion
            start = b""

    async def records(self) -> AsyncIterator[Values]:
        """The records, key after key."""
        async for rows in self._pages():
            for values in rows:
                yield values

    async def _lines(self, written: Lines) -> AsyncIterator[bytes]:
        async for rows in self._pages():
            yield written.text(rows)

    def _quick(self, columns: tuple[str, ...], format_: Format) -> Quick | None:
        """How lines are made without Python values, if they can be."""
        lines: Quick | None = None
        if self._records.dialect == "postgresql":
            lines = CopiedLines(self._seen, self._resource, columns, format_)
        elif format_ == "csv":
            lines = StoredLines(self._seen, self._resource, columns)
        return lines if lines is not None and lines.possible else None

    async def _copied(self, lines: Quick) -> AsyncIterator[bytes]:
        """The lines as the database writes them.

        No connection waits for who reads them: a portion is all there before any of it is sent.
        """
        copies = self._records.copies(self._actor, self._resource, self._query, lines)
        size, after = PAGE, None
        while True:
            begun = time.monotonic()
            most = MOST * lines.together if size > LEAST else inf
            try:
                found = await self._records.copied(self._actor, copies, Portion(size, most, after))
            except TooMuchError:
                size = max(size // GROWTH, LEAST)
                continue
            yield found.text
            if found.end is None:
                return
            after = found.end
            fitting = size * lines.together // max(len(found.text), 1)
            soon = int(size * SECONDS / max(time.monotonic() - begun, 1e-6))
            size = max(LEAST, min(fitting, soon, size * GROWTH))

    async def _pages(self) -> AsyncIterator[list[Values]]:
        query: Query | None = self._query
        while query is not None:
            try:
                page = await self._records.page(self._actor, self._resource, query)
            except BadRequestError as error:
                if query.limit == 1 or {each.code for each in error.errors} != {TOO_MANY_INCLUDED}:
                    raise
                # Together they are too large, a few of them need not be.
                query = replace(query, limit=query.limit // 2)
                continue
            yield page.rows
            query = replace(query, cursor=page.next) if page.next else None

    def _written(self, format_: Format) -> Lines:
        return Lines(self._seen, self._resource, format_, self._query.shape)


def _whole(resource: Resource, query: Query) -> Query:
    paging = sorted(query.given & _PAGING)
    if paging:
        errors = [FieldError((name,), "not_here", "An export has no pages.") for name in paging]
        raise BadRequestError("An export has no pages.", errors=errors)
    if "sort" not in query.given:
        # By key alone, so that what is written meanwhile is met once or not at all.
        names = {each.name for each in resource.key}
        keys = [each for each in query.sort if each.field.name in names]
        sort = tuple(replace(each, descending=False) for each in keys)
        query = replace(query, sort=sort, ranked=False)
    return replace(query, limit=_together(query.shape))


def _together(shape: Shape) -> int:
    """How many records are read at once, so that what they include never is too much."""
    each = _included(shape)
    if each > MOST_INCLUDED:
        detail = f"One record could include {each:,} others. Give each list inside a lower limit."
        raise BadRequestError(detail, errors=[FieldError(("include",), TOO_MANY_INCLUDED, detail)])
    return PAGE if not each else min(PAGE, MOST_INCLUDED // each)


def _included(shape: Shape) -> int:
    """The most records that one record can include."""
    return sum(
        (each.query.limit if each.relation.many else 1) * (1 + _included(each.query.shape))
        for each in shape.includes
    )
