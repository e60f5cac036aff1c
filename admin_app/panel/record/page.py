"""A record's own pages: what it holds, its files, and its deletion."""

from __future__ import annotations

from sqladmin import Admin
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Kind, Resource
from admin_app.errors import AppError
from admin_app.panel.notices import redirect_with
from admin_app.panel.record.deleting import effects_in_words
from admin_app.panel.record.detail import child_lists, entries, history
from admin_app.panel.rendering import render
from admin_app.panel.security import read_form, text_in
from admin_app.panel.visit import record_at, visiting


async def details(admin: Admin, request: Request, resource: Resource) -> Response:
    """A record's page."""
    visit = visiting(request)
    record = await record_at(visit, resource)
    main, technical = await entries(visit, record)
    return await render(
        admin,
        request,
        "details.html",
        resource=resource,
        record=record,
        main=main,
        technical=technical,
        children=await child_lists(visit, record),
        events=await history(visit, record),
        may=visit.records.allowed(visit.actor, resource),
    )


async def delete(admin: Admin, request: Request, resource: Resource) -> Response:
    """What a delete would do, then the delete."""
    visit = visiting(request)
    visit.require(resource, "delete")
    form = await read_form(request) if request.method == "POST" else None
    text = request.query_params.get("key", "") if form is None else text_in(form, "key")
    record = await visit.records.get(visit.actor, resource, resource.parse_key(text))
    problem: AppError | None = None
    if form is None:
        visit.confirm_first(resource)
    else:
        try:
            await visit.records.delete(
                visit.actor,
                resource,
                record.key,
                origin=visit.origin,
                if_match=[text_in(form, "_etag")],
            )
        except AppError as error:
            problem = error
        else:
            return redirect_with(visit, visit.urls.list(resource), "deleted", record.title)
    found, possible = [], False
    try:
        effects = await visit.records.delete_effects(visit.actor, resource, record.key)
    except AppError as error:
        problem = problem or error
    else:
        found = effects_in_words(visit, resource, record.key, effects)
        possible = not effects.blocked
    return await render(
        admin,
        request,
        "delete.html",
        problem.status if problem else 200,
        resource=resource,
        record=record,
        effects=found,
        problem=problem,
        possible=possible,
    )


async def file(_: Admin, request: Request, resource: Resource) -> Response:
    """The bytes of a field, to be saved and never to be shown."""
    visit = visiting(request)
    record = await record_at(visit, resource)
    field = resource.readable.get(request.path_params["field"])
    if field is None or field.kind is not Kind.BINARY or record.values[field.name] is None:
        raise HTTPException(404)
    return Response(
        record.values[field.name],
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{resource.name}-{field.name}.bin"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
