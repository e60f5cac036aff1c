"""``admin-app serve``: one parent that prepares everything once, then the workers."""

from __future__ import annotations

import fcntl
import logging
import logging.config
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
import uvicorn
from sqlalchemy import inspect
from uvicorn.supervisors import ChangeReload, Multiprocess

from admin_app.access import new_setup_link
from admin_app.cli.common import opened, records_of, registry_of, run, say, say_whose, settings_of
from admin_app.cli.demo import load_demo
from admin_app.cli.protocol import BoundedProtocol
from admin_app.database import Database
from admin_app.declaration import Registry
from admin_app.errors import SetupError
from admin_app.settings import Settings
from admin_app.startup import prepare_schema

BACKLOG = 2048
APPLICATION = "admin_app.app:application"
PATIENCE = 60
"""Seconds until a worker that says nothing counts as hung: one that starts may need as long."""

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(process)d %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "uvicorn": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "admin_app": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Default: server.host of the settings.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default: server.port; 0 takes a free one.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes; default: server.workers.")
    ] = None,
    *,
    reload: Annotated[bool, typer.Option("--reload", help="Start anew when code changes.")] = False,
) -> None:
    """Serve the API and the panel until told to stop.

    The embedded database is brought up to date first; any other must be already (`admin-app db
    upgrade`). While there is no user, a link is printed that makes the first administrator, once.
    SIGTERM and Ctrl+C let requests that have begun finish, for server.drain seconds.
    """
    settings = settings_of(context)
    say_whose(settings)
    logging.config.dictConfig(LOGGING)
    server = settings.server
    with _listen(host or server.host, server.port if port is None else port) as listening:
        address = _address(listening)
        run(_prepare(settings, registry_of(settings), address))
        say(f"Serving {settings.app.title} at {address}/admin (Ctrl+C stops)")
        os.chdir(settings.root)
        _run(
            uvicorn.Config(
                APPLICATION,
                factory=True,
                workers=1 if reload else workers or server.workers,
                reload=reload,
                reload_dirs=[str(settings.root)] if reload else None,
                http=BoundedProtocol,
                lifespan="on",
                ws="none",
                access_log=False,
                log_config=LOGGING,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=round(server.drain),
                timeout_worker_healthcheck=PATIENCE,
            ),
            listening,
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        msg = f"Cannot listen on {host} port {port}: {error.strerror or error}."
        raise SetupError(msg) from error
    listening.set_inheritable(True)
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    # Every interface is no place to go to; this machine is one of them.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _prepare(settings: Settings, registry: Registry, address: str) -> None:
    """Do once what every worker relies on."""
    await prepare_schema(settings)
    async with opened(settings) as database:
        await _refuse_missing_tables(database, registry)
        records = records_of(settings, database, registry)
        if settings.app.demo and settings.embedded:
            with _one_at_a_time(settings):
                await load_demo(records, settings.app.models)
        link = await new_setup_link(database)
    if link is not None:
        say(
            f"Nobody can sign in yet. Make the first administrator (once, within 24 hours):\n"
            f"  {address}/admin/setup/{link}"
        )


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    """Wait for other servers that are starting on the same embedded database."""
    # The folder and not the database file: closing that would end SQLite's own locks on it.
    folder = os.open(settings.root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


async def _refuse_missing_tables(database: Database, registry: Registry) -> None:
    there = await database.read(
        lambda connection: connection.run_sync(lambda sync: inspect(sync).get_table_names())
    )
    wanted = {each.table.name for each in registry.values() if each.table.schema is None}
    missing = ", ".join(sorted(wanted - set(there)))
    if missing:
        msg = (
            f"The database has no table for: {missing}.\n"
            'Run: admin-app db revision -m "…", then admin-app db upgrade'
        )
        raise SetupError(msg)


def _run(config: uvicorn.Config, listening: socket.socket) -> None:
    server = uvicorn.Server(config)
    # When it has stopped as told, uvicorn raises the signal again, which would kill this process:
    # what was asked for has been done, and that is no failure.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: None)
    if config.should_reload:
        ChangeReload(config, target=server.run, sockets=[listening]).run()
    elif config.workers > 1:
        supervisor = Multiprocess(config, sockets=[listening])
        supervisor.run()
        if any(each.exitcode == uvicorn.config.STARTUP_FAILURE for each in supervisor.processes):
            raise typer.Exit(1)
    else:
        server.run(sockets=[listening])
        if not server.started:
            raise typer.Exit(1)
