"""What hostile requests meet, and whether all can still be read after them."""

from __future__ import annotations

from api import Api
from zoo import RESOURCES, sample

EXTRA = ({"code": "zero", "name": "open"},)


async def fill(api: Api) -> None:
    """Store the samples of every resource."""
    for name in RESOURCES:
        for body in sample(name):
            await api.add(api.registry[name].plural, body)
    for body in EXTRA:
        await api.add("ruled", body)


async def still_reads(api: Api) -> None:
    """Every list answers whole, and every record in it by itself."""
    for name in RESOURCES:
        resource = api.registry[name]
        for record in await api.walk(f"{resource.plural}?limit=50"):
            assert await api.get(f"/api/v1/{api.address(name, record)}") == record
