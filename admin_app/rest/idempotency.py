"""``Idempotency-Key`` over REST (draft-ietf-httpapi-idempotency-key-header-07)."""

from __future__ import annotations

import re

from fastapi import Request, Response

from admin_app.errors import BadRequestError
from admin_app.records import Claim, Reply
from admin_app.records.writes.idempotency import KEY_LENGTH, digest

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
PATTERN = rf"[\x21-\x7E]{{1,{KEY_LENGTH}}}"

_MEANING = ("change-reason", "content-type", "if-match", "if-none-match", "prefer")
"""Headers that make of a request another one."""


def claim_of(request: Request) -> Claim | None:
    """The key that a request is sent with. Raises ``BadRequestError`` for what can be none."""
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not re.fullmatch(PATTERN, given[0]):
        msg = f"{HEADER} is 1 to {KEY_LENGTH} visible ASCII characters, once."
        raise BadRequestError.about((HEADER,), "bad_value", msg)
    return Claim(given[0], _digest(request))


def reply_of(response: Response) -> Reply:
    """A response in the form in which it is kept."""
    kept = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Reply(response.status_code, kept, bytes(response.body))


def response_of(reply: Reply) -> Response:
    """The response of a reply; one without its body says so as ``return=minimal`` would."""
    headers = dict(reply.headers)
    status = reply.status
    if reply.replayed:
        headers[REPLAYED] = "true"
    if reply.body is None:
        headers.pop("content-type", None)
        headers["preference-applied"] = "return=minimal"
        status = 204 if status == 200 else status  # noqa: PLR2004
    return Response(reply.body, status_code=status, headers=headers)


def _digest(request: Request) -> str:
    headers = (", ".join(request.headers.getlist(name)) for name in _MEANING)
    return digest(
        [
            request.method.encode(),
            request.scope["path"].encode(errors="surrogatepass"),
            request.scope["query_string"],
            *(each.encode() for each in headers),
            getattr(request.state, "content", b""),
        ]
    )
