"""The rate limit of each credential, counted across workers.

A worker counts in memory, so that a request costs no statement, and settles with the database about
once a second: it adds what it has counted and reads the sum. Until then it goes on with what it
knows, so the limit may be exceeded by what the workers admit between two settlements. The window is
fixed: counts start anew with each minute.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.tables import RequestCount, upsert
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.errors import BusyError, TooManyRequestsError

logger = logging.getLogger(__name__)

WINDOW = 60
"""Seconds of a window."""
SETTLE_EVERY = 1.0
"""Seconds between two settlements of a worker that has counted something."""
SHARE = 20
"""The fraction of its limit after which a credential is settled at once."""
MAX_CREDENTIALS = 5_000
"""Credentials that a worker counts at a time."""


@dataclass(slots=True)
class _Count:
    """One credential's requests in the present window."""

    settled: int = 0
    """Requests of all workers, as of the last settlement."""
    unsettled: int = 0
    """Requests of this worker since the last settlement."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a credential has left."""

    limit: int
    remaining: int
    seconds: int
    """Seconds until the window ends."""

    def headers(self) -> dict[str, str]:
        """The response headers (draft-ietf-httpapi-ratelimit-headers-10)."""
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w={WINDOW}',
            "RateLimit": f'"default";r={self.remaining};t={self.seconds}',
        }


class RequestLimits:
    """The counts of one worker. ``limit`` 0 admits everything and counts nothing."""

    def __init__(
        self, database: Database, limit: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self.limit = limit
        self.clock = clock
        self._window = self._swept = 0
        self._counts: dict[str, _Count] = {}
        self._due = asyncio.Event()
        self._closing = False

    def admit(self, actor: Actor) -> Standing | None:
        """Count a request of the actor's credential; ``None`` where there is no limit.

        Raises ``TooManyRequestsError`` beyond the limit; such a request is not counted.
        """
        key = credential(actor)
        if not self.limit or key is None:
            return None
        now = self.clock()
        self._begin(int(now // WINDOW))
        count = self._counts.get(key) or self._remember(key)
        seconds = math.ceil(WINDOW - now % WINDOW)
        remaining = self.limit - count.settled - count.unsettled - 1
        if remaining < 0:
            raise _refused(Standing(self.limit, 0, seconds))
        count.unsettled += 1
        if count.unsettled * SHARE >= self.limit:
            self._due.set()
        return Standing(self.limit, remaining, seconds)

    async def settle(self) -> None:
        """Add this worker's counts to the database's and read the sums, in one write.

        Counts of past windows are deleted. Raises ``BusyError``; the counts are then kept.
        """
        window = self._window
        counts = {key: each for key, each in self._counts.items() if each.unsettled}
        taken = {key: each.unsettled for key, each in counts.items()}
        if not taken:
            return
        # In one order everywhere, so that two workers never wait for each other.
        rows = [{"key": key, "window": window, "requests": taken[key]} for key in sorted(taken)]
        insert = upsert(self._database.dialect, RequestCount)
        added = insert.on_conflict_do_update(
            index_elements=[RequestCount.key, RequestCount.window],
            set_={"requests": RequestCount.requests + insert.excluded.requests},
        ).returning(RequestCount.key, RequestCount.requests)

        async def work(transaction: AsyncSession) -> dict[str, int]:
            if self._swept != window:
                await transaction.execute(delete(RequestCount).where(RequestCount.window < window))
            connection = await transaction.connection()
            return {row.key: row.requests for row in await connection.execute(added, rows)}

        totals = await self._database.write(work)
        self._swept = window
        for key, total in totals.items():
            counts[key].settled = total
            counts[key].unsettled -= taken[key]

    @asynccontextmanager
    async def settling(self) -> AsyncIterator[None]:
        """Settle about once a second inside."""
        task = asyncio.create_task(self._settle_always())
        try:
            yield
        finally:
            self._closing = True
            self._due.set()
            await task

    async def _settle_always(self) -> None:
        while not self._closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_EVERY):
                    await self._due.wait()
            self._due.clear()
            try:
                await self.settle()
            except BusyError:
                logger.info("request counts are settled later: the database is busy")
            except Exception:
                logger.exception("request counts could not be settled")

    def _begin(self, window: int) -> None:
        if window != self._window:
            self._window = window
            self._counts = {}

    def _remember(self, key: str) -> _Count:
        if len(self._counts) >= MAX_CREDENTIALS:
            # The one first seen; the database gives back all but the last second of its count.
            del self._counts[next(iter(self._counts))]
        count = self._counts[key] = _Count()
        return count


def credential(actor: Actor) -> str | None:
    """The key of the count: the token or the session; ``None`` for an actor with neither."""
    if actor.token_id is not None:
        return f"token {actor.token_id}"
    if actor.session_id is not None:
        return f"session {actor.session_id}"
    return None


def _refused(standing: Standing) -> TooManyRequestsError:
    error = TooManyRequestsError(
        f"At most {standing.limit:,} requests a minute. Try again in {standing.seconds} s.",
        retry_after=standing.seconds,
    )
    error.headers |= standing.headers()
    return error
