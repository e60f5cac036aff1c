"""Cells from values as SQLite stores them, without the Python values that they stand for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database.copying import Output
from admin_app.declaration import Field, Kind, Registry, Resource
from admin_app.records.reads.copies import PortionRows
from admin_app.records.reads.stored import Column, Stored, as_stored, json_of_stored
from admin_app.records.transfer.copying import is_indexed
from admin_app.records.transfer.files import (
    LIST_SEPARATOR,
    cell,
    csv_text,
    guard,
    is_plain,
    json_text,
)


@dataclass(frozen=True)
class StoredLines:
    """How lines of CSV are made of one resource's rows as SQLite stores them."""

    seen: Registry
    """As the actor sees it."""
    resource: Resource
    columns: tuple[str, ...]
    """Fields and many-to-many relations, in the order in which they are written."""
    together: ClassVar[int] = 256 * 1024
    """Bytes of text, about, that are made at once; as rows they are many times as many."""

    @property
    def possible(self) -> bool:
        """Whether all sets are of keys that are whole numbers, and soon found."""
        sets = [each for name, each in self.resource.sets.items() if name in self.columns]
        keys = [self.seen.target(each).key for each in sets]
        return all(map(is_indexed, sets)) and all(
            len(key) == 1 and key[0].kind is Kind.INTEGER for key in keys
        )

    def select(self, rows: PortionRows) -> Select[Any]:
        """Select the cells of a portion."""
        return rows.select(*(self._column(rows, name) for name in self.columns))

    def _column(self, rows: PortionRows, name: str) -> ColumnElement[Any]:
        relation = self.resource.sets.get(name)
        if relation is None:
            return as_stored(rows.column(name))
        (key,) = (keys := rows.keys(relation).subquery()).c
        together = func.group_concat(key, literal_column(f"'{LIST_SEPARATOR}'"))
        return select(together).select_from(keys).scalar_subquery()

    def made(self, statement: Select[Any]) -> _Fetch:
        """What runs that statement."""
        cells = [
            _keys if name in self.resource.sets else stored_cells(self.resource.fields[name])
            for name in self.columns
        ]
        return _Fetch(statement, cells)

    def read(self, text: bytes) -> bytes:
        """The lines as they are."""
        return text


@dataclass(frozen=True, slots=True)
class _Fetch:
    """A statement whose rows become lines in a thread, where they hold nobody up."""

    statement: Select[Any]
    cells: Sequence[Column]

    async def run(
        self, connection: AsyncConnection, values: Mapping[str, Any], output: Output
    ) -> None:
        rows = await connection.run_sync(self._rows, values)
        await output(await asyncio.to_thread(self._text, rows))

    def _rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        with connection.execute(self.statement, values) as result:
            # The driver's own rows: those of a result are for whoever looks into them.
            return result.cursor.fetchall()

    def _text(self, rows: Sequence[Any]) -> bytes:
        columns = zip(*rows, strict=True) if rows else [()] * len(self.cells)
        made = (write(values) for write, values in zip(self.cells, columns, strict=True))
        return csv_text(zip(*made, strict=True))


def stored_cells(field: Field) -> Column:
    """How the cells of a field are written."""
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
