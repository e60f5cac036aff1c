"""Upserts over REST: ``?on_conflict=`` with ``Prefer: resolution``."""

from __future__ import annotations

from fastapi import Request, Response

from admin_app.access.policies import require
from admin_app.declaration import Resource
from admin_app.records import Writer
from admin_app.records.writes.bulk.items import Result
from admin_app.records.writes.bulk.upsert import Upsert, upsert_all, upsert_of
from admin_app.rest.answers import item, location
from admin_app.rest.prefer import preferences
from admin_app.rest.requests import actor, records

STATUS: dict[Result, int] = {"created": 201, "updated": 200, "unchanged": 200, "deleted": 204}


def upsert_asked(request: Request, resource: Resource, given: dict[str, str]) -> Upsert | None:
    """What ``on_conflict`` and ``Prefer: resolution`` ask for; none where they do not.

    Raises ``ForbiddenError`` to who may not create, and ``BadRequestError``.
    """
    text = given.get("on_conflict")
    if text is None:
        return None
    merge = preferences(request, "resolution").resolution != "ignore-duplicates"
    who = actor(request)
    require(who, resource, "create")
    return upsert_of(records(request).registry_for(who)[resource.name], text, merge=merge)


async def upserted(
    request: Request, writer: Writer, resource: Resource, body: bytes, upsert: Upsert
) -> Response:
    """Create or merge one record, and answer it."""
    ((made, result),) = await upsert_all(writer, resource, [body], upsert)
    where = {"Location": location(request, made)}
    return item(made, status_code=STATUS[result], headers=where)
