"""Checks and migrations of the database before anything is served."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Table

import admin_app.access.tables
import admin_app.desk.tables
import admin_app.records.trail.changes  # noqa: F401 - the tables of all rooms belong to the metadata
from admin_app.database.full_text import FullText, sqlite_has_fts5
from admin_app.database.migrations import Migrations
from admin_app.declaration import Base
from admin_app.errors import SetupError
from admin_app.settings import Settings

logger = logging.getLogger("admin_app")


def migrations(settings: Settings) -> Migrations:
    """The migrations of an installation: its own tables and ours."""
    return Migrations(settings, Base.metadata)


async def prepare_schema(settings: Settings) -> None:
    """Bring the embedded database up to date; refuse any other that lacks a revision.

    A newer database only warns, so that a deploy can roll. Safe when several processes start at
    once. Raises ``SetupError`` saying which command to run.
    """
    runner = migrations(settings)
    if settings.embedded:
        _require_fts5(Base.metadata.tables.values())
        _make_private(Path(str(settings.database_url.database)))
        await runner.upgrade_embedded()
    state = await runner.current()
    if state.pending:
        missing = ", ".join(state.pending)
        msg = f"The database lacks {missing}. Run: admin-app db upgrade"
        raise SetupError(msg)
    if state.newer:
        logger.warning("the database is newer than this code: %s", ", ".join(state.newer))


def _require_fts5(tables: Iterable[Table]) -> None:
    wanting = ", ".join(sorted(each.name for each in tables if FullText.of(each)))
    if wanting and not sqlite_has_fts5():
        msg = f"full_text: the SQLite of this Python has no FTS5, which {wanting} needs."
        raise SetupError(msg)


def _make_private(file: Path) -> None:
    """Make the embedded database's file, which holds password hashes, for its owner's eyes only."""
    with suppress(FileExistsError, FileNotFoundError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
