"""Trials: what taking a file in would do, of as many rows as that is found out of soon."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from time import monotonic

from admin_app.records.transfer.files import Row
from admin_app.records.transfer.importer import CHUNK, Import
from admin_app.records.transfer.run import Outcome

MOST_TRIED = 2_000
"""The most rows tried."""
TRYING = 8.0
"""Seconds after which no more rows are begun."""


async def tried(importing: Import, rows: Iterator[Row]) -> AsyncIterator[Outcome]:
    """What becomes of the first rows, in parts; the others are left in ``rows``.

    Raises what ``Import.run`` does.
    """
    until = monotonic() + TRYING
    for _ in range(MOST_TRIED // CHUNK):
        chunk = await taken(rows, CHUNK)
        async for part in importing.run(chunk):
            yield part
        if len(chunk) < CHUNK or monotonic() > until:
            break


async def taken(rows: Iterator[Row], most: int) -> list[Row]:
    """Some of the rows, read in a thread: a line may be long."""
    return await asyncio.to_thread(lambda: list(itertools.islice(rows, most)))
