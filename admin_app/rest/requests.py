"""What a REST request carries: who calls, on whose behalf, with which parameters and body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from fastapi import Request, Response

from admin_app.access import actor_of_token
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

MAX_BODY = 1024 * 1024
"""Bytes of a JSON body."""


async def authenticate(request: Request) -> None:
    """Find out who calls, by ``Authorization: Bearer`` (RFC 6750).

    Raises ``UnauthenticatedError`` when the token is missing or not good, and
    ``TooManyRequestsError`` when it has made its requests of this minute.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = None
    if scheme.lower() == "bearer" and token:
        found = await actor_of_token(request.state.database, token.strip())
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
    return Origin(
        "rest",
        request.state.request_id,
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
    )


def key_in_path(request: Request, resource: Resource) -> Key:
    """Read the key in the path. Raises ``NotFoundError`` for what is no record's key."""
    return resource.parse_key(request.path_params["key"])


def parameters(request: Request) -> list[tuple[str, str]]:
    return request.query_params.multi_items()


def no_parameters(request: Request) -> None:
    """Refuse query parameters where there are none to give."""
    errors = [
        FieldError((name,), "unknown_parameter", "There are no parameters here.")
        for name in request.query_params
    ]
    if errors:
        msg = "This request takes no parameters."
        raise BadRequestError(msg, errors=errors)


async def json_body(request: Request, *media_types: str) -> bytes:
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
        if len(body) > MAX_BODY:
            msg = f"A body has at most {MAX_BODY:,} bytes."
            raise ContentTooLargeError(msg)
    return bytes(body)


def if_match(request: Request) -> Collection[str] | None:
    """The entity tags of ``If-Match`` (RFC 9110 §13.1.1); none where any record will do."""
    headers = request.headers.getlist("if-match")
    tags = [tag.strip() for header in headers for tag in header.split(",")]
    return None if not headers or tags == ["*"] else tags
