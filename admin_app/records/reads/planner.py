"""``Planner`` makes plans: the statement that reads records of a form, and what reads its rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Integer, Select, bindparam
from sqlalchemy.sql.operators import eq

from admin_app.access.policies import Trash, policy
from admin_app.database import VALUE_ERRORS, Database, Prepared, Row
from admin_app.declaration import Actor, Field, Key, Kind, Resource
from admin_app.records.queries.form import FormlessError, placed
from admin_app.records.queries.query import Query, Shape
from admin_app.records.reads.counting import counted
from admin_app.records.reads.cursor import Position, beyond, order
from admin_app.records.reads.halves import apart, in_halves, unsaid
from admin_app.records.reads.objects import Objects, Rows
from admin_app.records.reads.reader import Reader, Values, key_is
from admin_app.records.reads.sqlite_values import Column as Stored
from admin_app.records.reads.sqlite_values import as_stored

LIMIT, OFFSET, TOTAL = "page_limit", "page_offset", "page_total"


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement that reads records of one form, and how its rows become records or JSON."""

    resource: Resource
    """The resource as the actor sees it."""
    prepared: Prepared
    names: tuple[str, ...]
    """The names of the columns: fields and sets, or the record as one text; perhaps ``TOTAL``."""
    columns: tuple[Stored | None, ...]
    """By column, what makes JSON data of stored values; empty where Python values are read."""
    write: Callable[[Sequence[Row]], bytes]
    """Makes a JSON array of rows."""

    def text(self, rows: Sequence[Row]) -> bytes:
        """Rows as a JSON array. Raises ``FormlessError`` for values not stored as declared."""
        if not rows:
            return b"[]"
        try:
            return self.write(rows)
        except VALUE_ERRORS as error:
            if not self.columns:
                raise
            raise FormlessError from error

    def version(self, row: Row) -> Any:
        """The version of a row's record; ``None`` for a resource without one."""
        name = self.resource.version
        return None if name is None else row[self.names.index(name)]

    def values(self, row: Row) -> Values:
        """A row's values by name; JSON data if it was stored. Raises ``FormlessError``."""
        if self.columns:
            try:
                row = [
                    value if make is None else make((value,))[0]
                    for make, value in zip(self.columns, row, strict=True)
                ]
            except VALUE_ERRORS as error:
                raise FormlessError from error
        return dict(zip(self.names, row, strict=True))


@dataclass(frozen=True, slots=True)
class Asked:
    """Who reads what, and whether as JSON."""

    actor: Actor
    resource: Resource
    shape: Shape
    trash: Trash
    text: bool
    printed: bool = True
    """Whether SQLite itself may write the JSON."""

    @property
    def form(self) -> Hashable:
        """The part of a plan's key that is not of the query."""
        return self.resource.name, self.actor.grants, self.trash, self.text, self.printed


