"""What a request costs, told without a clock: its statements, the functions it calls, its waits."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from api import Api
from sqlalchemy import event

from admin_app.database import Database, Prepared, Row
from admin_app.database.lanes import Lanes

Work = Callable[[], Awaitable[object]]
ROUNDS = 10


@contextmanager
def asked(database: Database) -> Iterator[list[str]]:
    """The statements of a database meanwhile. Whoever listens is told of all: none is short."""
    found: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        found.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


class Ways:
    """How the database was reached meanwhile: prepared reads, and connections of the pool."""

    def __init__(self, lanes: Lanes | None) -> None:
        self._lanes = lanes
        self.short = 0
        """Prepared reads that were answered by a connection kept for them."""
        self.connections = 0

    async def fetch(self, prepared: Prepared, values: Mapping[str, Any]) -> Sequence[Row] | None:
        """See ``Lanes``."""
        rows = None if self._lanes is None else await self._lanes.fetch(prepared, values)
        self.short += rows is not None
        return rows

    async def close(self) -> None:
        """See ``Lanes``."""
        if self._lanes is not None:
            await self._lanes.close()

    def checked_out(self, *_: object) -> None:
        """A connection was taken from the pool."""
        self.connections += 1


@contextmanager
def ways(database: Database) -> Iterator[Ways]:
    """Count how the database is reached inside."""
    pool = database.engine.sync_engine.pool
    lanes = database._lanes
    found = Ways(lanes)
    event.listen(pool, "checkout", found.checked_out)
    database._lanes = found
    try:
        yield found
    finally:
        database._lanes = lanes
        event.remove(pool, "checkout", found.checked_out)


async def calls(work: Work, times: int = 3) -> int:
    """How many Python functions run, or go on, in this thread: the least of several times.

    It is the same number whatever the machine does besides; what is remembered for a while only,
    as who calls, may be looked up in one of the times.
    """
    counts = []
    for _ in range(times):
        before = sys.getprofile()
        count = 0

        def note(_: object, what: str, __: object) -> None:
            nonlocal count
            count += what == "call"

        sys.setprofile(note)
        try:
            await work()
        finally:
            sys.setprofile(before)
        counts.append(count)
    return min(counts)


@contextmanager
def only_what_is_new() -> Iterator[None]:
    """Collect garbage among what is made inside alone: there is much that other tests have made."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.collect()
        gc.freeze()


async def kept(work: Work, times: int) -> int:
    """Bytes that are left when ``work`` has run so often, of those that it allocated.

    What takes the place of something that was there before counts as well.
    """
    tracemalloc.start()
    try:
        await work()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(times):
            await work()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


async def blocks_kept(work: Work, times: int) -> int:
    """How many more small blocks of memory are in use when ``work`` has run so often."""
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(times):
        await work()
    gc.collect()
    return sys.getallocatedblocks() - before


async def in_every_round(measure: Callable[[], Awaitable[int]], most: int) -> int:
    """What is measured, again until it is no more than ``most``: the least of some rounds.

    What fills up is full after some of them, what leaks leaks in each.
    """
    found = await measure()
    for _ in range(ROUNDS):
        if found <= most:
            break
        found = min(found, await measure())
    return found


def request(api: Api, method: str, target: str, body: Callable[[], Any] = lambda: None) -> Work:
    """A request that succeeds, each time with another ``body``."""

    async def work() -> None:
        answer = await api.call(method, target, body())
        assert answer.status < 300, answer

    return work
