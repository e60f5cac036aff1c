"""Pages of the records in sight, and what stands around them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, lru_cache, partial

from admin_app.access.policies import require
from admin_app.declaration import Actor, Resource, acting
from admin_app.records.advice import Advice, Hint, advise, hints
from admin_app.records.queries.form import FormlessError
from admin_app.records.queries.query import Query
from admin_app.records.reads.neighbours import beside, title_on
from admin_app.records.reads.page_text import PageText, text_of
from admin_app.records.reads.pages import Page, read_page
from admin_app.records.reads.representation import Representation
from admin_app.records.reads.text_portions import Copied, Copies, Portion, Text
from admin_app.records.reads.titles import Title, choices
from admin_app.records.service.queries import Queries
from admin_app.records.service.single import several
from admin_app.records.writes.refusals import impossible_values

MOST_COPIES = 100
"""Whole lists whose statements are kept, each for one actor."""
LOOKUP_LIMIT = 20
"""Records that a look-up offers at once."""


class Lists(Queries):
    """Records in sight, many at once."""

    async def page(self, actor: Actor, resource: Resource, query: Query) -> Page:
        """Read a page of the records in sight."""
        require(actor, resource, "read")
        with acting(actor), impossible_values():
            with suppress(FormlessError):
                return await self._plans.page(actor, resource, query, self._seconds(actor))
            return await self._page(actor, resource, query)

    async def page_text(self, actor: Actor, resource: Resource, query: Query) -> PageText:
        """Read a page of the records in sight, as JSON."""
        require(actor, resource, "read")
        with acting(actor), impossible_values():
            with suppress(FormlessError):
                return await self._plans.page_text(actor, resource, query, self._seconds(actor))
            page = await self._page(actor, resource, query)
        return text_of(self.registry_for(actor), page)

    async def _page(self, actor: Actor, resource: Resource, query: Query) -> Page:
        return await self._read(
            actor,
            lambda connection: read_page(self._reader, connection, actor, resource, query),
            snapshot=several(resource, query.shape) or query.count != "none",
        )

    async def neighbours(
        self, actor: Actor, resource: Resource, query: Query, record: Representation
    ) -> tuple[Title | None, Title | None]:
        """The neighbours of a record in a list; none in a list of best matches."""
        seen = self.registry_for(actor)[resource.name]
        if query.ranked or any(each.field.name not in record.values for each in query.sort):
            return None, None
        back, on = (
            beside(self._reader, seen, query, record.values, backward=backward)
            for backward in (True, False)
        )
        return (
            title_on(await self.page(actor, resource, back)),
            title_on(await self.page(actor, resource, on)),
        )

    async def choices(
        self,
        actor: Actor,
        resource: Resource,
        text: str,
        limit: int = LOOKUP_LIMIT,
        *,
        within: float | None = None,
    ) -> list[Title]:
        """The first records that contain every word of ``text``: what a look-up offers.

        ``within`` as for ``aggregates``.
        """
        require(actor, resource, "read")
        words = self.query(actor, resource, [("search", text)]).words if text else ()
        with acting(actor):
            return await self._read(
                actor,
                lambda connection: choices(self._reader, connection, actor, resource, words, limit),
                within=within,
            )

    def copies(self, actor: Actor, resource: Resource, query: Query, text: Text) -> Copies:
        """The records in sight as text that is made without Python values."""
        require(actor, resource, "read")
        if query.filters or query.words:
            return Copies(self._reader, actor, resource, query, text)
        # Whole lists are what is exported again and again: to compile them takes milliseconds.
        return self._copies(actor, resource, query, text)

    @cached_property
    def _copies(self) -> Callable[..., Copies]:
        return lru_cache(maxsize=MOST_COPIES)(partial(Copies, self._reader))

    async def copied(self, actor: Actor, copies: Copies, portion: Portion) -> Copied:
        """Read a portion of them."""
        with acting(actor), impossible_values():
            return await self._read(
                actor, lambda connection: copies.portion(connection, portion), snapshot=True
            )

    def hints(self, actor: Actor, resource: Resource, query: Query) -> list[Hint]:
        """Why a list will be slow in a large table, as far as the declaration tells.

        Nothing for the application's own resources, whose declaration nobody can change.
        """
        if resource.own:
            return []
        seen = self.registry_for(actor)
        return hints(seen, seen[resource.name], query, self.dialect)

    async def advise(self, least_rows: int = 0) -> list[Advice]:
        """Which indexes are missing from tables of at least so many rows, by their plans."""
        # In a transaction, for which it tells the database what to avoid.
        return await self._database.read(
            lambda connection: advise(self._reader, connection, least_rows), snapshot=True
        )
