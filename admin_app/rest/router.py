"""From a registry to routes: one FastCRUD router a resource, and the document of them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, Request, Response
from fastcrud import crud_router

from admin_app.declaration import Actor, Registry, Resource
from admin_app.records import Records
from admin_app.records.crud import RecordCRUD
from admin_app.rest import access, explaining
from admin_app.rest.document import openapi_document
from admin_app.rest.document.parts import Document
from admin_app.rest.endpoints import ResourceEndpoints
from admin_app.rest.requests import actor, authenticate, records

PREFIX = "/api/v1"


def rest_router(registry: Registry, title: str) -> APIRouter:
    """Make the routes of every resource under ``/api/v1``."""
    router = APIRouter(prefix=PREFIX, redirect_slashes=False)
    router.include_router(access.router)
    router.include_router(explaining.router)
    for resource in registry.values():
        router.include_router(_resource_router(resource))

    @router.get("/openapi.json", dependencies=[Depends(authenticate)], operation_id="getOpenapi")
    async def openapi(request: Request) -> Response:
        document = _document(records(request), actor(request), title)
        headers = {"Vary": "Authorization", "Cache-Control": "private, no-cache"}
        return Response(document, media_type="application/json", headers=headers)

    return router


def _document(source: Records, reader: Actor, title: str) -> bytes:
    """What the reader may use and nothing else: a hidden field is not in it either."""
    seen = source.registry_for(reader)
    found = _DOCUMENTS.get(seen)
    if found is None:
        found = openapi_document(
            seen,
            title=title,
            prefix=PREFIX,
            allowed=lambda resource: source.allowed(reader, resource),
            chapters=_chapters(source, reader),
        )
        _DOCUMENTS[seen] = found
    return found


def _chapters(source: Records, reader: Actor) -> list[Callable[[str, Document, Document], None]]:
    return [access.describe, *([explaining.describe] if source.may_explain(reader) else [])]


_DOCUMENTS: WeakKeyDictionary[Registry, bytes] = WeakKeyDictionary()
"""One for each set of grants in use: making one takes as long as fifty requests."""


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
