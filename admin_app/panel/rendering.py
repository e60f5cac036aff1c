"""From a page's contents to its answer: what every template is given, and the headers of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.desk import Place
from admin_app.panel.cookies import THEME, get_cookie
from admin_app.panel.notices import pending, spend
from admin_app.panel.security import CSRF_FIELD
from admin_app.panel.visit import Urls, base_of, here, visit_of

THEMES = ("light", "dark", "system")
DENSITIES = ("normal", "compact", "relaxed")


async def render(
    admin: Admin, request: Request, template: str, status: int = 200, **context: Any
) -> Response:
    """Answer with a page of the panel."""
    visit = visit_of(request)
    # A notice belongs to the page that a write led to, not to a refusal on the way.
    notice = pending(visit) if visit and status < 400 else None  # noqa: PLR2004
    theme = get_cookie(request, THEME)
    # A page that says that the database does not answer asks it nothing.
    place = await visit.place() if visit and status < 500 else Place()  # noqa: PLR2004
    response = await admin.templates.TemplateResponse(
        request,
        f"sqladmin/{template}",
        {
            "visit": visit,
            "place": place,
            "density": density_of(place.preferences.get("density")),
            "server": request.state.settings.server,
            "urls": Urls(base_of(request)),
            "here": here(request),
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


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a script shows within a page; to be a page of its own it needs a heading."""

    template: str
    crumb: str
    """What it is called where one sees where one is."""
    heading: str
    css: str = "sheet-page"

    @property
    def part(self) -> str:
        return f"sqladmin/{self.template}"


async def render_sheet(
    admin: Admin, request: Request, sheet: Sheet, status: int = 200, *, alone: bool, **context: Any
) -> Response:
    """Answer with a sheet, ``alone`` or as a page, which is given ``resource`` and ``back``."""
    template = sheet.template if alone else "sheet.html"
    return await render(admin, request, template, status, sheet=sheet, alone=alone, **context)


async def rendered(admin: Admin, request: Request, template: str, **context: Any) -> str:
    """A piece of a page as HTML, for a script that puts it there."""
    answer = await render(admin, request, template, **context)
    return bytes(answer.body).decode().strip()


def density_of(kept: Any) -> str:
    """The density that a preference or a form says; the usual one where it says none."""
    return kept if kept in DENSITIES else DENSITIES[0]
