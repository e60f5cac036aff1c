"""The SELECT around a plan's rows: their values, or each record as one JSON text.

Sets and to-one relations are looked up for the rows of the page alone, not for those that are
sorted or skipped: on PostgreSQL by a sub-select for each row (a join would read the whole of the
other table), on SQLite, which loops in any case, by a join.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    case,
    inspect,
    select,
)
from typing_extensions import TypedDict

from admin_app.database import Row
from admin_app.declaration import Actor, Field, Resource
from admin_app.declaration.attributes import joined_by_keys_alone
from admin_app.declaration.schemas import annotation, set_annotation
from admin_app.declaration.values import list_of
from admin_app.records.queries.form import FormlessError
from admin_app.records.queries.query import Include, Shape
from admin_app.records.reads import postgresql_text, sqlite_text
from admin_app.records.reads.criteria import Standing
from admin_app.records.reads.includes import is_large
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.reads.representation import as_json
from admin_app.records.reads.sets import as_list, keys_as_json, keys_of, same_as_json
from admin_app.records.reads.sqlite_values import Column as Stored
from admin_app.records.reads.sqlite_values import as_stored, json_of_stored

Rows = CTE | Subquery
"""The rows of a page as a CTE or subquery, before sets and relations are looked up."""
Column = ColumnElement[Any]
Columns = Mapping[str, Sequence[Any]]
"""Values by column; those of included records by their path."""
Build = Callable[[Columns], list[Values | None]]
_TEXT = "page_text"
_PAGE = "the page"
"""The name of the rows' CTE; no table can have it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A statement, the names of its columns, and what makes a JSON array of its rows."""

    statement: Select[Any]
    names: tuple[str, ...]
    write: Callable[[Sequence[Row]], bytes]
    columns: tuple[Stored | None, ...] = ()
    """By column, what makes JSON data of stored values; empty where Python values are read."""
    rows: Rows | None = None
    """The page's rows where the statement wraps them, so that it has to order them again."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the columns of a record are found in a statement."""

    source: FromClause
    column: Callable[[str], Column]


