"""The known name that somebody may have meant by an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

_LIKENESS = 0.5
"""From 0 to 1: below it a name is likelier to puzzle than to help."""
_LONGEST = 100
"""Characters of a name that are looked at and told; to compare takes their square."""
_MOST = 1_000
"""Known names that are looked at."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like ``name``; none where none is like it."""
    names = list(islice(known, _MOST))
    found = difflib.get_close_matches(name[:_LONGEST], names, n=1, cutoff=_LIKENESS)
    return found[0][:_LONGEST] if found else None


def meant(name: str, known: Iterable[str]) -> str:
    """`` Did you mean year?``, after a sentence; empty where no name is like it."""
    near = closest(name, known)
    return f" Did you mean {near}?" if near else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'year'?``, after a clause; empty where no name is like it."""
    near = closest(name, known)
    return f"; did you mean {near!r}?" if near else ""
