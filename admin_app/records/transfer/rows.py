"""Rows in their shape, as the lines of a CSV or NDJSON file."""

from __future__ import annotations

from collections.abc import Iterable

from admin_app.declaration import Kind, Registry, Resource
from admin_app.errors import BadRequestError, FieldError
from admin_app.records.queries.query import WHOLE, Shape
from admin_app.records.reads.record import Values, as_json, wire
from admin_app.records.transfer.files import Format, cell, csv_line, json_text, list_cell


class Lines:
    """How one resource's rows are written; ``seen`` is the registry as the actor sees it."""

    def __init__(
        self, seen: Registry, resource: Resource, format_: Format, shape: Shape = WHOLE
    ) -> None:
        """Raises ``BadRequestError`` for a shape that the format has no place for."""
        if format_ == "csv" and shape.includes:
            detail = "CSV has no place for records inside records. Ask for JSON or NDJSON."
            raise BadRequestError(detail, errors=[FieldError(("include",), "not_here", detail)])
        self._seen = seen
        self._resource = resource
        self._format = format_
        self._shape = shape

    @property
    def columns(self) -> tuple[str, ...]:
        if self._shape.fields is not None:
            return self._shape.fields
        return (*self._resource.readable, *self._resource.sets)

    def header(self) -> str:
        """What stands before the first row."""
        return csv_line(self.columns) if self._format == "csv" else ""

    def line(self, values: Values) -> str:
        """A row, its end included."""
        if self._format == "csv":
            return csv_line(self._cells(values))
        if self._shape is WHOLE:
            return self._resource.read.dump(values).decode() + "\n"
        data = wire(self._resource, self._seen, self._shape, values)
        return as_json(data).decode() + "\n"

    def _cells(self, values: Values) -> Iterable[str]:
        data = self._resource.read.wire({name: values[name] for name in self.columns})
        for name in self.columns:
            relation = self._resource.sets.get(name)
            written = data[name]
            if relation is not None:
                target = self._seen.target(relation)
                yield list_cell(target.key_text(target.dereference(each)) for each in values[name])
            elif self._resource.fields[name].kind is Kind.JSON and written is not None:
                yield cell(json_text(written))
            else:
                yield cell(written)
