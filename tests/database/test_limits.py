"""What is large, long or foreign: at the cap, and past it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api import Api, zoo_on
from conftest import KINDS, FreshSettings
from panel import SEED
from sqlalchemy import String, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from admin_app import ResourceOptions
from admin_app.access.tables import Token
from admin_app.declaration import SYSTEM, DeclarationError, Registry
from admin_app.records.writes.deletes.surroundings import EFFECT_CAP


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    async with zoo_on(fresh_settings, request.param) as made:
        yield made


@pytest.mark.slow
async def test_a_long_chain_is_deleted_whole(api: Api) -> None:
    """A folder goes with a chain of 1,200 below it, deeper than functions may call each other."""
    folder = api.registry["folder"]

    async def fill(writer: Any) -> int:
        key = None
        for number in range(1200):
            made = await writer.create(folder, {"name": str(number), "parent_id": key})
            key = made.key[0]
        return int(key or 0)

    last = await api.records.write(SYSTEM, SEED, fill)
    assert last > 1000
    first = (await api.get("folders?name=0"))["data"][0]["id"]
    assert (await api.call("DELETE", f"folders/{first}")).status == 204
    assert (await api.get("folders?count=exact"))["page"]["total"] == 0
    told = await api.changes(resource="folder", action="delete")
    assert len(told) == 1200 < EFFECT_CAP


async def test_a_read_never_waits_for_a_writer(api: Api) -> None:
    """A GET whose token's use is due to be written down is answered while a write goes on."""
    past = datetime.now(UTC) - timedelta(hours=1)
    await api.database.write(
        lambda session: session.execute(update(Token).values(last_used_at=past))
    )
    begun, done = asyncio.Event(), asyncio.Event()

    async def slow(session: Any) -> None:
        await session.connection()
        begun.set()
        await done.wait()

    writing = asyncio.create_task(api.database.write(slow))
    await begun.wait()
    before = time.monotonic()
    assert (await api.call("GET", "folders")).status == 200
    waited = time.monotonic() - before
    done.set()
    await writing
    assert waited < api.settings.database.write_timeout / 3


async def test_addresses_are_ascii(api: Api) -> None:
    """``Location`` and ``Link`` can be sent, whatever letters a key has."""
    made = await api.call("POST", "texts", {"code": "книга/1"})
    assert made.status == 201
    assert (made.header("location") or "").endswith("/texts/%D0%BA%D0%BD%D0%B8%D0%B3%D0%B0~11")


def test_a_sensitive_field_names_nothing(base: type[DeclarativeBase]) -> None:
    """Titles, details and searches pass over sensitive fields, and refuse to be told otherwise."""

    class Contact(base):  # type: ignore[misc, valid-type]
        __tablename__ = "contact"
        __resource__ = ResourceOptions(sensitive=["email"])
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(String(50))
        note: Mapped[str] = mapped_column(String(50))

    found = Registry.from_base(base, [__name__])["contact"]
    assert (found.title, found.search) == ("note", ("note",))
    Contact.__resource__ = ResourceOptions(sensitive=["email"], title="email", detail="email")
    with pytest.raises(DeclarationError) as caught:
        Registry.from_base(base, [__name__])
    assert [each.split(": ")[1] for each in caught.value.problems] == [
        "title names 'email', which is sensitive",
        "detail names 'email', which is sensitive",
    ]
