"""Which rule a database error is about, read from its codes.

SQLSTATE on PostgreSQL, the extended result code on SQLite. Messages are not read, with one
exception: SQLite names a constraint in its message alone, which is compared, whole, with the names
that the metadata gives.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import (
    CheckConstraint,
    Constraint,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import conv

Kind = Literal["unique", "reference", "required", "check", "value"]

_POSTGRESQL_KINDS: dict[str, Kind] = {
    "23505": "unique",
    "23503": "reference",
    "23502": "required",
    "23514": "check",
    "23P01": "unique",
}
_SQLITE_KINDS: dict[str, Kind] = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_ROWID": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "reference",
    "SQLITE_CONSTRAINT_NOTNULL": "required",
    "SQLITE_CONSTRAINT_CHECK": "check",
    "SQLITE_CONSTRAINT_TRIGGER": "check",
    "SQLITE_CONSTRAINT_DATATYPE": "value",
    "SQLITE_MISMATCH": "value",
    "SQLITE_TOOBIG": "value",
}
_SQLITE_BUSY = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_INTERRUPT",
)
_POSTGRESQL_BUSY = ("55P03", "57014", "53", "57P", "25P03")
_SERIALIZATION_FAILURES = ("40001", "40P01")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of the database that a write broke.

    ``table`` and ``columns`` are database names, empty where the database does not say.
    """

    kind: Kind
    table: str = ""
    columns: tuple[str, ...] = ()
    constraint: str = ""


def violation(error: DBAPIError, metadata: MetaData) -> Violation | None:
    """Read which rule ``error`` is about; none when it is not about the data."""
    name = _sqlite_code(error)
    if name is not None:
        kind = _SQLITE_KINDS.get(name)
        return None if kind is None else _sqlite_violation(kind, str(error.orig), metadata)
    state = _sqlstate(error)
    if state in _POSTGRESQL_KINDS:
        return _postgresql_violation(_POSTGRESQL_KINDS[state], error, metadata)
    # 54000: more than an index entry can hold.
    return Violation("value") if state.startswith("22") or state == "54000" else None


def is_busy(error: DBAPIError) -> bool:
    """Whether a lock, a time limit or a resource limit is behind ``error``."""
    name = _sqlite_code(error)
    if name is not None:
        return name.startswith(_SQLITE_BUSY)
    return _sqlstate(error).startswith((*_POSTGRESQL_BUSY, *_SERIALIZATION_FAILURES))


def is_out_of_time(error: DBAPIError) -> bool:
    """Whether a statement was stopped because it ran for too long."""
    return _sqlite_code(error) == "SQLITE_INTERRUPT" or _sqlstate(error) == "57014"


def is_locked(error: DBAPIError) -> bool:
    """Whether a lock of PostgreSQL's was not had in time."""
    return _sqlstate(error) == "55P03"


def is_serialization_failure(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed if it runs again."""
    return _sqlstate(error) in _SERIALIZATION_FAILURES


def is_unknown_zone(error: DBAPIError) -> bool:
    """Whether PostgreSQL knows a time zone by no such name, as one older than its name does not."""
    return _sqlstate(error) == "22023" and "time zone" in str(error.orig)


def is_lost(error: DBAPIError) -> bool:
    """Whether the connection is gone."""
    return bool(error.connection_invalidated)


def _sqlite_code(error: DBAPIError) -> str | None:
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "")
    return None


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")


def _postgresql_violation(kind: Kind, error: DBAPIError, metadata: MetaData) -> Violation:
    cause = getattr(error.orig, "__cause__", None)
    table_name = str(getattr(cause, "table_name", "") or "")
    constraint_name = str(getattr(cause, "constraint_name", "") or "")
    column = str(getattr(cause, "column_name", "") or "")
    columns: tuple[str, ...] = (column,) if column else ()
    table = metadata.tables.get(table_name)
    if table is not None and constraint_name:
        for each in _rules(table):
            if _name(each) == constraint_name:
                columns = _columns(each)
    return Violation(kind, table_name, columns, constraint_name)


def _sqlite_violation(kind: Kind, message: str, metadata: MetaData) -> Violation:
    _, _, identity = message.partition(" failed: ")
    for table in metadata.tables.values():
        for each in _rules(table):
            if identity and identity in _sqlite_identities(table, each):
                return Violation(kind, table.name, _columns(each), _name(each))
        if kind == "required":
            for column in table.columns:
                if identity == f"{table.name}.{column.name}":
                    return Violation(kind, table.name, (column.name,))
    return Violation(kind)


def _sqlite_identities(table: Table, rule: Constraint | Index) -> tuple[str, ...]:
    if isinstance(rule, (UniqueConstraint, PrimaryKeyConstraint)) or (
        isinstance(rule, Index) and rule.unique
    ):
        columns = ", ".join(f"{table.name}.{column}" for column in _columns(rule))
        return columns, f"index '{_name(rule)}'"
    return (_name(rule),) if isinstance(rule, CheckConstraint) else ()


def _rules(table: Table) -> list[Constraint | Index]:
    return [*table.constraints, *table.indexes]


def _columns(rule: Constraint | Index) -> tuple[str, ...]:
    if isinstance(rule, ForeignKeyConstraint):
        return tuple(rule.column_keys)
    if isinstance(rule, CheckConstraint):
        words = set(re.findall(r"\w+", str(rule.sqltext)))
        return tuple(column.name for column in rule.table.columns if column.name in words)
    return tuple(column.name for column in getattr(rule, "columns", ()))


def _name(rule: Constraint | Index) -> str:
    return str(rule.name) if isinstance(rule.name, (str, conv)) else ""
