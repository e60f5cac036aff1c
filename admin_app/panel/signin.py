"""The pages around a session: sign in, sign out, the first administrator, light or dark."""

from __future__ import annotations

from http import HTTPStatus

from sqladmin import Admin
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.access import csrf_matches, csrf_token, redeem_setup_link, sign_in, sign_out
from admin_app.errors import AppError, InvalidInputError
from admin_app.panel.rendering import THEMES, render
from admin_app.panel.security import (
    CSRF_FIELD,
    drop_cookie,
    form_cookie,
    get_cookie,
    read_form,
    recognise,
    require_same_origin,
    require_token,
    safe_next,
    set_cookie,
    text_in,
)
from admin_app.panel.visit import Urls, base_of

NO_COOKIE = "Your browser did not send back the cookie of this page. Allow cookies and try again."
A_YEAR = 365 * 24 * 3600


async def login(admin: Admin, request: Request) -> Response:
    """The sign-in form, and the sign-in."""
    require_same_origin(request)
    if request.method != "POST":
        wanted = safe_next(request, request.query_params.get("next", ""))
        if await recognise(request):
            return RedirectResponse(wanted, status_code=303)
        return await _form(admin, request, "login.html", next=wanted)
    form = await read_form(request)
    wanted = safe_next(request, text_in(form, "next"))
    name = text_in(form, "name")
    if not _ours(request, form):
        return await _refused(admin, request, 403, NO_COOKIE, name, wanted)
    try:
        return await _entered(request, name, text_in(form, "password"), wanted)
    except AppError as error:
        response = await _refused(admin, request, error.status, error.detail, name, wanted)
        if "Retry-After" in error.headers:
            response.headers["Retry-After"] = error.headers["Retry-After"]
        return response


async def logout(request: Request) -> Response:
    """End the session on the server, then its cookie."""
    require_same_origin(request)
    secret = get_cookie(request, "session")
    if secret is not None:
        await require_token(request, secret)
        await sign_out(request.state.database, secret)
    response = RedirectResponse(Urls(base_of(request)).to("login"), status_code=303)
    drop_cookie(request, response, "session")
    return response


async def setup(admin: Admin, request: Request) -> Response:
    """The one-time page that makes the first administrator.

    Raises ``NotFoundError`` when the link is not, or no longer, good.
    """
    require_same_origin(request)
    secret = request.path_params["secret"]
    errors: dict[str, str] = {}
    name = ""
    if request.method == "POST":
        form = await read_form(request)
        name, password = text_in(form, "name"), text_in(form, "password")
        if not _ours(request, form):
            errors = {"": NO_COOKIE}
        else:
            try:
                await redeem_setup_link(request.state.database, secret, name, password)
                return await _entered(request, name, password, Urls(base_of(request)).home())
            except InvalidInputError as error:
                errors = {str(each.path[0]): each.detail for each in error.errors}
    else:
        await _refuse_bad_link(request, secret)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return await _form(admin, request, "setup.html", status, name=name, errors=errors)


async def theme(request: Request) -> Response:
    """Remember light, dark, or as the system is."""
    form = await read_form(request)
    wanted = safe_next(request, text_in(form, "next"))
    response = RedirectResponse(wanted, status_code=303)
    chosen = text_in(form, "theme")
    if chosen in THEMES:
        set_cookie(request, response, "theme", chosen, A_YEAR)
    return response


async def _refuse_bad_link(request: Request, secret: str) -> None:
    try:
        # Nobody can be called nothing: the link is looked at, and stays good.
        await redeem_setup_link(request.state.database, secret, "", "")
    except InvalidInputError:
        return


def _ours(request: Request, form: FormData) -> bool:
    cookie = get_cookie(request, "form")
    return cookie is not None and csrf_matches(cookie, text_in(form, CSRF_FIELD))


async def _entered(request: Request, name: str, password: str, wanted: str) -> Response:
    state = request.state
    secret, _ = await sign_in(
        state.database,
        state.settings,
        name,
        password,
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
        replaces=get_cookie(request, "session"),
    )
    response = RedirectResponse(wanted, status_code=303)
    set_cookie(request, response, "session", secret, state.settings.security.session_absolute)
    drop_cookie(request, response, "form")
    return response


async def _refused(
    admin: Admin, request: Request, status: int, words: str, name: str, wanted: str
) -> Response:
    return await _form(admin, request, "login.html", status, next=wanted, name=name, problem=words)


async def _form(
    admin: Admin, request: Request, template: str, status: int = 200, **context: object
) -> Response:
    cookie = form_cookie(request)
    response = await render(admin, request, template, status, csrf=csrf_token(cookie), **context)
    set_cookie(request, response, "form", cookie)
    return response
