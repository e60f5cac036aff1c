"""A library of very many books and authors: its schema, its rows, and somebody to look at it.

Run as a program, as its models and those that the contestants serve cannot be in one process.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from admin_app.access import create_token, create_user, sign_in
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Base, Origin, Registry
from admin_app.records import Records
from admin_app.settings import AppSection, DatabaseSection, SecuritySection, Settings
from admin_app.startup import migrations
from benchmarks.data import SYLLABLES
from benchmarks.places import NAME, NO_LIMIT, SECRET, make_project

COUNTRIES = ("Brazil", "Estonia", "Germany", "India", "Nigeria", "Portugal")
LANGUAGES = ("deu", "eng", "est", "hin", "por")
FORMATS = ("hardcover", "paperback", "ebook", "audiobook")
WRITTEN_IN = range(1800, 2025)
DAY = 86_400

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Library:
    """So many books and authors; what they hold is the same every time."""

    rows: int
    sqlite: bool

    def tables(self) -> Iterator[tuple[str, tuple[str, ...], Iterator[Row]]]:
        """Names, columns and rows, in an order that can be written."""
        author = ("id", "version", "name", "country", "born")
        book = ("id", "version", "title", "year", "language", "pages", "format", "rating")
        yield "author", author, self._authors()
        yield "book", (*book, "added_at"), self._books()
        yield "book_author", ("book_id", "author_id"), self._links()

    def _authors(self) -> Iterator[Row]:
        chance = random.Random(1)  # noqa: S311 - the same rows every time
        for key in range(1, self.rows + 1):
            name = f"{_word(chance)} {_word(chance)} {key}".title()
            yield key, 1, name, chance.choice(COUNTRIES), chance.choice(WRITTEN_IN) - 40

    def _books(self) -> Iterator[Row]:
        chance = random.Random(2)  # noqa: S311 - the same rows every time
        for key in range(1, self.rows + 1):
            added = datetime.fromtimestamp(1_500_000_000 + chance.randrange(3000 * DAY), UTC)
            rating = chance.randint(100, 500)
            yield (
                *(key, 1, " ".join(_word(chance) for _ in range(4)).capitalize()),
                *(chance.choice(WRITTEN_IN), chance.choice(LANGUAGES), chance.randint(20, 1200)),
                chance.choice(FORMATS),
                rating if self.sqlite else Decimal(rating).scaleb(-2),
                added.strftime("%Y-%m-%d %H:%M:%S.%f") if self.sqlite else added,
            )

    def _links(self) -> Iterator[Row]:
        chance = random.Random(4)  # noqa: S311 - the same rows every time
        for key in range(1, self.rows + 1):
            # The first thousand authors have written a tenth of all books.
            some = chance.randint(1, 1000 if key % 10 == 0 else self.rows)
            yield key, min(some, self.rows)
            if key % 3 == 0:
                yield key, min(some, self.rows) % self.rows + 1


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(SYLLABLES, k=chance.randint(2, 3)))


def fill_sqlite(file: str, library: Library) -> None:
    """Write the rows, then the indexes, and what the planner knows."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        # One by one they would take minutes.
        beside = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')"
            " AND tbl_name IN ('author', 'book', 'book_author') AND sql IS NOT NULL"
        ).fetchall()
        for kind, name, _ in beside:
            connection.execute(f"DROP {kind} {name}")
        for name, columns, rows in library.tables():
            marks = ", ".join("?" * len(columns))
            sql = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})"
            connection.executemany(sql, rows)
        for *_, sql in beside:
            connection.execute(sql)
        for name in ("author_search", "book_search"):
            connection.execute(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")
        connection.execute("ANALYZE")


async def fill_postgresql(dsn: str, library: Library) -> None:
    """Write the rows, then the indexes, and what the planner knows."""
    connection = await asyncpg.connect(dsn)
    try:
        beside = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " AND tablename IN ('author', 'book', 'book_author') AND indexname ~ '^(ix|fts)_'"
        )
        for name, _ in beside:
            await connection.execute(f'DROP INDEX "{name}"')
        for name, columns, rows in library.tables():
            await connection.copy_records_to_table(name, records=rows, columns=columns)
            if "id" in columns:
                await connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {library.rows})"
                )
        await connection.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in beside:
            await connection.execute(definition)
        await connection.execute("VACUUM ANALYZE author, book, book_author")
    finally:
        await connection.close()


async def prepare(kind: str, folder: Path, url: str, plain: str, rows: int) -> dict[str, Any]:
    """Make it, with a record in its middle that has a past; tell who may look at it."""
    settings = Settings(
        root=folder,
        app=AppSection(models=("admin_app.models",)),
        database=DatabaseSection(url=url),
        security=SecuritySection(secret=SecretStr(SECRET), requests_per_minute=NO_LIMIT),
    )
    make_project(settings)
    registry = Registry.from_base(Base, settings.app.models)
    await migrations(settings).upgrade()
    library = Library(rows, kind == "sqlite")
    if library.sqlite:
        fill_sqlite(plain, library)
    else:
        await fill_postgresql(plain, library)
    database = Database(settings)
    try:
        owner = await create_user(database, NAME, SECRET, ["administrator"])
        token = await create_token(database, NAME, NAME, None)
        origin = Origin("panel", NAME, address="127.0.0.1")
        cookie, _ = await sign_in(database, settings, NAME, SECRET, origin=origin)
        records = Records(database, registry, SECRET.encode())
        for year in range(1990, 2010):
            await records.update(
                SYSTEM, registry["book"], (rows // 2,), {"year": year}, origin=origin
            )
    finally:
        await database.close()
    return {"token": token, "cookie": cookie, "owner": owner}


if __name__ == "__main__":
    kind, folder, url, plain, rows = sys.argv[1:]
    print(json.dumps(asyncio.run(prepare(kind, Path(folder), url, plain, int(rows)))))  # noqa: T201
