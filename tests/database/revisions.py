"""Projects whose revisions tests write, and what is in their databases."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from conftest import LIBRARY, PROJECT
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.database import Database
from admin_app.settings import Settings

OURS = tuple(f"admin_app_000{number}" for number in range(1, 8))


THEIRS = ("library_0001", "library_0002", "library_0003", "library_0004")


HEAD = THEIRS[-1]


ORDER = (
    "admin_app_0001",
    *THEIRS,
    "admin_app_0002",
    "admin_app_0003",
    "admin_app_0004",
    "admin_app_0005",
    "admin_app_0006",
    "admin_app_0007",
)
"""The library's revisions wait for our first only."""


T = TypeVar("T")


Change = Callable[[MetaData], object]


def library(change: Change = lambda _: None) -> MetaData:
    """A copy of the library's metadata, changed."""
    copy = MetaData(naming_convention=LIBRARY.naming_convention)
    for table in LIBRARY.tables.values():
        table.to_metadata(copy)
    change(copy)
    return copy


def add_column(table: str, name: str, kind: sa.types.TypeEngine[Any]) -> Change:
    return lambda models: models.tables[table].append_column(sa.Column(name, kind))


def own_project(settings: Settings) -> Settings:
    shutil.copytree(PROJECT / "migrations", settings.root / "migrations")
    return at(settings, settings.root / "migrations")


def at(settings: Settings, folder: Path) -> Settings:
    database = settings.database.model_copy(update={"migrations": folder})
    return settings.model_copy(update={"database": database})


def write(settings: Settings, revision: str, after: str, up: str, down: str = "pass") -> None:
    """Write a revision by hand."""
    text = (
        f'"""{revision}."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        f"revision = {revision!r}\ndown_revision = {after!r}\n\n\n"
        f"def upgrade() -> None:\n    {up}\n\n\ndef downgrade() -> None:\n    {down}\n"
    )
    (settings.migrations / "versions" / f"{revision}.py").write_text(text, "utf-8")


async def execute(settings: Settings, *statements: str) -> None:
    """Run each statement in one write."""

    async def work(session: AsyncSession) -> None:
        for each in statements:
            await session.execute(sa.text(each))

    await using(settings, lambda database: database.write(work))


async def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    async def work(connection: AsyncConnection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.execute(sa.text(query))]

    return await using(settings, lambda database: database.read(work))


async def using(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    database = Database(settings)
    try:
        return await work(database)
    finally:
        await database.close()


BOOKS = (
    "INSERT INTO author (id, version, name) VALUES (1, 1, 'Ana'), (2, 1, 'Bo')",
    "INSERT INTO book (id, version, title) VALUES (1, 1, 'One'), (2, 1, 'Two'), (7, 1, 'Gone')",
    "INSERT INTO book_author (book_id, author_id) VALUES (1, 1), (2, 1), (2, 2)",
    "INSERT INTO comment (id, version, book_id, text, stars) VALUES (1, 1, 2, 'Good', 4)",
    "DELETE FROM book WHERE id = 7",
)


REBUILD = (
    "with op.batch_alter_table('book') as batch:\n"
    "        batch.alter_column('title', type_=sa.String(400))"
)
