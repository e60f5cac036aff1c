"""A cache of plans: the statement of each form of read, made once.

A plan's key is the resource, the actor's grants and the form of the query, and nothing else: every
value is a bind, also those of the acting person. So FastCRUD's work for a statement is done once. A
read that takes several statements, or one of its own, has no plan and is made by ``Reader``, as
reads inside of writes are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass

from admin_app.access.policies import Trash
from admin_app.database import Database, Row
from admin_app.declaration import Actor, Key, Resource
from admin_app.records.queries.form import FormlessError, form_of, shape_form
from admin_app.records.queries.query import WHOLE, Query, Shape
from admin_app.records.reads.cursor import Position, read_cursor
from admin_app.records.reads.page_text import PageText
from admin_app.records.reads.pages import Page, cut
from admin_app.records.reads.planner import LIMIT, OFFSET, Asked, Plan, Planner, named
from admin_app.records.reads.reader import Reader
from admin_app.records.reads.representation import Answer, Representation, answer
from admin_app.records.reads.sqlite_text import UnlikeError

MOST_PLANS = 500
"""Plans kept, the least recently used are dropped: clients make forms."""


class Plans:
    """Reads by plans; one for each worker. They raise ``FormlessError`` where there is no plan.

    ``seconds`` is the statement timeout, where it is not the usual one.
    """

    def __init__(self, reader: Reader, database: Database, secret: bytes) -> None:
        self._reader = reader
        self._database = database
        self._secret = secret
        self._planner = Planner(reader, database)
        self._kept: OrderedDict[Hashable, Plan | None] = OrderedDict()
        self._unlike: set[str] = set()
        """Resources with records that SQLite cannot print as we would."""

    async def one(
        self, actor: Actor, resource: Resource, key: Key, trash: Trash, seconds: float | None
    ) -> Representation | None:
        """Read a whole record; none when it is absent or out of sight."""
        plan, rows = await self._item(
            Asked(actor, resource, WHOLE, trash, text=False), key, seconds
        )
        return Representation(plan.resource, plan.values(rows[0])) if rows else None

    async def one_text(
        self,
        actor: Actor,
        resource: Resource,
        key: Key,
        shape: Shape,
        trash: Trash,
        seconds: float | None,
    ) -> Answer | None:
        """Read a record as JSON; none when it is absent or out of sight."""
        seen = self._reader.sight.registry(actor)[resource.name]
        if seen.version is None and (shape.fields or shape.includes):
            raise FormlessError  # Its state is a digest of the whole record.
        asked = self._as_text(actor, resource, shape, trash)
        plan, rows = await self._item(asked, key, seconds)
        if not rows:
            return None
        try:
            return answer(plan.text(rows)[1:-1], plan.version(rows[0]))
        except UnlikeError:
            self._unlike.add(resource.name)
            return await self.one_text(actor, resource, key, shape, trash, seconds)

    async def page(
        self, actor: Actor, resource: Resource, query: Query, seconds: float | None
    ) -> Page:
        """Read a page."""
        asked = Asked(actor, resource, query.shape, query.trash, text=False)
        if query.shape.includes:
            raise FormlessError
        found = await self._page(asked, query, seconds)
        return Page(
            found.plan.resource,
            [found.plan.values(row) for row in found.rows],
            query.limit,
            found.next,
            found.previous,
            found.total,
            query.shape,
        )

    async def page_text(
        self, actor: Actor, resource: Resource, query: Query, seconds: float | None
    ) -> PageText:
        """Read a page as JSON."""
        asked = self._as_text(actor, resource, query.shape, query.trash)
        found = await self._page(asked, query, seconds)
        try:
            data = found.plan.text(found.rows)
        except UnlikeError:
            self._unlike.add(resource.name)
            return await self.page_text(actor, resource, query, seconds)
        return PageText(data, query.limit, found.next, found.previous, found.total)

    def _as_text(self, actor: Actor, resource: Resource, shape: Shape, trash: Trash) -> Asked:
        printed = resource.name not in self._unlike
        return Asked(actor, resource, shape, trash, text=True, printed=printed)

    async def _item(
        self, asked: Asked, key: Key, seconds: float | None
    ) -> tuple[Plan, Sequence[Row]]:
        form = (asked.form, shape_form(asked.shape), *map(type, key))
        plan = await self._plan(form, lambda: self._planner.item(asked, key))
        rows = await self._database.fetch(plan.prepared, named(key), seconds=seconds)
        return plan, rows

    async def _page(self, asked: Asked, query: Query, seconds: float | None) -> _Page:
        shape, values = form_of(query)
        position = None
        if query.cursor is not None:
            resource = asked.resource.name
            position = read_cursor(self._secret, resource, query.sort, query.cursor)
        form = (asked.form, shape, query.offset > 0, _position_form(position))
        plan = await self._plan(form, lambda: self._planner.page(asked, query, position))
        if position is not None:
            values += [each for each in position.values if each is not None]
        binds = {**named(values), LIMIT: query.limit + 1, OFFSET: query.offset}
        found = await self._database.fetch(plan.prepared, binds, seconds=seconds)
        total = _total(query, found)
        rows, before, after = cut(self._reader, plan.resource, query, position, found, plan.values)
        return _Page(plan, rows, before, after, total)

    async def _plan(self, form: Hashable, make: Callable[[], Awaitable[Plan]]) -> Plan:
        plan = self._kept.get(form)
        if plan is not None:
            self._kept.move_to_end(form)
            return plan
        if form in self._kept:
            raise FormlessError
        try:
            plan = await make()
        except FormlessError:
            self._keep(form, None)
            raise
        self._keep(form, plan)
        return plan

    def _keep(self, form: Hashable, plan: Plan | None) -> None:
        self._kept[form] = plan
        if len(self._kept) > MOST_PLANS:
            self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Page:
    plan: Plan
    rows: Sequence[Row]
    previous: str | None
    next: str | None
    total: int | None


def _total(query: Query, rows: Sequence[Row]) -> int | None:
    """The count, which is a column of every row. Raises ``FormlessError`` when there is no row."""
    if query.count == "none":
        return None
    if rows:
        found: int = rows[0][-1]
        return found
    if query.cursor is None and not query.offset:
        return 0
    raise FormlessError


def _position_form(position: Position | None) -> Hashable:
    """The part of a position that belongs to the plan's key. Raises ``FormlessError``."""
    if position is None:
        return None
    if not position.whole:
        raise FormlessError  # The row itself has to be asked where it stands.
    return position.backward, tuple(type(each) for each in position.values)
