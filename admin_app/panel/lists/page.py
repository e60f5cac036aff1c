"""The list's page."""

from __future__ import annotations

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.declaration import Resource
from admin_app.panel.lists.listing import clean, listing
from admin_app.panel.lists.views import default_view
from admin_app.panel.rendering import render
from admin_app.panel.visit import visiting


async def page(admin: Admin, request: Request, resource: Resource) -> Response:
    """A list; one whose address cannot be read says why, with status 400."""
    visit = visiting(request)
    pairs = request.query_params.multi_items()
    given = clean(pairs)
    if given != pairs:
        return RedirectResponse(visit.urls.list(resource, given), status_code=303)
    if not pairs and (view := default_view(resource, await visit.place())):
        return RedirectResponse(visit.urls.view(view), status_code=303)
    found = await listing(visit, resource, given)
    return await render(
        admin,
        request,
        "list.html",
        400 if found.problems else 200,
        resource=resource,
        listing=found,
        may=visit.offered(resource),
    )
