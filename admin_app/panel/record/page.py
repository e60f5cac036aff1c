"""A record's own pages: what it holds, and its files."""

from __future__ import annotations

from sqladmin import Admin
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Kind, Resource
from admin_app.panel.answers import file_headers
from admin_app.panel.display import titled
from admin_app.panel.entries import entries
from admin_app.panel.granted import in_words
from admin_app.panel.house.recent import remember
from admin_app.panel.pictures import LOOK_HEADERS, picture
from admin_app.panel.record.children import child_lists
from admin_app.panel.record.history import events
from admin_app.panel.record.past import IN_RAIL
from admin_app.panel.record.trash import record_anywhere
from admin_app.panel.rendering import render
from admin_app.panel.visit import record_at, visiting
from admin_app.panel.walking import walk_of


async def details(admin: Admin, request: Request, resource: Resource) -> Response:
    """A record's page."""
    visit = visiting(request)
    record, trashed = await record_anywhere(visit, resource)
    main, technical = await entries(visit, record)
    past = await visit.records.timeline(visit.actor, resource, record.key, IN_RAIL)
    response = await render(
        admin,
        request,
        "details.html",
        resource=resource,
        record=record,
        name=titled(resource, in_words(visit, resource, record.values)),
        trashed=trashed,
        main=main,
        technical=technical,
        children=await child_lists(visit, record),
        events=await events(visit, past.changes),
        following=past.next,
        may=visit.offered(resource),
        walk=await walk_of(visit, record, "details"),
    )
    remember(request, response, record)
    return response


async def file(_: Admin, request: Request, resource: Resource) -> Response:
    """The bytes of a field, to be saved; with ``look`` a picture to be shown."""
    visit = visiting(request)
    record = await record_at(visit, resource)
    field = resource.readable.get(request.path_params["field"])
    if field is None or field.kind is not Kind.BINARY or record.values[field.name] is None:
        raise HTTPException(404)
    content = record.values[field.name]
    headers = {
        "X-Content-Type-Options": "nosniff",
        **file_headers(f"{resource.name}-{field.name}.bin"),
    }
    media_type = picture(content) if "look" in request.query_params else None
    if media_type:
        return Response(content, media_type=media_type, headers=headers | LOOK_HEADERS)
    return Response(content, media_type="application/octet-stream", headers=headers)
