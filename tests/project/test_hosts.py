"""The seams of FastCRUD that the house stands on; SQLAdmin's stand in ``test_panel_hosts``."""

from __future__ import annotations

import inspect
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiosqlite
import fastcrud
import pytest
from api import zoo_on
from conftest import FreshSettings
from fastapi.routing import APIRoute
from fastcrud import EndpointCreator, FastCRUD, PolicyConfig, crud_router
from fastcrud.crud import fast_crud
from fastcrud.exceptions.access import AccessDenied
from sqlalchemy import ColumnElement, Integer, Select, bindparam, event, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from zoo import Keeper, OddName, Renamed, Ruled, Specimen

from admin_app import Base
from admin_app.declaration import ACTIONS, Registry
from admin_app.records.reads.crud import RecordCRUD
from admin_app.rest.endpoints import ResourceEndpoints
from admin_app.rest.requests import authenticate
from admin_app.rest.router import PREFIX, resource_routes, rest_router

READS = {
    *("count", "exists", "get", "get_joined", "get_multi", "get_multi_by_cursor"),
    *("get_multi_joined", "select", "with_policy"),
}
WRITES = {"create", "update", "delete", "db_delete", "upsert", "upsert_multi"}
OVERRIDDEN = {
    *("_create_item", "_read_item", "_read_items", "_update_item", "_delete_item"),
    *("_get_endpoint_path", "add_routes_to_router"),
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.from_base(Base, ["zoo"])


def column(attribute: Any) -> ColumnElement[Any]:
    """A model's attribute as the expression it is."""
    found: ColumnElement[Any] = attribute
    return found


def parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


def test_the_version_is_pinned() -> None:
    """FastCRUD moves fast: this is the minor version whose seams were looked at."""
    assert version("fastcrud").split(".")[:2] == ["0", "23"]


def test_every_public_method_is_a_read_or_a_write() -> None:
    """A method that a new version brings is neither known to read nor closed, and is named here."""
    public = {name for name in vars(FastCRUD) if not name.startswith("_")}
    assert {name for name in public if callable(getattr(FastCRUD, name))} == READS | WRITES


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_its_writes_are_closed(registry: Registry, name: str) -> None:
    """Each write of FastCRUD is refused, whatever it is called with: it would leave no change."""
    crud = RecordCRUD(registry["specimen"])
    with pytest.raises(RuntimeError, match="write through"):
        await getattr(crud, name)(None, {}, commit=False, server_data={}, anything=1)
    with pytest.raises(RuntimeError, match="write through"):
        await getattr(crud.with_policy(PolicyConfig(read=True)), name)(None)


def test_endpoint_creator() -> None:
    """What we override is there to be overridden, and called as we expect."""
    for name in OVERRIDDEN:
        assert callable(getattr(EndpointCreator, name)), name
        assert name in vars(ResourceEndpoints), name
    assert parameters(EndpointCreator.add_routes_to_router) == parameters(
        ResourceEndpoints.add_routes_to_router
    )
    assert parameters(EndpointCreator._get_endpoint_path) == {"self", "operation"}


def test_crud_router() -> None:
    """The router takes what we give it, and hands our dependencies to our endpoint creator."""
    given = {
        *("session", "model", "crud", "create_schema", "update_schema", "path"),
        *("endpoint_creator", "create_deps", "read_deps", "read_multi_deps"),
        *("update_deps", "delete_deps"),
    }
    assert given <= parameters(crud_router)


def test_the_routes_are_ours(registry: Registry) -> None:
    """No route of FastCRUD's own is left: each leads to an endpoint of ours and asks who calls."""

    def routes(router: Any) -> list[APIRoute]:
        found: list[APIRoute] = []
        for each in router.routes:
            if isinstance(each, APIRoute):
                found.append(each)
            else:
                found += routes(getattr(each, "original_router", each))
        return found

    # The resources' stand beside the router of the others.
    all_routes = [*routes(resource_routes(registry)), *routes(rest_router("Zoo"))]
    doors = {"read": 7, "create": 3, "update": 5, "delete": 4}
    found = Counter(each.path.removeprefix(PREFIX).split("/")[1] for each in all_routes)
    for one in registry.values():
        expected = sum(doors.get(action, action in one.declared) for action in one.actions)
        # From the trash one comes back, or many.
        restores = 2 if one.options.trash is not None else 0
        assert found[one.plural] == expected + restores, one.plural
    for each in all_routes:
        assert each.endpoint.__module__.startswith("admin_app.rest"), each.path
        asked = [one.call for one in each.dependant.dependencies]
        # The page of the document is for everybody; the document it asks for is not.
        assert asked == ([] if each.path.startswith("/docs") else [authenticate]), each.path


async def test_select_takes_conditions(registry: Registry) -> None:
    """``select(where=…)`` builds one SELECT with the policy's rows and our conditions in it."""
    crud = RecordCRUD(registry["specimen"])
    statement = await crud.statement(
        PolicyConfig(read=Specimen.small > 1), [column(Specimen.id)], [Specimen.whole == 2]
    )
    assert isinstance(statement, Select)
    text = str(statement)
    assert text.startswith("SELECT specimen.id")
    assert "specimen.small > " in text
    assert "specimen.whole = " in text
    with pytest.raises(AccessDenied):
        await crud.statement(PolicyConfig(), [column(Specimen.id)], [])


@pytest.mark.parametrize("model", [Renamed, OddName, Keeper])
async def test_models_it_has_trouble_with(registry: Registry, model: Any) -> None:
    """Renamed keys, columns called like its parameters and joined relations do not disturb it."""
    (resource,) = (each for each in registry.values() if each.model is model)
    columns = [each.expression for each in resource.readable.values()]
    statement = await RecordCRUD(resource).statement(PolicyConfig(read=True), columns, [])
    assert len(statement.selected_columns) == len(columns)


def test_policy_config() -> None:
    """``PolicyConfig`` holds what our policy function puts in and answers what records ask."""
    rule = Ruled.owner == "x"
    config = PolicyConfig(read=True, create=True, create_check=rule, update=rule, delete=False)
    assert [config.grants(action) for action in ACTIONS] == [True, True, True, False]
    assert list(config.row_conditions("read")) == []
    assert len(config.row_conditions("update")) == 1
    assert len(config.check_conditions_for("create")) == 1
    assert len(config.check_conditions_for("update")) == 1, "a row may not be moved out of reach"
    nothing = PolicyConfig()
    assert not any(nothing.grants(action) for action in ACTIONS), "deny by default"


def test_custom_filters_and_the_guard() -> None:
    """The constructor takes what we give it, and the cartesian guard is where it was."""
    assert {"model", "custom_filters", "policy"} <= parameters(FastCRUD.__init__)
    assert callable(vars(fast_crud)["refuse_a_cartesian_product"])
    assert fastcrud.PolicyConfig is PolicyConfig


async def test_no_statement_escapes(fresh_settings: FreshSettings) -> None:
    """A request is answered through our statements: a list takes one, and no count."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        await api.add("unversioned", {"name": "x"})
        seen: list[str] = []

        @event.listens_for(api.database.engine.sync_engine, "before_cursor_execute")
        def listen(_: Any, __: Any, statement: str, *___: Any) -> None:
            seen.append(statement)

        for target, number in (("unversioned", 1), ("unversioned/1", 1)):
            seen.clear()
            await api.get(target)
            asked = [each for each in seen if "FROM unversioned" in each]
            assert len(asked) == number
            assert "count(" not in asked[0]


async def test_the_drivers_seams(tmp_path: Path) -> None:
    """What the SQLite adapter and the lanes take from SQLAlchemy and aiosqlite is where it was."""
    assert {"_cursor_cls", "_ss_cursor_cls"} <= set(dir(AsyncAdapt_aiosqlite_connection))
    assert callable(AsyncAdapt_aiosqlite_connection._handle_exception)
    assert parameters(aiosqlite.Connection._execute) == {"self", "fn", "args", "kwargs"}
    async with aiosqlite.connect(tmp_path / "x.db", check_same_thread=False) as driver:
        assert driver._connection is driver._conn
        assert driver._thread.is_alive()
        # Read by whoever is in the loop, while nothing runs in the thread.
        assert driver._conn.execute("SELECT 1").fetchall() == [(1,)]
    compiled: Any = select(bindparam("x", type_=Integer())).compile(dialect=sqlite.dialect())
    assert compiled.positiontup == ["x"]
    assert compiled.bind_names == {compiled.binds["x"]: "x"}
    assert not compiled.post_compile_params
    assert not compiled.literal_execute_params
