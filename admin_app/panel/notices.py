"""The one-time sentence after a write, carried over the redirect in a cookie only we can make."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Literal, get_args

from starlette.responses import RedirectResponse, Response

from admin_app.panel.security import drop_cookie, get_cookie, set_cookie
from admin_app.panel.visit import Visit

COOKIE = "notice"
MAX_AGE = 60
MAX_TITLE = 200

Event = Literal["created", "saved", "unchanged", "deleted", "sessions_ended"]
_WORDS: dict[str, str] = {
    "created": "Created",
    "saved": "Saved",
    "unchanged": "Nothing to save in",
    "deleted": "Deleted",
    "sessions_ended": "All sessions have ended.",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, and to which record."""

    event: Event
    title: str

    @property
    def words(self) -> str:
        return _WORDS[self.event]


def redirect_with(visit: Visit, url: str, event: Event, title: str) -> Response:
    """Go on to ``url``, which will say what happened."""
    body = json.dumps([event, title[:MAX_TITLE]]).encode()
    signed = base64.urlsafe_b64encode(_sign(visit, body) + body).decode()
    response = RedirectResponse(url, status_code=303)
    set_cookie(visit.request, response, COOKIE, signed, MAX_AGE)
    return response


def pending(visit: Visit) -> Notice | None:
    """The notice that came with the request, if this session made it."""
    text = get_cookie(visit.request, COOKIE)
    if not text:
        return None
    try:
        data = base64.urlsafe_b64decode(text)
        signature, body = data[:32], data[32:]
        if not hmac.compare_digest(signature, _sign(visit, body)):
            return None
        event, title = json.loads(body)
    except (ValueError, binascii.Error):
        return None
    return Notice(event, title) if event in get_args(Event) else None


def spend(visit: Visit, response: Response) -> None:
    """Show a notice once."""
    if get_cookie(visit.request, COOKIE):
        drop_cookie(visit.request, response, COOKIE)


def _sign(visit: Visit, body: bytes) -> bytes:
    key = visit.secret.encode("utf-8", "surrogatepass")
    return hmac.new(key, b"notice\n" + body, hashlib.sha256).digest()
