"""Lines that PostgreSQL writes itself, byte for byte as ``Lines`` would write them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    Text,
    UniqueConstraint,
    cast,
    func,
    literal_column,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database.copying import Copy, CopyForm, Output
from admin_app.declaration import Field, Kind, Registry, Relation, Resource
from admin_app.records.reads.postgresql_text import Json, Written, guarded, json_object, written
from admin_app.records.reads.text_portions import PortionRows, Ran
from admin_app.records.transfer.files import LIST_SEPARATOR, Format

MOST_KNOWN = 100
"""Resources, each as some actors see it, of which is known whether PostgreSQL writes them."""
_END = "end"
_REWRITTEN = {"csv": (b',"."\n', b"\r\n"), "ndjson": (b"\\\\", b"\\")}
"""What COPY writes differently from us, and its replacement.

It ends lines of CSV with a line feed, which can stand inside of a cell too. So the last cell of
each is a dot that is always quoted: a quote alone stands only at the edge of a cell, and no other
cell of a dot is quoted, so these bytes are never inside of one. Of text it doubles backslashes.
"""


@dataclass(frozen=True)
class CopiedLines:
    """How PostgreSQL writes one resource's rows."""

    seen: Registry
    """As the actor sees it."""
    resource: Resource
    columns: tuple[str, ...]
    """Fields and many-to-many relations, in the order in which they are written."""
    format: Format
    together: ClassVar[int] = 4 * 2**20
    """Bytes of text, about, that are made at once."""

    @property
    def possible(self) -> bool:
        """Whether PostgreSQL has an expression for every column."""
        return _possible(self)

    def runs(self, rows: PortionRows) -> _Lines:
        """See ``Text``."""
        places = self._places(rows.terms)
        if self.format == "csv":
            cells = rows.select(*self._cells(rows), literal_column("'.'").label(_END))
            return _Lines(Copy(cells, CopyForm("csv", quoted=_END)), "csv", places)
        members = {name: self._member(rows, name) for name in self.columns}
        return _Lines(Copy(rows.select(json_object(members)), CopyForm("text")), "ndjson", places)

    def _places(self, terms: Sequence[Field]) -> tuple[int, ...] | None:
        """The cells of a line with its sort values, if those are integers that are never null."""
        told = all(
            each.kind is Kind.INTEGER and not each.optional and each.name in self.columns
            for each in terms
        )
        return tuple(self.columns.index(each.name) for each in terms) if told else None

    def _cells(self, rows: PortionRows) -> Iterator[ColumnElement[Any]]:
        for place, name in enumerate(self.columns):
            relation = self.resource.sets.get(name)
            if relation is None:
                text = self._written(rows, name).csv
            else:
                keys = func.array_to_string(self._keys(rows, relation), LIST_SEPARATOR)
                text = guarded(func.nullif(keys, literal_column("''")))
            if len(self.columns) == 1:
                # A line is never empty: COPY writes empty text in quotes, and null as nothing.
                text = func.coalesce(cast(text, Text), literal_column("''"))
            yield text.label(f"cell_{place}")

    def _member(self, rows: PortionRows, name: str) -> Json:
        relation = self.resource.sets.get(name)
        if relation is None:
            # Should the table have a null where the declaration has none, it is written as one.
            return replace(self._written(rows, name).json, optional=True, column=None)
        return Json(func.array_to_json(self._keys(rows, relation)))

    def _keys(self, rows: PortionRows, relation: Relation) -> ColumnElement[Any]:
        return func.array(rows.keys(relation).scalar_subquery())

    def _written(self, rows: PortionRows, name: str) -> Written:
        found = written(self.resource.fields[name], rows.column(name))
        if found is None:
            msg = f"PostgreSQL does not write {name} as we do"
            raise ValueError(msg)
        return found


@dataclass(frozen=True, slots=True)
class _Lines:
    """A COPY whose rows are lines."""

    copy: Copy
    format: Format
    places: tuple[int, ...] | None

    @property
    def tells(self) -> bool:
        """See ``Runs``."""
        return self.places is not None

    async def run(
        self, connection: AsyncConnection, values: Mapping[str, Any], output: Output
    ) -> Ran:
        """See ``Runs``."""
        written, wanted = _REWRITTEN[self.format]
        last = b""

        async def read(piece: bytes) -> None:
            nonlocal last
            last = piece
            # Here, where the database goes on meanwhile.
            await output(piece.replace(written, wanted))

        rows = await self.copy.run(connection, values, read)
        return Ran(rows, self._last(last) if rows else None)

    def _last(self, piece: bytes) -> tuple[int, ...] | None:
        """The sort values of the last line of a piece: faster to parse than to ask for."""
        if self.places is None:
            return None
        written, wanted = _REWRITTEN[self.format]
        end = written if self.format == "csv" else b"\n"
        line = piece.removesuffix(end).rpartition(end)[2]
        if self.format == "csv":
            cells = next(csv.reader(io.StringIO(line.decode(), newline="")))
        else:
            cells = [*json.loads(line.replace(written, wanted)).values()]
        return tuple(int(cells[place]) for place in self.places)


@lru_cache(maxsize=MOST_KNOWN)
def _possible(lines: CopiedLines) -> bool:
    """Whether each column has an expression: remembered, for to make them all takes half a ms."""
    resource, seen = lines.resource, lines.seen
    sets = (each for name, each in resource.sets.items() if name in lines.columns)
    return all(_is_written(resource, each) for each in lines.columns) and all(
        _is_listed(seen, each) for each in sets
    )


def _is_written(resource: Resource, name: str) -> bool:
    field = resource.fields.get(name)
    return field is None or written(field, field.expression) is not None


def _is_listed(seen: Registry, relation: Relation) -> bool:
    """Whether a set's keys have one part, need no quotes, and are found by an index."""
    key = seen.target(relation).key
    plain = len(key) == 1 and key[0].kind in {Kind.INTEGER, Kind.UUID}
    return plain and written(key[0], key[0].expression) is not None and is_indexed(relation)


def is_indexed(relation: Relation) -> bool:
    """Whether an index finds the links of one record."""
    table: Any = relation.secondary
    near = {column for _, column in relation.own_columns}
    unique = (each for each in table.constraints if isinstance(each, UniqueConstraint))
    indexed = [table.primary_key, *unique, *table.indexes]
    leading = ([each.name for each in rule.columns][: len(near)] for rule in indexed)
    return any(set(names) == near for names in leading)
