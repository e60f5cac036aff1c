"""A cache of callers (token to actor) that keeps for less than a second.

What a revocation, a disabling or a change of roles takes away is gone at once on the worker that
did it, because a write to one of the tables behind an actor empties the cache, and within a second
on every other, because nothing is kept for longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from admin_app.access.secret import digest
from admin_app.access.tables import Role, RoleGrant, Token, User, UserRole
from admin_app.access.tokens import Found, find_by_token
from admin_app.database import EVERY_TABLE, Database
from admin_app.declaration import Actor

REMEMBERED_FOR = 0.8
"""Seconds for which a caller is kept, counted from before the look-up."""
MOST = 1_000
"""The most callers that a worker keeps."""

_BEHIND = {each.__tablename__ for each in (User, UserRole, Role, RoleGrant, Token)}


@dataclass(frozen=True, slots=True)
class _Remembered:
    found: Found
    until: float


class Callers:
    """The callers of one worker, by token."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self.clock = clock
        self._by_token: dict[str, _Remembered] = {}
        database.on_commit(self._written)

    async def by_token(self, token: str) -> Actor | None:
        """The actor of a token; see ``actor_of_token``."""
        key = digest(token)
        known = self._by_token.get(key)
        now = self.clock()
        if known is not None and now < known.until and not known.found.over(datetime.now(UTC)):
            return known.found.actor
        # What is emptied meanwhile stays empty: this look-up may have seen what was before.
        kept = self._by_token
        found = await find_by_token(self._database, token)
        if found is None:
            kept.pop(key, None)
            return None
        if kept is self._by_token:
            if len(kept) >= MOST:
                del kept[next(iter(kept))]
            kept[key] = _Remembered(found, now + REMEMBERED_FOR)
        return found.actor

    def _written(self, tables: frozenset[str]) -> None:
        if EVERY_TABLE in tables or not tables.isdisjoint(_BEHIND):
            self._by_token = {}
