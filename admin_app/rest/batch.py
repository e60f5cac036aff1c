"""The endpoint for writes of several resources as one: ``POST /batch``."""

from __future__ import annotations

from typing import Any

import pydantic_core
from fastapi import APIRouter, Depends, Request, Response

from admin_app.records import Writer
from admin_app.records.writes.bulk.batch import BATCH, Done, Op, run_batch
from admin_app.rest.answers import JSON, PRIVATE
from admin_app.rest.bulk import MAX_BULK_BODY, data_of
from admin_app.rest.frame import perform
from admin_app.rest.preconditions import no_conditions
from admin_app.rest.prefer import preferences
from admin_app.rest.requests import actor, authenticate, json_body, no_parameters, records

_STATUS: dict[Op, int] = {"create": 201, "update": 200, "delete": 204}

router = APIRouter(dependencies=[Depends(authenticate)])


@router.post("/batch", operation_id="runBatch")
async def run(request: Request) -> Response:
    """Do all operations or none."""
    no_parameters(request)
    no_conditions(request)
    operations = BATCH.parse(await json_body(request, JSON, limit=MAX_BULK_BODY))["operations"]
    who, house, minimal = actor(request), records(request), preferences(request).minimal
    seen = house.registry_for(who)
    known = [each.name for each in seen.values() if house.allowed(who, each)]

    async def work(writer: Writer) -> Response:
        done = await run_batch(writer, seen, known, operations)
        document = {"operations": [_told(each, minimal=minimal) for each in done]}
        return Response(pydantic_core.to_json(document), media_type=JSON, headers=PRIVATE)

    return await perform(request, work)


def _told(done: Done, *, minimal: bool) -> dict[str, Any]:
    told = {
        "op": done.op,
        "resource": done.resource.name,
        "status": _STATUS[done.op],
        "key": done.key,
    }
    return told if minimal or done.record is None else {**told, "data": data_of(done.record)}
