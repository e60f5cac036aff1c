"""SQLite by one connection of the standard library, within the event loop."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Any

from benchmarks.contestants.ceiling_rows import AUTHOR, BOOK, MADE, Author, Book, BookWithAuthor
from benchmarks.contestants.given import CALLER, PLAIN, PRAGMAS

OWNER = CALLER.format("?")
GET = f"SELECT {BOOK} FROM book WHERE id = ? AND owner_id = ?"
PAGE = f"SELECT {BOOK} FROM book WHERE owner_id = ? ORDER BY id LIMIT ?"
FILTERED = f"""
SELECT {BOOK} FROM book WHERE owner_id = ? AND pages >= ? ORDER BY pages, id LIMIT ?
"""
COUNT = "SELECT count(*) FROM book WHERE owner_id = ? AND pages >= ?"
NESTED = f"""
SELECT {BOOK}, {AUTHOR} FROM book JOIN author ON author.id = author_id
WHERE owner_id = ? ORDER BY book.id LIMIT ?
"""
INSERT = f"INSERT INTO book ({MADE}) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)"
CREATE = f"{INSERT} RETURNING {BOOK}"
CHANGE = f"UPDATE book SET title = ? WHERE id = ? AND owner_id = ? RETURNING {BOOK}"
EXPORT = f"SELECT {BOOK} FROM book WHERE owner_id = ? ORDER BY id"
NAMES = (
    *("id", "version", "title", "pages", "price", "published", "in_print", "added_at"),
    *("author_id", "owner_id"),
)

connection: Any = None


async def begin() -> None:
    """Open the file."""
    global connection  # noqa: PLW0603 - one for the process
    connection = sqlite3.connect(PLAIN, isolation_level=None, timeout=15)
    for each in PRAGMAS:
        connection.execute(f"PRAGMA {each}")


async def end() -> None:
    """Close it."""
    connection.close()


async def owner_of(hashed: str) -> int | None:
    """Who a token stands for."""
    row = connection.execute(OWNER, (hashed,)).fetchone()
    return None if row is None else row[0]


async def get(key: int, owner: int) -> Book | None:
    """One book."""
    row = connection.execute(GET, (key, owner)).fetchone()
    return None if row is None else _book(row)


async def page(owner: int, limit: int) -> list[Book]:
    """A page."""
    return [_book(row) for row in connection.execute(PAGE, (owner, limit))]


async def filtered(owner: int, pages: int, limit: int) -> tuple[list[Book], int]:
    """A page, and how many there are."""
    rows = [_book(row) for row in connection.execute(FILTERED, (owner, pages, limit))]
    return rows, connection.execute(COUNT, (owner, pages)).fetchone()[0]


async def nested(owner: int, limit: int) -> list[BookWithAuthor]:
    """A page with authors."""
    found = connection.execute(NESTED, (owner, limit))
    return [BookWithAuthor(*_values(row), Author(*row[10:])) for row in found]


async def create(book: Any, owner: int) -> Book:
    """Make a book."""
    return _book(connection.execute(CREATE, _stored(book, owner)).fetchall()[0])


async def create_many(books: list[Any], owner: int) -> list[int]:
    """Make many in one transaction: nobody else writes meanwhile, so their numbers follow."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(INSERT, [_stored(book, owner) for book in books])
        last = connection.execute("SELECT last_insert_rowid()").fetchone()[0]
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return list(range(last - len(books) + 1, last + 1))


async def change(key: int, title: str, owner: int) -> Book | None:
    """Give a book another title."""
    rows = connection.execute(CHANGE, (title, key, owner)).fetchall()
    return _book(rows[0]) if rows else None


async def export(owner: int, write: Callable[[bytes], Awaitable[None]]) -> None:
    """CSV in pieces of a thousand rows; others have their turn between them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(NAMES)
    found = connection.execute(EXPORT, (owner,))
    while rows := found.fetchmany(1000):
        writer.writerows([_values(row) for row in rows])
        await write(buffer.getvalue().encode())
        buffer.seek(0)
        buffer.truncate()
        await asyncio.sleep(0)


def _values(row: Any) -> tuple[Any, ...]:
    """A row's values as they are answered: cents as text, an integer as truth, instants."""
    whole, cents = divmod(row[4], 100)
    added_at = f"{row[7][:10]}T{row[7][11:19]}Z"
    return (*row[:4], f"{whole}.{cents:02}", row[5], row[6] == 1, added_at, *row[8:10])


def _book(row: Any) -> Book:
    return Book(*_values(row))


def _stored(book: Any, owner: int) -> tuple[Any, ...]:
    added_at = book.added_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return (
        *(book.title, book.pages, int(book.price.scaleb(2)), book.published.isoformat()),
        *(book.in_print, added_at, book.author_id, owner),
    )
