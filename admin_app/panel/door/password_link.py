"""The page of a password link: its holder sets the password, then signs in with it."""

from __future__ import annotations

from http import HTTPStatus

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.access import redeem_password_link, user_of_password_link
from admin_app.errors import InvalidInputError
from admin_app.panel.door.strangers import NO_COOKIE, form_page, is_ours, unsaid
from admin_app.panel.rendering import render
from admin_app.panel.security import require_same_origin
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import origin_of


async def page(admin: Admin, request: Request) -> Response:
    """The form, and what it asks for.

    Raises ``NotFoundError`` when the link is not, or no longer, good.
    """
    require_same_origin(request)
    database, secret = request.state.database, request.path_params["secret"]
    name = await user_of_password_link(database, secret)
    errors: dict[str, str] = {}
    if request.method == "POST":
        form = await read_form(request)
        if not is_ours(request, form):
            errors = {"": NO_COOKIE}
        else:
            try:
                password = text_in(form, "password")
                await redeem_password_link(database, secret, password, origin_of(request))
                return unsaid(await render(admin, request, "password.html", done=True))
            except InvalidInputError as error:
                errors = {str(each.path[0]): each.detail for each in error.errors}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return unsaid(
        await form_page(admin, request, "password.html", status, name=name, errors=errors)
    )
