"""Refusals and failures as pages: what happened, what to do, and the number to quote."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from sqladmin import Admin
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin_app.errors import AppError, ConfirmationRequiredError, ReasonRequiredError
from admin_app.panel.answers import json_answer, wants_json
from admin_app.panel.cookies import LANGUAGE, ZONE, get_cookie
from admin_app.panel.language import Language, in_zone, mark, preferred, retold, speaking
from admin_app.panel.rendering import render
from admin_app.panel.security import (
    CSRF_FIELD,
    SAFE_METHODS,
    confirm_url,
    recognise,
    safe_next,
    sign_in_redirect,
)
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import REASON_FIELD, visit_of

logger = logging.getLogger(__name__)

_TITLES = {
    403: mark("Not allowed"),
    404: mark("Nothing here"),
    405: mark("This cannot be done this way"),
    413: mark("Too large"),
    429: mark("Too many requests"),
    500: mark("Something went wrong on our side"),
    503: mark("Busy at the moment"),
}
_ADVICE = {
    400: "Go back and try again.",
    403: "If you need to do this, ask an administrator for the right to do it.",
    404: "The address may be mistyped, or the record has been deleted or is not yours to see.",
    405: "Go back to the page you came from and use its buttons.",
    409: "Go back, look at what is stored now, and try again.",
    413: "Send less at once.",
    429: "Whatever asks so often under your sign-in, stop it; then try again.",
    500: "Try again. If it happens again, tell an administrator the number below.",
    503: "Try again in a moment.",
}

_SENT_ANEW = frozenset({CSRF_FIELD, REASON_FIELD})
"""The fields that a form has of its own, whatever it sends again."""
_TOLD = frozenset({"Retry-After", "RateLimit", "RateLimit-Policy"})
"""The headers of a refusal that a page keeps."""


async def error_page(
    admin: Admin, request: Request, status: int, detail: str = "", **headers: str
) -> Response:
    """A page that says what is wrong, inside the chrome where somebody is signed in."""
    if wants_json(request):
        told = {"detail": retold(detail or _ADVICE.get(status, "")), "code": int(status)}
        response = json_answer(told, status)
        response.headers.update(headers)
        return response
    response = await render(
        admin,
        request,
        "error.html",
        status,
        code=int(status),
        title=_TITLES.get(status) or HTTPStatus(status).phrase,
        detail=detail,
        advice=_ADVICE.get(status, ""),
        request_id=getattr(request.state, "request_id", ""),
    )
    response.headers.update(headers)
    return response


async def http_error_page(admin: Admin, request: Request, error: HTTPException) -> Response:
    """The page of an HTTP error of Starlette or SQLAdmin."""
    if visit_of(request) is None and "statics" not in request.url.path:
        try:
            visit = await recognise(request)
        except AppError as unable:
            return await app_error_page(admin, request, unable)
        if visit is None and request.method in {"GET", "HEAD"}:
            return sign_in_redirect(request)
    standard = error.detail == HTTPStatus(error.status_code).phrase
    detail = "" if standard or error.status_code >= 500 else error.detail  # noqa: PLR2004
    return await error_page(admin, request, error.status_code, detail, **dict(error.headers or {}))


async def _ask_why(admin: Admin, request: Request, error: ReasonRequiredError) -> Response:
    """The form that was sent without a reason, to be sent again with one."""
    form = await read_form(request)
    sent = [(name, text) for name, text in form.multi_items() if name not in _SENT_ANEW]
    return await render(
        admin,
        request,
        "record/why.html",
        error.status,
        problem=error.detail,
        sent=[(name, text) for name, text in sent if isinstance(text, str)],
        back=safe_next(request, text_in(form, "next")),
    )


async def app_error_page(admin: Admin, request: Request, error: AppError) -> Response:
    """The page of an ``AppError``; its words are safe to show."""
    if isinstance(error, ConfirmationRequiredError):
        return await _ask_to_confirm(admin, request, error)
    if isinstance(error, ReasonRequiredError) and not wants_json(request):
        return await _ask_why(admin, request, error)
    told = {name: value for name, value in error.headers.items() if name in _TOLD}
    return await error_page(admin, request, error.status, error.detail, **told)


async def _ask_to_confirm(
    admin: Admin, request: Request, error: ConfirmationRequiredError
) -> Response:
    url = confirm_url(request)
    if request.method in SAFE_METHODS:
        return RedirectResponse(url, status_code=303)
    return await render(
        admin,
        request,
        "error.html",
        error.status,
        code=int(error.status),
        title=error.title,
        detail=error.detail,
        confirm=url,
        request_id=request.state.request_id,
    )


class Boundary:
    """The outermost layer of the panel: it knows the language, and makes failures pages."""

    def __init__(self, app: ASGIApp, admin: Admin, languages: Mapping[str, Language]) -> None:
        self._app = app
        self._admin = admin
        self._languages = languages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.languages = self._languages
        with speaking(self._language_of(request)), in_zone(get_cookie(request, ZONE)):
            await self._answer(scope, receive, send)

    def _language_of(self, request: Request) -> Language:
        """What the reader has chosen, else what their browser asks for."""
        chosen = get_cookie(request, LANGUAGE)
        if chosen is None or chosen not in self._languages:
            chosen = preferred(request.headers.get("accept-language", ""), self._languages)
        return self._languages[chosen]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        request = Request(scope, receive)
        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            logger.info("request %s was given up", getattr(request.state, "request_id", ""))
        except Exception:
            if started:
                raise
            logger.exception("request %s failed", getattr(request.state, "request_id", ""))
            response = await error_page(self._admin, request, 500)
            await response(scope, receive, send)
        finally:
            form: Any = getattr(request.state, "form", None)
            if form is not None:
                await form.close()
