"""Which index a filter, an order or a step through a relation wants; none where it has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Table

from admin_app.declaration import Field, Kind, Registry, Relation, Resource
from admin_app.records.advice.indexes import (
    Term,
    Wanted,
    finds,
    finds_beginnings,
    orders,
    terms_of,
)
from admin_app.records.queries.query import Sort
from admin_app.records.reads.halves import is_indexed

_FOUND = frozenset({"eq", "in", "lt", "lte", "gt", "gte", "between", "isnull"})
_BEGINNINGS = frozenset({"startswith", "like"})
INSIDE = frozenset({"ilike", "contains", "endswith"})
"""Operators that no index of values helps with."""


def searched(resource: Resource, field: Field) -> str:
    """What a declaration says instead of an index, to have texts searched by one."""
    place = f"in the ResourceOptions of {resource.model.__name__}"
    if field.name in resource.search:
        return f"full_text=True {place}"
    return f'full_text=True {place}, with "{field.name}" in its search'


def for_columns(table: Table, columns: Sequence[Column[Any]]) -> Wanted | None:
    """The index that finds rows by these columns together."""
    return None if finds(table, columns) else Wanted(table, tuple(columns))


def for_values(field: Field, operator: str, value: Any, dialect: str) -> Wanted | None:
    """The index that a comparison wants. Of two values one is no help: half of the rows have it."""
    column = field.column
    if column is None or field.masked or field.kind is Kind.BOOLEAN:
        return None
    if operator in _FOUND and not (operator == "isnull" and not value):
        return for_columns(column.table, [column])
    if (
        operator in _BEGINNINGS
        and dialect == "postgresql"
        and not str(value).startswith(("%", "_"))
    ):
        known = finds_beginnings(column.table, column)
        return None if known else Wanted(column.table, (column,), beginnings=True)
    return None


def for_order(resource: Resource, sort: Sequence[Sort], dialect: str, trash: str) -> Wanted | None:
    """The index that a list's order wants, the key apart, which only tells equals apart."""
    keys = {each.name for each in resource.key}
    named = [each for each in sort if each.field.name not in keys]
    if not named or any(each.field.column is None or each.field.masked for each in named):
        return None
    if any(each.field.kind is Kind.ENUM and _is_native(each.field) for each in named):
        return None  # They are ordered as texts, which they are not.
    terms = list(terms_of(named))
    columns = [each.field.column for each in named if each.field.column is not None]
    kept = _kept(resource, dialect, trash)
    if kept is None and dialect == "postgresql" and len(named) == 1 and is_indexed(named[0].field):
        return None  # Where nulls are at the other end they are read apart.
    if kept is not None:
        columns.insert(0, kept)
        terms.insert(0, Term(kept.name, terms[0].descending))
    if orders(resource.table, terms, dialect):
        return None
    return Wanted(resource.table, tuple(columns), _written(terms, dialect))


def for_link(registry: Registry, relation: Relation) -> Wanted | None:
    """The index that leads from a record to those of a relation."""
    if relation.secondary is not None:
        return for_columns(relation.secondary, _of(relation.secondary, relation.own_columns))
    target = registry.target(relation)
    columns = [
        column
        for far, _ in relation.pointing
        if far in target.fields and (column := target.fields[far].column) is not None
    ]
    return for_columns(target.table, columns) if columns else None


def for_link_back(resource: Resource, relation: Relation) -> Wanted | None:
    """The index that leads from a relation's record back to those that it belongs to."""
    if relation.secondary is not None:
        return for_columns(relation.secondary, _of(relation.secondary, relation.target_columns))
    columns = [
        column
        for name in relation.fields
        if name in resource.fields and (column := resource.fields[name].column) is not None
    ]
    return for_columns(resource.table, columns) if columns else None


def _of(table: Table, pairs: Sequence[tuple[str, str]]) -> list[Column[Any]]:
    return [table.c[name] for _, name in pairs]


def _is_native(field: Field) -> bool:
    return bool(getattr(field.expression.type, "native_enum", False))


def _kept(resource: Resource, dialect: str, trash: str) -> Column[Any] | None:
    """The column by which SQLite would rather find what is not in the trash than keep the order."""
    name = resource.options.trash
    if dialect != "sqlite" or trash != "without" or name is None:
        return None
    column: Column[Any] = getattr(resource.model, name).property.columns[0]
    return column if finds(resource.table, [column]) else None


def _written(terms: Sequence[Term], dialect: str) -> tuple[Term, ...]:
    """The same order in as few words: walked backward, or as SQLite has it, if that will do."""
    if dialect == "sqlite":
        terms = [Term(each.text, each.descending) for each in terms]
    if all(each.descending and each.way == (True, True) for each in terms):
        return tuple(Term(each.text) for each in terms)
    return tuple(terms)
