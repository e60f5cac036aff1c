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

from admin_app.declaration import DeclaredAction, Resource
from admin_app.rest import actions, bulk, history, imports, queries, reads, writes
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
            *self._of_many(many),
            Route("read", "GET", here, f"list{many}", self._read_items()),
            Route("read", "QUERY", here, f"ask{many}", queries.query(self.resource)),
            Route("read", "POST", f"{here}/query", f"query{many}", queries.query(self.resource)),
            Route(
                "read",
                "GET",
                f"{here}/aggregate",
                f"aggregate{many}",
                queries.aggregate(self.resource),
            ),
            Route("read", "GET", f"{here}/facets", f"facet{many}", queries.facets(self.resource)),
            Route("create", "POST", here, f"create{one}", self._create_item()),
            Route("read", "GET", there, f"get{one}", self._read_item()),
            Route("update", "PATCH", there, f"update{one}", self._update_item()),
            Route("update", "PUT", there, f"replace{one}", writes.replace(self.resource)),
            Route("delete", "DELETE", there, f"delete{one}", self._delete_item()),
            Route(
                "read",
                "GET",
                f"{there}/history",
                f"get{one}History",
                history.history(self.resource),
            ),
            Route(
                "update", "POST", f"{there}/revert", f"revert{one}", history.revert(self.resource)
            ),
            *self._of_trash(one),
            *map(self._action, self.resource.declared.values()),
        ]

    def _of_trash(self, one: str) -> list[Route]:
        if self.resource.options.trash is None:
            return []
        where = f"{self.path}/{{key}}/restore"
        return [Route("delete", "POST", where, f"restore{one}", writes.restore(self.resource))]

    def _of_bulk_trash(self, many: str) -> list[Route]:
        if self.resource.options.trash is None:
            return []
        restore = bulk.bulk_restore(self.resource)
        return [Route("delete", "POST", f"{self.path}/bulk/restore", f"bulkRestore{many}", restore)]

    def _of_many(self, many: str) -> list[Route]:
        """The routes that write many records at once."""
        found, lists = self.path, f"{self.path}/bulk"
        change, remove = bulk.bulk_update(self.resource), bulk.bulk_delete(self.resource)
        change_found = bulk.patch_matching(self.resource)
        remove_found = bulk.remove_matching(self.resource)
        taking = "create" if "create" in self.resource.actions else "update"
        take = imports.import_file(self.resource)
        return [
            Route(taking, "POST", f"{found}/import", f"import{many}", take),
            Route("create", "POST", lists, f"bulkCreate{many}", bulk.bulk_create(self.resource)),
            Route("update", "PATCH", lists, f"bulkUpdate{many}", change),
            Route("delete", "DELETE", lists, f"bulkDelete{many}", remove),
            Route("delete", "POST", f"{lists}/delete", f"bulkDelete{many}ByPost", remove),
            *self._of_bulk_trash(many),
            Route("update", "PATCH", found, f"updateMatching{many}", change_found),
            Route("delete", "DELETE", found, f"deleteMatching{many}", remove_found),
        ]

    def _action(self, action: DeclaredAction) -> Route:
        name = f"run{self.resource.model.__name__}{camel(action.name.replace('-', '_'))}"
        where = actions.path(self.path, action)
        return Route(action.name, "POST", where, name, actions.run(self.resource, action))

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
                    dependencies=[
                        Depends(one) for one in dependencies.get(each.action, update_deps)
                    ],
                    response_model=None,
                )


def camel(name: str) -> str:
    """``book_copies`` as ``BookCopies``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
