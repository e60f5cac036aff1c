"""Full-text indexes: what they are made of on each database, and what there is of them.

PostgreSQL has a GIN index for each column. SQLite has one FTS5 table for all of them, which holds
no text of its own, and three triggers that keep it. Both split text into the same words: letters
and digits belong to them, everything else parts them.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Table,
    Text,
    cast,
    event,
    func,
    inspect,
    literal_column,
    text,
)
from sqlalchemy import column as named

INFO = "full_text"
"""Under this name a table's ``info`` holds the ``FullText`` that is declared for it."""
MAX_TEXT = 100_000
"""Characters of a text that PostgreSQL indexes: what it makes of them must stay below 1 MiB."""
SHADOWS = ("", "_data", "_idx", "_docsize", "_config")
"""What the names of the tables of an FTS5 table end with."""
CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl"})
"""What words are made of, by Unicode's categories: what PostgreSQL makes them of."""
TOKENIZER = "unicode61 remove_diacritics 0 categories 'L* Nd Nl'"
"""The same for FTS5, letter by letter as it is written: é is no e, as on PostgreSQL."""
RESERVED = frozenset({"rank", "rowid"})
"""Names that FTS5 keeps for itself."""

_SUFFIX = "_search"
_PREFIX = "fts_"
_MAX_NAME = 63
_PARTING = (
    # PostgreSQL's parser makes addresses, paths, versions and signed numbers of these …
    *((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    # … and, in some locales, letters of these: signs and spaces of Latin-1, general punctuation,
    # currencies, CJK punctuation, full width forms.
    *((0xA0, 0xA9), (0xAB, 0xB1), (0xB4, 0xB4), (0xB6, 0xB8), (0xBB, 0xBB), (0xBF, 0xBF)),
    *((0xD7, 0xD7), (0xF7, 0xF7), (0x2000, 0x2064), (0x20A0, 0x20C0), (0x3000, 0x3003)),
    *((0x3008, 0x3011), (0x3014, 0x301F), (0x3030, 0x3030), (0x30FB, 0x30FB)),
    *((0xFF01, 0xFF0F), (0xFF1A, 0xFF20), (0xFF3B, 0xFF40), (0xFF5B, 0xFF65)),
)
PARTING = "[" + "".join(f"\\u{first:04X}-\\u{last:04X}" for first, last in _PARTING) + "]+"
"""What parts words, as a regular expression: PostgreSQL's indexes are made of it.

Its ``translate`` takes 15 times as long with so many characters.
"""


@dataclass(frozen=True, slots=True)
class FullText:
    """The full-text index of a table: its text columns, by name."""

    table: str
    columns: tuple[str, ...]

    @classmethod
    def of(cls, table: Table) -> FullText | None:
        """The index that is declared for ``table``, if there is one."""
        found: FullText | None = table.info.get(INFO)
        return found

    @property
    def search_table(self) -> str:
        """The name of the FTS5 table."""
        return f"{self.table}{_SUFFIX}"


@dataclass(frozen=True, slots=True)
class Found:
    """A full-text index that is in a database, and whether it is made as it would be now."""

    index: FullText
    current: bool


def words_in(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The words of a text on PostgreSQL, spelled as its index is, so that the index serves it."""
    start = func.left(cast(value, Text), literal_column(str(MAX_TEXT)))
    fixed = [literal_column(_quoted(each), Text) for each in (PARTING, " ", "g")]
    plain = func.regexp_replace(start, *fixed)
    return func.to_tsvector(literal_column("'simple'"), plain)


def index_name(table: str, column: str) -> str:
    """The name of a column's index on PostgreSQL, which cuts longer ones."""
    name = f"{_PREFIX}{table}_{column}"
    if len(name.encode()) <= _MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[: _MAX_NAME - 9].decode(errors='ignore')}_{digest}"


def is_index_name(name: str) -> bool:
    """Whether an index of PostgreSQL is a full-text index of ours, by its name."""
    return name.startswith(_PREFIX)


def declare(table: Table, columns: tuple[str, ...]) -> None:
    """Have ``table`` indexed; a table that is made without a revision brings its index along."""
    declared = FullText(table.name, tuple(sorted(columns)))
    table.info[INFO] = declared

    def create_beside(_: Table, connection: Connection, **__: Any) -> None:
        create(connection, declared)

    def drop_before(_: Table, connection: Connection, **__: Any) -> None:
        drop(connection, declared)

    event.listen(table, "after_create", create_beside)
    event.listen(table, "before_drop", drop_before)


def trigger_names(table: Table) -> frozenset[str]:
    """The names of the triggers that keep a table's index on SQLite; they leave its rows alone."""
    declared: FullText | None = table.info.get(INFO)
    return frozenset() if declared is None else frozenset(_triggers(declared))


def create(connection: Connection, index: FullText) -> None:
    """Make an index and fill it from the rows that there are."""
    if connection.dialect.name == "sqlite":
        key = _key_of(connection, index.table)
        for statement in _sqlite_parts(connection.dialect, index, key).values():
            connection.exec_driver_sql(statement)
        owner = _named(connection.dialect, index.search_table)
        connection.exec_driver_sql(f"INSERT INTO {owner} ({owner}) VALUES ('rebuild')")  # noqa: S608 - quoted
        return
    for column in index.columns:
        connection.exec_driver_sql(_postgresql_index(connection.dialect, index.table, column))


def drop(connection: Connection, index: FullText) -> None:
    """Take an index back."""
    name = connection.dialect.identifier_preparer.quote
    if connection.dialect.name == "sqlite":
        for trigger in _triggers(index):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name(trigger)}")
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name(index.search_table)}")
        return
    for column in index.columns:
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {name(index_name(index.table, column))}")


