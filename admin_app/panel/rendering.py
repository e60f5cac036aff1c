"""From a page's contents to its answer: what every template is given, and the headers of all."""

from __future__ import annotations

from typing import Any

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.desk import Place
from admin_app.panel.notices import pending, spend
from admin_app.panel.security import CSRF_FIELD, get_cookie
from admin_app.panel.visit import Urls, base_of, visit_of

LANGUAGE_COOKIE = "language"
ZONE_COOKIE = "zone"
THEMES = ("light", "dark", "system")
DENSITIES = ("normal", "compact", "relaxed")


async def render(
    admin: Admin, request: Request, template: str, status: int = 200, **context: Any
) -> Response:
    """Answer with a page of the panel."""
    visit = visit_of(request)
    # A notice belongs to the page that a write led to, not to a refusal on the way.
    notice = pending(visit) if visit and status < 400 else None  # noqa: PLR2004
    theme = get_cookie(request, "theme")
    # A page that says that the database does not answer asks it nothing.
    place = await visit.place() if visit and status < 500 else Place()  # noqa: PLR2004
    density = place.preferences.get("density")
    response = await admin.templates.TemplateResponse(
        request,
        f"sqladmin/{template}",
        {
            "visit": visit,
            "place": place,
            "density": density if density in DENSITIES else DENSITIES[0],
            "server": request.state.settings.server,
            "urls": Urls(base_of(request)),
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "theme": theme if theme in THEMES else "system",
            "themes": THEMES,
            "csrf_field": CSRF_FIELD,
            "notice": notice,
            **context,
        },
        status_code=int(status),
    )
    # Pages hold records: nobody finds them in a cache, or by "back", after a sign-out.
    response.headers["Cache-Control"] = "no-store"
    if visit and notice:
        spend(visit, response)
    return response
