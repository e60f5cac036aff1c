"""PostgreSQL by asyncpg alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from benchmarks.contestants.ceiling_rows import AUTHOR, BOOK, MADE, Author, Book, BookWithAuthor
from benchmarks.contestants.given import CALLER, CONNECTIONS, PLAIN

OWNER = CALLER.format("$1")
GET = f"SELECT {BOOK} FROM book WHERE id = $1 AND owner_id = $2"
PAGE = f"SELECT {BOOK} FROM book WHERE owner_id = $1 ORDER BY id LIMIT $2"
FILTERED = f"""
SELECT {BOOK} FROM book WHERE owner_id = $1 AND pages >= $2 ORDER BY pages, id LIMIT $3
"""
COUNT = "SELECT count(*) FROM book WHERE owner_id = $1 AND pages >= $2"
NESTED = f"""
SELECT {BOOK}, {AUTHOR} FROM book JOIN author ON author.id = author_id
WHERE owner_id = $1 ORDER BY book.id LIMIT $2
"""
CREATE = f"""
INSERT INTO book ({MADE}) VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8) RETURNING {BOOK}
"""
CREATE_MANY = f"""
INSERT INTO book ({MADE}) SELECT 1, *, $8::bigint FROM unnest($1::text[], $2::int[],
$3::numeric[], $4::date[], $5::bool[], $6::timestamptz[], $7::bigint[]) RETURNING id
"""
CHANGE = f"UPDATE book SET title = $1 WHERE id = $2 AND owner_id = $3 RETURNING {BOOK}"
EXPORT = """
SELECT id, version, title, pages, price, published, in_print::text AS in_print,
to_char(added_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS added_at, author_id, owner_id
FROM book WHERE owner_id = $1 ORDER BY id
"""

pool: Any = None


async def begin() -> None:
    """Open the pool."""
    global pool  # noqa: PLW0603 - one for the process
    settings = {"TimeZone": "UTC"}
    pool = await asyncpg.create_pool(
        PLAIN, min_size=CONNECTIONS, max_size=CONNECTIONS, server_settings=settings
    )


async def end() -> None:
    """Close it."""
    await pool.close()


async def owner_of(hashed: str) -> int | None:
    """Who a token stands for."""
    found: int | None = await pool.fetchval(OWNER, hashed)
    return found


async def get(key: int, owner: int) -> Book | None:
    """One book."""
    row = await pool.fetchrow(GET, key, owner)
    return None if row is None else Book(*row)


async def page(owner: int, limit: int) -> list[Book]:
    """A page."""
    return [Book(*row) for row in await pool.fetch(PAGE, owner, limit)]


async def filtered(owner: int, pages: int, limit: int) -> tuple[list[Book], int]:
    """A page, and how many there are."""
    async with pool.acquire() as connection:
        rows = await connection.fetch(FILTERED, owner, pages, limit)
        total = await connection.fetchval(COUNT, owner, pages)
    return [Book(*row) for row in rows], total


async def nested(owner: int, limit: int) -> list[BookWithAuthor]:
    """A page with authors."""
    rows = await pool.fetch(NESTED, owner, limit)
    return [BookWithAuthor(*row[:10], Author(*row[10:])) for row in rows]


async def create(book: Any, owner: int) -> Book:
    """Make a book."""
    return Book(*await pool.fetchrow(CREATE, *_values(book), owner))


async def create_many(books: list[Any], owner: int) -> list[int]:
    """Make many in one statement."""
    columns = zip(*map(_values, books), strict=True)
    return [row[0] for row in await pool.fetch(CREATE_MANY, *map(list, columns), owner)]


async def change(key: int, title: str, owner: int) -> Book | None:
    """Give a book another title."""
    row = await pool.fetchrow(CHANGE, title, key, owner)
    return None if row is None else Book(*row)


async def export(owner: int, write: Callable[[bytes], Awaitable[None]]) -> None:
    """Let the database write CSV."""
    async with pool.acquire() as connection:
        await connection.copy_from_query(EXPORT, owner, output=write, format="csv", header=True)


def _values(book: Any) -> tuple[Any, ...]:
    return (
        *(book.title, book.pages, book.price, book.published, book.in_print, book.added_at),
        book.author_id,
    )
