"""Full-text search as models declare it: which columns are indexed, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Integer, Table

from admin_app.database import full_text
from admin_app.database.full_text import RESERVED, SHADOWS, FullText
from admin_app.declaration.fields import TEXTUAL, Field
from admin_app.declaration.options import ResourceOptions


def declare_full_text(model: type[Any], options: ResourceOptions) -> None:
    """Have the table of ``model`` indexed if it says so; ``check_full_text`` reports mistakes."""
    table = vars(model).get("__table__")
    if not options.full_text or not isinstance(table, Table):
        return
    columns = model.__mapper__.columns
    names = [columns[path].name for path in options.search if path in columns]
    if names and _keyed(table):
        full_text.declare(table, tuple(names))


def check_full_text(
    model: type[Any],
    table: Any,
    options: ResourceOptions,
    fields: Mapping[str, Field],
    problems: list[str],
) -> None:
    """Report why a full-text index cannot be made, if one is asked for."""
    if not options.full_text or not isinstance(table, Table):
        return
    where = f"{model.__name__}: full_text"
    if not _keyed(table):
        problems.append(f"{where} needs a key of one integer")
    if table.schema:
        problems.append(f"{where} needs a table of the default schema")
    own = [fields[path] for path in options.search if path in fields]
    if not own:
        problems.append(f"{where} needs a text field of its own in search")
    elif FullText.of(table) is None and _keyed(table):
        problems.append(f"{where} needs a class on admin_app's Base")
    index = FullText(table.name, ())
    taken = {f"{index.search_table}{suffix}" for suffix in SHADOWS} & {*table.metadata.tables}
    problems.extend(f"{where} makes a table {name!r}, which is declared" for name in sorted(taken))
    for each in own:
        if each.column is None or each.kind not in TEXTUAL:
            problems.append(f"{where} cannot index {each.name!r}, which is no text column")
        elif each.column.name.lower() in RESERVED | {index.search_table.lower()}:
            problems.append(f"{where} cannot index a column called {each.column.name!r}")


def _keyed(table: Table) -> bool:
    """Whether the key is one integer: the number of a row of the index."""
    keys = list(table.primary_key)
    return len(keys) == 1 and isinstance(keys[0].type, Integer)
