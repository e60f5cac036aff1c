"""``StaffAdmin``: SQLAdmin's registration, menu, routes and templates over the panel's own pages.

SQLAdmin reads and writes in some ten places with sessions of its own. None of them is used, and
the sessions it is given refuse every statement, so that one that was overlooked fails aloud.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from fastapi import FastAPI
from jinja2 import Environment
from sqladmin import Admin, ModelView
from sqladmin.authentication import login_required
from sqladmin.authorization import Action as HostAction
from sqladmin.authorization import AuthorizationBackend
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from admin_app.declaration import Action, Registry, Resource
from admin_app.errors import AppError, ForbiddenError
from admin_app.panel import account, door, forms, house, lists, people, record, transfer
from admin_app.panel.assets import Assets
from admin_app.panel.display import action_words, day, size_words, told
from admin_app.panel.language import (
    language,
    lowered,
    number,
    retold,
    say,
    say_many,
    with_declared,
    zone,
)
from admin_app.panel.layout import in_order
from admin_app.panel.list_address import listed
from admin_app.panel.pictures import picture
from admin_app.panel.refusals import Boundary, app_error_page, http_error_page
from admin_app.panel.routing import Page
from admin_app.panel.security import StaffAuthentication
from admin_app.panel.visit import visit_of, visiting
from admin_app.settings import Settings

FOLDER = Path(__file__).parent
ROOMS = (house, lists, transfer, record, forms, account, people, door)
_ACTIONS: dict[str, Action] = {
    HostAction.LIST: "read",
    HostAction.DETAILS: "read",
    HostAction.CREATE: "create",
    HostAction.EDIT: "update",
    HostAction.DELETE: "delete",
}
"""SQLAdmin's permissions as actions of the policy; its other ones are never allowed."""


class NoSession(Session):
    """A session that refuses every statement: the panel reads and writes through ``records``."""

    def get_bind(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse what every statement, flush and commit with work to do asks for first."""
        msg = "SQLAdmin tried to reach the database by itself; the panel reads through records"
        raise RuntimeError(msg)


class StaffAuthorization(AuthorizationBackend):
    """SQLAdmin's authorization hook, answered by the one policy."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def has_permission(
        self, request: Request, identity: str, action: str, obj: Any | None = None
    ) -> bool:
        """Whether the policy allows the action on some records at least."""
        del obj
        visit = visit_of(request)
        wanted = _ACTIONS.get(action)
        resource = self._registry.get(identity)
        if visit is None or wanted is None or resource is None:
            return False
        return visit.may(resource, wanted)


class StaffView(ModelView):
    """A resource in SQLAdmin's menu. What it shows is up to ``panel``'s own pages."""

    resource: Resource
    can_export = False
    can_import = False

    def is_accessible(self, request: Request) -> bool:
        """Who may not read the records does not see that there are any."""
        return self.has_permission(request, HostAction.LIST)


def view_of(resource: Resource, icons: frozenset[str]) -> type[StaffView]:
    """The view of a resource, under its own name: SQLAdmin's would come from the class."""
    icon = resource.options.icon or ""
    attributes = {
        "resource": resource,
        "name": resource.label,
        "name_plural": resource.label_plural,
        "icon": icon if icon in icons else "table",
        "category": resource.options.menu or "",
        "__module__": __name__,
    }
    meta: Any = type(StaffView)
    name = f"{resource.model.__name__}View"
    view: type[StaffView] = meta(name, (StaffView,), attributes, model=resource.model)
    view.identity = resource.name
    return view


class StaffAdmin(Admin):
    """The panel: the pages of its rooms, each a ``Page``."""

    def __init__(self, app: FastAPI, settings: Settings, registry: Registry) -> None:
        self.registry = registry
        self.languages = with_declared(registry.values())
        self.assets = Assets(FOLDER / "static", self.languages)
        sessions = async_sessionmaker(class_=AsyncSession, sync_session_class=NoSession)
        super().__init__(
            app,
            session_maker=sessions,
            title=settings.app.title,
            templates_dir=str(FOLDER / "templates"),
            authentication_backend=StaffAuthentication(),
            authorization_backend=StaffAuthorization(registry),
            middlewares=[Middleware(Boundary, admin=self, languages=self.languages)],
        )
        self._set_up(self.templates.env)
        for resource in in_order(registry.values()):
            self.add_view(view_of(resource, self.assets.icons))
        self.admin.router.routes = self._routes()
        self.admin.exception_handlers = {
            HTTPException: self._handler(http_error_page),
            AppError: self._handler(app_error_page),
        }

    def _set_up(self, templates: Environment) -> None:
        """Give every template the words and the few functions that it is written with."""
        templates.trim_blocks = templates.lstrip_blocks = True
        templates.filters["retold"] = retold
        templates.globals |= {
            "_": say,
            "_n": say_many,
            "language": language,
            "zone": zone,
            "lowered": lowered,
            "number": number,
            "retold": retold,
            "clock": told,
            "day": day,
            "act": action_words,
            "asset": self.assets.url,
            "size": size_words,
            "picture": picture,
            "listed": listed,
            "editable": lists.cells.editable,
            "selection_bar": lists.selecting.selection_bar,
            "too_many_words": lists.selecting.too_many_words,
            "user_tools": people.user_tools.user_tools,
        }

    def _routes(self) -> list[BaseRoute]:
        """The pages of every room, and the files that they need; none of SQLAdmin's own."""
        routes = [
            Route(each.path, self._endpoint(each), name=each.name, methods=list(each.methods))
            for room in ROOMS
            for each in room.PAGES
        ]
        return [*routes, Mount("/statics", self.assets, name="statics")]

    def _endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        if page.of == "anyone":

            async def open_to_all(request: Request) -> Response:
                return await page.answer(self, request)

            return open_to_all

        # SQLAdmin's decorator is made for methods: it asks its first argument who is there.
        async def signed_in(admin: StaffAdmin, request: Request) -> Response:
            if page.of == "staff":
                return await page.answer(admin, request)
            return await page.answer(admin, request, admin.resource_of(request))

        return partial(login_required(signed_in), self)

    def _handler(
        self, page: Callable[[Admin, Request, Any], Awaitable[Response]]
    ) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def handle(request: Request, error: Exception) -> Response:
            return await page(self, request, error)

        return handle

    def resource_of(self, request: Request) -> Resource:
        """The resource a page is about. Raises ``HTTPException`` 404 and ``ForbiddenError``."""
        view = self._find_model_view(request.path_params["identity"])
        if not isinstance(view, StaffView):
            raise HTTPException(404)
        if not view.is_accessible(request):
            msg = f"You may not read {view.resource.label_plural.lower()}."
            raise ForbiddenError(msg)
        return visiting(request).registry[view.resource.name]
