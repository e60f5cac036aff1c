"""The pages that hold a record's form, and what its look-ups ask."""

from __future__ import annotations

from typing import Any

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.errors import AppError
from admin_app.panel.answers import json_answer
from admin_app.panel.display import Shown, shortened, shown
from admin_app.panel.forms.drawing import drawn
from admin_app.panel.forms.editing import Outcome, created, edited
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.forms.lookups import OFFERED, as_json, offers
from admin_app.panel.forms.prefill import prefill
from admin_app.panel.forms.whole import whole_form
from admin_app.panel.language import retold
from admin_app.panel.layout import covered
from admin_app.panel.list_address import listed
from admin_app.panel.notices import redirect_with
from admin_app.panel.rendering import render
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import Visit, record_at, visiting
from admin_app.panel.walking import walk_of
from admin_app.records import Representation

COPY = "copy"
THEN = "_then"
"""Which of the buttons that save was pressed: ``stay``, ``another`` or the usual one."""


async def create(admin: Admin, request: Request, resource: Resource) -> Response:
    """The form of a record that is not there yet."""
    visit = visiting(request)
    visit.require(resource, "create")
    if request.method != "POST":
        visit.confirm_first(resource)
        form = whole_form(visit, resource, "create")
        filled = form.opened(None)
        prefill(form, filled, request.query_params.multi_items())
        if copied := request.query_params.get(COPY):
            original = await visit.records.get(visit.actor, resource, resource.parse_key(copied))
            form.copy(filled, original)
        return await _form_page(admin, request, Outcome(form, filled))
    sent = await read_form(request)
    outcome = await created(visit, resource, sent)
    if outcome.written is None:
        return await _form_page(admin, request, outcome)
    return _done(visit, outcome.written, "created", text_in(sent, THEN))


async def edit(admin: Admin, request: Request, resource: Resource) -> Response:
    """The form of a record."""
    visit = visiting(request)
    record = await record_at(visit, resource)
    visit.require(resource, "update")
    if request.method != "POST":
        visit.confirm_first(resource)
        form = whole_form(visit, resource, "update", record)
        return await _form_page(admin, request, Outcome(form, form.opened(record), record=record))
    sent = await read_form(request)
    outcome = await edited(visit, resource, record.key, sent)
    if outcome.written is None:
        return await _form_page(admin, request, outcome)
    event = "unchanged" if outcome.unchanged else "saved"
    return _done(visit, outcome.written, event, text_in(sent, THEN))


async def lookup(_: Admin, request: Request, resource: Resource) -> Response:
    """What a look-up of the resource's form or filters offers, as JSON: records in sight alone."""
    visit = visiting(request)
    relation = resource.relations.get(request.query_params.get("name", ""))
    if relation is None or not relation.writable:
        return json_answer({"detail": "There is no such look-up."}, 404)
    target = visit.registry.target(relation)
    try:
        found = await offers(visit, target, request.query_params.get("term", ""), OFFERED)
    except AppError as error:
        return json_answer({"detail": retold(error.detail)}, error.status)
    return json_answer(as_json(target, found))


def _done(visit: Visit, record: Representation, event: Any, then: str) -> Response:
    """Go on to where the button that was pressed leads."""
    resource, urls = record.resource, visit.urls
    page = "edit" if then == "stay" and visit.may(resource, "update") else "details"
    url = urls.to(resource.name, page, record.key_text, pairs=listed(visit.request))
    if then == "another" and visit.may(resource, "create"):
        url = urls.create(resource)
    elif not visit.may(resource, "read"):
        url = urls.home()
    return redirect_with(visit, url, event, record.title, record.change_set)


async def _form_page(admin: Admin, request: Request, outcome: Outcome) -> Response:
    form, record = outcome.form, outcome.record
    return await render(
        admin,
        request,
        "edit.html" if record else "create.html",
        outcome.status,
        **await drawn(outcome),
        facts=_facts(form, record) if record else (),
        walk=await walk_of(form.visit, record, "edit") if record else None,
        may=form.visit.offered(form.resource),
    )


def _facts(form: RecordForm, record: Representation) -> list[tuple[str, Shown]]:
    """What the form does not ask about: numbers, versions, stamps."""
    asked = {name for part in form.parts for name in (part.name, *part.names)}
    values = record.values
    return [
        (each.label, shortened(shown(form.resource, each, values)))
        for name, each in form.resource.readable.items()
        if name not in asked and name not in covered(form.resource)
    ]
