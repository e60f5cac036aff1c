"""The language and the time zone that one sees everything in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.declaration import Actor
from admin_app.desk import keep_preference, preferences
from admin_app.errors import FieldError, InvalidInputError
from admin_app.panel.cookies import A_YEAR, LANGUAGE, ZONE, drop_cookie, set_cookie
from admin_app.panel.language import Language, language, zone, zones
from admin_app.panel.sent_forms import text_in
from admin_app.panel.visit import Visit

NAMES = (LANGUAGE, ZONE)
"""Names of the preferences, and of the cookies from which every page reads them."""


@dataclass(frozen=True, slots=True)
class Regional:
    """What is chosen, and what there is to choose from."""

    language: str
    languages: tuple[Language, ...]
    zone: str
    zones: tuple[str, ...]


async def shown(visit: Visit) -> Regional:
    """The present choice."""
    known = tuple(known_to(visit.request).values())
    return Regional(language().code, known, zone().key, zones())


async def done(visit: Visit, form: FormData) -> Response:
    """Remember a choice here and for the next sign-in. Raises ``InvalidInputError``."""
    chosen = {name: text_in(form, name) for name in NAMES}
    known = {"language": (*known_to(visit.request), ""), "zone": (*zones(), "")}
    errors = [
        FieldError((name,), "choice", "There is no such choice.")
        for name, value in chosen.items()
        if value not in known[name]
    ]
    if errors:
        raise InvalidInputError("There is no such choice.", errors=errors)
    for name, value in chosen.items():
        await keep_preference(visit.request.state.database, visit.actor, name, value or None)
    response = RedirectResponse(f"{visit.urls.to('account')}#regional", status_code=303)
    _apply(visit.request, response, chosen)
    return response


def known_to(request: Request) -> Mapping[str, Language]:
    """The languages there are, those that only a declaration has among them."""
    found: Mapping[str, Language] = request.state.languages
    return found


def choose(request: Request, response: Response, code: str) -> None:
    """Remember a language in this browser."""
    if code in known_to(request):
        _apply(request, response, {"language": code})


async def bring(request: Request, response: Response, actor: Actor) -> None:
    """Give a browser that somebody signs in with what they chose in another one."""
    kept = await preferences(request.state.database, actor)
    _apply(
        request, response, {name: kept[name] for name in NAMES if isinstance(kept.get(name), str)}
    )


def _apply(request: Request, response: Response, chosen: Mapping[str, str]) -> None:
    for name, value in chosen.items():
        if value:
            set_cookie(request, response, name, value, A_YEAR)
        else:
            drop_cookie(request, response, name)
