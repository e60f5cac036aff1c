"""The statements that write rows together with their changes; each is made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import pydantic_core
from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Dialect,
    Enum,
    Executable,
    Integer,
    LargeBinary,
    Select,
    String,
    Text,
    TypeDecorator,
    Update,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    null,
    select,
    true,
)
from sqlalchemy.types import TypeEngine

from admin_app.declaration import Resource
from admin_app.records.reads import postgresql_text, sqlite_text
from admin_app.records.trail.changes import (
    SENSITIVE_MARKER,
    Change,
    change_columns,
    entry_columns,
    schema_revision,
)
from admin_app.records.writes.references import Referring
from admin_app.records.writes.statements import Reach, statements_of

_FORMS = 1_024
_LAST = "_last"
_PLACE = "_place"


@dataclass(frozen=True, slots=True)
class Written:
    """A statement that inserts rows, or reads those inserted, and how its result is read."""

    statement: Executable
    names: tuple[str, ...]
    """The fields that it returns."""
    reach: bool
    """Whether a last column says if the row is in reach."""

    def binds(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """The values of its binds, of given columns."""
        return {bind_of(key): values for key, values in columns.items()}


@dataclass(frozen=True, slots=True)
class InSteps(Written):
    """The statements that insert rows and their changes on SQLite, which takes several."""

    last: Executable
    """Selects the highest key."""
    insert: Executable
    """Inserts a row."""
    tell: Executable
    """Inserts the changes of those rows after a key that it can write."""
    outcome: Executable
    """Says what became of that: see ``Outcome``."""

    def after(self, number: int) -> dict[str, Any]:
        """The value of that bind."""
        return {_LAST: number}


class Outcome(NamedTuple):
    """What has been written on SQLite."""

    told: int
    """How many changes."""
    rows: int
    """How many rows."""
    reached: int
    """How many of those are in reach."""
    first: int | None
    """The lowest key."""
    last: int | None
    """The highest."""


def bind_of(key: str) -> str:
    """The name of the bind for what a column is given."""
    return f"_given.{key}"


class _Facts(NamedTuple):
    """The facts of a new row's change, as JSON in SQL."""

    text: ColumnElement[Any]
    condition: ColumnElement[Any] | None
    """What has to hold; else ours would differ."""


def facts(resource: Resource, columns: Any, *, sqlite: bool) -> _Facts | None:
    """The facts of a new row's change; ``None`` where ours would differ.

    ``columns`` are those of the resource's table, by their keys.
    """
    members: dict[str, Any] = {}
    writer: Any = sqlite_text if sqlite else postgresql_text
    for name, each in resource.fields.items():
        if each.sensitive:
            members[name] = writer.json_text(_text(f'"{SENSITIVE_MARKER}"'))
        elif each.column is not None:
            members[name] = writer.json_of(each, columns[each.column.key])
        if members.get(name) is None:
            return None
    if not sqlite:
        return _Facts(postgresql_text.json_object(members), None)
    printed = sqlite_text.json_if_alike(members)
    return None if printed is None else _Facts(printed.arguments[0], printed.condition)


def _changes_of(resource: Resource, columns: Any, *, sqlite: bool) -> tuple[list[str], Select[Any]]:
    """The columns of changes, and the SELECT that makes them of new rows."""
    key = columns[_key(resource).key]
    title: Any = resource.fields[resource.title].column
    after = facts(resource, columns, sqlite=sqlite)
    assert after is not None  # noqa: S101 - or there is an obstacle in the declaration
    own: dict[str, Any] = {
        "cause_id": null(),
        "action": _text("create"),
        "resource": _text(resource.name),
        "key": cast(key, Text),
        "key_json": func.printf(_text("[%d]"), key)
        if sqlite
        else cast(func.concat(_text("["), key, _text("]")), JSON),
        "label": columns[title.key],
        "before": null(),
        "after": after.text if sqlite else cast(after.text, JSON),
        "schema_revision": _text(schema_revision(resource)),
    }
    names, selected = change_columns(own, sqlite=sqlite)
    return names, selected if after.condition is None else selected.where(after.condition)


@lru_cache(maxsize=_FORMS)
def on_postgresql(
    resource: Resource, keys: tuple[str, ...], reach: Reach | None, *, brief: bool
) -> Written:
    """One statement that inserts rows with the given columns, and their changes.

    ``brief``: it returns one row, of the keys and how many rows are in reach.
    """
    columns = resource.table.c
    given = [_array(bind_of(key), columns[key].type) for key in keys]
    names = [column(f"c{place}", columns[key].type) for place, key in enumerate(keys)]
    rows = func.unnest(*given).table_valued(*names, with_ordinality=_PLACE, name="given")
    rows = rows.render_derived()
    source = select(*(rows.c[each.name] for each in names)).order_by(rows.c[_PLACE])
    return _written(resource, keys, source, reach, brief=brief)


