"""The page on which whoever is signed in proves to be there, before what needs it."""

from __future__ import annotations

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.access import confirm, require_confirmable, second_factor_of
from admin_app.errors import AppError
from admin_app.panel.answers import with_retry_after
from admin_app.panel.rendering import render
from admin_app.panel.security import safe_next
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import Visit, visiting


async def confirming(admin: Admin, request: Request) -> Response:
    """The form, and the way back to the page that asked for it.

    Raises ``ForbiddenError`` to whoever acts as somebody else.
    """
    visit = visiting(request)
    require_confirmable(visit.actor)
    if request.method != "POST":
        wanted = safe_next(request, request.query_params.get("next", ""))
        return await _form(admin, visit, wanted)
    form = await read_form(request)
    wanted = safe_next(request, text_in(form, "next"))
    state = request.state
    password, code = text_in(form, "password"), text_in(form, "code")
    try:
        await confirm(
            state.database, state.settings, visit.actor, password, code, origin=visit.origin
        )
    except AppError as error:
        return with_retry_after(await _form(admin, visit, wanted, error), error)
    return RedirectResponse(wanted, status_code=303)


async def _form(
    admin: Admin, visit: Visit, wanted: str, problem: AppError | None = None
) -> Response:
    state = visit.request.state
    factor = await second_factor_of(state.database, state.settings, visit.actor)
    return await render(
        admin,
        visit.request,
        "confirm.html",
        problem.status if problem else 200,
        asks_code=factor.enabled_at is not None,
        next=wanted,
        problem=problem.detail if problem else "",
    )
