"""Content negotiation (RFC 9110 §12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from fastapi import Request

from admin_app.errors import NotAcceptableError
from admin_app.rest.requests import header

_WEIGHT = re.compile(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", re.IGNORECASE)


_SHORT = 200
"""Characters of ``Accept`` headers that are cached: clients send the same ones."""


def chosen(request: Request, *offered: str) -> str:
    """The preferred one of the ``offered`` media types; the first among equals.

    Raises ``NotAcceptableError``.
    """
    given = header(request, b"accept")
    return (_best if len(given) <= _SHORT else _best.__wrapped__)(given, offered)


@lru_cache(maxsize=1_000)
def _best(given: str, offered: tuple[str, ...]) -> str:
    accepted = _accepted(given)
    if not accepted:
        return offered[0]
    best = max(offered, key=lambda each: _weight(accepted, each))
    if not _weight(accepted, best):
        msg = f"This is answered as {' or '.join(offered)}."
        raise NotAcceptableError(msg)
    return best


def _accepted(header: str) -> dict[str, float]:
    """The media ranges of a header with their weights; malformed ones are ignored."""
    found: dict[str, float] = {}
    for each in header.lower().split(","):
        media_range, *parameters = each.split(";")
        name = media_range.strip()
        if name.count("/") == 1:
            weights = [match[1] for one in parameters if (match := _WEIGHT.fullmatch(one))]
            found[name] = min(float(weights[-1]), 1.0) if weights else 1.0
    return found


def _weight(accepted: dict[str, float], media_type: str) -> float:
    """The weight of the most precise range that the media type is in."""
    ranges: Sequence[str] = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((accepted[each] for each in ranges if each in accepted), 0.0)
