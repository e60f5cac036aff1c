"""The records somebody has looked at: their keys in a cookie, their names by the policy."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Key, Resource
from admin_app.panel.cookies import get_cookie, set_cookie
from admin_app.panel.visit import Visit
from admin_app.records import Representation

COOKIE = "recent"
KEPT = 10
MAX_AGE = 30 * 24 * 3600
MAX_KEY = 200
"""The longest key that is remembered, in characters."""

Place = tuple[str, str]
"""A resource's name, and a key in its text form."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A record that was looked at and can still be seen."""

    resource: Resource
    key: Key
    title: str
    href: str


def remember(request: Request, response: Response, record: Representation) -> None:
    """Put a record at the front of those that were looked at."""
    place = (record.resource.name, record.key_text)
    if len(record.key_text) > MAX_KEY:
        return
    places = [place, *(each for each in _places(request) if each != place)][:KEPT]
    text = base64.urlsafe_b64encode(json.dumps(places).encode()).decode()
    set_cookie(request, response, COOKIE, text, MAX_AGE)


async def looked_at(visit: Visit) -> list[Seen]:
    """The records looked at last, newest first, as far as they are still in sight."""
    wanted: dict[str, set[Key]] = {}
    places = []
    for name, text in _places(visit.request):
        resource = visit.registry.get(name)
        if resource is None or not visit.may(resource, "read"):
            continue
        key = resource.key_or_none(text)
        if key is None:
            continue
        places.append((resource, key))
        wanted.setdefault(name, set()).add(key)
    titles = {
        name: await visit.records.titles(visit.actor, visit.registry[name], keys)
        for name, keys in wanted.items()
    }
    return [
        Seen(resource, key, titles[resource.name][key].text, visit.urls.details(resource, key))
        for resource, key in places
        if key in titles[resource.name]
    ]


def _places(request: Request) -> list[Place]:
    try:
        found = json.loads(base64.urlsafe_b64decode(get_cookie(request, COOKIE) or ""))
    except (ValueError, binascii.Error, RecursionError):
        return []
    if not isinstance(found, list):
        return []
    return [
        (each[0], each[1])
        for each in found[:KEPT]
        if isinstance(each, list) and len(each) == 2 and all(isinstance(one, str) for one in each)  # noqa: PLR2004
    ]
