"""Export: the records in sight, page by page, as files that an import takes back unchanged."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import replace

from admin_app.access.policies import require
from admin_app.declaration import Actor, Resource
from admin_app.errors import BadRequestError, FieldError
from admin_app.records.queries.query import Query, Shape
from admin_app.records.reads.includes import MOST_INCLUDED, TOO_MANY_INCLUDED
from admin_app.records.reads.reader import Values
from admin_app.records.service import Records
from admin_app.records.transfer.files import Format
from admin_app.records.transfer.rows import Lines

PAGE = 500
"""Records read at once: so many are in memory, however long the export."""

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

    async def lines(self, format_: Format) -> AsyncIterator[str]:
        """The file's lines, their ends included."""
        async for portion in self.portions(format_):
            for line in portion:
                yield line

    async def portions(self, format_: Format) -> AsyncGenerator[list[str]]:
        """The same lines, as many at once as are read together; the first when it has been read."""
        written = self._written(format_)
        lines = [written.header()]
        async for rows in self._pages():
            lines += [written.line(each) for each in rows]
            yield list(filter(None, lines))
            lines = []

    async def records(self) -> AsyncIterator[Values]:
        """The records, key after key."""
        async for rows in self._pages():
            for values in rows:
                yield values

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
