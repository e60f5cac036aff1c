"""Every seam of SQLAdmin that the panel stands on. When one gives way, this says which."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from fastapi import FastAPI
from sqladmin import Admin, ModelView
from sqladmin._menu import CategoryMenu, ViewMenu
from sqladmin.authentication import AuthenticationBackend, login_required
from sqladmin.authorization import Action, AuthorizationBackend
from sqlalchemy import select, text
from starlette.routing import Route

from admin_app.declaration import Base, Registry
from admin_app.panel.admin import ROOMS, StaffAdmin, StaffView
from admin_app.settings import Settings


@pytest.fixture
def admin() -> StaffAdmin:
    registry = Registry.from_base(Base, ["admin_app.models"])
    return StaffAdmin(FastAPI(), Settings(), registry)


def test_constructor() -> None:
    """SQLAdmin takes the application, a sessionmaker, a folder, two backends and middlewares."""
    taken = inspect.signature(Admin.__init__).parameters
    assert {
        "app", "session_maker", "title", "templates_dir", "authentication_backend",
        "authorization_backend", "middlewares", "base_url",
    } <= taken.keys()  # fmt: skip
    assert taken["base_url"].default == "/admin"


def test_routes(admin: StaffAdmin) -> None:
    """SQLAdmin's constructor makes these routes and no others; the panel replaces them all."""
    plain = Admin(FastAPI(), session_maker=admin.session_maker)
    assert {each.name for each in plain.admin.router.routes} == {  # type: ignore[attr-defined]
        "statics", "index", "list", "details", "delete", "create", "edit", "export", "import",
        "ajax_lookup", "login", "logout", "file_download", "file_preview",
    }  # fmt: skip
    ours = [each.name for room in ROOMS for each in room.PAGES]
    assert len(set(ours)) == len(ours)
    served = [each.name for each in admin.admin.router.routes]  # type: ignore[attr-defined]
    assert served == [*ours, "statics"]


def test_no_write_by_get(admin: StaffAdmin) -> None:
    """Every route that ends a session or sets something takes POST alone."""
    routes = {each.name: each for each in admin.admin.router.routes if isinstance(each, Route)}
    for name in ("logout", "theme"):
        assert routes[name].methods == {"POST"}


def test_only_our_pages(admin: StaffAdmin) -> None:
    """No endpoint of a route is SQLAdmin's own code."""
    for each in admin.admin.router.routes:
        if isinstance(each, Route):
            endpoint = getattr(each.endpoint, "func", each.endpoint)
            assert inspect.unwrap(endpoint).__module__ == "admin_app.panel.admin"


def test_views(admin: StaffAdmin) -> None:
    """A view has its resource's names, given after its class was made, and is in the menu."""
    declared = ["author", "book", "comment", "reader"]
    assert [each.identity for each in admin.views][:4] == declared
    assert {each.identity for each in admin.views[4:]} == {
        name for name, each in admin.registry.items() if each.own
    }
    assert admin._find_model_view("book").name_plural == "Books"
    assert [each.display_name for each in admin._menu.items] == [
        "Authors", "Books", "Comments", "Readers", "Access",
    ]  # fmt: skip
    assert all(isinstance(each, ViewMenu) for each in admin._menu.items[:4])
    for name in ("type_", "is_visible", "is_accessible", "is_active", "children", "icon"):
        assert hasattr(admin._menu.items[0], name)
    assert CategoryMenu("x").type_ == "Category"
    assert admin._menu.items[0].type_ == "View"


def test_view_metaclass() -> None:
    """The metaclass of views takes the model as a keyword."""
    assert "kwargs" in inspect.signature(type(ModelView).__new__).parameters
    assert type(StaffView) is type(ModelView)


def test_authentication() -> None:
    """``login_required`` asks ``authenticate``, answers what it answers, and then our page."""
    assert {"authenticate", "get_user_id"} <= set(dir(AuthenticationBackend))
    source = inspect.getsource(login_required)
    assert "isinstance(response, Response)" in source
    assert "auth_backend.authenticate(request)" in source


def test_authorization() -> None:
    """The authorization seam asks about these actions, with the request and the identity."""
    parameters = inspect.signature(AuthorizationBackend.has_permission).parameters
    assert list(parameters) == ["self", "request", "identity", "action", "obj"]
    assert {str(each) for each in Action} == {
        "list", "details", "create", "edit", "delete", "export", "import",
    }  # fmt: skip


async def test_sessions_refuse(admin: StaffAdmin) -> None:
    """Whatever SQLAdmin might do with the sessions it was given, it reaches no database."""
    model = admin._find_model_view("book").model
    attempts: list[Any] = [
        lambda session: session.execute(text("SELECT 1")),
        lambda session: session.scalars(select(model)),
        lambda session: session.get(model, 1),
        lambda session: session.connection(),
        lambda session: session.stream(select(model)),
    ]
    for attempt in attempts:
        async with admin.session_maker() as session:
            with pytest.raises(RuntimeError, match="reads through records"):
                await attempt(session)
    async with admin.session_maker() as session:
        session.add(model(title="x"))
        with pytest.raises(RuntimeError, match="reads through records"):
            await session.commit()


def test_templates(admin: StaffAdmin) -> None:
    """Our templates come first, SQLAdmin's stay reachable, values are escaped, ``_`` is there."""
    env = admin.templates.env
    ours, original = env.get_template("sqladmin/list.html"), "sqladmin_original/list.html"
    assert ours.filename is not None
    assert "admin_app/panel/templates" in ours.filename
    assert env.get_template(original).filename != ours.filename
    assert env.autoescape is True
    assert env.is_async
    assert env.globals["admin"] is admin
    assert callable(env.globals["gettext"])
