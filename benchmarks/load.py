"""The load: a closed loop over kept connections, in a process of its own.

Requests are bytes made beforehand; where each has to differ, a number is put into them.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import httptools
import uvloop

NUMBER = b"00000000"
"""What a request holds where its number goes."""
IF_MATCH = b"If-Match: *"
"""The header that becomes the tag of the last answer about the same record."""
OK = range(200, 300)
PATIENCE = 60.0


@dataclass(frozen=True)
class Job:
    """What to send and for how long, once at least; each connection has its share of requests."""

    port: int
    requests: tuple[bytes, ...]
    connections: int
    seconds: float
    keep: bool = False
    """Whether the bodies are wanted."""


@dataclass
class Outcome:
    """What came back."""

    elapsed: float = 0.0
    times: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    size: int = 0

    def quantile(self, part: int) -> float:
        """Milliseconds that so many of a hundred requests took at most."""
        if len(self.times) == 1:
            return self.times[0] * 1e3
        return statistics.quantiles(self.times, n=100, method="inclusive")[part - 1] * 1e3


class Client(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends the next."""

    numbers = itertools.count(1)

    def __init__(self, job: Job, share: tuple[bytes, ...], end: float, outcome: Outcome) -> None:
        self.job, self.share, self.end, self.outcome = job, share, end, outcome
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tags: dict[int, bytes] = {}
        self.sent = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.place = self.sent % len(self.share)
        request = self.share[self.place]
        if NUMBER in request:
            request = request.replace(NUMBER, b"%08d" % next(self.numbers))
            tag = self.tags.get(self.place)
            if tag is not None:
                request = request.replace(IF_MATCH, b"If-Match: " + tag)
        self.sent += 1
        self.parser = httptools.HttpResponseParser(self)
        self.body: list[bytes] = []
        self.began, self.first = time.perf_counter(), 0.0
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"etag":
            self.tags[self.place] = value

    def on_body(self, body: bytes) -> None:
        self.first = self.first or time.perf_counter()
        self.outcome.size += len(body)
        if self.job.keep or self.parser.get_status_code() not in OK:
            self.body.append(body)

    def on_message_complete(self) -> None:
        now, outcome = time.perf_counter(), self.outcome
        status = self.parser.get_status_code()
        outcome.times.append(now - self.began)
        outcome.first_bytes.append((self.first or now) - self.began)
        if status not in OK:
            outcome.refused.append(f"{status} {b''.join(self.body)[:500]!r}")
        if self.job.keep:
            outcome.bodies.append(b"".join(self.body))
        if now < self.end:
            # Not from within the parser, which still has the end of this message to read.
            asyncio.get_running_loop().call_soon(self._send)
        else:
            self.transport.close()
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.outcome.refused.append(f"the connection was lost: {error}")
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def run(job: Job) -> Outcome:
    """Send until the time is over."""
    outcome, loop = Outcome(), asyncio.get_running_loop()
    began = time.perf_counter()
    clients = []
    for number in range(job.connections):
        share = job.requests[number :: job.connections] or job.requests
        client = Client(job, share, began + job.seconds, outcome)
        await loop.create_connection(lambda made=client: made, "127.0.0.1", job.port)  # type: ignore[misc]
        clients.append(client)
    async with asyncio.timeout(job.seconds + PATIENCE):
        await asyncio.gather(*(client.done for client in clients))
    outcome.elapsed = time.perf_counter() - began
    return outcome


def work(pipe: Connection) -> None:
    """Do jobs until there are none."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        while (job := pipe.recv()) is not None:
            pipe.send(runner.run(run(job)))


class Load:
    """The other process, as whoever gives it jobs sees it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def __call__(self, job: Job) -> Outcome:
        """Do a job."""
        self._pipe.send(job)
        outcome: Outcome = self._pipe.recv()
        return outcome


@contextmanager
def loading() -> Iterator[Load]:
    """Start the process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        yield Load(here)
    finally:
        with suppress(OSError):
            here.send(None)
        process.join(5)
        process.terminate()
