"""The pages of signed-in people: each reads what it needs, and says which template shows it."""

from __future__ import annotations

from typing import Any

from sqladmin import Admin
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_app.access.confirmation import require_confirmed
from admin_app.declaration import Action, Kind, Resource
from admin_app.errors import AppError, ForbiddenError
from admin_app.panel.deleting import effects_in_words
from admin_app.panel.detail import child_lists, entries, history
from admin_app.panel.editing import Outcome, created, edited
from admin_app.panel.forms import RecordForm
from admin_app.panel.home import cards
from admin_app.panel.listing import clean, listing
from admin_app.panel.lookups import as_json, offers
from admin_app.panel.notices import redirect_with
from admin_app.panel.rendering import render
from admin_app.panel.security import read_form, text_in
from admin_app.panel.visit import Visit, visiting
from admin_app.records import Record


async def index(admin: Admin, request: Request) -> Response:
    """The first page."""
    return await render(admin, request, "index.html", groups=await cards(visiting(request)))


async def list_(admin: Admin, request: Request, resource: Resource) -> Response:
    """A list; one whose address cannot be read says why, with status 400."""
    visit = visiting(request)
    pairs = request.query_params.multi_items()
    given = clean(pairs)
    if given != pairs:
        return RedirectResponse(visit.urls.list(resource, given), status_code=303)
    found = await listing(visit, resource, given)
    return await render(
        admin,
        request,
        "list.html",
        400 if found.problems else 200,
        resource=resource,
        listing=found,
        may=visit.records.allowed(visit.actor, resource),
    )


async def details(admin: Admin, request: Request, resource: Resource) -> Response:
    """A record's page."""
    visit = visiting(request)
    record = await _record(visit, request, resource)
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


async def create(admin: Admin, request: Request, resource: Resource) -> Response:
    """The form of a record that is not there yet."""
    visit = visiting(request)
    _require(visit, resource, "create")
    if request.method != "POST":
        _confirm_first(visit, resource)
        form = RecordForm(visit, resource, "create")
        return await _form_page(admin, request, Outcome(form, form.opened(None)))
    outcome = await created(visit, resource, await read_form(request))
    if outcome.written is None:
        return await _form_page(admin, request, outcome)
    return _done(visit, outcome.written, "created")


async def edit(admin: Admin, request: Request, resource: Resource) -> Response:
    """The form of a record."""
    visit = visiting(request)
    record = await _record(visit, request, resource)
    _require(visit, resource, "update")
    if request.method != "POST":
        _confirm_first(visit, resource)
        form = RecordForm(visit, resource, "update")
        return await _form_page(admin, request, Outcome(form, form.opened(record), record=record))
    outcome = await edited(visit, resource, record.key, await read_form(request))
    if outcome.written is None:
        return await _form_page(admin, request, outcome)
    return _done(visit, outcome.written, "unchanged" if outcome.unchanged else "saved")


async def delete(admin: Admin, request: Request, resource: Resource) -> Response:
    """What a delete would do, then the delete."""
    visit = visiting(request)
    _require(visit, resource, "delete")
    form = await read_form(request) if request.method == "POST" else None
    text = request.query_params.get("key", "") if form is None else text_in(form, "key")
    record = await visit.records.get(visit.actor, resource, resource.parse_key(text))
    problem: AppError | None = None
    if form is None:
        _confirm_first(visit, resource)
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


async def file(request: Request, resource: Resource) -> Response:
    """The bytes of a field, to be saved and never to be shown."""
    visit = visiting(request)
    record = await _record(visit, request, resource)
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


async def lookup(request: Request, resource: Resource) -> Response:
    """What a look-up of the resource's form or filters offers, as JSON: records in sight alone."""
    visit = visiting(request)
    relation = resource.relations.get(request.query_params.get("name", ""))
    if relation is None or not relation.writable:
        return JSONResponse({"detail": "There is no such look-up."}, status_code=404)
    target = visit.registry.target(relation)
    try:
        found = await offers(visit, target, request.query_params.get("term", ""))
    except AppError as error:
        return JSONResponse({"detail": error.detail}, status_code=error.status)
    headers = {"Cache-Control": "no-store"}
    return JSONResponse(as_json(target, found), headers=headers)


async def _record(visit: Visit, request: Request, resource: Resource) -> Record:
    key = resource.parse_key(request.path_params["pk"])
    return await visit.records.get(visit.actor, resource, key)


def _require(visit: Visit, resource: Resource, action: Action) -> None:
    if not visit.may(resource, action):
        msg = f"You may not {action} {resource.label_plural.lower()}."
        raise ForbiddenError(msg)


def _confirm_first(visit: Visit, resource: Resource) -> None:
    """Ask before a form is filled in what would be asked when it comes back."""
    if resource.own:
        require_confirmed(visit.actor)


def _done(visit: Visit, record: Record, event: Any) -> Response:
    url = visit.urls.details(record.resource, record.key)
    if not visit.may(record.resource, "read"):
        url = visit.urls.home()
    return redirect_with(visit, url, event, record.title)


async def _form_page(admin: Admin, request: Request, outcome: Outcome) -> Response:
    form, filled = outcome.form, outcome.filled
    return await render(
        admin,
        request,
        "edit.html" if outcome.record else "create.html",
        outcome.status,
        resource=form.resource,
        record=outcome.record,
        form=form,
        filled=filled,
        shapes=await form.shapes(filled),
        may=form.visit.records.allowed(form.visit.actor, form.resource),
    )