def found(connection: Connection) -> dict[str, Found]:
    """The full-text indexes of a database, by table."""
    sqlite = connection.dialect.name == "sqlite"
    every = _sqlite_found(connection) if sqlite else _postgresql_found(connection)
    return {each.index.table: each for each in every}


def sqlite_has_fts5() -> bool:
    """Whether the SQLite of this Python has FTS5 built in."""
    with closing(sqlite3.connect(":memory:")) as connection:
        (answer,) = connection.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5')").fetchone()
    return bool(answer)


def _postgresql_index(dialect: Dialect, table: str, column: str, name: str | None = None) -> str:
    quote = dialect.identifier_preparer.quote
    words = _compiled(words_in(named(column)), dialect)
    index = quote(name or index_name(table, column))
    return f"CREATE INDEX {index} ON {quote(table)} USING gin ({words})"


def _compiled(expression: ColumnElement[Any], dialect: Dialect) -> str:
    return str(expression.compile(dialect=dialect))


def _postgresql_found(connection: Connection) -> Iterator[Found]:
    """By their names and the columns they depend on: an expression has no columns of its own."""
    rows = connection.execute(_POSTGRESQL_FOUND).all()
    by_table: dict[str, list[Any]] = {}
    for each in rows:
        if each.name == index_name(each.owner, each.field):
            by_table.setdefault(each.owner, []).append(each)
    for table, indexes in sorted(by_table.items()):
        columns = tuple(sorted(each.field for each in indexes))
        current = all(
            each.expression == _stored_expression(connection, table, each.field) for each in indexes
        )
        yield Found(FullText(table, columns), current)


_POSTGRESQL_FOUND = text(
    "SELECT owner.relname AS owner, attribute.attname AS field, found.relname AS name,"
    " pg_get_expr(indexprs, indrelid) AS expression"
    " FROM pg_index JOIN pg_class AS found ON found.oid = indexrelid"
    " JOIN pg_class AS owner ON owner.oid = indrelid"
    " JOIN pg_depend ON classid = 'pg_class'::regclass AND objid = indexrelid"
    " AND refobjid = indrelid AND refobjsubid > 0"
    " JOIN pg_attribute AS attribute ON attrelid = indrelid AND attnum = refobjsubid"
    " WHERE found.relname LIKE 'fts\\_%' AND indexprs IS NOT NULL AND pg_table_is_visible(indrelid)"
)
_STORED_EXPRESSION = text(
    "SELECT pg_get_expr(indexprs, indrelid) FROM pg_index"
    " WHERE indrelid = to_regclass('pg_temp._copy')"
)


