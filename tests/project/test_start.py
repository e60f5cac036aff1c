"""What a start takes: so much for each model, and nothing that only a request needs."""

from __future__ import annotations

import cProfile
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from costs import only_what_is_new
from fastapi import FastAPI
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.routing import Match

from admin_app.app import application, create_app
from admin_app.declaration import DeclarationError, Registry
from admin_app.declaration.schemas import Schema
from admin_app.panel import mount_panel
from admin_app.rest import resource_routes
from admin_app.rest.dispatch import ResourceRoutes
from admin_app.settings import Settings

CALLS = 7_000
"""Of functions, for a model of ten columns."""


def declared(count: int) -> tuple[type[DeclarativeBase], list[type]]:
    """A base with as many models of ten columns each, and these: it does not hold them itself."""

    class Own(DeclarativeBase):
        pass

    models = []
    for number in range(count):
        columns = {f"c{each}": mapped_column(String(10 + each)) for each in range(9)}
        body = {
            "__tablename__": f"thing{number}",
            "__module__": __name__,
            "__annotations__": {"id": Mapped[int], **dict.fromkeys(columns, Mapped[str])},
            "id": mapped_column(primary_key=True),
            **columns,
        }
        models.append(type(f"Thing{number}", (Own,), body))
    return Own, models


def started(base: type[DeclarativeBase], settings: Settings) -> tuple[Registry, ResourceRoutes]:
    """Do what a start does with the models of a base."""
    registry = Registry.from_base(base, [__name__])
    routes = resource_routes(registry)
    mount_panel(FastAPI(), settings, registry)
    return registry, routes


def work(count: int, settings: Settings) -> int:
    """How many calls it takes to start with so many models."""
    base, models = declared(count)
    profile = cProfile.Profile()
    # What other tests have left calls functions when it is collected.
    gc.collect()
    gc.disable()
    profile.enable()
    try:
        started(base, settings)
    finally:
        profile.disable()
        gc.enable()
    base.registry.dispose()
    assert len(models) == count
    return sum(each.callcount for each in profile.getstats())


def schemas(registry: Registry) -> Iterator[tuple[str, str]]:
    """The schemas that have been made so far, by resource."""
    for each in registry.values():
        for name, value in vars(each).items():
            if isinstance(value, Schema):
                yield each.name, name


def test_so_much_a_model(tmp_path: Path) -> None:
    """Each further model takes as many calls as the one before it, and not too many."""
    settings = Settings(root=tmp_path)
    work(1, settings)  # What is made once for all.
    ten, twenty, thirty = (work(count, settings) for count in (10, 20, 30))
    assert twenty - ten < 10 * CALLS
    assert thirty - twenty < 1.02 * (twenty - ten)


def test_nothing_before_it_is_asked_for(tmp_path: Path) -> None:
    """Schemas and routes are made for a resource at its first request, and validators later."""
    base, _models = declared(3)
    registry, routes = started(base, Settings(root=tmp_path))
    assert list(schemas(registry)) == []
    scope = {"type": "http", "path": "/api/v1/thing1s", "root_path": "", "method": "GET"}
    assert routes.matches(scope)[0] is Match.FULL
    assert {name for name, _ in schemas(registry)} == {"thing1"}
    create = registry["thing1"].create
    assert "adapter" not in vars(create)
    assert create.adapter is create.adapter
    base.registry.dispose()


def test_mistakes_are_found_at_the_start() -> None:
    """What a first request would fail at is reported before there is one, by class and field."""

    class Own(DeclarativeBase):
        pass

    class Short(Own):
        __tablename__ = "short"
        id: Mapped[int] = mapped_column(primary_key=True)
        short: Mapped[str] = mapped_column(String(-1))
        odd: Mapped[str] = mapped_column(String(9), info={"choices": [["a"]]})

    with pytest.raises(DeclarationError) as caught:
        Registry.from_base(Own, [__name__])
    assert [each.partition(": ")[0] for each in caught.value.problems] == [
        "Short.short",
        "Short.odd",
    ]
    Own.registry.dispose()


def test_a_server_keeps_what_it_is_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server is made of is not looked at again when garbage is searched for."""
    (tmp_path / "settings.toml").write_text('[app]\nmodels = ["admin_app.models"]\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    with only_what_is_new():
        before = gc.get_freeze_count()
        app = application()
        assert gc.get_freeze_count() > before
        assert not any(each is app for each in gc.get_objects())


@pytest.mark.parametrize("told", [True, False])
def test_telemetry_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, told: bool
) -> None:
    """FastAPI looks for OpenTelemetry where the environment speaks of it, and nowhere else."""
    for each in os.environ:
        if each.startswith("OTEL_"):
            monkeypatch.delenv(each)
    if told:
        monkeypatch.setenv("OTEL_SERVICE_NAME", "library")
    app: Any = create_app(Settings(root=tmp_path))
    assert {app._telemetry[each] for each in ("tracing", "metrics", "logs")} == {told}
