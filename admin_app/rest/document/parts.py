"""The parts that the document's operations are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from admin_app.declaration import Field, Kind, Resource
from admin_app.declaration.schemas import Schema
from admin_app.declaration.values import adapter_of
from admin_app.errors import (
    AppError,
    BadRequestError,
    BusyError,
    ConflictError,
    ContentTooLargeError,
    ForbiddenError,
    InvalidInputError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)

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


def add_schema(schemas: Document, schema: Schema, mode: Any) -> None:
    """Add a schema and those it refers to; ``mode`` is ``validation`` or ``serialization``."""
    document = schema.adapter.json_schema(mode=mode, ref_template=REF)
    schemas.update(document.pop("$defs", {}))
    schemas[schema.name] = document


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
        "content": {"application/json": {"schema": ref(schema)}},
    }


def ref(schema: Schema) -> Document:
    return {"$ref": REF.format(model=schema.name)}


def body(schema: Schema, *media_types: str) -> Document:
    """The body of a request."""
    return {
        "required": True,
        "content": {media_type: {"schema": ref(schema)} for media_type in media_types},
    }


def operation(resource: Resource, operation_id: str, summary: str, responses: Document) -> Document:
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": [resource.label_plural],
        "responses": responses,
    }


def parameter_of(name: str, schema: Mapping[str, Any], description: str) -> Document:
    return {"name": name, "in": "query", "schema": dict(schema), "description": description}


def value_of(field: Field) -> Document:
    if field.kind in {Kind.JSON, Kind.BINARY, Kind.ARRAY}:
        return {}
    return adapter_of(field.shape).json_schema(mode="serialization")
