"""Revisions of the library that change tables with rows, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from revisions import using
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database.migrations import Migrations
from admin_app.settings import Settings


def required(*columns: sa.Column[Any]) -> Callable[[MetaData], object]:
    def change(models: MetaData) -> None:
        for each in columns:
            models.tables["book"].append_column(each)

    return change


async def written(runner: Migrations, message: str = "Change") -> str:
    """Write a revision; returns its text."""
    path = await runner.revision(message)
    assert path is not None
    return path.read_text("utf-8")


async def kept(settings: Settings, models: MetaData, column: str) -> list[Any]:
    """What the books have in a column, through its type."""
    book = models.tables["book"]
    plain = book.c[column].type
    if isinstance(plain, sa.Enum):
        plain = sa.String()

    async def work(connection: AsyncConnection) -> list[Any]:
        found = await connection.execute(
            sa.select(sa.type_coerce(book.c[column], plain)).order_by(book.c.id)
        )
        return list(found.scalars())

    return await using(settings, lambda database: database.read(work))
