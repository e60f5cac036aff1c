"""What a table's indexes are led by, and the line of a declaration that adds one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Index, Table, UniqueConstraint, inspect
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import UnaryExpression

from admin_app.declaration import Registry
from admin_app.records.queries.query import Sort

MOST_NAME = 63
"""Bytes of a name that PostgreSQL keeps."""

_MODIFIERS: dict[Any, dict[str, bool]] = {
    operators.desc_op: {"descending": True},
    operators.nulls_first_op: {"nulls_first": True},
    operators.nulls_last_op: {"nulls_first": False},
}


@dataclass(frozen=True, slots=True)
class Term:
    """Values in an order: a column's, or those of an expression over columns, by its text."""

    text: str
    descending: bool = False
    nulls_first: bool | None = None
    """Unless it is said, nulls are greater than everything, as PostgreSQL has it."""

    @property
    def way(self) -> tuple[bool, bool]:
        """Down or up, nulls first or last."""
        first = self.descending if self.nulls_first is None else self.nulls_first
        return self.descending, first

    @property
    def other_way(self) -> tuple[bool, bool]:
        """The same walked backward."""
        descending, first = self.way
        return not descending, not first


@dataclass(frozen=True, slots=True)
class Wanted:
    """An index that there should be."""

    table: Table
    columns: tuple[Column[Any], ...]
    terms: tuple[Term, ...] = ()
    """Where the order of the values matters too."""
    beginnings: bool = False
    """Whether it finds texts by how they begin, on PostgreSQL."""

    def line(self, registry: Registry) -> str:
        """The line that declares it, below the class or table that it is about."""
        names = [name_in_code(registry, each) for each in self.columns]
        parts = [
            f"{name}{_modifiers(term)}"
            for name, term in zip(names, self.terms or self._plain(), strict=True)
        ]
        if self.beginnings:
            column = json.dumps(self.columns[0].name, ensure_ascii=False)
            parts.append(f'postgresql_ops={{{column}: "text_pattern_ops"}}')
        return f"Index({json.dumps(self._name(), ensure_ascii=False)}, {', '.join(parts)})"

    def _plain(self) -> tuple[Term, ...]:
        return tuple(Term(each.name) for each in self.columns)

    def _name(self) -> str:
        words = ["ix", self.table.name, *(each.name for each in self.columns)]
        words += ["down"] if any(each.descending for each in self.terms) else []
        words += ["beginnings"] if self.beginnings else []
        name = "_".join(words)
        taken = {each.name for each in self.table.indexes}
        if name in taken or len(name.encode()) > MOST_NAME:
            short = name.encode()[: MOST_NAME - 9].decode(errors="ignore")
            name = f"{short}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        return name


def name_in_code(registry: Registry, column: Column[Any]) -> str:
    """How a declaration names a column: ``Book.year``, or ``book_author.c.book_id``."""
    table = column.table
    for each in registry.values():
        if each.table is table:
            attribute = inspect(each.model).get_property_by_column(column).key
            return f"{each.model.__name__}.{attribute}"
    if column.key.isidentifier() and str(table.name).isidentifier():
        return f"{table.name}.c.{column.key}"
    return f"Base.metadata.tables[{json.dumps(table.key)}].c[{json.dumps(column.key)}]"


def finds(table: Table, columns: Sequence[Column[Any]]) -> bool:
    """Whether an index begins with these columns, in whatever order."""
    wanted = {each.name for each in columns}
    return any({each.text for each in terms[: len(wanted)]} == wanted for terms in _declared(table))


def finds_beginnings(table: Table, column: Column[Any]) -> bool:
    """Whether an index of PostgreSQL's finds the texts that begin with something."""
    return any(
        "text_pattern_ops" in (each.dialect_options["postgresql"]["ops"] or {}).values()
        and [*each.columns][:1] == [column]
        for each in table.indexes
    )


def orders(table: Table, wanted: Sequence[Term], dialect: str) -> bool:
    """Whether an index begins with these values in this order, forward or backward."""
    return any(_in_order(terms[: len(wanted)], wanted, dialect) for terms in _declared(table))


def terms_of(sort: Iterable[Sort]) -> tuple[Term, ...]:
    """An order as an index would have it."""
    return tuple(
        Term(
            "" if each.field.column is None else each.field.column.name,
            each.descending,
            each.nulls_first if each.field.nullable else None,
        )
        for each in sort
    )


def _in_order(terms: Sequence[Term], wanted: Sequence[Term], dialect: str) -> bool:
    if [each.text for each in terms] != [each.text for each in wanted]:
        return False
    if dialect == "sqlite":
        # It walks an index twice to have nulls at the other end.
        down = {
            one.descending != other.descending for one, other in zip(terms, wanted, strict=True)
        }
        return len(down) == 1
    asked = [each.way for each in wanted]
    return asked in ([each.way for each in terms], [each.other_way for each in terms])


def _declared(table: Table) -> Iterator[tuple[Term, ...]]:
    """Every index that knows all rows by value: the key, what is unique, and the others."""
    yield tuple(Term(each.name) for each in table.primary_key.columns)
    for each in table.constraints:
        if isinstance(each, UniqueConstraint):
            yield tuple(Term(column.name) for column in each.columns)
    for index in table.indexes:
        if not _is_partial(index):
            yield tuple(_term(each) for each in index.expressions)


def _is_partial(index: Index) -> bool:
    """Whether it leaves rows out, or is none that knows an order."""
    sqlite, postgresql = (index.dialect_options[each] for each in ("sqlite", "postgresql"))
    kind = postgresql["using"] or "btree"
    conditions = (sqlite["where"], postgresql["where"])
    return any(each is not None for each in conditions) or kind != "btree"


def _term(expression: Any) -> Term:
    said: dict[str, bool] = {}
    while isinstance(expression, UnaryExpression) and expression.modifier is not None:
        said |= _MODIFIERS.get(expression.modifier, {})
        expression = expression.element
    text = expression.name if isinstance(expression, Column) else f"({expression})"
    return Term(text, said.get("descending", False), said.get("nulls_first"))


def _modifiers(term: Term) -> str:
    text = ".desc()" if term.descending else ""
    if term.nulls_first is None or term.nulls_first == term.descending:
        return text
    return f"{text}.nulls_{'first' if term.nulls_first else 'last'}()"
