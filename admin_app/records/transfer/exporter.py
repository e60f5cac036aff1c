"""Export: the records in sight, in portions, as files that an import takes back unchanged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from admin_app.access.policies import require
from admin_app.declaration import Actor, Origin, Resource
from admin_app.errors import BadRequestError, FieldError
from admin_app.records.queries.query import Query, Shape
from admin_app.records.reads.includes import MOST_INCLUDED, TOO_MANY_INCLUDED
from admin_app.records.reads.reader import Values
from admin_app.records.reads.text_portions import Copied, Copies, Portion, TooMuchError
from admin_app.records.service import Records
from admin_app.records.transfer.files import Written
from admin_app.records.transfer.postgresql_lines import CopiedLines
from admin_app.records.transfer.rows import Lines
from admin_app.records.transfer.sqlite_lines import StoredLines
from admin_app.records.transfer.tables import lines, workbook

PAGE = 500
"""Records read at once: so many are in memory, however long the export."""
LEAST = 100
"""The most records of a portion."""
GROWTH = 100
"""The factor by which a portion may be larger than the one before."""
MOST = 2
"""How much text may be in memory, in multiples of a portion's size; more is read in parts."""
MOST_ABOUT = 2_000
"""Characters of the request that are logged."""
SECONDS = 0.5
"""Seconds that the database should take for a portion."""

Quick = CopiedLines | StoredLines
_PAGING = frozenset({"limit", "cursor", "count", "offset"})


@dataclass(frozen=True, slots=True)
class Labels:
    """A format for people, which no import takes back."""

    header: Sequence[str]
    render: Callable[[Sequence[Values]], Awaitable[Sequence[Sequence[Any]]]]


class Export:
    """One export of a resource: all it has in sight of an actor, or what a query leaves.

    With an ``origin`` it is written into the security log, ``about`` saying what was asked for.
    """

    def __init__(
        self,
        records: Records,
        actor: Actor,
        resource: Resource,
        asked: Iterable[tuple[str, str]] | Query,
        *,
        origin: Origin | None = None,
        about: str = "",
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
        self._origin = origin
        self._about = about
        self.rows = 0
        """Records written so far."""

    @property
    def columns(self) -> tuple[str, ...]:
        return self._written("csv").columns

    async def portions(
        self, format_: Written, labels: Labels | None = None
    ) -> AsyncGenerator[bytes]:
        """The file, as much at once as is read together; the first when it has been read.

        A workbook is sent when it is whole. Raises ``BadRequestError`` for what it has no place
        for, and what ``Records.require_standing`` does once the first has been read.
        """
        made = self._portions(format_) if labels is None else self._labelled(format_, labels)
        try:
            async with aclosing(made):
                async for portion in made:
                    yield portion
        finally:
            await self._note(format_)

    async def _note(self, format_: Written) -> None:
        """Log the export, however it ended: what was sent has left the house."""
        if self._origin is None:
            return
        details = {"format": format_, "rows": self.rows, "asked": self._about[:MOST_ABOUT]}
        await self._records.note(
            self._actor, self._origin, "exported", self._resource.name, details
        )

    async def _labelled(self, format_: Written, labels: Labels) -> AsyncGenerator[bytes]:
        async def portions() -> AsyncIterator[Sequence[Sequence[Any]]]:
            async for rows in self._pages():
                yield await labels.render(rows)

        async for portion in lines(format_, labels.header, portions()):
            yield portion

    async def _workbook(self, written: Lines) -> AsyncGenerator[bytes]:
        async def portions() -> AsyncIterator[Sequence[Sequence[Any]]]:
            async for rows in self._pages():
                yield written.cells(rows)

        async for portion in workbook(written.columns, portions()):
            yield portion

    async def _portions(self, format_: Written) -> AsyncGenerator[bytes]:
        written = self._written(format_)
        if format_ == "xlsx":
            async for portion in self._workbook(written):
                yield portion
            return
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

    def _quick(self, columns: tuple[str, ...], format_: Written) -> Quick | None:
        """What writes lines without Python values; ``None`` where that is impossible."""
        lines: Quick | None = None
        if self._records.dialect == "postgresql":
            lines = CopiedLines(self._seen, self._resource, columns, format_)
        elif format_ == "csv":
            lines = StoredLines(self._seen, self._resource, columns)
        return lines if lines is not None and lines.possible else None

    async def _copied(self, lines: Quick) -> AsyncIterator[bytes]:
        """The lines as the database writes them.

        No connection waits for a slow reader: a portion is complete before any of it is sent.
        """
        copies = self._records.copies(self._actor, self._resource, self._query, lines)
        size, after = PAGE, None
        while True:
            begun = time.monotonic()
            most = MOST * lines.together if size > LEAST else inf
            try:
                found = await self._copy(copies, Portion(size, most, after))
            except TooMuchError:
                size = max(size // GROWTH, LEAST)
                continue
            self.rows += found.rows
            yield found.text
            if found.end is None:
                return
            after = found.end
            fitting = size * lines.together // max(len(found.text), 1)
            soon = int(size * SECONDS / max(time.monotonic() - begun, 1e-6))
            size = max(LEAST, min(fitting, soon, size * GROWTH))

    async def _copy(self, copies: Copies, portion: Portion) -> Copied:
        if portion.after is None:
            return await self._records.copied(self._actor, copies, portion)
        # Asked while it is read: a database that waits for neither is done sooner.
        standing = asyncio.create_task(self._records.require_standing(self._actor))
        try:
            found = await self._records.copied(self._actor, copies, portion)
            await standing
        finally:
            standing.cancel()
            await asyncio.gather(standing, return_exceptions=True)
        return found

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
            self.rows += len(page.rows)
            yield page.rows
            query = replace(query, cursor=page.next) if page.next else None
            if query is not None:
                await self._records.require_standing(self._actor)

    def _written(self, format_: Written) -> Lines:
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
    """Records to read at once, so that they never include too many others."""
    each = _included(shape)
    if each > MOST_INCLUDED:
        detail = f"One record could include {each:,} others. Give each list inside a lower limit."
        raise BadRequestError.about(("include",), TOO_MANY_INCLUDED, detail)
    return PAGE if not each else min(PAGE, MOST_INCLUDED // each)


def _included(shape: Shape) -> int:
    """The most records that one record can include."""
    return sum(
        (each.query.limit if each.relation.many else 1) * (1 + _included(each.query.shape))
        for each in shape.includes
    )
