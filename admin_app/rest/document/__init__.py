"""The OpenAPI 3.1 document: a pure function of the registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable

from admin_app.declaration import Registry, Resource
from admin_app.errors import (
    PROBLEM_MEDIA_TYPE,
    AppError,
    BusyError,
    TooManyRequestsError,
    UnauthenticatedError,
    error_classes,
)
from admin_app.rest.document import reads, writes
from admin_app.rest.document.parts import REF, Document, add_schema, refusals, value_of


def openapi_document(
    registry: Registry,
    *,
    title: str,
    prefix: str,
    allowed: Callable[[Resource], Collection[str]],
    chapters: Iterable[Callable[[str, Document, Document], None]] = (),
) -> bytes:
    """Write the document of every route under ``prefix`` that ``allowed`` lets be used.

    Each of ``chapters`` is given the prefix and adds paths and schemas that are no resource's.
    """
    schemas: Document = {"Problem": _problem()}
    paths: Document = {}
    for resource in registry.values():
        _add_resource(resource, registry, allowed(resource), f"{prefix}/{resource.plural}", paths)
        for schema, mode, actions in (
            (resource.read, "serialization", {"read", "create", "update"}),
            (resource.page, "serialization", {"read"}),
            (resource.create, "validation", {"create"}),
            (resource.update, "validation", {"update"}),
        ):
            if actions & {*allowed(resource)}:
                add_schema(schemas, schema, mode)
    for add in chapters:
        add(prefix, paths, schemas)
    paths[f"{prefix}/openapi.json"] = {"get": _self()}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": title, "version": "1"},
            "security": [{"token": []}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "responses": {cls.__name__: _refusal(cls) for cls in error_classes()},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        }
    ).encode()


def _add_resource(
    resource: Resource, registry: Registry, actions: Collection[str], path: str, paths: Document
) -> None:
    several = {
        "read": ("get", reads.list_operation(resource, registry)),
        "create": ("post", writes.create_operation(resource)),
    }
    one = {
        "read": ("get", reads.get_operation(resource)),
        "update": ("patch", writes.update_operation(resource)),
        "delete": ("delete", writes.delete_operation(resource)),
    }
    operations = dict(each for action, each in several.items() if action in actions)
    if operations:
        paths[path] = operations
    operations = dict(each for action, each in one.items() if action in actions)
    if operations:
        paths[f"{path}/{{key}}"] = {"parameters": [_key(resource)], **operations}


def _problem() -> Document:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "RFC 9457 problem details.",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "instance": {"type": "string", "format": "uri-reference"},
            "code": {"type": "string", "enum": [cls.code for cls in error_classes()]},
            "request_id": text,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"pointer": text, "code": text, "detail": text},
                    "required": ["pointer", "code", "detail"],
                },
            },
        },
        "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    }


def _refusal(cls: type[AppError]) -> Document:
    reference = {"$ref": REF.format(model="Problem")}
    return {"description": cls.title, "content": {PROBLEM_MEDIA_TYPE: {"schema": reference}}}


def _self() -> Document:
    return {
        "operationId": "getOpenapi",
        "summary": "This document",
        "responses": {
            "200": {
                "description": "OpenAPI 3.1.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **refusals((UnauthenticatedError, TooManyRequestsError, BusyError)),
        },
    }


def _key(resource: Resource) -> Document:
    schema = value_of(resource.key[0]) if len(resource.key) == 1 else {"type": "string"}
    names = ",".join(each.name for each in resource.key)
    return {
        "name": "key",
        "in": "path",
        "required": True,
        "schema": schema if schema.get("type") != "string" else {**schema, "minLength": 1},
        "description": f"{names}, in the text form of keys.",
    }
