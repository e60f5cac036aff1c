"""Read a REST request: caller, origin, parameters and body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

from fastapi import Request, Response
from starlette.datastructures import QueryParams

from admin_app.declaration import Actor, Key, Origin, Resource
from admin_app.errors import (
    BadRequestError,
    ContentTooLargeError,
    FieldError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from admin_app.records import Records

Endpoint = Callable[[Request], Awaitable[Response]]

JSON_PATCH = "application/json-patch+json"
PATCHES = ("application/json", "application/merge-patch+json", JSON_PATCH)
"""What a PATCH of one record takes."""

MAX_BODY = 1024 * 1024
"""Bytes of a JSON body."""


async def authenticate(request: Request) -> None:
    """Authenticate the caller by ``Authorization: Bearer`` (RFC 6750).

    Raises ``UnauthenticatedError`` when the token is missing or not good, and
    ``TooManyRequestsError`` beyond its limit.
    """
    scheme, _, token = header(request, b"authorization").partition(" ")
    found = None
    if scheme.lower() == "bearer" and token:
        found = await request.state.callers.by_token(token.strip())
    if found is None:
        raise UnauthenticatedError
    request.state.actor = found
    standing = request.state.limits.admit(found)
    if standing is not None:
        request.state.headers.update(standing.headers())


def actor(request: Request) -> Actor:
    found: Actor = request.state.actor
    return found


def records(request: Request) -> Records:
    found: Records = request.state.records
    return found


def origin(request: Request) -> Origin:
    """The origin of a write, with the caller's reason. Raises ``BadRequestError``."""
    return Origin(
        "rest",
        request.state.request_id,
        reason=_reason(request),
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
    )


REASON = "Change-Reason"
MAX_REASON = 500


def _reason(request: Request) -> str:
    given = request.headers.getlist(REASON)
    if not given:
        return ""
    try:
        text = given[0].encode("latin-1").decode().strip()
    except UnicodeDecodeError:
        text = "\0"
    if len(given) > 1 or len(text) > MAX_REASON or not text.isprintable():
        msg = f"{REASON} is one line of UTF-8 text, at most {MAX_REASON} characters."
        raise BadRequestError.about((REASON,), "bad_value", msg)
    return text


def header(request: Request, name: bytes) -> str:
    """A header as one text, however many lines it came in (RFC 9110 §5.3); empty without any."""
    given = [value for each, value in request.scope["headers"] if each == name]
    return b",".join(given).decode("latin-1")


def key_in_path(request: Request, resource: Resource) -> Key:
    """Read the key in the path. Raises ``NotFoundError`` for what is no record's key."""
    return resource.parse_key(request.path_params["key"])


def parameters(request: Request) -> Sequence[tuple[str, str]]:
    """The query parameters in their order."""
    query: bytes = request.scope["query_string"]
    return _pairs(query) if len(query) <= _REMEMBERED else _pairs.__wrapped__(query)


_REMEMBERED = 1_000
"""Bytes of the query strings that are read once: clients send the same ones over and over."""


@lru_cache(maxsize=1_000)
def _pairs(query: bytes) -> Sequence[tuple[str, str]]:
    return tuple(QueryParams(query).multi_items())


def no_parameters(request: Request) -> None:
    """Refuse query parameters where there are none to give."""
    errors = [
        FieldError((name,), "unknown_parameter", "There are no parameters here.")
        for name, _ in parameters(request)
    ]
    if errors:
        msg = "This request takes no parameters."
        raise BadRequestError(msg, errors=errors)


def known_parameters(request: Request, *known: str) -> dict[str, str]:
    """The query parameters by name. Raises ``BadRequestError`` for others and repeated ones."""
    found: dict[str, str] = {}
    errors = []
    for name, value in parameters(request):
        if name not in known:
            names = ", ".join(known)
            errors.append(FieldError((name,), "unknown_parameter", f"Known are {names}."))
        elif name in found:
            errors.append(FieldError((name,), "repeated", "Given more than once."))
        found[name] = value
    if errors:
        msg = "The parameters cannot be used so."
        raise BadRequestError(msg, errors=errors)
    return found


async def json_body(request: Request, *media_types: str, limit: int = MAX_BODY) -> bytes:
    """Read the body, counting while it streams.

    Raises ``UnsupportedMediaTypeError`` and ``ContentTooLargeError``.
    """
    media_type, _, parameter = request.headers.get("content-type", "").lower().partition(";")
    charset = parameter.strip().removeprefix("charset=").strip('"')
    encoded = request.headers.get("content-encoding", "identity").lower() != "identity"
    if media_type.strip() not in media_types or charset not in {"", "utf-8"} or encoded:
        msg = f"Send {' or '.join(media_types)} in UTF-8, not compressed."
        raise UnsupportedMediaTypeError(msg)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            msg = f"A body has at most {limit:,} bytes here."
            raise ContentTooLargeError(msg)
    content = bytes(body)
    request.state.content = content  # A part of what ``Idempotency-Key`` stands for.
    return content