class Objects:
    """Builds such statements for one actor."""

    def __init__(self, reader: Reader, actor: Actor, dialect: str) -> None:
        self._registry = reader.sight.registry(actor)
        self._criteria = reader.criteria
        self._actor = actor
        self._dialect = dialect

    def values(self, resource: Resource, shape: Shape, inside: Select[Any]) -> Found:
        """Select the Python values of the rows of ``inside``. Raises ``FormlessError``."""
        statement, names, read = self._looked_up(resource, shape, inside)
        build = self._builder(resource, shape, "")
        adapter = TypeAdapter(list_of(self._typed(resource, shape)))

        def write(rows: Sequence[Row]) -> bytes:
            columns = zip(*rows, strict=True)
            return adapter.dump_json(build(dict(zip(names, columns, strict=False))))

        return Found(statement, names, write, rows=read)

    def stored(self, resource: Resource, shape: Shape, inside: Select[Any]) -> Found:
        """Select the stored values of the rows of ``inside``, to be made JSON data of.

        Raises ``FormlessError``.
        """
        statement, names, read = self._looked_up(resource, shape, inside)
        build = self._builder(resource, shape, "")
        fields = self._fields(resource, shape, "")
        makers = [json_of_stored(fields[name]) if name in fields else None for name in names]

        def write(rows: Sequence[Row]) -> bytes:
            columns = zip(*rows, strict=True)
            made = (
                values if make is None else make(values)
                for make, values in zip(makers, columns, strict=False)
            )
            return as_json(build(dict(zip(names, made, strict=False))))

        return Found(statement, names, write, tuple(makers), read)

    def _fields(self, resource: Resource, shape: Shape, path: str) -> dict[str, Field]:
        found = {f"{path}{name}": each for name, each in resource.fields.items()}
        for include in shape.includes:
            target = self._registry.target(include.relation)
            place = f"{path}{include.relation.name}."
            found |= self._fields(target, include.query.shape, place)
        return found

    def _looked_up(
        self, resource: Resource, shape: Shape, inside: Select[Any]
    ) -> tuple[Select[Any], tuple[str, ...], Rows | None]:
        """The statement with sets and included records, its column names, and the wrapped rows."""
        names = tuple(each.key for each in inside.selected_columns if each.key is not None)
        sets = shape.sets_of(resource)
        if not sets and not shape.includes:
            return inside, names, None
        rows = inside.cte(_PAGE).prefix_with("MATERIALIZED")
        here = _Place(rows, rows.c.__getitem__)
        lists = [
            as_list(self._keys(resource, name, here), self._dialect).label(name) for name in sets
        ]
        joined = _Joined(rows)
        self._join(joined, "", shape, here)
        found = select(*rows.c, *lists, *joined.columns).select_from(joined.source)
        return found, (*names, *sets, *joined.names), rows

    def text(
        self,
        resource: Resource,
        shape: Shape,
        inside: Select[Any],
        kept: Sequence[str],
        *,
        in_order: bool = False,
    ) -> Found | None:
        """Select each record as JSON written by the database, and the values of ``kept``.

        ``in_order``: rows are found in their order, not sorted. ``None`` where the database would
        not write the same JSON. Raises ``FormlessError``.
        """
        rows: Subquery | None = None
        if in_order and _stands_alone(resource, shape, inside):
            # Without rows in between both databases are a tenth faster.
            here = _Place(resource.table, lambda name: resource.fields[name].expression)
        else:
            rows = inside.subquery(_PAGE)
            here = _Place(rows, rows.c.__getitem__)
        joined = _Joined(here.source) if self._dialect == "sqlite" else None
        object_ = self._object(resource, shape, here, joined)
        if object_ is None:
            return None
        names = (_TEXT, *kept)
        if rows is None:
            others = [inside.selected_columns[name] for name in kept]
            found = inside.with_only_columns(
                object_.label(_TEXT), *others, maintain_column_froms=True
            )
        else:
            found = select(object_.label(_TEXT), *(rows.c[name] for name in kept))
            found = found.select_from(rows)
        if joined is None:
            return Found(found, names, _joined, rows=rows)
        columns = (None, *(json_of_stored(resource.fields[name]) for name in kept))
        found = found.select_from(joined.source)
        return Found(found, names, _joined, columns, rows)

    def _object(
        self, resource: Resource, shape: Shape, here: _Place, joined: _Joined | None
    ) -> Column | None:
        """The expression of a record's JSON; ``None`` where a field has no such expression.

        Included records are looked up by sub-selects, or joined.
        """
        writer = postgresql_text if self._dialect == "postgresql" else sqlite_text
        members: dict[str, Any] = {}
        for name in shape.fields_of(resource):
            members[name] = writer.json_of(resource.fields[name], here.column(name))
        for name in shape.sets_of(resource):
            keys = keys_as_json(self._keys(resource, name, here), self._dialect)
            members[name] = writer.json_text(keys)
        for include in shape.includes:
            there = self._reached(include)
            inner = include.query.shape
            place = _place(there)
            leads = self._leads(include, there, here)
            if joined is not None:
                joined.add(place.source, leads)
            found = self._object(there.resource, inner, place, joined)
            if found is None:
                return None
            if joined is None:
                one = select(found).select_from(place.source).where(leads).correlate(here.source)
                found = one.scalar_subquery()
            else:
                key = as_stored(place.column(there.resource.key[0].name))
                found = case((key.is_not(None), found))
            members[include.relation.name] = writer.json_text(found, optional=True)
        return None if None in members.values() else writer.json_object(members)

    def _keys(self, resource: Resource, name: str, here: _Place) -> Select[Any]:
        relation = resource.sets[name]
        if not same_as_json(self._registry.target(relation)):
            raise FormlessError
        keys = keys_of(self._criteria, self._actor, relation, here.column)
        return keys.correlate(here.source)

    def _join(self, joined: _Joined, path: str, shape: Shape, here: _Place) -> None:
        if shape.includes and self._dialect != "sqlite":
            raise FormlessError
        for include in shape.includes:
            there = self._reached(include)
            place = f"{path}{include.relation.name}."
            names = include.query.shape.needed(there.resource)
            if include.query.shape.sets_of(there.resource):
                raise FormlessError
            near = (name for each in include.query.shape.includes for name in each.relation.fields)
            inner = _place(there)
            joined.add(inner.source, self._leads(include, there, here))
            for name in dict.fromkeys([*names, *near]):
                joined.read(f"{place}{name}", inner.column(name))
            self._join(joined, place, include.query.shape, inner)

    def _reached(self, include: Include) -> Standing:
        """The target of a to-one include. Raises ``FormlessError`` for any other."""
        relation = include.relation
        if not relation.fields or not joined_by_keys_alone(relation.expression.property):
            raise FormlessError
        there = self._criteria.step(self._actor, relation)
        shown = include.query.shape.fields_of(there.resource)
        if any(is_large(there.resource.fields[name]) for name in shown):
            raise FormlessError  # What may be of any size is weighed as it is read.
        return there

    def _leads(self, include: Include, there: Standing, here: _Place) -> Column:
        """The condition that a row's foreign key leads to a record in sight."""
        pairs = zip(include.relation.fields, there.resource.key, strict=True)
        joined = (there.column(key) == here.column(name) for name, key in pairs)
        return and_(*joined, self._criteria.in_sight(self._actor, there))

    def _typed(self, resource: Resource, shape: Shape) -> Any:
        members = {name: annotation(resource.fields[name]) for name in shape.fields_of(resource)}
        for name in shape.sets_of(resource):
            keys = resource.target_keys[name]
            members[name] = set_annotation(resource.sets[name], keys, reading=True)
        for include in shape.includes:
            target = self._registry.target(include.relation)
            members[include.relation.name] = self._typed(target, include.query.shape) | None
        return TypedDict(resource.model.__name__, members)  # type: ignore[operator]

    def _builder(self, resource: Resource, shape: Shape, path: str) -> Build:
        """A function that makes records of the columns at ``path``; ``None`` for a null key."""
        names = [*shape.fields_of(resource), *shape.sets_of(resource)]
        inner: list[Build] = []
        for include in shape.includes:
            target = self._registry.target(include.relation)
            place = f"{path}{include.relation.name}."
            inner.append(self._builder(target, include.query.shape, place))
        places = [f"{path}{name}" for name in names]
        names += (each.relation.name for each in shape.includes)
        key = f"{path}{resource.key[0].name}"

        def build(columns: Columns) -> list[Values | None]:
            taken = [columns[place] for place in places]
            taken += (each(columns) for each in inner)
            made = [dict(zip(names, row, strict=True)) for row in zip(*taken, strict=True)]
            if not path:
                return [*made]
            keys = columns[key]
            return [None if one is None else each for one, each in zip(keys, made, strict=True)]

        return build


