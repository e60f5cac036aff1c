"""Finding a resource's route: one look-up, then that resource's routes alone."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from admin_app.rest.dispatch import ResourceRoutes


class Counted(Route):
    """A route that counts how often it is asked."""

    asked = 0

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        type(self).asked += 1
        return super().matches(scope)


def scope(path: str, method: str = "GET", root_path: str = "") -> Scope:
    return {"type": "http", "path": root_path + path, "root_path": root_path, "method": method}


def made(count: int) -> ResourceRoutes:
    """As many resources, with two routes each."""
    names = [f"r{number}s" for number in range(count)]
    return ResourceRoutes(
        "/api/v1",
        {
            name: [
                Counted(f"/api/v1/{name}", lambda _: Response(), methods=["GET"]),
                Counted(f"/api/v1/{name}/{{key}}", lambda _: Response(), methods=["GET", "PUT"]),
            ]
            for name in names
        },
    )


def test_only_its_own_are_asked() -> None:
    """However many resources there are, a request asks the routes of one."""
    routes = made(200)
    for path, asked in (("/api/v1/r199s/7", 2), ("/api/v1/r0s", 1), ("/api/v1/others/7", 0)):
        Counted.asked = 0
        routes.matches(scope(path))
        assert Counted.asked == asked, path


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
