"""Many writers on two worker processes, and what is left when all of them are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from commands import Serving, write_settings
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access import create_token, create_user
from admin_app.database import Database
from admin_app.models import Author
from admin_app.records.trail.changes import Change
from admin_app.settings import Settings

WRITERS = 16
SECONDS = 4.0
GONE = (httpx.TransportError,)


@dataclass
class Acknowledged:
    """What the server has answered for."""

    created: list[int] = field(default_factory=list)
    counted: int = 0
    statuses: set[int] = field(default_factory=set)


@contextmanager
def two_workers(settings: Settings) -> Iterator[Serving]:
    """Two worker processes in a group of their own, so that all can be killed at one blow."""
    root = write_settings(settings)
    with (root / "serve.log").open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "admin_app", "serve", "--port", "0", "--workers", "2"],
            cwd=root,
            stdout=stream,
            stderr=stream,
            text=True,
            start_new_session=True,
        )
    try:
        server = Serving(process, root / "serve.log")
        server.wait_for("(Application startup complete)", 2)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


async def write(client: httpx.AsyncClient, number: int, until: float, seen: Acknowledged) -> None:
    """Create records and count one up, by its version, until told to stop or cut off."""
    made = 0
    while time.monotonic() < until:
        try:
            answer = await client.post("/authors", json={"name": f"{number}-{made}"})
            seen.statuses.add(answer.status_code)
            if answer.status_code == 201:
                seen.created.append(answer.json()["id"])
                made += 1
            counter = await client.get("/authors/1")
            seen.statuses.add(counter.status_code)
            answer = await client.patch(
                "/authors/1",
                json={"born": counter.json()["born"] + 1},
                headers={"If-Match": counter.headers["etag"]},
            )
            seen.statuses.add(answer.status_code)
            seen.counted += answer.status_code == 200
        except GONE:
            return


async def load(server: Serving, token: str, seen: Acknowledged, *, kill: bool) -> None:
    """Sixteen writers for some seconds; with ``kill`` their server dies halfway."""
    headers = {"Authorization": f"Bearer {token}"}
    base = f"{server.address}/api/v1"
    limits = httpx.Limits(max_connections=WRITERS)
    async with httpx.AsyncClient(
        base_url=base, headers=headers, limits=limits, timeout=20
    ) as client:
        answer = await client.post("/authors", json={"name": "counter", "born": 0})
        assert (answer.status_code, answer.json()["id"]) == (201, 1)
        until = time.monotonic() + SECONDS
        async with asyncio.TaskGroup() as group:
            for number in range(WRITERS):
                group.create_task(write(client, number, until, seen))
            if kill:
                await asyncio.sleep(SECONDS / 2)
                os.killpg(server.process.pid, signal.SIGKILL)


async def left_behind(settings: Settings) -> tuple[set[int], list[tuple[int, int]], int, int]:
    """Created keys with a change, (version, count) of the counter, and the changes it has."""
    database = Database(settings)

    async def read(connection: AsyncConnection) -> tuple[set[int], list[tuple[int, int]], int, int]:
        rows = await connection.execute(
            select(Author.id)
            .join(Change, Change.key == Author.id.cast(Change.key.type))
            .where(Change.resource == "author", Change.action == "create")
        )
        counter = await connection.execute(
            select(Author.version, Author.born).where(Author.id == 1)
        )
        told = select(Change.id).where(
            Change.resource == "author", Change.key == "1", Change.action == "update"
        )
        authors = await connection.execute(select(Author.id))
        return (
            {row.id for row in rows},
            [(row.version, row.born) for row in counter],
            len((await connection.execute(told)).all()),
            len(authors.all()),
        )

    try:
        return await database.read(read)
    finally:
        await database.close()


@pytest.mark.slow
@pytest.mark.parametrize("kill", [False, True], ids=["to the end", "killed halfway"])
async def test_every_acknowledged_write_is_there(
    settings: Settings, database: Database, kill: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes and sixteen writers lose no update; after kill -9 none that was answered."""
    monkeypatch.setenv("ADMIN_APP_SECURITY__REQUESTS_PER_MINUTE", "0")
    await create_user(database, "load", "correct horse battery", ["editor"])
    token = await create_token(database, "load", "load", timedelta(days=1))
    seen = Acknowledged()
    with two_workers(settings) as server:
        await load(server, token, seen, kill=kill)
    told, counters, changes, authors = await left_behind(settings)
    ((version, count),) = counters
    assert seen.statuses <= {200, 201, 412}
    assert len(seen.created) > WRITERS
    assert seen.counted > 0
    assert set(seen.created) <= told
    assert len(told) == authors
    assert changes == count == version - 1
    assert count >= seen.counted
    assert kill or (count, authors) == (seen.counted, len(seen.created) + 1)
