"""What a look-up offers while one types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from admin_app.declaration import Resource
from admin_app.panel.visit import Visit
from admin_app.records import Title
from admin_app.records.service import LOOKUP_LIMIT

OFFERED = 8
"""Records that are offered while one types: what an eye takes in."""


async def offers(
    visit: Visit, target: Resource, term: str, limit: int = LOOKUP_LIMIT
) -> Sequence[Title]:
    """The records that contain every word of ``term``, or whose key it is.

    Raises ``BadRequestError`` for text that cannot be searched for.
    """
    term = term.strip()
    if not term or target.search:
        return await visit.records.choices(visit.actor, target, term, limit)
    key = target.key_or_none(term)
    if key is None:
        return []
    return list((await visit.records.titles(visit.actor, target, [key])).values())


def as_json(target: Resource, titles: Sequence[Title]) -> dict[str, Any]:
    """The answer for the script of the look-up."""
    return {
        "results": [
            {"key": target.key_text(each.key), "title": each.text, "detail": each.detail}
            for each in titles
        ]
    }
