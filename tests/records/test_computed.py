"""Computed numbers are in orders, filters and sums what they are in answers, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
import wares
from api import serving
from conftest import KINDS, FreshSettings, Kind

LARGE = "9999999999999999.99"
WARES = (
    ("2.00", 3),
    (LARGE, 1),
    ("1000000000.00", 3 * 10**9),
    (f"-{LARGE}", 1000),
    ("1.00", 2),
    ("0.00", 0),
)
"""Prices and amounts; of the third and the fourth the product has too many digits."""
FITTING = {"total": [0, 2, 6, 10**16], "worth": [0, 2, 6, 10**16], "twice": [0, 2, 4, 2 * 10**9]}


@pytest.mark.parametrize("kind", KINDS)
async def test_too_large_is_null(fresh_settings: FreshSettings, kind: Kind) -> None:
    """What has more digits than a number can have is null everywhere, and ends no page early."""
    made = fresh_settings(kind, "wares", wares.prepare)
    async with serving(made, models=("wares",)) as api:
        for price, amount in WARES:
            await api.add("wares", {"price": price, "amount": amount})
        for field, fitting in FITTING.items():
            for sort, expected in ((field, fitting), (f"-{field}", fitting[::-1])):
                rows: list[Any] = await api.walk(f"wares?sort={sort}&limit=2&fields={field}")
                found = [each[field] for each in rows]
                assert [round(float(each)) for each in found[:4]] == expected
                assert found[4:] == [None, None]
            above = await api.get(f"wares?{field}__gt=5&count=exact")
            assert above["page"]["total"] == sum(each > 5 for each in fitting)
            empty = await api.get(f"wares?{field}__isnull=true&count=exact")
            assert empty["page"]["total"] == 2
            most = (await api.get(f"wares/aggregate?max={field}"))["data"][0]["max"][field]
            assert round(float(most)) == fitting[-1]
        whole = await api.call("POST", "wares", {"price": "1", "amount": 2**62})
        if kind == "postgresql":
            whole.problem(422, "validation_failed")
        else:
            assert whole.json["square"] is None
            assert (await api.walk("wares?sort=-square&limit=2"))[-1]["square"] is None
