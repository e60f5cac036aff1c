"""Export: the records in sight, page by page, as files that an import takes back unchanged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any

from admin_app.access.policies import require
from admin_app.declaration import Actor, Kind, Resource
from admin_app.errors import BadRequestError, FieldError
from admin_app.records.query import Query
from admin_app.records.reader import Values
from admin_app.records.service import Records
from admin_app.records.transfer.files import Format, cell, csv_line, json_text, list_cell

PAGE = 500
"""Records read at once: so many are in memory, however long the export."""

_STEERING = frozenset({"limit", "cursor", "count"})


class Export:
    """One export of a resource: all it has in sight of an actor, or what a filter leaves."""

    def __init__(
        self, records: Records, actor: Actor, resource: Resource, pairs: Iterable[tuple[str, str]]
    ) -> None:
        """Raises ``BadRequestError`` naming each filter that cannot be used, and what reading does.

        So nothing has been written when an export is refused.
        """
        require(actor, resource, "read")
        self._records = records
        self._actor = actor
        self._registry = records.registry_for(actor)
        self._resource = self._registry[resource.name]
        self._query = _whole(records, actor, resource, list(pairs))

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self._resource.readable, *self._resource.sets)

    async def lines(self, format_: Format) -> AsyncIterator[str]:
        """The file's lines, their ends included."""
        if format_ == "csv":
            yield csv_line(self.columns)
        async for values in self.records():
            if format_ == "csv":
                yield csv_line(self._cells(values))
            else:
                yield self._resource.read.dump(values).decode() + "\n"

    async def records(self) -> AsyncIterator[Values]:
        """The records, key after key."""
        query: Query | None = self._query
        while query is not None:
            page = await self._records.page(self._actor, self._resource, query)
            for values in page.rows:
                yield values
            query = replace(query, cursor=page.next) if page.next else None

    def _cells(self, values: Values) -> Iterable[str]:
        wire = self._resource.read.wire(values)
        for name, each in self._resource.readable.items():
            written = wire[name]
            structured = each.kind is Kind.JSON and written is not None
            yield cell(json_text(written) if structured else written)
        for name, relation in self._resource.sets.items():
            target = self._registry.target(relation)
            yield list_cell(target.key_text(target.dereference(each)) for each in values[name])


def _whole(
    records: Records, actor: Actor, resource: Resource, pairs: list[tuple[str, str]]
) -> Query:
    steering: list[Any] = [name for name, _ in pairs if name in _STEERING]
    if steering:
        errors = [FieldError((name,), "not_here", "An export has no pages.") for name in steering]
        raise BadRequestError("An export has no pages.", errors=errors)
    if not any(name == "sort" for name, _ in pairs):
        # By key alone, so that what is written meanwhile is met once or not at all.
        pairs = [*pairs, ("sort", "")]
    return replace(records.query(actor, resource, pairs), limit=PAGE)
