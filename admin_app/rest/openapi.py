"""The OpenAPI 3.1 document: a pure function of the registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from admin_app.declaration import Field, Kind, Registry, Resource
from admin_app.declaration.schemas import Schema
from admin_app.declaration.values import adapter_of
from admin_app.errors import (
    PROBLEM_MEDIA_TYPE,
    AppError,
    BadRequestError,
    BusyError,
    ConflictError,
    ContentTooLargeError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    StaleVersionError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
    error_classes,
)
from admin_app.records.operators import LISTS, RELATION, TEXT, operators_of
from admin_app.records.query import COUNTS, parameter, sortable
from admin_app.rest.endpoints import camel

REF = "#/components/schemas/{model}"
READING = (
    BadRequestError,
    UnauthenticatedError,
    ForbiddenError,
    TooManyRequestsError,
    BusyError,
)
WRITING = (
    *READING,
    ConflictError,
    ContentTooLargeError,
    InvalidInputError,
    UnsupportedMediaTypeError,
)

Document = dict[str, Any]

_LIMITS = {
    "RateLimit-Policy": "How many requests may be made in how many seconds, where that is limited.",
    "RateLimit": "How many are left, and for how many seconds.",
}


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
    several = {"read": ("get", _list(resource, registry)), "create": ("post", _create(resource))}
    one = {
        "read": ("get", _get(resource)),
        "update": ("patch", _update(resource)),
        "delete": ("delete", _delete(resource)),
    }
    operations = dict(each for action, each in several.items() if action in actions)
    if operations:
        paths[path] = operations
    operations = dict(each for action, each in one.items() if action in actions)
    if operations:
        paths[f"{path}/{{key}}"] = {"parameters": [_key(resource)], **operations}


def add_schema(schemas: Document, schema: Schema, mode: Any) -> None:
    """Add a schema and those it refers to; ``mode`` is ``validation`` or ``serialization``."""
    document = schema.adapter.json_schema(mode=mode, ref_template=REF)
    schemas.update(document.pop("$defs", {}))
    schemas[schema.name] = document


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


def refusals(kinds: Iterable[type[AppError]]) -> Document:
    """The responses of an operation that refuses so, by status."""
    return {
        str(int(cls.status)): {"$ref": f"#/components/responses/{cls.__name__}"} for cls in kinds
    }


def answer(schema: Schema, description: str, **headers: str) -> Document:
    """A response with a body of ``schema``; ``headers`` by name with what each tells."""
    return {
        "description": description,
        "headers": {
            name: {"schema": {"type": "string"}, "description": about}
            for name, about in {**headers, **_LIMITS}.items()
        },
        "content": {"application/json": {"schema": _ref(schema)}},
    }


def _ref(schema: Schema) -> Document:
    return {"$ref": REF.format(model=schema.name)}


def body(schema: Schema, *media_types: str) -> Document:
    """The body of a request."""
    return {
        "required": True,
        "content": {media_type: {"schema": _ref(schema)} for media_type in media_types},
    }


def _operation(
    resource: Resource, operation_id: str, summary: str, responses: Document
) -> Document:
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": [resource.label_plural],
        "responses": responses,
    }


def _list(resource: Resource, registry: Registry) -> Document:
    answered = answer(resource.page, "A page of records.", Link="next and prev pages (RFC 8288).")
    return {
        **_operation(
            resource,
            f"list{camel(resource.plural)}",
            f"List {resource.label_plural.lower()}",
            {"200": answered, **refusals(READING)},
        ),
        "parameters": [*_steering(resource), *_filters(resource, registry)],
    }


def _create(resource: Resource) -> Document:
    answered = answer(
        resource.read, "The new record.", ETag="Its version.", Location="Its address."
    )
    return {
        **_operation(
            resource,
            f"create{resource.model.__name__}",
            f"Create a record of {resource.label_plural.lower()}",
            {"201": answered, **refusals(WRITING)},
        ),
        "requestBody": body(resource.create, "application/json"),
    }


def _get(resource: Resource) -> Document:
    answered = answer(resource.read, "The record.", ETag="Its version.")
    return _operation(
        resource,
        f"get{resource.model.__name__}",
        f"Read one of {resource.label_plural.lower()}",
        {"200": answered, **refusals((*READING, NotFoundError))},
    )


def _update(resource: Resource) -> Document:
    answered = answer(resource.read, "The record as it is now.", ETag="Its version.")
    return {
        **_operation(
            resource,
            f"update{resource.model.__name__}",
            f"Change one of {resource.label_plural.lower()}",
            {"200": answered, **refusals((*WRITING, NotFoundError, StaleVersionError))},
        ),
        "parameters": [_IF_MATCH],
        "requestBody": body(resource.update, "application/json", "application/merge-patch+json"),
    }


def _delete(resource: Resource) -> Document:
    refused = refusals((*READING, ConflictError, NotFoundError, StaleVersionError))
    return {
        **_operation(
            resource,
            f"delete{resource.model.__name__}",
            f"Delete one of {resource.label_plural.lower()}",
            {"204": {"description": "It is gone."}, **refused},
        ),
        "parameters": [_IF_MATCH],
    }


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


_IF_MATCH: Document = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The ETag the caller has read; any other stored version answers 412.",
}


def _key(resource: Resource) -> Document:
    schema = _value(resource.key[0]) if len(resource.key) == 1 else {"type": "string"}
    names = ",".join(each.name for each in resource.key)
    return {
        "name": "key",
        "in": "path",
        "required": True,
        "schema": schema if schema.get("type") != "string" else {**schema, "minLength": 1},
        "description": f"{names}, in the text form of keys.",
    }


def _steering(resource: Resource) -> list[Document]:
    options = resource.options
    names = [each.name for each in sortable(resource)]
    terms = [*names, *(f"-{name}" for name in names)]
    limit = {
        "type": "integer",
        "minimum": 1,
        "maximum": options.page_limit,
        "default": options.page_size,
    }
    found = [
        _parameter("limit", limit, "Records of a page."),
        _parameter("cursor", {"type": "string"}, "Where the page begins: next or previous."),
        {
            **_parameter(
                "sort",
                {"type": "array", "items": {"type": "string", "enum": terms}, "uniqueItems": True},
                "Order; - for descending, nulls last, the key last of all.",
            ),
            "style": "form",
            "explode": False,
        },
        _parameter("count", {"type": "string", "enum": list(COUNTS)}, "Count the whole list."),
    ]
    if resource.search:
        about = f"Words that must all be found in {', '.join(resource.search)}."
        found.append(_parameter("search", {"type": "string"}, about))
    return found


def _filters(resource: Resource, registry: Registry) -> list[Document]:
    found: list[Document] = []
    for field in resource.readable.values():
        value = _value(field)
        found += [
            _filter(field.name, operator, value, field.label)
            for operator in operators_of(field.kind)
        ]
    for relation in resource.relations.values():
        if relation.writable:
            key = registry.target(relation).key
            schema = _value(key[0]) if len(key) == 1 else {"type": "string"}
            found += [
                _filter(relation.name, operator, schema, relation.label) for operator in RELATION
            ]
    return found


def _filter(target: str, operator: str, value: Document, label: str) -> Document:
    name = parameter(target) if operator == "eq" else f"{target}__{operator}"
    if operator == "isnull":
        return _parameter(name, {"type": "boolean"}, f"{label} is empty.")
    if operator in TEXT:
        return _parameter(name, {"type": "string"}, f"{label} {operator} this text.")
    if operator in LISTS:
        bounds = {"minItems": 2, "maxItems": 2} if operator == "between" else {"minItems": 1}
        schema = {"type": "array", "items": value, **bounds}
        return {
            **_parameter(name, schema, f"{label} {operator} these values."),
            "style": "form",
            "explode": False,
        }
    return _parameter(name, value, f"{label} {operator} this value.")


def _parameter(name: str, schema: Mapping[str, Any], description: str) -> Document:
    return {"name": name, "in": "query", "schema": dict(schema), "description": description}


def _value(field: Field) -> Document:
    if field.kind in {Kind.JSON, Kind.BINARY, Kind.ARRAY}:
        return {}
    return adapter_of(field.shape).json_schema(mode="serialization")
