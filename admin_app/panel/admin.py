"""``StaffAdmin``: SQLAdmin's registration, menu, routes and templates over the panel's own pages.

SQLAdmin reads and writes in some ten places with sessions of its own. None of them is used, and
the sessions it is given refuse every statement, so that one that was overlooked fails aloud.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

from fastapi import FastAPI
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
from admin_app.panel import (
    account,
    confirming,
    explaining,
    impersonating,
    matrix,
    pages,
    password_link,
    signin,
    user_tools,
)
from admin_app.panel.assets import Assets
from admin_app.panel.display import size_words
from admin_app.panel.refusals import Boundary, app_error_page, http_error_page
from admin_app.panel.security import StaffAuthentication
from admin_app.panel.visit import visit_of, visiting
from admin_app.settings import Settings

FOLDER = Path(__file__).parent
_ACTIONS: dict[str, Action] = {
    HostAction.LIST: "read",
    HostAction.DETAILS: "read",
    HostAction.CREATE: "create",
    HostAction.EDIT: "update",
    HostAction.DELETE: "delete",
}
"""What SQLAdmin asks about, as actions of the policy; the others are never allowed."""


class NoSession(Session):
    """A session that runs nothing: every read and write of the panel goes through ``records``."""

    def get_bind(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse what every statement, flush and commit with work to do asks for first."""
        msg = "SQLAdmin tried to reach the database by itself; the panel reads through records"
        raise RuntimeError(msg)


class StaffAuthorization(AuthorizationBackend):
    """SQLAdmin's seam for "may they", answered by the one policy."""

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
    """The panel. Each page is a function of ``pages`` or ``signin``."""

    def __init__(self, app: FastAPI, settings: Settings, registry: Registry) -> None:
        self.registry = registry
        self.assets = Assets(FOLDER / "static")
        sessions = async_sessionmaker(class_=AsyncSession, sync_session_class=NoSession)
        super().__init__(
            app,
            session_maker=sessions,
            title=settings.app.title,
            templates_dir=str(FOLDER / "templates"),
            authentication_backend=StaffAuthentication(),
            authorization_backend=StaffAuthorization(registry),
            middlewares=[Middleware(Boundary, admin=self)],
        )
        self.templates.env.trim_blocks = True
        self.templates.env.lstrip_blocks = True
        self.templates.env.globals["asset"] = self.assets.url
        self.templates.env.globals["size"] = size_words
        self.templates.env.globals["user_tools"] = user_tools.user_tools
        for resource in sorted(registry.values(), key=lambda each: (each.own, each.label_plural)):
            self.add_view(view_of(resource, self.assets.icons))
        self.admin.router.routes = self._routes()
        self.admin.exception_handlers = {
            HTTPException: self._handler(http_error_page),
            AppError: self._handler(app_error_page),
        }

    def _routes(self) -> list[BaseRoute]:
        """SQLAdmin's routes, those that would write by GET or serve its files replaced."""
        kept = [
            each
            for each in self.admin.router.routes
            if isinstance(each, Route) and each.name not in {"delete", "logout"}
        ]
        both = ["GET", "POST"]
        return [
            *kept,
            Route("/{identity}/delete", self.delete, name="delete", methods=both),
            Route("/{identity}/file/{field}/{pk:path}", self.file, name="file"),
            Route("/logout", self.logout, name="logout", methods=["POST"]),
            Route("/account", self.account, name="account"),
            Route("/account/{section}", self.account, name="account_section", methods=["POST"]),
            Route("/confirm", self.confirm, name="confirm", methods=both),
            Route("/login/code", self.login_code, name="login_code", methods=both),
            Route("/theme", self.theme, name="theme", methods=["POST"]),
            Route("/access/explain", self.explain, name="explain"),
            Route("/access/matrix", self.matrix, name="matrix", methods=both),
            Route("/access/user/{id}/link", self.user_link, methods=["POST"]),
            Route("/access/user/{id}/end-sessions", self.end_sessions, methods=["POST"]),
            Route("/impersonate", self.impersonate, name="impersonate", methods=["POST"]),
            Route("/impersonate/end", self.end_impersonation, methods=["POST"]),
            Route("/password/{secret}", self.password_link, name="password", methods=both),
            Route("/setup/{secret}", self.setup, name="setup", methods=both),
            Mount("/statics", self.assets, name="statics"),
        ]

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

    @login_required
    async def index(self, request: Request) -> Response:
        return await pages.index(self, request)

    @login_required
    async def list(self, request: Request) -> Response:
        return await pages.list_(self, request, self.resource_of(request))

    @login_required
    async def details(self, request: Request) -> Response:
        return await pages.details(self, request, self.resource_of(request))

    @login_required
    async def create(self, request: Request) -> Response:
        return await pages.create(self, request, self.resource_of(request))

    @login_required
    async def edit(self, request: Request) -> Response:
        return await pages.edit(self, request, self.resource_of(request))

    @login_required
    async def delete(self, request: Request) -> Response:
        return await pages.delete(self, request, self.resource_of(request))

    @login_required
    async def file(self, request: Request) -> Response:
        """The bytes of a field, to be saved and never to be shown."""
        return await pages.file(request, self.resource_of(request))

    @login_required
    async def ajax_lookup(self, request: Request) -> Response:
        return await pages.lookup(request, self.resource_of(request))

    @login_required
    async def account(self, request: Request) -> Response:
        """A person's own access."""
        return await account.page(self, request)

    @login_required
    async def confirm(self, request: Request) -> Response:
        """The proof that what could give rights away asks for."""
        return await confirming.confirming(self, request)

    @login_required
    async def user_link(self, request: Request) -> Response:
        """A link by which a user sets their own password."""
        return await user_tools.link(self, request)

    @login_required
    async def end_sessions(self, request: Request) -> Response:
        """End everything a user is signed in to."""
        return await user_tools.end(request)

    @login_required
    async def explain(self, request: Request) -> Response:
        """Who may do this, and why."""
        return await explaining.page(self, request)

    @login_required
    async def matrix(self, request: Request) -> Response:
        """What every role may do."""
        return await matrix.page(self, request)

    @login_required
    async def impersonate(self, request: Request) -> Response:
        """Act as somebody else."""
        return await impersonating.start(request)

    @login_required
    async def end_impersonation(self, request: Request) -> Response:
        """Be oneself again."""
        return await impersonating.end(request)

    async def password_link(self, request: Request) -> Response:
        """The one-time page that sets a password."""
        return await password_link.page(self, request)

    @login_required
    async def theme(self, request: Request) -> Response:
        """Remember light, dark, or as the system is."""
        return await signin.theme(request)

    async def login(self, request: Request) -> Response:
        return await signin.login(self, request)

    async def login_code(self, request: Request) -> Response:
        """The second page of a sign-in."""
        return await signin.login_code(self, request)

    async def logout(self, request: Request) -> Response:
        return await signin.logout(request)

    async def setup(self, request: Request) -> Response:
        """The one-time page that makes the first administrator."""
        return await signin.setup(self, request)

    @login_required
    async def export(self, request: Request) -> Response:
        return self._nothing(request)

    @login_required
    async def import_endpoint(self, request: Request) -> Response:
        return self._nothing(request)

    @login_required
    async def file_download(self, request: Request) -> Response:
        return self._nothing(request)

    @login_required
    async def file_preview(self, request: Request) -> Response:
        return self._nothing(request)

    def _nothing(self, _: Request) -> NoReturn:
        raise HTTPException(404)
