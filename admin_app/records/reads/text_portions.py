"""Portions of a list as text, for exports: the statements of a page, wrapped.

Inside is what the ``Reader`` would read, under the same policy, with its order and its limit;
around it are the expressions that make text of the columns, so that nothing is written of rows that
are left out.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Integer, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import policy
from admin_app.database.copying import Output
from admin_app.declaration import Actor, Field, Relation, Resource
from admin_app.records.queries.query import Query
from admin_app.records.reads.cursor import Position, beyond, order
from admin_app.records.reads.halves import unsaid
from admin_app.records.reads.reader import Reader
from admin_app.records.reads.sets import keys_of


class PortionRows:
    """The rows of a portion, to select text from."""

    def __init__(
        self,
        reader: Reader,
        actor: Actor,
        names: Sequence[str],
        inside: Select[Any],
        terms: Sequence[Field],
    ) -> None:
        self._reader = reader
        self._actor = actor
        self._inside = inside
        self._rows = inside.subquery()
        self.terms = terms
        """The columns that the rows are ordered by."""
        self._columns = dict(zip(names, self._rows.c, strict=True))

    def select(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select expressions over the columns, in the order of the portion."""
        return select(*columns).select_from(self._rows)

    def select_at_once(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select what is made of the fields' own columns, of rows that are found in their order.

        Rows that had to be sorted first would have it made for all of them, for nothing.
        """
        return self._inside.with_only_columns(*columns, maintain_column_froms=True)

    def column(self, name: str) -> ColumnElement[Any]:
        """The column of a field."""
        return self._columns[name]

    def keys(self, relation: Relation) -> Select[Any]:
        """The keys of one part in a row's many-to-many relation, in order: those in sight."""
        keys = keys_of(self._reader.criteria, self._actor, relation, self.column)
        return keys.correlate(self._rows)


@dataclass(frozen=True, slots=True)
class Ran:
    """The number of rows written, and the sort values of the last, where the text tells them."""

    rows: int
    last: tuple[Any, ...] | None


class Runs(Protocol):
    """A prepared statement whose rows become text."""

    @property
    def tells(self) -> bool:
        """Whether it tells where its last row stands."""

    async def run(
        self, connection: AsyncConnection, values: Mapping[str, Any], output: Output
    ) -> Ran:
        """Pass whole lines to ``output``; ``values`` are those of the binds without one."""


class Text(Protocol):
    """A format of lines."""

    def runs(self, rows: PortionRows) -> Runs:
        """Make what reads a portion's rows and writes them as lines."""


class TooMuchError(Exception):
    """Raised when a portion exceeds its bytes."""


@dataclass(frozen=True, slots=True)
class Portion:
    """A range of a list's records: how many, after which position."""

    size: int
    most: float
    """Bytes of text that it may have."""
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """A portion's text, its number of rows, and the position of the last row if it was full."""

    text: bytes
    rows: int
    end: Position | None


class Copies:
    """Reads a list in portions of text, as one actor sees it.

    The limit, the cursor and the includes of its query are ignored.
    """

    def __init__(
        self, reader: Reader, actor: Actor, resource: Resource, query: Query, text: Text
    ) -> None:
        self._reader = reader
        self._actor = actor
        self._resource = reader.sight.registry(actor)[resource.name]
        self._query = query
        self._text = text
        self._runs: dict[tuple[bool, ...], Runs] = {}

    async def portion(self, connection: AsyncConnection, portion: Portion) -> Copied:
        """Read a portion; ``connection`` must see one state of the database throughout.

        Raises ``TooMuchError``, and what executing a statement does.
        """
        after = portion.after.values if portion.after is not None else ()
        form = tuple(each is None for each in after)
        if form not in self._runs:
            self._runs[form] = await self._run(form)
        place = {_place(number): each for number, each in enumerate(after) if each is not None}
        # Its value is no copy of what was written, unlike that of pieces which are joined.
        written = io.BytesIO()
        left = portion.most

        async def take(piece: bytes) -> None:
            nonlocal left
            left -= len(piece)
            if left < 0:
                raise TooMuchError
            written.write(piece)

        runs = self._runs[form]
        if not runs.tells:
            # The statement after COPY sees what COPY saw in a transaction that has begun before it.
            await connection.execute(select(1))
        ran = await runs.run(connection, {**place, _SIZE: portion.size}, take)
        text = written.getvalue()
        if ran.rows < portion.size:
            return Copied(text, ran.rows, None)
        last = ran.last
        if last is None:
            end = await self._end(form)
            found = await connection.execute(end, {**place, _OFFSET: portion.size - 1})
            last = tuple(found.one())
        return Copied(text, ran.rows, Position(last, backward=False))

    async def _run(self, form: Sequence[bool]) -> Runs:
        """How portions are read after a place; ``form`` says which of its values are null."""
        terms = [each.field for each in self._query.sort]
        names = self._query.shape.needed(self._resource, (each.name for each in terms))
        columns = [
            self._resource.fields[name].expression.label(f"field_{number}")
            for number, name in enumerate(names)
        ]
        inside = await self._rows(columns, form)
        inside = inside.limit(bindparam(_SIZE, type_=Integer()))
        return self._text.runs(PortionRows(self._reader, self._actor, names, inside, terms))

    async def _end(self, form: Sequence[bool]) -> Select[Any]:
        """Where such a portion ends."""
        ends = await self._rows([each.field.expression for each in self._query.sort], form)
        return ends.offset(bindparam(_OFFSET, type_=Integer())).limit(1)

    async def _rows(
        self, columns: Sequence[ColumnElement[Any]], form: Sequence[bool]
    ) -> Select[Any]:
        query, resource = self._query, self._resource
        conditions = self._reader.criteria.all_of(self._actor, resource, query.filters, query.words)
        if form:
            values = [
                None if absent else bindparam(_place(number), type_=each.field.expression.type)
                for number, (each, absent) in enumerate(zip(query.sort, form, strict=False))
            ]
            conditions.append(
                beyond(query.sort, Position(tuple(values), backward=False), query.present)
            )
        config = policy(self._actor, resource, query.trash)
        statement = await self._reader.select(resource, config, columns, conditions)
        return statement.order_by(*order(query.sort, backward=False, present=unsaid(query)))


_SIZE, _OFFSET = "portion_size", "portion_offset"


def _place(number: int) -> str:
    return f"portion_place_{number}"
