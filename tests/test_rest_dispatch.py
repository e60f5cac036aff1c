"""Finding a resource's route: one look-up, then that resource's routes alone."""

from __future__ import annotations

import cProfile

from fastapi import APIRouter, Request, Response
from starlette.routing import Match
from starlette.types import Scope

from admin_app.rest.dispatch import ResourceRoutes


def scope(path: str, method: str = "GET", root_path: str = "") -> Scope:
    return {"type": "http", "path": root_path + path, "root_path": root_path, "method": method}


async def answered(request: Request) -> Response:
    """Tells what was found."""
    return Response(f"{request.url.path} {request.path_params}")


def made(count: int) -> ResourceRoutes:
    """As many resources, with a few routes each."""
    routes = {}
    for name in (f"r{number}s" for number in range(count)):
        router = APIRouter()
        for path, methods in (
            ("", ["GET", "POST"]),
            ("/bulk", ["POST"]),
            ("/{key}", ["GET", "PUT"]),
            ("/{key}/restore", ["POST"]),
        ):
            router.add_api_route(f"/api/v1/{name}{path}", answered, methods=methods)
        routes[name] = router.routes
    return ResourceRoutes("/api/v1", routes)


def work(routes: ResourceRoutes, path: str) -> int:
    """How many calls it takes to find a route."""
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
