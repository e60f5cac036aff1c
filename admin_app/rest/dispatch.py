"""Routing of resources: one look-up by name, however many resources there are."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

FOUND = "resource_route"


class _Way(NamedTuple):
    """One route of a method: path pattern, dependencies and endpoint."""

    path: re.Pattern[str]
    guards: Sequence[Callable[[Request], Awaitable[None]]]
    endpoint: Callable[[Request], Awaitable[Response]]


class _Crossroads(NamedTuple):
    """The routes of one resource, and the same by method."""

    routes: Sequence[APIRoute]
    ways: Mapping[str, Sequence[_Way]]


class ResourceRoutes(BaseRoute):
    """The routes of every resource, by the name that follows the prefix in the path.

    A router tries one pattern after the other, FastAPI's twice at each level of inclusion: with two
    hundred resources of fifteen routes that takes longer than the request itself. Dependencies and
    endpoints here take a request and nothing else, so they are called without FastAPI's solver.

    ``makers`` make the routes of one resource each, when they are first asked for: those of two
    hundred take longer than all else that has to be done before the first answer.
    """

    def __init__(
        self, prefix: str, makers: Mapping[str, Callable[[], Sequence[BaseRoute]]]
    ) -> None:
        self._prefix = f"{prefix}/"
        self._makers = makers
        self._made: dict[str, _Crossroads] = {}

    @property
    def routes(self) -> Iterator[APIRoute]:
        """The routes of every resource; makes those that are not made yet."""
        return (each for name in self._makers for each in self._of(name).routes)

    def _of(self, name: str) -> _Crossroads:
        """The routes of a resource by its plural; unknown names are not cached."""
        found = self._made.get(name)
        if found is None:
            maker = self._makers.get(name)
            if maker is None:
                return _NOWHERE
            found = self._made[name] = _crossroads(maker())
        return found

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Starlette's protocol: the first route of the resource that takes path and method."""
        if scope["type"] != "http":
            return Match.NONE, {}
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not path.startswith(self._prefix):
            return Match.NONE, {}
        name, _, _ = path[len(self._prefix) :].partition("/")
        here = self._of(name)
        for way in here.ways.get(scope["method"], ()):
            found = way.path.match(path)
            if found is not None:
                return Match.FULL, {"path_params": found.groupdict(), FOUND: way}
        for route in here.routes:
            match, child = route.matches(scope)
            if match is not Match.NONE:
                return match, {**child, FOUND: route}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by what ``matches`` has found; a route that lacks the method says so."""
        way: Any = scope[FOUND]
        if isinstance(way, BaseRoute):
            await way.handle(scope, receive, send)
            return
        request = Request(scope, receive, send)
        for each in way.guards:
            await each(request)
        response = await way.endpoint(request)
        await response(scope, receive, send)


_NOWHERE = _Crossroads((), {})


def _crossroads(routes: Sequence[BaseRoute]) -> _Crossroads:
    ours = [each for each in routes if isinstance(each, APIRoute)]
    ways: dict[str, list[_Way]] = {}
    for each in ours:
        for method in each.methods or ():
            ways.setdefault(method, []).append(_way(each))
    return _Crossroads(ours, ways)


def _way(route: APIRoute) -> _Way:
    guards = [each.dependency for each in route.dependencies if each.dependency is not None]
    return _Way(route.path_regex, guards, route.endpoint)
