"""Lines that PostgreSQL writes itself, byte for byte as ``Lines`` would write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    UniqueConstraint,
    cast,
    func,
    literal_column,
    select,
)

from admin_app.database.copying import Copy, CopyForm
from admin_app.declaration import Kind, Registry, Relation, Resource
from admin_app.records.reads.copies import PortionRows
from admin_app.records.reads.wire import Written, guarded, written
from admin_app.records.transfer.files import LIST_SEPARATOR, Format

_LONGEST_NAME = 63
"""Bytes of a name that PostgreSQL keeps."""
_END = "end"
_REWRITTEN = {"csv": (b',"."\n', b"\r\n"), "ndjson": (b"\\\\", b"\\")}
"""What COPY writes otherwise than we do.

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
    together: ClassVar[int] = 2 * 2**20
    """Bytes of text, about, that are made at once."""

    @property
    def possible(self) -> bool:
        """Whether there is an expression for everything that is written."""
        sets = (each for name, each in self.resource.sets.items() if name in self.columns)
        return all(map(self._is_written, self.columns)) and all(map(self._is_listed, sets))

    def select(self, rows: PortionRows) -> Select[Any]:
        """Select the lines of a portion."""
        if self.format == "csv":
            return rows.select(*self._cells(rows), literal_column("'.'").label(_END))
        members = [self._member(rows, name).label(name) for name in self.columns]
        name = "line"
        while name in self.columns:  # There it would stand for the member alone.
            name += "_"
        line = rows.select(*members).subquery(name)
        return select(func.row_to_json(line.table_valued()))

    def made(self, statement: Select[Any]) -> Copy:
        """What runs that statement."""
        form = CopyForm("csv", quoted=_END) if self.format == "csv" else CopyForm("text")
        return Copy(statement, form)

    def read(self, text: bytes) -> bytes:
        """Lines that COPY has written; PostgreSQL sends whole ones."""
        return text.replace(*_REWRITTEN[self.format])

    def _is_written(self, name: str) -> bool:
        if len(name.encode()) > _LONGEST_NAME:
            return False
        field = self.resource.fields.get(name)
        return field is None or written(field, field.expression) is not None

    def _is_listed(self, relation: Relation) -> bool:
        """Whether the keys in a set are of one part, need no quotes, and are soon found."""
        key = self.seen.target(relation).key
        plain = len(key) == 1 and key[0].kind in {Kind.INTEGER, Kind.UUID}
        return plain and written(key[0], key[0].expression) is not None and is_indexed(relation)

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

    def _member(self, rows: PortionRows, name: str) -> ColumnElement[Any]:
        relation = self.resource.sets.get(name)
        if relation is None:
            return self._written(rows, name).json
        return func.array_to_json(self._keys(rows, relation))

    def _keys(self, rows: PortionRows, relation: Relation) -> ColumnElement[Any]:
        return func.array(rows.keys(relation).scalar_subquery())

    def _written(self, rows: PortionRows, name: str) -> Written:
        found = written(self.resource.fields[name], rows.column(name))
        if found is None:
            msg = f"PostgreSQL does not write {name} as we do"
            raise ValueError(msg)
        return found


def is_indexed(relation: Relation) -> bool:
    """Whether the links of one record are found without looking at all of them."""
    table: Any = relation.secondary
    near = {column for _, column in relation.own_columns}
    unique = (each for each in table.constraints if isinstance(each, UniqueConstraint))
    indexed = [table.primary_key, *unique, *table.indexes]
    leading = ([each.name for each in rule.columns][: len(near)] for rule in indexed)
    return any(set(names) == near for names in leading)