@lru_cache(maxsize=_FORMS)
def one_on_postgresql(
    resource: Resource, keys: tuple[str, ...], reach: Reach | None, referring: Referring
) -> Written:
    """``on_postgresql`` for one row, inserted only if everything it refers to is in sight."""
    columns = resource.table.c
    given = {key: bindparam(bind_of(key), type_=columns[key].type) for key in keys}
    by_field = {
        name: given[each.key]
        for name, each in statements_of(resource).columns.items()
        if each.key in given
    }
    source = select(*given.values()).where(*referring.conditions(by_field))
    return _written(resource, keys, source, reach)


@lru_cache(maxsize=_FORMS)
def update_on_postgresql(update: Update) -> Select[Any]:
    """One statement that updates a row and writes its change.

    It returns what ``update`` does, and then the id of the change.
    """
    made = update.cte("made")
    changes, selected = entry_columns(made)
    changes_made = (
        insert(_changes()).from_select(changes, selected).returning(_changes().c.id).cte("told")
    )
    return select(*made.c, changes_made.c.id).select_from(made.join(changes_made, true()))


def _written(
    resource: Resource,
    keys: tuple[str, ...],
    source: Select[Any],
    reach: Reach | None,
    *,
    brief: bool = False,
) -> Written:
    columns, names = statements_of(resource).columns, statements_of(resource).returned
    reached = [] if reach is None else [reach.condition]
    made = (
        insert(resource.table)
        .from_select([*keys], source, include_defaults=False)
        .returning(*columns.values(), *reached)
        .cte("made")
    )
    changes, selected = _changes_of(resource, made.c, sqlite=False)
    changes_made = insert(_changes()).from_select(changes, selected).cte("told")
    reached = [] if reach is None else [made.c[reach.condition.name]]
    if brief:
        numbers = func.array_agg(made.c[_key(resource).key])
        counted = select(numbers, func.count().filter(*reached)).select_from(made)
        return Written(counted.add_cte(changes_made), (), reach=False)
    found = [made.c[columns[name].key] for name in names]
    return Written(select(*found, *reached).add_cte(changes_made), names, reach is not None)


@lru_cache(maxsize=_FORMS)
def on_sqlite(resource: Resource, reach: Reach | None) -> InSteps:
    """``on_postgresql`` for SQLite, whose RETURNING cannot be selected from."""
    table, key = resource.table, _key(resource)
    new = key > bindparam(_LAST, type_=Integer)
    changes, selected = _changes_of(resource, table.c, sqlite=True)
    statements, every = statements_of(resource), func.count()
    return InSteps(
        select(*(statements.columns[name] for name in statements.returned))
        .where(new)
        .order_by(key),
        statements.returned,
        reach=False,
        last=select(func.coalesce(func.max(key), literal_column("0"))),
        insert=insert(table).inline(),
        tell=insert(_changes()).from_select(changes, selected.where(new).order_by(key)),
        outcome=select(
            func.changes(),
            every,
            every if reach is None else every.filter(reach.condition),
            func.min(key),
            func.max(key),
        )
        .select_from(table)
        .where(new),
    )


def _key(resource: Resource) -> Column[Any]:
    (field_,) = resource.key
    assert field_.column is not None  # noqa: S101 - of a key
    return field_.column


def _array(name: str, type_: Any) -> ColumnElement[Any]:
    """A bind for the values of a column."""
    if isinstance(type_, LargeBinary | Enum):
        return bindparam(name, type_=ARRAY(type_, dimensions=1))
    if isinstance(type_, String):
        # With its length, text would be cut and not refused.
        return bindparam(name, type_=ARRAY(Text(), dimensions=1))
    return cast(bindparam(name, type_=_ArrayText(type_)), ARRAY(type_, dimensions=1))


class _ArrayText(TypeDecorator[Any]):
    """Values without any character that would have to be escaped, as the text of an array.

    The driver looks at each value of a list for a list in it, which takes longer.
    """

    impl = Text
    cache_ok = True

    def __init__(self, element: TypeEngine[Any]) -> None:
        super().__init__()
        self.element = element

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        convert = self.element.dialect_impl(dialect).bind_processor(dialect)
        values = value if convert is None else [*map(convert, value)]
        return f"{{{pydantic_core.to_json(values)[1:-1].decode()}}}"


def _text(text: str) -> Any:
    return literal_column("'{}'".format(text.replace("'", "''")), Text)


def _changes() -> Any:
    return Change.__table__
