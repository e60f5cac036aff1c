"""What is true of a move from the embedded database to a PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from api import prepare_zoo, zoo_on
from conftest import LIBRARY, FreshSettings, empty
from revisions import BOOKS, execute, rows
from sqlalchemy import Table
from sqlalchemy.exc import IntegrityError
from zoo import RESOURCES, sample
from zoo.stock import METADATA

from admin_app.database.engine import make_engine
from admin_app.database.migrations import Migrations
from admin_app.database.moving import copy_rows, move
from admin_app.errors import SetupError
from admin_app.settings import Settings

TABLES = tuple({**LIBRARY.tables, **METADATA.tables}.values())


async def held(settings: Settings) -> dict[str, list[str]]:
    """Every row of every table, JSON as it is stored."""
    engine = make_engine(settings)
    async with engine.connect() as connection:
        found = {each.name: await _rows(connection, each) for each in TABLES}
    await engine.dispose()
    return found


async def _rows(connection: Any, each: Table) -> list[str]:
    return sorted(repr(row) for row in await connection.execute(sa.select(each)))


async def test_every_kind_of_value(fresh_settings: FreshSettings) -> None:
    """All of it is there as it was, and numbers go on where they would have."""
    async with zoo_on(fresh_settings, "sqlite") as source:
        for resource in RESOURCES:
            for each in sample(resource):
                plural = source.registry[resource].plural
                await source.call("POST", f"/{plural}", each)
        there = fresh_settings("postgresql", "zoo", prepare_zoo)
        counts = await copy_rows(source.settings, there, TABLES)
        assert sum(counts.values()) > len(RESOURCES)
        assert await held(there) == await held(source.settings)


async def test_numbers_go_on(fresh_settings: FreshSettings) -> None:
    """The key of a record that has been deleted is not given again, as its history is its own."""
    source = fresh_settings("sqlite")
    await execute(
        source,
        *BOOKS,
        "INSERT INTO comment (id, version, book_id, text) VALUES (70, 1, 1, 'Soon gone')",
        "DELETE FROM comment",
    )
    there = fresh_settings("postgresql", "empty", empty)
    counts = await move(source, there, LIBRARY)
    assert (counts["book"], counts["comment"]) == (2, 0)
    assert await Migrations(there, LIBRARY).check() == []
    await execute(there, "INSERT INTO comment (version, book_id, text) VALUES (1, 1, 'New')")
    assert await rows(there, "SELECT id FROM comment") == [(71,)]
    with pytest.raises(IntegrityError):
        await execute(there, "INSERT INTO comment (version, book_id, text) VALUES (1, 99, 'Lost')")


async def test_all_or_nothing(fresh_settings: FreshSettings) -> None:
    """A row that PostgreSQL refuses leaves nothing there; what has anything is not touched."""
    source = fresh_settings("sqlite")
    await execute(source, *BOOKS, f"UPDATE book SET title = '{'x' * 5000}'")
    there = fresh_settings("postgresql", "empty", empty)
    with pytest.raises(SetupError, match="Nothing was copied: in book, value too long"):
        await move(source, there, LIBRARY)
    assert (await Migrations(there, LIBRARY).current()).applied == ()
    with pytest.raises(SetupError, match="something in that database"):
        await move(source, fresh_settings("postgresql"), LIBRARY)
