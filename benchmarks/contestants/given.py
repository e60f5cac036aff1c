"""What a contestant's process is told by whoever starts it, and the caller behind a token."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

URL = os.environ.get("BENCH_URL", "")
"""The database, as SQLAlchemy writes it."""
PLAIN = os.environ.get("BENCH_PLAIN", "")
"""The database, as the drivers take it."""
SQLITE = URL.startswith("sqlite")
CONNECTIONS = 10
"""Of every contestant's pool."""
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
"""What ours sets as well."""

CALLER = """
SELECT admin_user.id FROM admin_token JOIN admin_user ON admin_user.id = admin_token.user_id
WHERE admin_token.token_hash = {} AND admin_token.revoked_at IS NULL AND admin_user.active
AND (admin_token.expires_at IS NULL OR admin_token.expires_at > CURRENT_TIMESTAMP)
"""
"""Who a token stands for; ``{}`` is where its hash goes, in the driver's notation."""


def hash_of(authorization: str) -> str:
    """What the database knows of the token in an ``Authorization`` header."""
    return hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a header stands for, and until when that may be believed."""

    owner: int
    until: float


class Callers:
    """Callers by header, looked up in the database at least once a second, as ours are."""

    SECONDS = 1.0
    MOST = 10_000

    def __init__(self, look_up: Callable[[str], Awaitable[int | None]]) -> None:
        self._look_up = look_up
        self._known: dict[str, Known] = {}

    async def owner(self, authorization: str) -> int | None:
        """The caller's id; ``None`` for nobody."""
        now = time.monotonic()
        known = self._known.get(authorization)
        if known is not None and known.until > now:
            return known.owner
        owner = await self._look_up(hash_of(authorization))
        if owner is None:
            self._known.pop(authorization, None)
            return None
        if len(self._known) >= self.MOST:
            self._known.clear()
        self._known[authorization] = Known(owner, now + self.SECONDS)
        return owner
