"""The one engine: pools, pragmas and time limits of each dialect.

SQLite: WAL, foreign keys on, the driver in manual-BEGIN mode so that transactions begin where we
say (the ``begin`` listener), and Unicode-aware ``lower``. PostgreSQL: UTC, statement and lock
limits set when a connection is made.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Date, DateTime, event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.types import TypeEngine

from admin_app.database.exact import install_functions
from admin_app.database.measuring import count_on
from admin_app.database.sqlite_driver import use_driver
from admin_app.database.types import (
    PostgreSQLInstant,
    SQLiteDay,
    SQLiteInstant,
    reflected_bigint,
)
from admin_app.errors import SetupError
from admin_app.settings import Settings

BEGIN = "admin_app_begin"
"""Execution option: the statement with which SQLite begins; none for a single read."""

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


def make_engine(settings: Settings) -> AsyncEngine:
    """Make the engine; no connection is opened yet.

    Raises ``SetupError`` for a database or driver that is not supported.
    """
    url = settings.database_url
    makers = {DRIVERS["sqlite"]: _sqlite, DRIVERS["postgresql"]: _postgresql}
    if url.drivername in makers:
        engine = makers[url.drivername](url, settings)
        if settings.server.timing:
            count_on(engine.sync_engine)
        return engine
    msg = f"database.url must begin with {' or '.join(DRIVERS.values())}, not {url.drivername}"
    raise SetupError(msg)


def _sqlite(url: URL, settings: Settings) -> AsyncEngine:
    limits = settings.database
    if url.database in {None, "", ":memory:"}:
        msg = "database.url must name a file: an in-memory database has one shared transaction"
        raise SetupError(msg)
    engine = create_async_engine(
        url,
        pool_size=limits.pool_size,
        # A statement's values are nobody's business in a log or on a terminal.
        hide_parameters=True,
        max_overflow=0,
        pool_timeout=limits.pool_timeout,
        connect_args={"isolation_level": None, "timeout": limits.write_timeout},
    )
    _adapt(engine, {DateTime: SQLiteInstant, Date: SQLiteDay})
    use_driver(engine.sync_engine, limits.statement_timeout)
    dialect: Any = engine.sync_engine.dialect
    dialect.ischema_names = {**dialect.ischema_names, "BIGINT": reflected_bigint}

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        _write_ahead(cursor, limits.write_timeout)
        for pragma in (
            "foreign_keys=ON",
            f"synchronous={limits.synchronous.upper()}",
            # LIKE then means on SQLite what it means on PostgreSQL; ILIKE goes through lower().
            "case_sensitive_like=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        connection.create_function("lower", 1, _lower, deterministic=True)
        install_functions(connection)

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get(BEGIN)
        if statement:
            driver: Any = connection.connection.dbapi_connection
            driver.begin(statement)

    return engine


def _write_ahead(cursor: Any, patience: float) -> None:
    """Switch the file to WAL: the one lock that SQLite does not wait for by itself.

    Of several processes that open a new file at once one would fail (1 of 360 starts did).
    """
    end = time.monotonic() + patience
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _postgresql(url: URL, settings: Settings) -> AsyncEngine:
    limits = settings.database
    engine = create_async_engine(
        url,
        pool_size=limits.pool_size,
        # A statement's values are nobody's business in a log or on a terminal.
        hide_parameters=True,
        max_overflow=0,
        pool_timeout=limits.pool_timeout,
        pool_recycle=1800,
        connect_args={
            "timeout": 5.0,
            "server_settings": {
                "application_name": "admin-app",
                # What becomes text in the database means the same here.
                "TimeZone": "UTC",
                "DateStyle": "ISO",
                "extra_float_digits": "1",
                "statement_timeout": str(int(limits.statement_timeout * 1000)),
                "lock_timeout": str(int(limits.lock_timeout * 1000)),
                "idle_in_transaction_session_timeout": "60000",
            },
        },
    )
    _adapt(engine, {DateTime: PostgreSQLInstant})
    return engine


def _adapt(
    engine: AsyncEngine, types: Mapping[type[TypeEngine[Any]], type[TypeEngine[Any]]]
) -> None:
    """Make each of ``types`` another one on this engine, whoever declared it."""
    dialect: Any = engine.sync_engine.dialect
    dialect.colspecs = {**dialect.colspecs, **types}
