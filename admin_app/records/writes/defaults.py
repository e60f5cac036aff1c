"""Values of the fields that a replacement does not name: the default of their column, or null."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    Column,
    DefaultClause,
    String,
    TextClause,
    cast,
    literal,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import Field, Kind, Resource
from admin_app.declaration.values import adapter_of

_CAST_ON_SQLITE = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.BOOLEAN})
"""Kinds whose declared type means the same in a CAST of SQLite's as it does of a column."""


async def defaults(
    connection: AsyncConnection, resource: Resource, sent: Collection[str]
) -> dict[str, Any]:
    """The defaults, as JSON data, of all fields of ``resource`` that an update can clear.

    ``sent`` are left out, and so are sensitive fields, which nobody can send back as they were, and
    those whose default nobody but an insert can tell.
    """
    found: dict[str, Any] = {}
    asked: dict[str, Any] = {}
    for each in resource.fields.values():
        column = each.column
        if column is None or not each.updatable or each.sensitive or each.name in sent:
            continue
        default: Any = column.default
        if default is None and column.server_default is None:
            found[each.name] = None
        elif default is not None and default.is_scalar:
            found[each.name] = default.arg
        elif default is not None and default.is_callable:
            # Wrapped by SQLAlchemy where it takes no context, which only an insert has.
            if hasattr(default.arg, "__wrapped__"):
                found[each.name] = default.arg(None)
        elif (expression := _expression(column)) is not None:
            asked[each.name] = _typed(connection, each, expression)
    if asked:
        row = (await connection.execute(select(*asked.values()))).one()
        found.update(zip(asked, row, strict=True))
    return {name: _wire(resource.fields[name], value) for name, value in found.items()}


def _expression(column: Column[Any]) -> Any:
    """The SQL of a default; none where the database alone has it."""
    default: Any = column.default
    if default is not None:
        return default.arg if default.is_clause_element else None
    if not isinstance(column.server_default, DefaultClause):
        return None
    given = column.server_default.arg
    if isinstance(given, str):
        return literal(given, String())
    return literal_column(given.text) if isinstance(given, TextClause) else given


def _typed(connection: AsyncConnection, field: Field, expression: Any) -> Any:
    assert field.column is not None  # noqa: S101 - it has a default
    plain = connection.dialect.name != "sqlite" or field.kind in _CAST_ON_SQLITE
    convert: Any = cast if plain else type_coerce
    return convert(expression, field.column.type).label(field.name)


def _wire(field: Field, value: Any) -> Any:
    if value is None:
        return None
    # A default may be of another Python type than what is read: 0 for a decimal number.
    return adapter_of(field.shape).dump_python(value, mode="json", warnings="none")
