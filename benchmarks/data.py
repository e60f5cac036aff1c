"""The rows that every contestant reads: the same ones in each run, made of random words."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

AUTHORS = 10_000
BOOKS = 110_000
STRANGE = 11
"""Each book whose number this divides is somebody else's; the caller owns the other 100,000."""
PAGES = 1200
SELECTIVE = 1195
"""At least as many pages as this have one book in two hundred."""
SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "la",
    "me",
    "ni",
    "po",
    "ru",
    "sa",
    "te",
    "vi",
    "wo",
    "zu",
]

AUTHOR = ("id", "version", "name", "country", "born")
BOOK = (
    *("id", "version", "title", "pages", "price", "published", "in_print", "added_at"),
    *("author_id", "owner_id"),
)

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Rows:
    """The rows, for an owner's id."""

    owner: int

    def authors(self) -> Iterator[Row]:
        """Rows of ``AUTHOR``."""
        chance = random.Random(1)  # noqa: S311 - the same rows every time
        for key in range(1, AUTHORS + 1):
            country = chance.choice(("BR", "DE", "EE", "IN", "NG", "PT"))
            yield key, 1, _words(chance, 2), country, chance.randint(1800, 2000)

    def books(self) -> Iterator[Row]:
        """Rows of ``BOOK``."""
        chance = random.Random(2)  # noqa: S311 - the same rows every time
        for key in range(1, BOOKS + 1):
            yield (
                *(key, 1, _words(chance, 4), chance.randint(1, PAGES)),
                Decimal(chance.randint(100, 99_999)).scaleb(-2),
                date(1950, 1, 1) + timedelta(days=chance.randrange(25_000)),
                chance.random() < 0.5,  # noqa: PLR2004 - one half
                datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(10**8)),
                chance.randint(1, AUTHORS),
                self.owner if key % STRANGE else self.owner + 1,
            )


def _words(chance: random.Random, many: int) -> str:
    words = ("".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(many))
    return " ".join(words).capitalize()


def own_keys(many: int) -> list[int]:
    """Keys of the caller's books, spread over the table, in no order."""
    chance = random.Random(3)  # noqa: S311 - the same keys every time
    return chance.sample([key for key in range(1, BOOKS + 1) if key % STRANGE], many)


async def fill_postgresql(dsn: str, rows: Rows) -> None:
    """Write the rows and what the planner knows of them."""
    connection = await asyncpg.connect(dsn)
    try:
        for table, columns, records in _tables(rows):
            await connection.copy_records_to_table(table, records=records, columns=columns)
            await connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
            await connection.execute(f"VACUUM ANALYZE {table}")
    finally:
        await connection.close()


def fill_sqlite(file: str, rows: Rows) -> None:
    """Write the rows as SQLAlchemy and ``ExactDecimal`` keep them, and what the planner knows."""
    with sqlite3.connect(file) as connection:
        for table, columns, records in _tables(rows):
            marks = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",
                (tuple(_stored(value) for value in row) for row in records),
            )
        connection.execute("ANALYZE")


def _tables(rows: Rows) -> Iterator[tuple[str, tuple[str, ...], Iterator[Row]]]:
    yield "author", AUTHOR, rows.authors()
    yield "book", BOOK, rows.books()


def _stored(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value.scaleb(2))
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else value


async def tidy(kind: str, url: str) -> None:
    """Take away what a measurement has created, so that the next one finds the same table."""
    statements = (f"DELETE FROM book WHERE id > {BOOKS}", "DELETE FROM admin_change")
    if kind == "sqlite":
        with sqlite3.connect(url, timeout=30) as file:
            for each in statements:
                file.execute(each)
        return
    connection = await asyncpg.connect(url)
    try:
        for each in statements:
            await connection.execute(each)
        await connection.execute("VACUUM book")
    finally:
        await connection.close()
