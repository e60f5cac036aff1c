"""The administrators' tools on a user's page: password link, sessions, acting as the user."""

from __future__ import annotations

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.access import (
    IMPERSONATE,
    MANAGE_USERS,
    end_sessions,
    has_power,
    new_password_link,
)
from admin_app.panel.notices import redirect_with
from admin_app.panel.rendering import render
from admin_app.panel.visit import Visit, id_from, visiting
from admin_app.records import Representation

USERS = "admin_user"
"""The resource on whose pages the tools stand."""


def user_tools(visit: Visit, record: Representation) -> frozenset[str]:
    """Which tools a user's page offers: ``manage``, ``impersonate``, or none for oneself.

    Whether they may be used on this very user is decided when they are.
    """
    if visit.actor.impersonator is not None or record.key == (visit.actor.user_id,):
        return frozenset()
    offered = {"manage": MANAGE_USERS, "impersonate": IMPERSONATE}
    return frozenset(name for name, each in offered.items() if has_power(visit.actor, each))


def user_url(visit: Visit, user_id: int | None) -> str:
    """A user's page; the first page where there are none."""
    resource = visit.registry.get(USERS)
    if resource is None or user_id is None:
        return visit.urls.home()
    return visit.urls.details(resource, (user_id,))


async def link(admin: Admin, request: Request) -> Response:
    """Make a password link and show it once. Raises what ``new_password_link`` does."""
    visit = visiting(request)
    user_id = id_from(request.path_params["id"])
    secret = await new_password_link(request.state.database, visit.actor, user_id, visit.origin)
    # The host is the one that the administrator reads above the page: nothing is sent to anybody.
    address = f"{request.url.scheme}://{request.url.netloc}{visit.urls.to('password', secret)}"
    back = user_url(visit, user_id)
    return await render(admin, request, "user_link.html", link=address, back=back)


async def end(_: Admin, request: Request) -> Response:
    """End all of a user's sessions. Raises what ``end_sessions`` does."""
    visit = visiting(request)
    user_id = id_from(request.path_params["id"])
    await end_sessions(request.state.database, visit.actor, user_id, visit.origin)
    return redirect_with(visit, user_url(visit, user_id), "sessions_ended", "")
