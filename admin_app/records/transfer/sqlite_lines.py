"""CSV lines straight from stored values of SQLite, without the Python values in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database.copying import Output
from admin_app.declaration import Field, Kind, Registry, Resource
from admin_app.records.reads.sqlite_text import UNLIKE, cell_of, csv_cells
from admin_app.records.reads.sqlite_values import (
    Column,
    Read,
    Stored,
    as_stored,
    json_of_stored,
    read_stored,
)
from admin_app.records.reads.text_portions import PortionRows, Ran
from admin_app.records.transfer.files import (
    LINE_END,
    LIST_SEPARATOR,
    cell,
    csv_text,
    guard,
    is_plain,
    json_text,
)
from admin_app.records.transfer.postgresql_lines import is_indexed


@dataclass(frozen=True)
class StoredLines:
    """How lines of CSV are made of one resource's rows as SQLite stores them."""

    seen: Registry
    """As the actor sees it."""
    resource: Resource
    columns: tuple[str, ...]
    """Fields and many-to-many relations, in the order in which they are written."""
    together: ClassVar[int] = 512 * 1024
    """Approximate bytes of text made at once; as rows they take many times as much memory."""

    @property
    def possible(self) -> bool:
        """Whether all sets are of keys that are whole numbers, and soon found."""
        sets = [each for name, each in self.resource.sets.items() if name in self.columns]
        keys = [self.seen.target(each).key for each in sets]
        return all(map(is_indexed, sets)) and all(
            len(key) == 1 and key[0].kind is Kind.INTEGER for key in keys
        )

    def runs(self, rows: PortionRows) -> _Print | _Fetch:
        """See ``Text``."""
        fetch = self._fetch(rows)
        shown = [
            self.resource.fields[name] for name in self.columns if name in self.resource.fields
        ]
        # What is masked would be asked for several times over.
        masked = any(each.masked for each in shown)
        at_once = not masked and all(each in self.resource.key for each in rows.terms)
        select, column = rows.select, lambda field: rows.column(field.name)
        if at_once:
            select, column = rows.select_at_once, lambda field: field.expression
        line = self._line(column)
        if line is None:
            return fetch
        return _Print(select(line, *_labelled(map(column, rows.terms))), fetch)

    def _line(self, column: Callable[[Field], ColumnElement[Any]]) -> ColumnElement[Any] | None:
        """A line that SQLite prints; ``None`` where a cell cannot be printed as we write it."""
        fields = [self.resource.fields.get(name) for name in self.columns]
        cells = [None if each is None else cell_of(each, column(each)) for each in fields]
        found = [each for each in cells if each is not None]
        # A line of one empty cell would be an empty line.
        line = csv_cells(found) if 1 < len(found) == len(cells) else None
        return None if line is None else line.label("line")

    def _fetch(self, rows: PortionRows) -> _Fetch:
        cells = [
            _keys if name in self.resource.sets else stored_cells(self.resource.fields[name])
            for name in self.columns
        ]
        columns = [self._column(rows, name) for name in self.columns]
        reads = [read_stored(each) for each in rows.terms]
        terms = _labelled(rows.column(each.name) for each in rows.terms)
        return _Fetch(rows.select(*columns, *terms), cells, reads)

    def _column(self, rows: PortionRows, name: str) -> ColumnElement[Any]:
        relation = self.resource.sets.get(name)
        if relation is None:
            return as_stored(rows.column(name))
        (key,) = (keys := rows.keys(relation).subquery()).c
        together = func.group_concat(key, literal_column(f"'{LIST_SEPARATOR}'"))
        return select(together).select_from(keys).scalar_subquery()


def _labelled(terms: Iterable[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    return [as_stored(each).label(f"term_{place}") for place, each in enumerate(terms)]


class _Print:
    """A statement whose rows are lines already, as long as all values can be printed."""

    tells = True

    def __init__(self, statement: Select[Any], fetch: _Fetch) -> None:
        self._statement = statement
        self._fetch = fetch
        self._usual = True

    async def run(
        self, connection: AsyncConnection, values: Mapping[str, Any], output: Output
    ) -> Ran:
        """See ``Runs``."""
        if self._usual:
            rows = await connection.run_sync(fetched, self._statement, values)
            text = LINE_END.join([*(row[0] for row in rows), ""]).encode()
            if UNLIKE not in text:
                await output(text)
                return Ran(len(rows), self._fetch.last(rows[-1][1:]) if rows else None)
            self._usual = False  # Where one is otherwise there are more.
        return await self._fetch.run(connection, values, output)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """A statement whose rows become lines in a thread, so that nothing else is blocked."""

    statement: Select[Any]
    cells: Sequence[Column]
    terms: Sequence[Read]
    """The conversions of the sort values, which follow the cells."""
    tells: ClassVar[bool] = True

    async def run(
        self, connection: AsyncConnection, values: Mapping[str, Any], output: Output
    ) -> Ran:
        """See ``Runs``."""
        rows = await connection.run_sync(fetched, self.statement, values)
        await output(await asyncio.to_thread(self._text, rows))
        return Ran(len(rows), self.last(rows[-1][len(self.cells) :]) if rows else None)

    def last(self, found: Sequence[Any]) -> tuple[Any, ...]:
        """The sort values of a row."""
        return tuple(read(each) for read, each in zip(self.terms, found, strict=True))

    def _text(self, rows: Sequence[Any]) -> bytes:
        columns = zip(*rows, strict=True) if rows else ()
        made = (write(values) for write, values in zip(self.cells, columns, strict=False))
        return csv_text(zip(*made, strict=True))


def fetched(
    connection: Connection, statement: Select[Any], values: Mapping[str, Any]
) -> Sequence[Any]:
    """The driver's own rows, without SQLAlchemy's row objects."""
    with connection.execute(statement, values) as result:
        return result.cursor.fetchall()


def stored_cells(field: Field) -> Column:
    """The conversion of a field's stored values to CSV cells."""
    made = json_of_stored(field) or _as_they_are
    if field.kind is Kind.INTEGER:
        return made
    write: Callable[[Any], Any] = _WRITERS.get(field.kind, _text)
    return lambda values: [None if each is None else write(each) for each in made(values)]


def _as_they_are(values: Stored) -> Sequence[Any]:
    return values


def _text(value: Any) -> str:
    return value if type(value) is str and is_plain(value) else cell(value)


def _number(value: Any) -> Any:
    return value if isinstance(value, float) and isfinite(value) else cell(value)


def _keys(values: Stored) -> Sequence[Any]:
    return [each if each is None or is_plain(each) else guard(each) for each in values]


_WRITERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.FLOAT: _number,
    Kind.JSON: lambda value: cell(json_text(value)),
}
