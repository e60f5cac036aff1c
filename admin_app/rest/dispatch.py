"""One look-up finds the routes of a resource, however many resources there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send


class ResourceRoutes(BaseRoute):
    """The routes of every resource, by the name that follows the prefix in the path.

    A router tries one pattern after the other, FastAPI's twice at each level of inclusion: with two
    hundred resources of fifteen routes that takes longer than the request itself.
    """

    def __init__(self, prefix: str, routes: Mapping[str, Sequence[BaseRoute]]) -> None:
        self._prefix = f"{prefix}/"
        self._routes = dict(routes)

    @property
    def routes(self) -> Iterator[BaseRoute]:
        """All of them."""
        return (each for found in self._routes.values() for each in found)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Starlette's protocol: the first route of the resource that takes path and method."""
        partial: tuple[Match, Scope] = (Match.NONE, {})
        for route in self._of(scope):
            match, child = route.matches(scope)
            if match is Match.FULL:
                return match, {**child, "resource_route": route}
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = match, {**child, "resource_route": route}
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the route that ``matches`` has found."""
        await scope["resource_route"].handle(scope, receive, send)

    def _of(self, scope: Scope) -> Sequence[BaseRoute]:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if not path.startswith(self._prefix):
            return ()
        name, _, _ = path.removeprefix(self._prefix).partition("/")
        return self._routes.get(name, ())
