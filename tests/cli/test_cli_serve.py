"""``admin-app serve`` as a process of its own: start, workers, signals."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from commands import PATIENCE, Serving, serving, start, write_settings
from conftest import FreshSettings, empty

from admin_app.access import create_token, create_user
from admin_app.database import Database
from admin_app.settings import load_settings

SETUP_LINK = r"(http://\S+/admin/setup/\S+)"
STARTED = r"Started server process \[(\d+)\]"


@pytest.fixture
def root(fresh_settings: FreshSettings) -> Path:
    """A project with the embedded database, which is migrated and has nobody in it."""
    return write_settings(fresh_settings("sqlite"))


def token_of(root: Path) -> str:
    """A token of a new editor."""

    async def make() -> str:
        database = Database(load_settings(root))
        await create_user(database, "ed", None, ["editor"])
        token = await create_token(database, "ed", "test", None)
        await database.close()
        return token

    return asyncio.run(make())


def count(root: Path, table: str) -> int:
    """The number of rows of a table."""
    with closing(sqlite3.connect(root / "library.db")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_first_start_needs_nothing(fresh_settings: FreshSettings) -> None:
    """An empty folder with settings: schema, secret, demo and a link that works, in one start."""
    root = write_settings(fresh_settings("sqlite", "empty", empty), demo=True)
    with serving(root) as server:
        (link,) = server.wait_for(SETUP_LINK)
        assert httpx.get(link).status_code == 200
        assert httpx.get(f"{server.address}/readyz").status_code == 200
        assert httpx.get(f"{server.address}/admin/").headers["location"].count("login") == 1
        answer = httpx.get(f"{server.address}/nowhere", headers={"X-Request-Id": "seen-in-log"})
        assert answer.status_code == 404
        assert server.wait_for(r"GET /nowhere 404 .* (seen-in-log)")
        assert server.stop() == 0
    assert (root / ".secret").stat().st_mode & 0o777 == 0o600
    secret = (root / ".secret").read_bytes()
    books = count(root, "book")
    assert (books > 300, count(root, "comment") > 100) == (True, True)
    token = token_of(root)
    with serving(root) as server:
        found = httpx.get(
            f"{server.address}/api/v1/books?count=exact",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert found.json()["page"]["total"] == books
        assert re.search(SETUP_LINK, server.said) is None
    assert (root / ".secret").read_bytes() == secret


def test_sigterm_finishes_what_has_begun(root: Path) -> None:
    """A request under way at SIGTERM is answered and its write kept; then the exit code is 0."""
    token = token_of(root)
    with serving(root) as server:
        body = b'{"name": "Late"}'
        with half_sent(server, token, body) as connection:
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("Waiting for connections to close")
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{server.address}/healthz")
            connection.sendall(body[8:])
            assert connection.recv(65536).startswith(b"HTTP/1.1 201 ")
        assert server.process.wait(PATIENCE) == 0
    assert count(root, "author") == count(root, "admin_change") == 1


@pytest.mark.slow
def test_a_stop_does_not_wait_for_ever(root: Path) -> None:
    """A request that never ends is cut off after ``server.drain`` seconds."""
    token = token_of(root)
    with (root / "settings.toml").open("a") as file:
        file.write("\n[server]\ndrain = 1\n")
    with serving(root) as server, half_sent(server, token, b'{"name": "Never"}'):
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 15


def half_sent(server: Serving, token: str, body: bytes) -> socket.socket:
    """A request to create an author, of whose body half is still to come."""
    place = urlsplit(server.address)
    connection = socket.create_connection((str(place.hostname), place.port or 0), PATIENCE)
    lines = (
        "POST /api/v1/authors HTTP/1.1",
        f"Host: {place.netloc}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Expect: 100-continue",
    )
    connection.sendall("\r\n".join((*lines, "", "")).encode())
    # It says so when the application begins to read the body.
    assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
    connection.sendall(body[:8])
    return connection


@pytest.mark.slow
def test_workers_are_replaced(fresh_settings: FreshSettings) -> None:
    """Four workers start on an empty database; one that is killed is replaced; all stop at once."""
    root = write_settings(fresh_settings("sqlite", "empty", empty))
    with serving(root, "--workers", "4") as server:
        workers = server.wait_for(STARTED, 4)
        server.wait_for("(Application startup complete)", 4)
        os.kill(int(workers[0]), signal.SIGKILL)
        server.wait_for(STARTED, 5)
        server.wait_for("(Application startup complete)", 5)
        for _ in range(20):
            assert httpx.get(f"{server.address}/readyz").status_code == 200
        assert len(re.findall(SETUP_LINK, server.said)) == 1
        assert server.stop() == 0
        assert "ERROR" not in server.said
        assert "Traceback" not in server.said


def test_a_port_in_use_is_a_sentence(root: Path) -> None:
    """A port that somebody has is refused, before anything is done to the database."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = start(root, "serve", "--port", str(taken.getsockname()[1]))
    assert done.code == 1
    assert "Cannot listen on 127.0.0.1 port" in done.err
    assert "Traceback" not in done.err


def test_a_table_that_no_revision_makes(root: Path) -> None:
    """Models without a revision are not served: exit 1 names the table and the commands."""
    (root / "more_models.py").write_text(
        "from sqlalchemy.orm import Mapped\n"
        "from admin_app import Record\n"
        "class Forgotten(Record):\n"
        "    name: Mapped[str]\n",
        "utf-8",
    )
    file = root / "settings.toml"
    file.write_text(file.read_text("utf-8").replace("admin_app.models", "more_models"), "utf-8")
    done = start(root, "serve", "--port", "0")
    assert done.code == 1
    assert "no table for: forgotten" in done.err
    assert "admin-app db revision" in done.err
