"""How the panel looks to somebody: remembered in a cookie, so that no page is painted twice."""

from __future__ import annotations

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.panel.cookies import A_YEAR, THEME, set_cookie
from admin_app.panel.rendering import THEMES
from admin_app.panel.security import safe_next
from admin_app.panel.sent_forms import read_form, text_in


async def theme(_: Admin, request: Request) -> Response:
    """Remember light, dark, or as the system is."""
    form = await read_form(request)
    wanted = safe_next(request, text_in(form, "next"))
    response = RedirectResponse(wanted, status_code=303)
    chosen = text_in(form, "theme")
    if chosen in THEMES:
        set_cookie(request, response, THEME, chosen, A_YEAR)
    return response
