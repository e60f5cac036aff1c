"""A person's own access: one page of sections, each a module that shows and does its part.

A section has ``shown(visit)``, what its template ``account_<name>.html`` is given as ``section``,
and ``done(visit, form)``, which does what one of its forms asks for. Refusals are raised; what is
to be told once (a new token, recovery codes) is returned as context for the same page, and where
more than the page is answered, the answer.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from sqladmin import Admin
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.errors import AppError, ForbiddenError
from admin_app.panel.account import password, regional, second_factor, sessions, tokens
from admin_app.panel.answers import with_retry_after
from admin_app.panel.rendering import render
from admin_app.panel.routing import POST, Page
from admin_app.panel.sent_forms import read_form
from admin_app.panel.visit import Visit, visiting

SECTIONS: dict[str, ModuleType] = {
    "regional": regional,
    "password": password,
    "second_factor": second_factor,
    "sessions": sessions,
    "tokens": tokens,
}
"""By the name in the address ``/account/<name>`` to which its forms are sent."""


async def page(admin: Admin, request: Request) -> Response:
    """The page, and what its forms ask for.

    Raises ``ForbiddenError`` to whoever acts as somebody else.
    """
    visit = visiting(request)
    if visit.actor.impersonator is not None:
        msg = "This is theirs alone: end acting as somebody else first."
        raise ForbiddenError(msg)
    if request.method != "POST":
        return await _rendered(admin, visit)
    name = request.path_params.get("section", "")
    if name not in SECTIONS:
        raise HTTPException(404)
    try:
        told = await SECTIONS[name].done(visit, await read_form(request))
    except AppError as error:
        response = await _rendered(admin, visit, int(error.status), problem=error, at=name)
        return with_retry_after(response, error)
    if isinstance(told, Response):
        return told
    if told is None:
        return RedirectResponse(visit.urls.to("account"), status_code=303)
    return await _rendered(admin, visit, told=told, at=name)


async def _rendered(admin: Admin, visit: Visit, status: int = 200, **context: Any) -> Response:
    sections = {name: await each.shown(visit) for name, each in SECTIONS.items()}
    return await render(admin, visit.request, "account.html", status, sections=sections, **context)


PAGES = [
    Page("account", "/account", page),
    Page("account_section", "/account/{section}", page, POST),
]
