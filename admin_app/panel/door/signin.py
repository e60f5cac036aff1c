"""The pages around a session: sign in, its code, sign out, the first administrator."""

from __future__ import annotations

from http import HTTPStatus

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.access import (
    csrf_token,
    pass_second_factor,
    pending_actor,
    redeem_setup_link,
    sign_in,
    sign_out,
)
from admin_app.errors import AppError, InvalidInputError
from admin_app.panel.account.regional import bring, choose
from admin_app.panel.answers import with_retry_after
from admin_app.panel.cookies import drop_cookie, get_cookie, set_cookie
from admin_app.panel.door.strangers import NO_COOKIE, form_page, is_ours, unsaid
from admin_app.panel.rendering import render
from admin_app.panel.security import recognise, require_same_origin, require_token, safe_next
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import Urls, base_of, origin_of


async def login(admin: Admin, request: Request) -> Response:
    """The sign-in form, and the sign-in."""
    require_same_origin(request)
    if request.method != "POST":
        wanted = safe_next(request, request.query_params.get("next", ""))
        if "lang" in request.query_params:
            response = _to_login(request, wanted)
            choose(request, response, request.query_params["lang"])
            return response
        if await recognise(request):
            return RedirectResponse(wanted, status_code=303)
        return await form_page(admin, request, "login.html", next=wanted)
    form = await read_form(request)
    wanted = safe_next(request, text_in(form, "next"))
    name = text_in(form, "name")
    if not is_ours(request, form):
        return await _refused(admin, request, 403, NO_COOKIE, name, wanted)
    try:
        return await _entered(request, name, text_in(form, "password"), wanted)
    except AppError as error:
        response = await _refused(admin, request, error.status, error.detail, name, wanted)
        return with_retry_after(response, error)


async def login_code(admin: Admin, request: Request) -> Response:
    """The second page of a sign-in, for those who have a second factor."""
    require_same_origin(request)
    secret = get_cookie(request, "session")
    if request.method != "POST":
        wanted = safe_next(request, request.query_params.get("next", ""))
        if secret is None or await pending_actor(request.state.database, secret) is None:
            return _to_login(request, wanted)
        return await _code_form(admin, request, secret, wanted)
    wanted = safe_next(request, text_in(await read_form(request), "next"))
    if secret is None:
        return _to_login(request, wanted)
    await require_token(request, secret)
    return await _passed(admin, request, secret, wanted)


async def logout(_: Admin, request: Request) -> Response:
    """End the session on the server, then its cookie."""
    require_same_origin(request)
    secret = get_cookie(request, "session")
    if secret is not None:
        await require_token(request, secret)
        await sign_out(request.state.database, secret, origin=origin_of(request))
    response = RedirectResponse(Urls(base_of(request)).to("login"), status_code=303)
    drop_cookie(request, response, "session")
    # What scripts have kept of half-filled forms is nobody's business after this.
    response.headers["Clear-Site-Data"] = '"storage"'
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
        if not is_ours(request, form):
            errors = {"": NO_COOKIE}
        else:
            try:
                await redeem_setup_link(
                    request.state.database, secret, name, password, origin_of(request)
                )
                return await _entered(request, name, password, Urls(base_of(request)).home())
            except InvalidInputError as error:
                errors = {str(each.path[0]): each.detail for each in error.errors}
    else:
        await _refuse_bad_link(request, secret)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return unsaid(await form_page(admin, request, "setup.html", status, name=name, errors=errors))


async def _refuse_bad_link(request: Request, secret: str) -> None:
    try:
        # Nobody can be called nothing: the link is looked at, and stays good.
        await redeem_setup_link(request.state.database, secret, "", "", origin_of(request))
    except InvalidInputError:
        return


async def _entered(request: Request, name: str, password: str, wanted: str) -> Response:
    state = request.state
    secret, actor = await sign_in(
        state.database,
        state.settings,
        name,
        password,
        origin=origin_of(request),
        replaces=get_cookie(request, "session"),
    )
    if actor is None:
        wanted = Urls(base_of(request)).to("login", "code", pairs=[("next", wanted)])
    response = _with_session(request, wanted, secret)
    if actor is not None:
        await bring(request, response, actor)
    drop_cookie(request, response, "form")
    return response


async def _passed(admin: Admin, request: Request, secret: str, wanted: str) -> Response:
    state = request.state
    code = text_in(await read_form(request), "code")
    try:
        new, actor = await pass_second_factor(
            state.database, state.settings, secret, code, origin=origin_of(request)
        )
    except AppError as error:
        if await pending_actor(state.database, secret) is None:
            return await _refused(admin, request, error.status, error.detail, "", wanted)
        response = await _code_form(admin, request, secret, wanted, error)
        return with_retry_after(response, error)
    response = _with_session(request, wanted, new)
    await bring(request, response, actor)
    return response


def _with_session(request: Request, wanted: str, secret: str) -> Response:
    response = RedirectResponse(wanted, status_code=303)
    life = request.state.settings.security.session_absolute
    set_cookie(request, response, "session", secret, life)
    return response


def _to_login(request: Request, wanted: str) -> Response:
    url = Urls(base_of(request)).to("login", pairs=[("next", wanted)])
    return RedirectResponse(url, status_code=303)


async def _code_form(
    admin: Admin, request: Request, secret: str, wanted: str, problem: AppError | None = None
) -> Response:
    return await render(
        admin,
        request,
        "login_code.html",
        problem.status if problem else 200,
        csrf=csrf_token(secret),
        next=wanted,
        problem=problem.detail if problem else "",
    )


async def _refused(
    admin: Admin, request: Request, status: int, words: str, name: str, wanted: str
) -> Response:
    return await form_page(
        admin, request, "login.html", status, next=wanted, name=name, problem=words
    )
