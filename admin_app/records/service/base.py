"""The base class of the parts of ``Records``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database import Database
from admin_app.declaration import Actor, Registry
from admin_app.records.reads.plans import Plans
from admin_app.records.reads.reader import Reader

T = TypeVar("T")


class Foundation:
    """A database, read as an actor may, for as long as the actor may."""

    def __init__(
        self, database: Database, registry: Registry, secret: bytes, *, read_only: bool = False
    ) -> None:
        self._database = database
        self._read_only = read_only
        self._reader = Reader(registry, secret, database.dialect)
        self._plans = Plans(self._reader, database, secret)
        self.registry = registry
        self.clock = _now
        """The clock for conditions such as ``today``."""

    @property
    def dialect(self) -> str:
        """The kind of database."""
        return self._database.dialect

    def registry_for(self, actor: Actor) -> Registry:
        """Every resource as the actor sees it: what is hidden from them is not there."""
        return self._reader.sight.registry(actor)

    async def _read(
        self,
        actor: Actor,
        work: Callable[[AsyncConnection], Awaitable[T]],
        *,
        snapshot: bool = False,
        within: float | None = None,
    ) -> T:
        """Run a read for as long as the actor's roles let it, or shorter."""
        seconds = self._seconds(actor)
        if within is not None:
            seconds = within if seconds is None else min(seconds, within)
        return await self._database.read(work, snapshot=snapshot, seconds=seconds)

    def _seconds(self, actor: Actor) -> float | None:
        return self._database.limits.for_roles(actor.statement_limits)


def _now() -> datetime:
    return datetime.now(UTC)
