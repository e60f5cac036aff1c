"""FastCRUD's ``EndpointCreator`` for one resource: its routes, with our request path.

Each factory that FastCRUD calls for an endpoint is overridden, because the stock endpoints commit
for themselves, know no version and answer 500 to hostile input. What stays is FastCRUD's surface:
the router, the paths, the operations and the dependencies of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastapi import Depends
from fastcrud import EndpointCreator

from admin_app.declaration import Resource
from admin_app.rest import reads, writes
from admin_app.rest.requests import Endpoint


class Route(NamedTuple):
    """One operation of a resource; ``action`` is what must be possible there at all."""

    action: str
    method: str
    path: str
    name: str
    endpoint: Endpoint


class ResourceEndpoints(EndpointCreator):
    """The routes of one resource under ``/<plural>``."""

    resource: Resource

    def _create_item(self) -> Endpoint:
        return writes.create(self.resource)

    def _read_item(self) -> Endpoint:
        return reads.read_one(self.resource)

    def _read_items(self) -> Endpoint:  # type: ignore[override]
        return reads.read_many(self.resource)

    def _update_item(self) -> Endpoint:
        return writes.update(self.resource)

    def _delete_item(self) -> Endpoint:
        return writes.delete(self.resource)

    def _get_endpoint_path(self, operation: str) -> str:
        return self.path if operation in {"create", "read_multi"} else f"{self.path}/{{key}}"

    def _routes(self) -> list[Route]:
        """Every route; those with a word where others have a key come before them."""
        one, many = self.resource.model.__name__, camel(self.resource.plural)
        here, there = self.path, f"{self.path}/{{key}}"
        return [
            Route("read", "GET", here, f"list{many}", self._read_items()),
            Route("create", "POST", here, f"create{one}", self._create_item()),
            Route("read", "GET", there, f"get{one}", self._read_item()),
            Route("update", "PATCH", there, f"update{one}", self._update_item()),
            Route("delete", "DELETE", there, f"delete{one}", self._delete_item()),
        ]

    def add_routes_to_router(
        self,
        create_deps: Sequence[Callable[..., Any]] = (),
        read_deps: Sequence[Callable[..., Any]] = (),
        read_multi_deps: Sequence[Callable[..., Any]] = (),
        update_deps: Sequence[Callable[..., Any]] = (),
        delete_deps: Sequence[Callable[..., Any]] = (),
        db_delete_deps: Sequence[Callable[..., Any]] = (),
        included_methods: Sequence[str] | None = None,
        deleted_methods: Sequence[str] | None = None,
    ) -> None:
        """Add a route for each action; FastCRUD's own have status codes and answers not ours."""
        del read_multi_deps, db_delete_deps, included_methods, deleted_methods
        dependencies = {
            "create": create_deps,
            "read": read_deps,
            "update": update_deps,
            "delete": delete_deps,
        }
        for each in self._routes():
            if each.action in self.resource.actions:
                self.router.add_api_route(
                    each.path,
                    each.endpoint,
                    methods=[each.method],
                    operation_id=each.name,
                    name=each.name,
                    dependencies=[Depends(one) for one in dependencies[each.action]],
                    response_model=None,
                )


def camel(name: str) -> str:
    """``book_copies`` as ``BookCopies``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
