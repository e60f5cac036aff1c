"""Split keys into batches that one statement can take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from admin_app.declaration import Key

PARAMETERS = 5_000
"""Values of the keys of one statement; its filters have at most as many.

SQLite takes 32,766 values and PostgreSQL 32,767, but PostgreSQL keeps keys of several parts in a
tree that is too deep at 10,000 pairs.
"""


def batches(keys: Sequence[Key]) -> Iterable[Sequence[Key]]:
    """The keys in order, in batches that one statement can take."""
    size = PARAMETERS // len(keys[0]) if keys else 1
    return (keys[start : start + size] for start in range(0, len(keys), size))
