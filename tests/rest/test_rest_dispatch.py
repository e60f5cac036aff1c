"""Finding a resource's route: one look-up, then that resource's routes alone."""

from __future__ import annotations

import cProfile
from functools import partial

from fastapi import APIRouter, Request, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from admin_app.rest.dispatch import ResourceRoutes


def scope(path: str, method: str = "GET", root_path: str = "") -> Scope:
    return {"type": "http", "path": root_path + path, "root_path": root_path, "method": method}


async def answered(request: Request) -> Response:
    """Tells what was found."""
    return Response(f"{request.url.path} {request.path_params}")


def made(count: int, asked: list[str] | None = None) -> ResourceRoutes:
    """As many resources, with a few routes each; ``asked`` gets the names of those made."""

    def routes(name: str) -> list[BaseRoute]:
        if asked is not None:
            asked.append(name)
        router = APIRouter()
        for path, methods in (
            ("", ["GET", "POST"]),
            ("/bulk", ["POST"]),
            ("/{key}", ["GET", "PUT"]),
            ("/{key}/restore", ["POST"]),
        ):
            router.add_api_route(f"/api/v1/{name}{path}", answered, methods=methods)
        return router.routes

    names = [f"r{number}s" for number in range(count)]
    return ResourceRoutes("/api/v1", {each: partial(routes, each) for each in names})


def work(routes: ResourceRoutes, path: str) -> int:
    """How many calls it takes to find a route that was found before."""
    routes.matches(scope(path))
    profile = cProfile.Profile()
    profile.enable()
    found, _ = routes.matches(scope(path))
    profile.disable()
    assert found is Match.FULL
    return sum(each.callcount for each in profile.getstats())


def test_as_much_work_however_many() -> None:
    """Finding a route of the last of 200 resources takes as many calls as of the only one."""
    many = made(200)
    for path in ("", "/7"):
        assert work(many, f"/api/v1/r199s{path}") == work(made(1), f"/api/v1/r0s{path}") < 20


def test_made_when_asked_for() -> None:
    """A resource's routes are made at its first request, once, and none for unknown names."""
    asked: list[str] = []
    routes = made(3, asked)
    for path in ("r9s", "r0", "R0s", "", "r1s/", "openapi.json"):
        routes.matches(scope(f"/api/v1/{path}"))
    assert asked == ["r1s"]
    for method in ("GET", "DELETE", "ODD"):
        routes.matches(scope("/api/v1/r2s/7", method))
    assert asked == ["r1s", "r2s"]
    assert len(list(routes.routes)) == len(list(routes.routes)) == 3 * 4
    assert asked == ["r1s", "r2s", "r0s"]


def test_what_matches() -> None:
    """The whole name counts, below the prefix and any root path; another method is a part."""
    routes = made(2)
    for path in ("/api/v1/r1s", "/api/v1/r1s/7"):
        assert routes.matches(scope(path))[0] is Match.FULL
        assert routes.matches(scope(path, root_path="/below"))[0] is Match.FULL
        assert routes.matches(scope(path, "DELETE"))[0] is Match.PARTIAL
    for path in (
        "/api/v1/r1",
        "/api/v1/r1s/7/8",
        "/api/v1/",
        "/api/v1",
        "/r1s",
        "/api/v11/r1s",
        "",
    ):
        assert routes.matches(scope(path))[0] is Match.NONE
    assert routes.matches({"type": "lifespan"})[0] is Match.NONE


async def test_words_come_before_keys() -> None:
    """Of what a path could be, the first route that takes the method answers, with its key."""
    routes = made(1)
    for path, method, key in (
        ("/api/v1/r0s/bulk", "POST", {}),
        ("/api/v1/r0s/bulk", "GET", {"key": "bulk"}),
        ("/api/v1/r0s/a b", "PUT", {"key": "a b"}),
        ("/api/v1/r0s/7/restore", "POST", {"key": "7"}),
    ):
        match, child = routes.matches(scope(path, method))
        assert (match, child["path_params"]) == (Match.FULL, key)
