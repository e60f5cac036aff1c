"""Work that goes on when whoever asked for it looks elsewhere; how far it is, is kept for them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from time import monotonic
from typing import Any

from admin_app.desk import tell_work
from admin_app.errors import AppError
from admin_app.panel.visit import Visit

logger = logging.getLogger(__name__)

TELLING = 0.5
"""Seconds between two times that is told how far it is."""
WAITING = 1.5
"""Seconds in which quick work is over before its page is shown."""
_running: set[asyncio.Task[None]] = set()
"""Running tasks, kept from the garbage collector."""


class Work(ABC):
    """A piece of work, and its ``outcome`` so far: JSON data, in which ``done`` is its end."""

    kept: bytearray | None = None
    """What is kept with the outcome at the end."""

    def __init__(self, visit: Visit, wanted: uuid.UUID, outcome: Mapping[str, Any]) -> None:
        self.visit = visit
        self.wanted = wanted
        self.outcome = {**outcome, "done": False}
        self._told = monotonic()

    @abstractmethod
    async def do(self) -> None:
        """Do it, and ``tell`` now and then. An ``AppError`` stops it."""

    def refused(self, error: AppError) -> dict[str, Any]:
        """What a refusal that stops it adds to the outcome."""
        return {"stopped": error.detail}

    def ended(self) -> dict[str, Any]:
        """What its end adds to the outcome."""
        return {}

    async def tell(self, **more: Any) -> None:
        """Add to the outcome, and say so, unless something was said a moment ago."""
        self.outcome |= more
        if monotonic() - self._told > TELLING:
            await self._keep()
            self._told = monotonic()

    async def start(self) -> None:
        """Start it, and wait a moment."""
        task = asyncio.create_task(self._run())
        _running.add(task)
        task.add_done_callback(_running.discard)
        await asyncio.wait({task}, timeout=WAITING)

    async def _run(self) -> None:
        try:
            await self.do()
        except AppError as error:
            self.outcome |= self.refused(error)
        except Exception:
            # It is told of where it is seen, for there is no answer that could fail.
            logger.exception("%s %s failed", type(self).__name__, self.wanted)
            self.outcome["stopped"] = "Something went wrong on our side."
        self.outcome |= {"done": True, **self.ended()}
        await self._keep(None if self.kept is None else bytes(self.kept))

    async def _keep(self, content: bytes | None = None) -> None:
        database, actor = self.visit.request.state.database, self.visit.actor
        await tell_work(database, actor, self.wanted, self.outcome, content)
