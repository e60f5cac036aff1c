"""From a registry to routes: one FastCRUD router a resource, and the document of them all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, Request, Response
from fastcrud import crud_router
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from admin_app.declaration import Actor, Registry, Resource
from admin_app.records import Records
from admin_app.records.reads.crud import RecordCRUD
from admin_app.rest import access, batch, explaining, history
from admin_app.rest.answers import JSON, PRIVATE, unless_known
from admin_app.rest.dispatch import ResourceRoutes
from admin_app.rest.docs_page import docs_router
from admin_app.rest.document import openapi_document
from admin_app.rest.document.bulk import describe_batch
from admin_app.rest.document.history import describe_reading, describe_reverting
from admin_app.rest.document.parts import Document
from admin_app.rest.endpoints import ResourceEndpoints
from admin_app.rest.requests import actor, authenticate, records

PREFIX = "/api/v1"


def resource_routes(registry: Registry) -> ResourceRoutes:
    """Make the routes of every resource under ``/api/v1``."""
    return ResourceRoutes(
        PREFIX, {each.plural: partial(_routes_of, each) for each in registry.values()}
    )


def rest_router(title: str) -> APIRouter:
    """Make the routes under ``/api/v1`` that are no resource's."""
    router = APIRouter(prefix=PREFIX, redirect_slashes=False)
    router.include_router(docs_router(title))
    router.include_router(access.router)
    router.include_router(explaining.router)
    router.include_router(batch.router)
    router.include_router(history.router)

    @router.get("/openapi.json", dependencies=[Depends(authenticate)], operation_id="getOpenapi")
    async def openapi(request: Request) -> Response:
        root = request.scope.get("root_path", "")
        # In a thread: a large registry's document takes a second, and others are waiting.
        document, tag = await run_in_threadpool(
            _document, records(request), actor(request), title, root
        )
        headers = {**PRIVATE, "ETag": tag}
        return unless_known(request, Response(document, media_type=JSON, headers=headers))

    return router


def _document(source: Records, reader: Actor, title: str, root_path: str) -> tuple[bytes, str]:
    """The document narrowed to what the reader may use, with its entity tag."""
    seen = source.registry_for(reader)
    found, tag, made_for = _DOCUMENTS.get(seen, (b"", "", None))
    if made_for != root_path:
        found = openapi_document(
            seen,
            title=title,
            prefix=PREFIX,
            allowed=lambda resource: source.allowed(reader, resource),
            chapters=_chapters(source, reader),
            root_path=root_path,
        )
        tag = f'"{hashlib.sha256(found).hexdigest()[:32]}"'
        _DOCUMENTS[seen] = found, tag, root_path
    return found, tag


def document_of(source: Records, reader: Actor, title: str, root_path: str = "") -> bytes:
    """The OpenAPI document as ``reader`` sees it, for whoever runs no server."""
    return _document(source, reader, title, root_path)[0]


def _chapters(source: Records, reader: Actor) -> list[Callable[[str, Document, Document], None]]:
    allowed = {
        action for each in source.registry.values() for action in source.allowed(reader, each)
    }
    reading, writing = "read" in allowed, bool({"create", "update", "delete"} & allowed)
    return [
        access.describe,
        *([describe_reading] if reading else []),
        *([describe_batch, describe_reverting] if writing else []),
        *([explaining.describe] if source.may_explain(reader) else []),
    ]


_DOCUMENTS: WeakKeyDictionary[Registry, tuple[bytes, str, str]] = WeakKeyDictionary()
"""Documents kept, one for each set of grants: making one takes as long as fifty requests."""


def _routes_of(resource: Resource) -> Sequence[BaseRoute]:
    endpoints = type(
        f"{resource.model.__name__}Endpoints", (ResourceEndpoints,), {"resource": resource}
    )
    guarded: list[Any] = [authenticate]
    router = crud_router(
        session=_no_session,
        model=resource.model,
        crud=RecordCRUD(resource),
        create_schema=resource.create.model,
        update_schema=resource.update.model,
        path=f"{PREFIX}/{resource.plural}",
        endpoint_creator=endpoints,
        create_deps=guarded,
        read_deps=guarded,
        read_multi_deps=guarded,
        update_deps=guarded,
        delete_deps=guarded,
    )
    return router.routes


def _no_session() -> None:
    """The session dependency that FastCRUD demands; ours go through ``records`` instead."""
