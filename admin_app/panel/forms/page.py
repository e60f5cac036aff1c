"""The pages that hold a record's form, and what its look-ups ask."""

from __future__ import annotations

from typing import Any

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from admin_app.declaration import Resource
from admin_app.errors import AppError
from admin_app.panel.forms.editing import Outcome, created, edited
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.forms.lookups import as_json, offers
from admin_app.panel.notices import redirect_with
from admin_app.panel.rendering import render
from admin_app.panel.security import read_form
from admin_app.panel.visit import Visit, record_at, visiting
from admin_app.records import Record


async def create(admin: Admin, request: Request, resource: Resource) -> Response:
    """The form of a record that is not there yet."""
    visit = visiting(request)
    visit.require(resource, "create")
    if request.method != "POST":
        visit.confirm_first(resource)
        form = RecordForm(visit, resource, "create")
        return await _form_page(admin, request, Outcome(form, form.opened(None)))
    outcome = await created(visit, resource, await read_form(request))
    if outcome.written is None:
        return await _form_page(admin, request, outcome)
    return _done(visit, outcome.written, "created")


async def edit(admin: Admin, request: Request, resource: Resource) -> Response:
    """The form of a record."""
    visit = visiting(request)
    record = await record_at(visit, resource)
    visit.require(resource, "update")
    if request.method != "POST":
        visit.confirm_first(resource)
        form = RecordForm(visit, resource, "update")
        return await _form_page(admin, request, Outcome(form, form.opened(record), record=record))
    outcome = await edited(visit, resource, record.key, await read_form(request))
    if outcome.written is None:
        return await _form_page(admin, request, outcome)
    return _done(visit, outcome.written, "unchanged" if outcome.unchanged else "saved")


async def lookup(_: Admin, request: Request, resource: Resource) -> Response:
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
