"""``create_app``: where the rooms are put together. Reads like a table of contents."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from fastapi import FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from sqlalchemy import text
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from admin_app.access import Callers
from admin_app.access.limits import RequestLimits
from admin_app.database import Database
from admin_app.declaration import Base, Registry
from admin_app.middleware import Surroundings
from admin_app.panel import mount_panel
from admin_app.records import Records
from admin_app.rest import errors_router, install_problems, resource_routes, rest_router
from admin_app.secret import installation_secret
from admin_app.settings import Settings, load_settings
from admin_app.startup import prepare_schema


class State(TypedDict):
    """What every request finds in ``request.state``."""

    settings: Settings
    database: Database
    records: Records
    callers: Callers
    limits: RequestLimits


def application() -> FastAPI:
    """Make the application of the working directory's settings: the server's factory."""
    app = create_app(load_settings())
    # All of it lives as long as the process: no search for garbage, with requests waiting, has to
    # look at it again. With two hundred models that would take a tenth of a second.
    gc.freeze()
    # A request that writes a thousand records makes tens of thousands of objects and no garbage.
    gc.set_threshold(10_000, 20, 20)
    return app


def create_app(settings: Settings) -> FastAPI:
    """Make the application.

    Raises ``DeclarationError`` with every mistake in the declarations, before anything is served.
    """
    registry = Registry.from_base(Base, settings.app.models)
    app = FastAPI(
        title=settings.app.title,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(settings, registry),
        telemetry=_telemetry(),
    )
    # Included in no router, and before all others: see ``ResourceRoutes``.
    app.router.routes.append(resource_routes(registry))
    app.include_router(rest_router(settings.app.title))
    app.include_router(errors_router())
    mount_panel(app, settings, registry)
    _add_health(app)
    install_problems(app)
    app.add_middleware(Surroundings, settings=settings)
    if settings.server.trusted_proxies:
        app.add_middleware(
            ProxyHeadersMiddleware, trusted_hosts=list(settings.server.trusted_proxies)
        )
    return app


def _telemetry() -> TelemetryConfig:
    """FastAPI's OpenTelemetry, where the environment says anything about it.

    Without, FastAPI would ask at every request whether somebody has set it up meanwhile: a
    twentieth of a read.
    """
    told = any(each.startswith("OTEL_") for each in os.environ)
    return {"tracing": told, "metrics": told, "logs": told}


def _lifespan(settings: Settings, registry: Registry) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        await prepare_schema(settings)
        database = Database(settings)
        records = Records(
            database,
            registry,
            installation_secret(settings),
            read_only=settings.server.read_only,
        )
        limits = RequestLimits(database, settings.security.requests_per_minute)
        try:
            async with limits.settling():
                yield State(
                    settings=settings,
                    database=database,
                    records=records,
                    callers=Callers(database),
                    limits=limits,
                )
        finally:
            await database.close()

    return lifespan


def _add_health(app: FastAPI) -> None:
    @app.api_route("/healthz", methods=["GET", "HEAD"], include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok")

    @app.api_route("/readyz", methods=["GET", "HEAD"], include_in_schema=False)
    async def readyz(request: Request) -> Response:
        await request.state.database.read(lambda connection: connection.execute(text("SELECT 1")))
        return PlainTextResponse("ready")

    @app.get("/", include_in_schema=False)
    async def home(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/admin/")
