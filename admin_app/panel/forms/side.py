"""What a form asks for while it is filled in: a record's form beside it, another page of an inline.

Both are pieces of a page, for its scripts; without them there are the pages themselves.
"""

from __future__ import annotations

from http import HTTPStatus

from sqladmin import Admin
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.panel.answers import json_answer
from admin_app.panel.entries import entries
from admin_app.panel.forms.drawing import drawn
from admin_app.panel.forms.editing import Outcome, created, edited
from admin_app.panel.forms.inline_acts import acted
from admin_app.panel.forms.inlines import InlinePart
from admin_app.panel.forms.prefill import prefill
from admin_app.panel.forms.whole import whole_form
from admin_app.panel.rendering import render
from admin_app.panel.sent_forms import read_form
from admin_app.panel.visit import Visit, record_at, visiting
from admin_app.records import Representation

MAX_DEPTH = 9


async def new_aside(admin: Admin, request: Request, resource: Resource) -> Response:
    """The form of a new record, to stand beside another form."""
    visit = visiting(request)
    visit.require(resource, "create")
    visit.confirm_first(resource)
    prefix = _prefix(request)
    if request.method != "POST":
        form = whole_form(visit, resource, "create", prefix=prefix)
        filled = form.opened(None)
        prefill(form, filled, request.query_params.multi_items())
        return await _piece(admin, request, Outcome(form, filled))
    outcome = await created(visit, resource, await read_form(request), prefix)
    return await _answer(admin, request, outcome)


async def aside(admin: Admin, request: Request, resource: Resource) -> Response:
    """The form of a record beside another; its values where it may not be changed."""
    visit = visiting(request)
    record = await record_at(visit, resource)
    if not visit.may(resource, "update") and request.method != "POST":
        return await _values(admin, request, record)
    visit.require(resource, "update")
    visit.confirm_first(resource)
    prefix = _prefix(request)
    if request.method != "POST":
        form = whole_form(visit, resource, "update", record, prefix)
        return await _piece(admin, request, Outcome(form, form.opened(record), record=record))
    outcome = await edited(visit, resource, record.key, await read_form(request), prefix)
    return await _answer(admin, request, outcome)


async def inline(admin: Admin, request: Request, resource: Resource) -> Response:
    """An inline of a form after one of its buttons was pressed; nothing is written."""
    visit = visiting(request)
    record = await record_at(visit, resource) if "pk" in request.path_params else None
    visit.require(resource, "update" if record else "create")
    form = whole_form(visit, resource, "update" if record else "create", record)
    name = request.path_params["relation"]
    form.parts = [each for each in form.parts if isinstance(each, InlinePart) and each.name == name]
    if not form.parts:
        raise HTTPException(404)
    sent = await read_form(request)
    filled = form.returned(sent, form.opened(record))
    await acted(form, sent)
    (shape,) = await form.shapes(filled)
    return await render(
        admin,
        request,
        "forms/inline_piece.html",
        resource=resource,
        record=record,
        form=form,
        shape=shape,
    )


async def _answer(admin: Admin, request: Request, outcome: Outcome) -> Response:
    if outcome.written is None:
        return await _piece(admin, request, outcome)
    return json_answer(await _named(outcome.form.visit, outcome.written))


async def _named(visit: Visit, record: Representation) -> dict[str, str]:
    """What the look-up that asked for a record is to show of it."""
    titles = await visit.records.titles(visit.actor, record.resource, [record.key])
    title = titles.get(record.key)
    return {
        "key": record.key_text,
        "title": title.text if title else record.title,
        "detail": title.detail if title else "",
    }


async def _piece(admin: Admin, request: Request, outcome: Outcome) -> Response:
    return await render(admin, request, "forms/side.html", outcome.status, **await drawn(outcome))


async def _values(admin: Admin, request: Request, record: Representation) -> Response:
    main, _ = await entries(visiting(request), record)
    return await render(
        admin, request, "forms/side_values.html", resource=record.resource, record=record, main=main
    )


def _prefix(request: Request) -> str:
    """What begins the names of the controls: forms stand beside forms that stand beside forms."""
    text = request.query_params.get("depth", "1")
    depth = int(text) if text.isascii() and text.isdigit() and len(text) == 1 else 0
    if not 1 <= depth <= MAX_DEPTH:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return f"s{depth}-"
