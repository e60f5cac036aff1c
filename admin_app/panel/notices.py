"""The one-time sentence after a write, carried over the redirect in a cookie only we can make.

A write hands back its change set: ``Representation.change_set``, ``Effects.change_set``, or what
``Writer.change_set`` says at its end where ``Writer.changed``. Given to ``redirect_with``
it puts "Undo" beside the sentence; scripts are given ``undo_url`` for their ``toast(text, url)``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from admin_app.panel.cookies import drop_cookie, get_cookie, set_cookie
from admin_app.panel.language import mark
from admin_app.panel.visit import Visit

COOKIE = "notice"
MAX_AGE = 60
MAX_TITLE = 200

Event = Literal[
    "created",
    "saved",
    "unchanged",
    "deleted",
    "sessions_ended",
    "saved_many",
    "deleted_many",
    "purged",
    "restored",
    "ran",
    "undone",
    "put_back",
    "nothing_undone",
]
_WORDS: dict[str, str] = {
    "created": mark("Created"),
    "saved": mark("Saved"),
    "unchanged": mark("Nothing to save in"),
    "deleted": mark("Deleted"),
    "sessions_ended": mark("All sessions have ended."),
    "saved_many": mark("Changed"),
    "deleted_many": mark("Deleted"),
    "purged": mark("Deleted for good:"),
    "restored": mark("Restored"),
    "ran": mark("Done:"),
    "undone": mark("Undone:"),
    "put_back": mark("Put back:"),
    "nothing_undone": mark("There was nothing left to undo."),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, and to which record."""

    event: Event
    title: str
    undo: str | None = None
    """Where it is undone."""

    @property
    def undo_words(self) -> str:
        return mark("Redo") if self.event == "undone" else mark("Undo")

    @property
    def words(self) -> str:
        return _WORDS[self.event]


def undo_url(visit: Visit, change_set: UUID) -> str:
    """Where a change set is undone."""
    return visit.urls.to("undo", str(change_set))


def redirect_with(
    visit: Visit, url: str, event: Event, title: str, change_set: UUID | None = None
) -> Response:
    """Go on to ``url``, which will say what happened, and undo the ``change_set`` if asked."""
    undo = None if change_set is None else undo_url(visit, change_set)
    body = json.dumps([event, title[:MAX_TITLE], undo]).encode()
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
        event, title, undo = json.loads(body)
    except (ValueError, binascii.Error):
        return None
    return Notice(event, title, undo) if event in get_args(Event) else None


def spend(visit: Visit, response: Response) -> None:
    """Show a notice once."""
    if get_cookie(visit.request, COOKIE):
        drop_cookie(visit.request, response, COOKIE)


def _sign(visit: Visit, body: bytes) -> bytes:
    key = visit.secret.encode("utf-8", "surrogatepass")
    return hmac.new(key, b"notice\n" + body, hashlib.sha256).digest()
