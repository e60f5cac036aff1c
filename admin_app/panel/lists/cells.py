"""Editing one value of a record where it stands in the list."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from sqladmin import Admin
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Field, Kind, Resource
from admin_app.errors import AppError, StaleVersionError
from admin_app.panel.answers import json_answer
from admin_app.panel.display import brief, shown
from admin_app.panel.forms.form import NEEDED, RecordForm
from admin_app.panel.forms.parts import FieldPart, wire_values
from admin_app.panel.language import retold
from admin_app.panel.lists.listing import Column
from admin_app.panel.notices import undo_url
from admin_app.panel.rendering import rendered
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.texts import TextError
from admin_app.panel.visit import Visit, record_at, visiting
from admin_app.records import Representation

UNEDITED = frozenset({Kind.BINARY, Kind.JSON, Kind.ARRAY})
"""Kinds that need the room of a form."""


def editable(visit: Visit, resource: Resource, columns: Iterable[Column]) -> list[str]:
    """The names of those columns whose cells the actor may edit in some rows at least."""
    if "update" not in visit.offered(resource) or resource.own:
        return []
    # The title is a link, and is edited with the others.
    fields = [each.source.own for each in columns if each.name != resource.title]
    return [each.name for each in fields if each is not None and _fits(each)]


def _fits(field: Field) -> bool:
    return field.updatable and not field.sensitive and field.kind not in UNEDITED


async def cell(admin: Admin, request: Request, resource: Resource) -> Response:
    """The control of a cell, and what becomes of the value that it sends."""
    visit = visiting(request)
    visit.require(resource, "update")
    part = _part(visit, resource, request.path_params["field"])
    record = await record_at(visit, resource)
    if request.method != "POST":
        return json_answer(await _opened(admin, request, part, record))
    form = await read_form(request)
    stored = part.stored(wire_values(visit, resource, record.values))
    sent = part.sent(form)
    if sent is None or part.same(sent) == part.same(stored):
        return json_answer(await _told(admin, request, part, record))
    try:
        data = part.wire(sent)
    except TextError as error:
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    etag = text_in(form, "_etag")
    try:
        written = await visit.records.update(
            visit.actor, resource, record.key, data, origin=visit.origin, if_match=[etag]
        )
    except StaleVersionError as error:
        now = await visit.records.get(visit.actor, resource, record.key)
        told = await _told(admin, request, part, now)
        return _refused(error.status, retold(error.detail), **told)
    except AppError as error:
        words = [retold(each.detail) for each in error.errors] or [retold(error.detail)]
        empty = part.required and part.blank(sent)
        return _refused(error.status, NEEDED if empty else " ".join(words))
    return json_answer(await _told(admin, request, part, written))


def _part(visit: Visit, resource: Resource, name: str) -> FieldPart:
    """The question that a cell asks. Raises ``HTTPException`` 404 where it asks none."""
    field = resource.fields.get(name)
    if field is not None and _fits(field) and not resource.own:
        for each in RecordForm(visit, resource, "update").parts:
            if each.name == name and isinstance(each, FieldPart):
                return each
    raise HTTPException(404)


async def _opened(
    admin: Admin, request: Request, part: FieldPart, record: Representation
) -> dict[str, Any]:
    """The control with the value that is stored, and why it is changed where that is asked."""
    form = RecordForm(visiting(request), record.resource, "update", parts=[part])
    (shape,) = await form.shapes(form.opened(record))
    html = str(shape.field(**{"aria-label": part.label}))
    if part.ticked:
        html = f'<input type="hidden" name="{part.control}" value="false">{html}'
    if record.resource.options.reason != "never":
        html += await rendered(admin, request, "record/reason.html", resource=record.resource)
    return {"html": html, "etag": record.etag}


async def _told(
    admin: Admin, request: Request, part: FieldPart, record: Representation
) -> dict[str, Any]:
    """The cell as it now is."""
    value = brief(part.field, shown(record.resource, part.field, record.values))
    html = await rendered(admin, request, "lists/cell.html", cell=value)
    told = {"html": html, "etag": record.etag, "title": record.title}
    if record.change_set is not None:
        told["undo"] = undo_url(visiting(request), record.change_set)
    return told


def _refused(status: int, detail: str, **more: Any) -> Response:
    return json_answer({"detail": detail, "code": int(status), **more}, status)
