"""Keys in portions that one statement takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from admin_app.declaration import Key

PARAMETERS = 5_000
"""Values of the keys of one statement; its filters have at most as many.

SQLite takes 32,766 values and PostgreSQL 32,767, which keeps keys of several parts in a tree,
though, that is too deep at 10,000 pairs.
"""


def batches(keys: Sequence[Key]) -> Iterable[Sequence[Key]]:
    """The keys, in order, as many at a time as one statement takes."""
    size = PARAMETERS // len(keys[0]) if keys else 1
    return (keys[start : start + size] for start in range(0, len(keys), size))
