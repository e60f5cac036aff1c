"""Whole lists as files, sent while they are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from admin_app.declaration import Resource
from admin_app.records.queries.query import Query
from admin_app.records.transfer import Export
from admin_app.rest.answers import FORMATS, PRIVATE
from admin_app.rest.requests import actor, origin, records

PIECE = 256 * 1024
"""Bytes that are sent at once: to write megabytes would keep all others waiting."""


async def stream(request: Request, resource: Resource, query: Query, media_type: str) -> Response:
    """Answer every record of a list, a portion in memory at a time.

    What is refused is refused before the first byte. Whatever fails after it ends the connection
    before its time, so that nobody takes a part for the whole.
    """
    # A query is asked in the address or in a body.
    about: bytes = getattr(request.state, "content", b"") or request.scope["query_string"]
    export = Export(
        records(request),
        actor(request),
        resource,
        query,
        origin=origin(request),
        about=about.decode("utf-8", "replace"),
    )
    portions = export.portions(FORMATS[media_type])
    first = await anext(portions)

    async def content() -> AsyncIterator[bytes]:
        async with aclosing(portions), aclosing(_ahead(portions)) as rest:
            yield first
            async for portion in rest:
                for start in range(0, len(portion), PIECE):
                    await asyncio.sleep(0)  # The next portion is asked for, and read, meanwhile.
                    yield portion[start : start + PIECE]

    name = quote(f"{resource.plural}.{FORMATS[media_type]}")
    return StreamingResponse(
        content(),
        media_type=media_type,
        headers={**PRIVATE, "Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )


async def _ahead(portions: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Yield each portion while the next is being read."""

    async def another() -> bytes | None:
        return await anext(portions, None)

    following = asyncio.create_task(another())
    try:
        while (portion := await following) is not None:
            following = asyncio.create_task(another())
            yield portion
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
