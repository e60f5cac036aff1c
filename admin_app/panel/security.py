"""Session cookie, same-origin check, form tokens, and where a sign-in may lead."""

from __future__ import annotations

import secrets
from urllib.parse import SplitResult, unquote, unquote_to_bytes, urlsplit

from sqladmin.authentication import AuthenticationBackend
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match
from starlette.types import Message

from admin_app.access import actor_of_session, csrf_matches
from admin_app.errors import BadRequestError, ContentTooLargeError, ForbiddenError
from admin_app.panel.visit import Urls, Visit, base_of, visit_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_FILES_BYTES = 32 * 1024 * 1024
"""The most bytes of a record's form, files included."""
MAX_FORM_BYTES = 3 * 1024 * 1024
"""The most bytes of a form without files: a JSON body, each byte escaped as three."""
MAX_STRANGERS_BYTES = 64 * 1024
"""The most bytes of a form of somebody who is not signed in."""
MAX_FORM_FIELDS = 20_000
"""The most fields of a form: more than the keys of the largest set that a schema takes."""
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


def cookie_name(request: Request, name: str) -> str:
    """A cookie's name: under https one that no other host or path can set (RFC 6265bis, 4.1.3)."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def set_cookie(
    request: Request, response: Response, name: str, value: str, max_age: int | None = None
) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not send."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def get_cookie(request: Request, name: str) -> str | None:
    """The value of a cookie that ``set_cookie`` set."""
    return request.cookies.get(cookie_name(request, name))


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """End a cookie that ``set_cookie`` set."""
    set_cookie(request, response, name, "", max_age=0)


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


async def read_form(request: Request) -> FormData:
    """Read the form of a request, once, and never more than ``_most_bytes``.

    Raises ``ContentTooLargeError``, and ``BadRequestError`` for text that is not UTF-8.
    """
    cached = getattr(request.state, "form", None)
    if isinstance(cached, FormData):
        return cached
    taken = 0
    texts = bytearray()
    content_type = request.headers.get("content-type", "").lower()
    encoded = "urlencoded" in content_type
    most = _most_bytes(request, files=not encoded)
    _, named, charset = content_type.partition("charset=")
    if named and charset.partition(";")[0].strip(' "') not in {"utf-8", "utf8"}:
        msg = "A form is sent in UTF-8."
        raise BadRequestError(msg)

    async def limited() -> Message:
        nonlocal taken
        message = await request.receive()
        piece = message.get("body", b"")
        taken += len(piece)
        if encoded:
            texts.extend(piece)
        if taken > most:
            msg = f"A form may hold {most // 1024:,} KB, files included."
            raise ContentTooLargeError(msg)
        return message

    form = await Request(request.scope, limited).form(
        max_files=100, max_fields=MAX_FORM_FIELDS, max_part_size=most
    )
    request.state.form = form
    try:
        # Starlette puts other bytes right in silence, and what was typed is lost.
        unquote_to_bytes(bytes(texts)).decode()
        # A part may name an encoding of its own, which knows half of a surrogate pair.
        for name, value in () if encoded else form.multi_items():
            name.encode()
            (value if isinstance(value, str) else value.filename or "").encode()
    except UnicodeError as error:
        msg = "The form is not UTF-8."
        raise BadRequestError(msg) from error
    return form


def _most_bytes(request: Request, *, files: bool) -> int:
    if visit_of(request) is None:
        return MAX_STRANGERS_BYTES
    # Only records have files.
    return MAX_FILES_BYTES if files and "identity" in request.path_params else MAX_FORM_BYTES


def text_in(form: FormData, name: str) -> str:
    """The text of a form's field; empty if it is absent or a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


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


def wants_json(request: Request) -> bool:
    """Whether a script of a page asks, and not somebody who reads pages."""
    return request.headers.get("accept", "") == "application/json"


def sign_in_redirect(request: Request) -> Response:
    """Send somebody unknown to the sign-in page, and from there to where they wanted.

    A script is told: the page it would be sent to is none that it could show.
    """
    if wants_json(request):
        told = {"detail": SIGNED_OUT, "code": 401}
        return JSONResponse(told, 401, {"Cache-Control": "no-store"})
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    urls = Urls(base_of(request))
    kept = _is_page(request) and safe_next(request, wanted) != urls.home()
    pairs = [("next", wanted)] if kept else []
    return RedirectResponse(urls.to("login", pairs=pairs), status_code=303)


def confirm_url(request: Request) -> str:
    """The page on which to confirm, and from there back to the page that the request came from."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
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
