"""Applications that tests share: making one takes a while, and it holds no database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from admin_app.access import Callers
from admin_app.access.limits import RequestLimits
from admin_app.app import State, create_app
from admin_app.database import Database
from admin_app.declaration import Registry
from admin_app.records import Records
from admin_app.secret import installation_secret
from admin_app.settings import AppSection, ServerSection, Settings

_MADE: dict[tuple[AppSection, ServerSection], tuple[FastAPI, Registry]] = {}


async def application(settings: Settings) -> tuple[FastAPI, Registry]:
    """The application of these models and this server; the first to ask starts it."""
    key = (settings.app, settings.server)
    if key not in _MADE:
        app = create_app(settings)
        async with app.router.lifespan_context(app) as state:
            _MADE[key] = (app, (state or {})["records"].registry)
    return _MADE[key]


@asynccontextmanager
async def state_of(settings: Settings, registry: Registry) -> AsyncIterator[State]:
    """What the requests of one installation find, on a database that is ready."""
    database = Database(settings)
    try:
        yield State(
            settings=settings,
            database=database,
            records=Records(
                database,
                registry,
                installation_secret(settings),
                read_only=settings.server.read_only,
            ),
            callers=Callers(database),
            limits=RequestLimits(database, settings.security.requests_per_minute),
        )
    finally:
        await database.close()
