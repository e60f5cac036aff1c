"""The API on a port, and a token for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from admin_app.access import create_token
from admin_app.app import create_app
from admin_app.database import Database
from admin_app.settings import Settings


@contextmanager
def listening(settings: Settings) -> Iterator[str]:
    """The application behind a real server in a thread; gives its address."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings), port=0, log_level="error", lifespan="on")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(60)


async def token(settings: Settings) -> str:
    database = Database(settings)
    try:
        return await create_token(database, "ann", "fuzz", None)
    finally:
        await database.close()