def _stored_expression(connection: Connection, table: str, column: str) -> Any:
    """How the database rewords the expression of an index that would be made now."""
    quoted = connection.dialect.identifier_preparer.quote(table)
    attempt = connection.begin_nested()
    try:
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE _copy (LIKE {quoted})")
        connection.exec_driver_sql(
            _postgresql_index(connection.dialect, "_copy", column, "_copy_index")
        )
        return connection.scalar(_STORED_EXPRESSION)
    finally:
        attempt.rollback()


def _sqlite_found(connection: Connection) -> Iterator[Found]:
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'trigger')")
    )
    stored = {name: sql for name, sql in rows if sql}
    for name, sql in sorted(stored.items()):
        parts = _SQLITE_TABLE.fullmatch(sql)
        if parts is None:
            continue
        table = _unquoted(parts["table"])
        index = FullText(table, tuple(_unquoted(each) for each in _NAME.findall(parts["columns"])))
        if name == index.search_table:
            expected = _sqlite_parts(connection.dialect, index, _unquoted(parts["key"]))
            current = all(stored.get(part) == sql for part, sql in expected.items())
            yield Found(index, current)


_NAME = re.compile(r'"(?:[^"]|"")+"')
_SQLITE_TABLE = re.compile(
    rf"CREATE VIRTUAL TABLE {_NAME.pattern} USING fts5 \((?P<columns>{_NAME.pattern}"
    rf"(?:, {_NAME.pattern})*), content=(?P<table>{_NAME.pattern}),"
    rf" content_rowid=(?P<key>{_NAME.pattern}), .*\)",
    re.DOTALL,
)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"')


def _triggers(index: FullText) -> tuple[str, str, str]:
    name = index.search_table
    return f"{name}_insert", f"{name}_delete", f"{name}_update"


def _sqlite_parts(dialect: Dialect, index: FullText, key: str) -> dict[str, str]:
    """The statements that make the FTS5 table and its triggers, by name and in order."""

    def quoted(each: str) -> str:
        return _named(dialect, each)

    name, table, row = (quoted(each) for each in (index.search_table, index.table, key))
    columns = [quoted(each) for each in index.columns]
    places = ", ".join(columns)
    new = ", ".join(f"new.{each}" for each in (row, *columns))
    old = ", ".join(f"old.{each}" for each in (row, *columns))
    # What is taken out of an index without text of its own has to be said.
    take = f"INSERT INTO {name} ({name}, rowid, {places}) VALUES ('delete', {old});"  # noqa: S608 - quoted
    add = f"INSERT INTO {name} (rowid, {places}) VALUES ({new});"  # noqa: S608 - quoted
    inserted, deleted, updated = _triggers(index)
    return {
        index.search_table: (
            f"CREATE VIRTUAL TABLE {name} USING fts5 ({places}, content={table},"
            f" content_rowid={row}, tokenize={_quoted(TOKENIZER)}, prefix='2 3')"
        ),
        inserted: f"CREATE TRIGGER {quoted(inserted)} AFTER INSERT ON {table} BEGIN {add} END",
        deleted: f"CREATE TRIGGER {quoted(deleted)} AFTER DELETE ON {table} BEGIN {take} END",
        updated: (
            f"CREATE TRIGGER {quoted(updated)} AFTER UPDATE OF {row}, {places} ON {table}"
            f" BEGIN {take} {add} END"
        ),
    }


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _key_of(connection: Connection, table: str) -> str:
    (key,) = inspect(connection).get_pk_constraint(table)["constrained_columns"]
    return str(key)


def _named(dialect: Dialect, name: str) -> str:
    """``name`` in quotes, whether or not it needs them: what SQLite stores is compared with it."""
    return str(dialect.identifier_preparer.quote_identifier(name))
