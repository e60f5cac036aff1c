"""A record's key as text: one form for paths, ``Location``, cursors, panel links and changes.

The parts are joined by ``,``. Inside a part ``~``, ``/`` and ``,`` are ``~0``, ``~1`` and ``~2``. A
part of dots only, or equal to a word that has a meaning in paths, begins with ``~3``; an empty
part is ``~4``. So a key is always one path segment that clients and proxies leave alone.
"""

from __future__ import annotations

from collections.abc import Sequence

RESERVED = frozenset({"actions", "aggregate", "bulk", "create", "facets", "query"})
_ESCAPES = {"~": "~0", "/": "~1", ",": "~2"}
_UNESCAPES = {"0": "~", "1": "/", "2": ","}


def join_key(parts: Sequence[str]) -> str:
    """Write the parts of a key as one path segment (not yet percent-encoded)."""
    return ",".join(_escape(part) for part in parts)


def split_key(text: str) -> tuple[str, ...]:
    """Read the parts of ``join_key``.

    Raises ``ValueError`` for text that ``join_key`` would not have written.
    """
    parts = tuple(_unescape(part) for part in text.split(","))
    if join_key(parts) != text:
        msg = "not the one way to write this key"
        raise ValueError(msg)
    return parts


def _escape(part: str) -> str:
    if not part:
        return "~4"
    if part.isalnum() and part not in RESERVED:
        return part
    escaped = "".join(_ESCAPES.get(letter, letter) for letter in part)
    guarded = not part.strip(".") or part in RESERVED
    return f"~3{escaped}" if guarded else escaped


def _unescape(part: str) -> str:
    if part == "~4":
        return ""
    pieces = part.removeprefix("~3").split("~")
    try:
        return pieces[0] + "".join(_UNESCAPES[piece[0]] + piece[1:] for piece in pieces[1:])
    except (KeyError, IndexError) as error:
        msg = "an escape that does not exist"
        raise ValueError(msg) from error
