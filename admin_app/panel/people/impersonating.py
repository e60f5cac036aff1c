"""An administrator acts as somebody else; ``layout.html`` says so on every page."""

from __future__ import annotations

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.access import begin_impersonation, end_impersonation
from admin_app.panel.people.user_tools import user_url
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import id_from, visiting


async def start(_: Admin, request: Request) -> Response:
    """Act as a user, from the first page on. Raises what ``begin_impersonation`` does."""
    visit = visiting(request)
    form = await read_form(request)
    await begin_impersonation(
        request.state.database,
        visit.actor,
        id_from(text_in(form, "user")),
        visit.origin,
        writes=bool(text_in(form, "writes")),
    )
    return RedirectResponse(visit.urls.home(), status_code=303)


async def end(_: Admin, request: Request) -> Response:
    """Be oneself again, on the page of the user that was acted as."""
    visit = visiting(request)
    if visit.actor.impersonator is None:
        return RedirectResponse(visit.urls.home(), status_code=303)
    await end_impersonation(request.state.database, visit.actor, visit.origin)
    return RedirectResponse(user_url(visit, visit.actor.user_id), status_code=303)