class Planner:
    """Makes the plans of one registry on one database."""

    def __init__(self, reader: Reader, database: Database) -> None:
        self._reader = reader
        self._database = database

    async def item(self, asked: Asked, key: Key) -> Plan:
        """Make the plan that reads a record by its key. Raises ``FormlessError``."""
        seen = self._seen(asked)
        binds = _Binds()
        wanted = tuple(binds.of(field, value) for field, value in zip(seen.key, key, strict=True))
        kept = [seen.version] if seen.version else []
        if any(seen.fields[each].kind is not Kind.INTEGER for each in kept):
            raise FormlessError  # Its text is not that of what is stored.
        config = policy(asked.actor, seen, asked.trash)
        columns = self._columns(asked, seen, kept)
        inside = await self._reader.select(seen, config, columns, [key_is(seen, wanted)])
        return await self._made(asked, seen, inside, kept)

    async def page(self, asked: Asked, query: Query, position: Position | None) -> Plan:
        """Make the plan that reads a page. Raises ``FormlessError``."""
        reader, seen = self._reader, self._seen(asked)
        registry = reader.sight.registry(asked.actor)
        config = policy(asked.actor, seen, asked.trash)
        binds = _Binds()
        filters = [placed(registry, seen, each, binds.of) for each in query.filters]
        conditions = reader.criteria.all_of(asked.actor, seen, filters, ())
        backward = position is not None and position.backward
        place = None if position is None else _placed(query, position, binds)
        kept = list(dict.fromkeys(each.field.name for each in query.sort))
        columns = self._columns(asked, seen, kept)

        async def read(some: Sequence[ColumnElement[bool]]) -> Select[Any]:
            return await reader.select(seen, config, columns, some)

        if apart(self._database.dialect, query, position):
            enough = _number(LIMIT) + _number(OFFSET)
            inside = await in_halves(read, query, place, conditions, enough)
        else:
            beside = [beyond(query.sort, place, query.present)] if place else []
            inside = await read([*conditions, *beside])
            inside = inside.order_by(
                *order(query.sort, backward=backward, present=unsaid(query, position))
            )
        inside = inside.limit(_number(LIMIT))
        if query.offset:  # PostgreSQL, which plans for the values, takes longer with one more.
            inside = inside.offset(_number(OFFSET))
        total = None
        if query.count != "none":
            keys = [each.expression for each in seen.key]
            matching = await reader.select(seen, config, keys, conditions)
            total = counted(matching, query.count).scalar_subquery()

        def again(rows: Rows) -> list[ColumnElement[Any]]:
            return order(query.sort, backward=backward, column=lambda each: rows.c[each.name])

        # Without any condition a count is one instruction of SQLite's, however large the table.
        lengthy = query.count == "exact" and not [*conditions, *config.row_conditions("read")]
        by_key = all(each.field in seen.key for each in query.sort)
        # Nothing is looked up for rows that are skipped.
        in_order = by_key and not (query.offset and query.shape.includes)
        return await self._made(
            asked, seen, inside, kept, total, again, in_order=in_order, lengthy=lengthy
        )

    def _seen(self, asked: Asked) -> Resource:
        return self._reader.sight.registry(asked.actor)[asked.resource.name]

    def _columns(
        self, asked: Asked, seen: Resource, kept: Sequence[str]
    ) -> list[ColumnElement[Any]]:
        near = (name for each in asked.shape.includes for name in each.relation.fields)
        names = dict.fromkeys([*asked.shape.needed(seen, kept), *near])
        read = as_stored if self._stored(asked) else _as_declared
        return [read(seen.fields[name].expression).label(name) for name in names]

    def _stored(self, asked: Asked) -> bool:
        """Whether stored values are read, not the Python values they stand for (SQLite)."""
        return asked.text and self._database.dialect == "sqlite"

    async def _made(
        self,
        asked: Asked,
        seen: Resource,
        inside: Select[Any],
        kept: Sequence[str],
        total: ColumnElement[int] | None = None,
        again: Callable[[Rows], list[ColumnElement[Any]]] | None = None,
        *,
        in_order: bool = True,
        lengthy: bool = False,
    ) -> Plan:
        """Make a plan of the rows that ``inside`` selects, adding sets and included records."""
        objects = Objects(self._reader, asked.actor, self._database.dialect)
        text = None
        if asked.text and asked.printed:
            text = objects.text(seen, asked.shape, inside, kept, in_order=in_order)
        other = objects.stored if self._stored(asked) else objects.values
        found = text or other(seen, asked.shape, inside)
        statement, names, columns = found.statement, found.names, found.columns
        if again is not None and found.rows is not None:
            statement = statement.order_by(*again(found.rows))
        if total is not None:
            statement, names = statement.add_columns(total), (*names, TOTAL)
            columns = (*columns, None) if columns else ()
        try:
            prepared = await self._database.prepare(statement, lengthy=lengthy)
        except ValueError as error:
            raise FormlessError from error
        return Plan(seen, prepared, names, columns, found.write)


def _as_declared(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column


class _Binds:
    """Makes the binds of a form's values, named in order."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, field: Field, value: Any) -> BindParameter[Any]:
        kind = field.expression.type.coerce_compared_value(eq, value)
        bind = bindparam(_name(self._count), type_=kind)
        self._count += 1
        return bind


def _placed(query: Query, position: Position, binds: _Binds) -> Position:
    values = (
        None if value is None else binds.of(term.field, value)
        for term, value in zip(query.sort, position.values, strict=True)
    )
    return Position(tuple(values), position.backward)


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, type_=Integer())


def _name(place: int) -> str:
    # Not as SQLAlchemy calls what it names itself: after a column, with a number at the end.
    return f"given_{place}_"


_NAMES = [_name(place) for place in range(200)]


def named(values: Sequence[Any]) -> dict[str, Any]:
    """The values of a form by the names of their binds."""
    return dict(zip(_NAMES, values, strict=False))
