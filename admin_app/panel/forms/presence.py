"""Who else has a record's form open: asked by the form's script every few seconds."""

from __future__ import annotations

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.desk import begin_editing, end_editing
from admin_app.panel.answers import json_answer
from admin_app.panel.language import say
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import record_at, visiting


async def editing(_: Admin, request: Request, resource: Resource) -> Response:
    """Say that one is here, or has left, and hear who else is: of a record in sight alone."""
    visit = visiting(request)
    record = await record_at(visit, resource)
    visit.require(resource, "update")
    place = request.state.database, visit.actor, resource.name, record.key_text
    if visit.actor.impersonator is not None:
        words = ""
    elif text_in(await read_form(request), "left"):
        await end_editing(*place)
        words = ""
    else:
        names = [each.name for each in await begin_editing(*place)]
        words = say("Open at {names} as well", names=", ".join(names)) if names else ""
    return json_answer({"words": words})