class _Joined:
    """A join of the rows and the tables of included records."""

    def __init__(self, rows: FromClause) -> None:
        self.source = rows
        self.names: list[str] = []
        self.columns: list[Column] = []

    def add(self, source: FromClause, condition: Column) -> None:
        self.source = self.source.outerjoin(source, condition)

    def read(self, name: str, column: Column) -> None:
        self.names.append(name)
        self.columns.append(as_stored(column).label(f"joined_{len(self.names)}"))


def _place(there: Standing) -> _Place:
    def column(name: str) -> Column:
        found: Column = there.column(there.resource.fields[name])
        return found

    return _Place(inspect(there.entity).selectable, column)


def _stands_alone(resource: Resource, shape: Shape, inside: Select[Any]) -> bool:
    """Whether a record's JSON can be written where its row is found.

    What is selected again for sets could be rows of the same table, and what is masked would be
    looked up for each mention.
    """
    if inside.get_final_froms() != [resource.table] or shape.sets_of(resource):
        return False
    return not any(resource.fields[name].masked for name in shape.fields_of(resource))


def _joined(rows: Sequence[Row]) -> bytes:
    text = f"[{','.join([row[0] for row in rows])}]".encode()
    if sqlite_text.UNLIKE in text:
        raise sqlite_text.UnlikeError
    return text
