"""Where one is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import FormData

from admin_app.access import end_other_sessions, end_session, list_sessions
from admin_app.panel.language import say
from admin_app.panel.sent_forms import text_in
from admin_app.panel.visit import Visit, id_from

BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
"""Browser names by a part of ``User-Agent``, in order: most browsers name others too."""
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Place:
    """A session in the terms in which its owner recognises it."""

    id: int
    device: str
    address: str
    created_at: datetime
    used_at: datetime
    current: bool


async def shown(visit: Visit) -> list[Place]:
    """One's sessions, last used first."""
    state = visit.request.state
    return [
        Place(
            each.id,
            device(each.user_agent),
            each.address,
            each.created_at,
            each.used_at,
            each.current,
        )
        for each in await list_sessions(state.database, state.settings, visit.actor)
    ]


async def done(visit: Visit, form: FormData) -> None:
    """End a session, or all ``others``. Raises what ``end_session`` does."""
    database, which = visit.request.state.database, text_in(form, "session")
    if which == "others":
        await end_other_sessions(database, visit.actor, visit.origin)
    else:
        await end_session(database, visit.actor, id_from(which), visit.origin)


def device(user_agent: str) -> str:
    """What a browser says it is, in two words; the beginning of it where that is unknown."""
    browser = next((name for part, name in BROWSERS.items() if part in user_agent), "")
    system = next((name for part, name in SYSTEMS.items() if part in user_agent), "")
    if browser:
        return say("{browser} on {system}", browser=browser, system=system) if system else browser
    return user_agent[:MOST_SHOWN] or say("An unknown browser")
