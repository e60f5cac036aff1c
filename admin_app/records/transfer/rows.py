"""Rows in their shape, as the lines of a CSV or NDJSON file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from math import isfinite
from typing import Any

from admin_app.declaration import Field, Kind, Registry, Resource
from admin_app.declaration.values import adapter_of
from admin_app.errors import BadRequestError
from admin_app.records.queries.query import WHOLE, Shape
from admin_app.records.reads.reader import Values
from admin_app.records.reads.representation import as_json, wire
from admin_app.records.transfer.files import (
    TABULAR,
    Format,
    cell,
    csv_line,
    csv_text,
    guard,
    json_text,
    list_cell,
)
from admin_app.records.transfer.tables import as_read_back, day, number

Cell = Callable[[Any], Any]
"""What the csv module is given for a value; it writes null as nothing, and numbers itself."""


class Lines:
    """How one resource's rows are written; ``seen`` is the registry as the actor sees it."""

    def __init__(
        self, seen: Registry, resource: Resource, format_: Format, shape: Shape = WHOLE
    ) -> None:
        """Raises ``BadRequestError`` for a shape that the format has no place for."""
        if format_ in TABULAR and shape.includes:
            detail = "A table has no place for records inside records. Ask for JSON or NDJSON."
            raise BadRequestError.about(("include",), "not_here", detail)
        self._seen = seen
        self._resource = resource
        self._format = format_
        self._shape = shape

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields and many-to-many relations that are written, in their order."""
        if self._format in TABULAR and self._shape.fields is not None:
            return self._shape.fields
        return (*self._shape.fields_of(self._resource), *self._shape.sets_of(self._resource))

    def header(self) -> bytes:
        """What stands before the first row."""
        return csv_line(self.columns).encode() if self._format == "csv" else b""

    def text(self, rows: Sequence[Values]) -> bytes:
        """Rows, each with its end."""
        return self._csv(rows) if self._format == "csv" else b"".join(map(self._object, rows))

    def cells(self, rows: Sequence[Values]) -> list[Sequence[Any]]:
        """Rows as the cells of a workbook, from which an import reads the same values."""
        columns = [_column(self._sheet_cell(name), name, rows) for name in self.columns]
        return [*zip(*columns, strict=True)] if columns else []

    def _sheet_cell(self, name: str) -> Cell | None:
        field = self._resource.fields.get(name)
        found = _SHEET_CELLS.get(field.kind) if field is not None else None
        return found or self._cell(name)

    def _object(self, values: Values) -> bytes:
        if self._shape is WHOLE:
            return self._resource.read.dump(values) + b"\n"
        return as_json(wire(self._resource, self._seen, self._shape, values)) + b"\n"

    def _csv(self, rows: Sequence[Values]) -> bytes:
        columns = [_column(self._cell(name), name, rows) for name in self.columns]
        return csv_text(zip(*columns, strict=True))

    def _cell(self, name: str) -> Cell | None:
        """What makes a cell of a column's values; none where the csv module does."""
        relation = self._resource.sets.get(name)
        if relation is not None:
            return _set_cell(self._seen.target(relation))
        return field_cell(self._resource.fields[name])


def field_cell(field: Field) -> Cell | None:
    """What makes a cell of a field's values; none where the csv module does."""
    return _CELLS[field.kind] if field.kind in _CELLS else _other_cell(field)


def _column(write: Cell | None, name: str, rows: Sequence[Values]) -> list[Any]:
    if write is None:
        return [row[name] for row in rows]
    return [None if (value := row[name]) is None else write(value) for row in rows]


def _set_cell(target: Resource) -> Cell:
    return lambda keys: list_cell(target.key_text(target.dereference(each)) for each in keys)


def _other_cell(field: Field) -> Cell:
    """By way of the value's JSON data."""
    dump = adapter_of(field.shape).dump_python
    if field.kind is Kind.JSON:
        return lambda value: cell(json_text(dump(value, mode="json")))
    return lambda value: cell(dump(value, mode="json"))


def _float(value: float) -> Any:
    return value if isfinite(value) else json_text(value)


def _instant(value: datetime) -> str:
    text = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


_CELLS: dict[Kind, Cell | None] = {
    Kind.INTEGER: None,
    Kind.FLOAT: _float,
    Kind.DECIMAL: lambda value: guard(format(value, "f")),
    Kind.STRING: guard,
    Kind.TEXT: guard,
    Kind.BOOLEAN: lambda value: "true" if value else "false",
    Kind.DATE: date.isoformat,
    Kind.TIME: time.isoformat,
    Kind.DATETIME: datetime.isoformat,
    Kind.INSTANT: _instant,
    Kind.ENUM: lambda value: cell(getattr(value, "value", value)),
    Kind.UUID: str,
}
"""The cells of common kinds, as their types write JSON data, without a look at the type."""
_SHEET_CELLS: dict[Kind, Cell] = {
    Kind.INTEGER: number,
    Kind.FLOAT: number,
    Kind.DECIMAL: number,
    Kind.STRING: as_read_back,
    Kind.TEXT: as_read_back,
    Kind.BOOLEAN: bool,
    Kind.DATE: day,
}
"""Those of a workbook that are not as in CSV."""
