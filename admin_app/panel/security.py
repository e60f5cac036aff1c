"""Who is there, whether a request came from our own page, and where a sign-in may lead."""

from __future__ import annotations

import secrets
from urllib.parse import SplitResult, unquote, urlsplit

from sqladmin.authentication import AuthenticationBackend
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match

from admin_app.access import actor_of_session, csrf_matches
from admin_app.errors import ForbiddenError
from admin_app.panel.answers import json_answer, wants_json
from admin_app.panel.cookies import get_cookie
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import Urls, Visit, base_of, here

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD = "_csrf"
CSRF_HEADER = "X-CSRF-Token"

_NOWHERE = (("login",), ("login", "code"), ("logout",), ("theme",), ("confirm",))
"""Pages that a sign-in never leads to."""
_ENROLLING = (
    ("account",),
    ("account", "second_factor"),
    ("account", "password"),
    ("account", "sessions"),
    ("confirm",),
    ("theme",),
)
"""What is open to somebody whose role demands a second factor that is not set up. Not tokens: they
would act without one."""

NOT_FROM_HERE = "This request did not come from a page of the panel, so nothing was done."
SIGNED_OUT = "You are not signed in any more. Load the page again to sign in."
OLD_FORM = "This page was opened under another sign-in, so nothing was done. Open it again."


def require_same_origin(request: Request) -> None:
    """Refuse an unsafe request that another origin's page has sent.

    Browsers say where a request comes from in headers that no page can set. The first was made for
    this and does not depend on what a proxy does to ``Host``; browsers leave it out on plain http.
    A request that says nothing is refused as well. Raises ``ForbiddenError``.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is None:
        origin = _split(request.headers.get("origin", "")).netloc.lower()
        same = bool(origin) and origin == request.headers.get("host", "").lower()
    else:
        same = site == "same-origin"
    if not same:
        raise ForbiddenError(NOT_FROM_HERE)


async def require_token(request: Request, secret: str) -> None:
    """Refuse an unsafe request without the token that ``secret``'s forms carry.

    Raises ``ForbiddenError``.
    """
    if request.method in SAFE_METHODS:
        return
    presented = request.headers.get(CSRF_HEADER)
    if presented is None:
        presented = text_in(await read_form(request), CSRF_FIELD)
    if not csrf_matches(secret, presented):
        raise ForbiddenError(OLD_FORM)


def safe_next(request: Request, wanted: str) -> str:
    """Where to go after a sign-in: the page asked for if it is one of the panel's, else home."""
    urls = Urls(base_of(request))
    parts = _split(wanted)
    steps = unquote(parts.path).split("/")
    # The text as well: to a browser, not to ``urlsplit``, what follows three slashes is a host.
    inside = all(each.startswith(f"{urls.base}/") for each in (wanted, parts.path))
    if not inside or ".." in steps or "//" in parts.path:
        return urls.home()
    closed = {urls.to(*each) for each in _NOWHERE}
    return urls.home() if parts.path in closed else wanted


def _split(text: str) -> SplitResult:
    """The parts of an address; ``None`` for text that browsers and Python may parse differently."""
    try:
        return urlsplit(text if text.isprintable() and "\\" not in text else "")
    except ValueError:
        return urlsplit("")


def sign_in_redirect(request: Request) -> Response:
    """Send somebody unknown to the sign-in page, and from there to where they wanted.

    A script is told: the page it would be sent to is none that it could show.
    """
    if wants_json(request):
        return json_answer({"detail": SIGNED_OUT, "code": 401}, 401)
    wanted = here(request)
    urls = Urls(base_of(request))
    kept = _is_page(request) and safe_next(request, wanted) != urls.home()
    pairs = [("next", wanted)] if kept else []
    return RedirectResponse(urls.to("login", pairs=pairs), status_code=303)


def confirm_url(request: Request) -> str:
    """The page on which to confirm, and from there back to the page that the request came from."""
    wanted = here(request)
    if request.method not in SAFE_METHODS:
        # A form may be sent to where there is no page.
        parts = _split(request.headers.get("referer", ""))
        wanted = parts.path + (f"?{parts.query}" if parts.query else "") or wanted
    pairs = [("next", safe_next(request, wanted))]
    return Urls(base_of(request)).to("confirm", pairs=pairs)


def _enrol_redirect(request: Request) -> Response | None:
    """Send somebody who has to set up a second factor to where that is done."""
    urls = Urls(base_of(request))
    if request.url.path in {urls.to(*each) for each in _ENROLLING}:
        return None
    return RedirectResponse(urls.to("account"), status_code=303)


def _is_page(request: Request) -> bool:
    """Whether the address can be asked for, and is not only one that a form is sent to."""
    asked = {**request.scope, "method": "GET"}
    return any(each.matches(asked)[0] is Match.FULL for each in request.app.routes)


def form_cookie(request: Request) -> str:
    """The secret of forms that are filled in before there is a session."""
    return get_cookie(request, "form") or secrets.token_urlsafe(32)


async def recognise(request: Request) -> Visit | None:
    """Authenticate by the session cookie, and note the actor on the request.

    Raises ``TooManyRequestsError`` beyond the session's limit.
    """
    secret = get_cookie(request, "session")
    state = request.state
    actor = secret and await actor_of_session(state.database, state.settings, secret)
    if not secret or not actor:
        return None
    visit = Visit(request, actor, secret)
    request.state.visit = visit
    standing = state.limits.admit(actor)
    if standing is not None:
        state.headers.update(standing.headers())
    return visit


class StaffAuthentication(AuthenticationBackend):
    """SQLAdmin's authentication hook, with sessions that live on the server.

    Its ``login`` and ``logout`` are not used: they cannot keep a form's typed name.
    """

    def __init__(self) -> None:
        # The base class would add a signed-cookie session, which nobody can end.
        self.middlewares = []

    async def authenticate(self, request: Request) -> Response | bool:
        """Let somebody known in, whose unsafe request came from our own form."""
        visit = await recognise(request)
        require_same_origin(request)
        if visit is None:
            return sign_in_redirect(request)
        await require_token(request, visit.secret)
        enrol = _enrol_redirect(request) if visit.actor.must_enrol else None
        return enrol or True

    async def get_user_id(self, request: Request) -> int | None:
        """Tell SQLAdmin who is acting."""
        visit: Visit = request.state.visit
        return visit.actor.user_id
