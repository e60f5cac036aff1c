"""The staff panel at ``/admin``: pages for people, on SQLAdmin. It holds no rule and no SQL."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.declaration import Registry
from admin_app.panel.admin import StaffAdmin
from admin_app.settings import Settings

__all__ = ["mount_panel"]


def mount_panel(app: FastAPI, settings: Settings, registry: Registry) -> None:
    """Mount the panel at ``/admin``.

    Its requests find ``records``, ``database``, ``settings`` and ``request_id`` on their state.
    """
    StaffAdmin(app, settings, registry)
    app.add_route("/admin", _with_slash, include_in_schema=False)


async def _with_slash(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/admin/")
