"""Applications on ports of this machine, and clients of them, made hundreds of times in a run."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from uvicorn.server import ServerState

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""httpx reads every certificate there is for each client, which takes longer than most tests."""

# httpcore tries to import it for each lock; where it is known to be missing that takes no time.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


def http_client(url: str, **options: Any) -> httpx.AsyncClient:
    """A client of an application on a port."""
    return httpx.AsyncClient(**{"base_url": url, "timeout": 30, "verify": _NO_TLS, **options})


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """Serve an application, whose state is ready, on a port; which one.

    By uvicorn's protocol, but not by its server, which looks ten times a second whether it is to
    end, and then waits as long for connections that are closed already.
    """
    config = uvicorn.Config(app, lifespan="off", log_level="critical", ws="none")
    config.load()
    state = ServerState()
    protocol: Any = config.http_protocol_class

    def connected() -> asyncio.Protocol:
        made: asyncio.Protocol = protocol(config=config, server_state=state, app_state={})
        return made

    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in list(state.connections):
            each.shutdown()
        while state.tasks:
            await asyncio.wait(state.tasks)
        await server.wait_closed()
