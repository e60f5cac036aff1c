"""From a registry to routes: one FastCRUD router a resource, and the document of them all."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastcrud import crud_router

from admin_app.declaration import Registry, Resource
from admin_app.records.crud import RecordCRUD
from admin_app.rest.endpoints import ResourceEndpoints, authenticate
from admin_app.rest.openapi import openapi_document

PREFIX = "/api/v1"


def rest_router(registry: Registry, title: str) -> APIRouter:
    """Make the routes of every resource under ``/api/v1``."""
    router = APIRouter(prefix=PREFIX, redirect_slashes=False)
    for resource in registry.values():
        router.include_router(_resource_router(resource))
    document = openapi_document(registry, title=title, prefix=PREFIX)

    @router.get("/openapi.json", dependencies=[Depends(authenticate)], operation_id="getOpenapi")
    async def openapi(request: Request) -> Response:  # noqa: ARG001 - the route's signature
        return Response(document, media_type="application/json")

    return router


def _resource_router(resource: Resource) -> APIRouter:
    endpoints = type(
        f"{resource.model.__name__}Endpoints", (ResourceEndpoints,), {"resource": resource}
    )
    guarded: list[Any] = [authenticate]
    return crud_router(
        session=_no_session,
        model=resource.model,
        crud=RecordCRUD(resource),
        create_schema=resource.create.model,
        update_schema=resource.update.model,
        select_schema=resource.read.model,
        path=f"/{resource.plural}",
        endpoint_creator=endpoints,
        create_deps=guarded,
        read_deps=guarded,
        read_multi_deps=guarded,
        update_deps=guarded,
        delete_deps=guarded,
    )


def _no_session() -> None:
    """FastCRUD asks for a session dependency; ours are handed to ``records`` instead."""
