"""Lists walked page by page."""

from __future__ import annotations

from typing import Any

from api import Api
from zoo import sample


async def filled(api: Api) -> list[dict[str, Any]]:
    """Every sample twice, so that there are ties."""
    return [await api.add("specimens", body) for body in [*sample("specimen"), *sample("specimen")]]


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]
