"""Forms of people who are not signed in: a cookie of their own stands in for the session."""

from __future__ import annotations

from sqladmin import Admin
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from admin_app.access import csrf_matches, csrf_token
from admin_app.panel.cookies import get_cookie, set_cookie
from admin_app.panel.rendering import render
from admin_app.panel.security import CSRF_FIELD, form_cookie
from admin_app.panel.sent_forms import text_in

NO_COOKIE = "Your browser did not send back the cookie of this page. Allow cookies and try again."


def is_ours(request: Request, form: FormData) -> bool:
    """Whether the form carries the token of the cookie that came with it."""
    cookie = get_cookie(request, "form")
    return cookie is not None and csrf_matches(cookie, text_in(form, CSRF_FIELD))


async def form_page(
    admin: Admin, request: Request, template: str, status: int = 200, **context: object
) -> Response:
    """A page with such a form, and the cookie."""
    cookie = form_cookie(request)
    response = await render(admin, request, template, status, csrf=csrf_token(cookie), **context)
    set_cookie(request, response, "form", cookie)
    return response


def unsaid(response: Response) -> Response:
    """Keep the address, which holds a secret, out of what the page's own files are asked with.

    ``no-referrer`` would make the browser's ``Origin`` null, and the form refused on plain http.
    """
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
