"""Portions of a list as text that PostgreSQL writes: the statements of a page, wrapped.

Inside is what the ``Reader`` would read, under the same policy, with its order and its limit;
around it is what makes text of the columns, so that nothing is written of rows that are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, Integer, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import policy
from admin_app.database.copying import Output
from admin_app.declaration import Actor, Relation, Resource
from admin_app.records.queries.query import Query
from admin_app.records.reads.cursor import Position, beyond, order
from admin_app.records.reads.reader import Reader
from admin_app.records.reads.sets import keys_of


class PortionRows:
    """The rows of a portion, for what is written of them."""

    def __init__(
        self, reader: Reader, actor: Actor, names: Sequence[str], rows: FromClause
    ) -> None:
        self._reader = reader
        self._actor = actor
        self._rows = rows
        self._columns = dict(zip(names, rows.c, strict=True))

    def select(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select what is made of the columns, in the order of the portion."""
        return select(*columns).select_from(self._rows)

    def column(self, name: str) -> ColumnElement[Any]:
        """The column of a field."""
        return self._columns[name]

    def keys(self, relation: Relation) -> Select[Any]:
        """The keys of one part in a row's many-to-many relation, in order: those in sight."""
        keys = keys_of(self._reader.criteria, self._actor, relation, self.column)
        return keys.correlate(self._rows)


class Runs(Protocol):
    """A statement that is ready to be run, whose rows become text."""

    async def run(
        self, connection: AsyncConnection, values: Mapping[str, Any], output: Output
    ) -> None:
        """Hand ``output`` the text; ``values`` are those of binds that have none."""


class Text(Protocol):
    """What makes text of a portion's rows."""

    def select(self, rows: PortionRows) -> Select[Any]:
        """Select what is made of them."""

    def made(self, statement: Select[Any]) -> Runs:
        """What runs that statement."""

    def read(self, text: bytes) -> bytes:
        """Lines of what came of it; they are whole."""


class TooMuchError(Exception):
    """A portion has more text than it may have."""


@dataclass(frozen=True, slots=True)
class Portion:
    """So many of a list's records, from a place on."""

    size: int
    most: float
    """Bytes of text that it may have."""
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """A portion's text, and the place of its last row, if it was full."""

    text: bytes
    end: Position | None


class Copies:
    """A list as one actor reads it, in portions of text.

    The limit, the cursor and the includes of its query count for nothing.
    """

    def __init__(
        self, reader: Reader, actor: Actor, resource: Resource, query: Query, text: Text
    ) -> None:
        self._reader = reader
        self._actor = actor
        self._resource = reader.sight.registry(actor)[resource.name]
        self._query = query
        self._text = text
        self._plans: dict[tuple[bool, ...], _Plan] = {}

    async def portion(self, connection: AsyncConnection, portion: Portion) -> Copied:
        """Read a portion; ``connection`` must see one state of the database throughout.

        Raises ``TooMuchError``, and what executing a statement does.
        """
        after = portion.after.values if portion.after is not None else ()
        form = tuple(each is None for each in after)
        if form not in self._plans:
            self._plans[form] = await self._plan(form)
        plan = self._plans[form]
        place = {_place(number): each for number, each in enumerate(after) if each is not None}
        found = await connection.execute(plan.end, {**place, _OFFSET: portion.size - 1})
        last = found.one_or_none()
        pieces: list[bytes] = []
        left = portion.most

        async def take(piece: bytes) -> None:
            nonlocal left
            left -= len(piece)
            if left < 0:
                raise TooMuchError
            # Here, where the database goes on meanwhile.
            pieces.append(self._text.read(piece))

        await plan.text.run(connection, {**place, _SIZE: portion.size}, take)
        end = None if last is None else Position(tuple(last), backward=False)
        return Copied(b"".join(pieces), end)

    async def _plan(self, form: Sequence[bool]) -> _Plan:
        """How portions are read after a place; ``form`` says which of its values are null."""
        resource, query = self._resource, self._query
        terms = [each.field for each in query.sort]
        binds = [
            None if absent else bindparam(_place(number), type_=field.expression.type)
            for number, (field, absent) in enumerate(zip(terms, form, strict=False))
        ]
        after = Position(tuple(binds), backward=False) if form else None
        ends = await self._rows([each.expression for each in terms], after)
        names = query.shape.needed(resource, (each.name for each in terms))
        columns = [
            resource.fields[name].expression.label(f"field_{number}")
            for number, name in enumerate(names)
        ]
        inside = await self._rows(columns, after)
        rows = inside.limit(bindparam(_SIZE, type_=Integer())).subquery()
        found = self._text.select(PortionRows(self._reader, self._actor, names, rows))
        end = ends.offset(bindparam(_OFFSET, type_=Integer())).limit(1)
        return _Plan(end, self._text.made(found))

    async def _rows(
        self, columns: Sequence[ColumnElement[Any]], after: Position | None
    ) -> Select[Any]:
        query, resource = self._query, self._resource
        conditions = self._reader.criteria.all_of(self._actor, resource, query.filters, query.words)
        if after is not None:
            conditions.append(beyond(query.sort, after))
        config = policy(self._actor, resource, query.trash)
        statement = await self._reader.select(resource, config, columns, conditions)
        return statement.order_by(*order(query.sort, backward=False))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where a portion ends, and its text."""

    end: Select[Any]
    text: Runs


_SIZE, _OFFSET = "portion_size", "portion_offset"


def _place(number: int) -> str:
    return f"portion_place_{number}"
