"""Work driven from one wait to the next: to count its waits, and to cancel it at each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any


class Stepped:
    """Work that can be cancelled where it waits for the ``cancel_at``-th time, counted from 0.

    ``late``: when what it waits for has come already, and before it goes on.
    """

    def __init__(
        self, work: Awaitable[Any], cancel_at: int | None = None, *, late: bool = False
    ) -> None:
        self._work = work
        self._cancel_at = cancel_at
        self._late = late
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        step: Callable[[], Any] = steps.__next__
        while True:
            try:
                waiting = step()
            except StopIteration as end:
                return end.value
            if self.waits == self._cancel_at:
                self._cancel(waiting)
            self.waits += 1
            try:
                value = yield waiting
            except BaseException as error:  # noqa: BLE001 - it is the work's
                step = _throwing(steps, error)
            else:
                step = _sending(steps, value)

    def _cancel(self, waiting: asyncio.Future[Any] | None) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._late and waiting is not None:
            waiting.add_done_callback(lambda _: task.cancel())
        else:
            task.cancel()


def _throwing(steps: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)


def _sending(steps: Generator[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: steps.send(value)


async def waits_of(work: Awaitable[Any]) -> int:
    """How often work waits for somebody else: each is a turn of the event loop at least."""
    stepped = Stepped(work)
    await stepped
    return stepped.waits


async def cancelled_at(work: Awaitable[Any], place: int, *, late: bool) -> bool:
    """Cancel work where it waits for the ``place``-th time; false when it does so less often.

    A cancelled piece of work may end all the same, where it was about to.
    """
    stepped = Stepped(work, place, late=late)

    async def run() -> None:
        await stepped

    (found,) = await asyncio.gather(asyncio.create_task(run()), return_exceptions=True)
    if isinstance(found, Exception):
        raise found
    return stepped.waits > place
