"""A form that is sent twice writes once: a double click, an answer that got lost, "back"."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from admin_app.declaration import Resource
from admin_app.errors import IdempotencyInFlightError
from admin_app.panel.visit import Visit
from admin_app.records import Representation
from admin_app.records.writes.idempotency import Claim, Reply, digest
from admin_app.records.writes.writer import Writer

_KEY = re.compile(r"[\w-]{22,64}", re.ASCII)
_ATTEMPTS = 8
_PAUSE = 0.25
"""Seconds between two attempts to claim the key: as long as most writes take."""


def form_key() -> str:
    """A key for a form that has not been sent."""
    return secrets.token_urlsafe(18)


async def write_once(
    visit: Visit,
    key: str,
    resource: Resource,
    data: Mapping[str, Any],
    work: Callable[[Writer], Awaitable[Representation]],
) -> Representation:
    """Write what the form with ``key`` asks for, or tell what its first sending wrote.

    Raises ``IdempotencyKeyReusedError`` when it was sent with other answers then.
    """
    if not _KEY.fullmatch(key):
        return await visit.records.write(visit.actor, visit.origin, work)
    body = json.dumps(data, sort_keys=True).encode()
    wanted = Claim(f"form {key}", digest([resource.name.encode(), body]))
    made: list[Representation] = []

    async def run(writer: Writer) -> Reply:
        made[:] = [await work(writer)]
        told = {"Key": made[0].key_text}
        if writer.changed:
            made[0].change_set = writer.change_set
            told["Change-Set"] = str(writer.change_set)
        return Reply(200, told, None)

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            reply = await visit.records.write_once(visit.actor, visit.origin, wanted, run)
        except IdempotencyInFlightError:
            if attempt == _ATTEMPTS:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            break
    if not reply.replayed:
        return made[0]
    written = resource.parse_key(reply.headers["Key"])
    record = await visit.records.get(visit.actor, resource, written)
    done = reply.headers.get("Change-Set")
    record.change_set = UUID(done) if done else None
    return record
