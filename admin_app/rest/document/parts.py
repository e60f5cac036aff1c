"""The parts that the document's operations are made of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from admin_app.declaration import Field, Kind, Resource
from admin_app.declaration.fields import Shape
from admin_app.declaration.schemas import Schema
from admin_app.declaration.values import adapter_of
from admin_app.errors import (
    BadRequestError,
    BusyError,
    ConflictError,
    ContentTooLargeError,
    ForbiddenError,
    InvalidInputError,
    RequestTimeoutError,
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
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)

Document = dict[str, Any]

STRING: Document = {"type": "string"}
MINIMAL: Document = {"description": "It is done, and nothing more is said (return=minimal)."}
_LIMITS = {
    "RateLimit-Policy": "How many requests may be made in how many seconds, where that is limited.",
    "RateLimit": "How many are left, and for how many seconds.",
}


def add_schema(schemas: Document, schema: Schema, mode: Any) -> None:
    """Add a schema and those it refers to; ``mode`` is ``validation`` or ``serialization``."""
    document = schema.adapter.json_schema(mode=mode, ref_template=REF)
    schemas.update(document.pop("$defs", {}))
    schemas[schema.name] = document


def answer(schema: Schema, description: str, **headers: str) -> Document:
    """A response with a body of ``schema``; ``headers`` by name with what each tells."""
    return {
        "description": description,
        "headers": {
            name: {"schema": {"type": "string"}, "description": about}
            for name, about in {**headers, **_LIMITS}.items()
        },
        "content": {"application/json": {"schema": ref(schema.name)}},
    }


def ref(name: str) -> Document:
    """A reference to the schema of a name."""
    return {"$ref": REF.format(model=name)}


def body(schema: Schema, *media_types: str) -> Document:
    """The body of a request."""
    return {
        "required": True,
        "content": {media_type: {"schema": ref(schema.name)} for media_type in media_types},
    }


def if_match_parameter(*, required: bool = False) -> Document:
    """``If-Match`` of a change."""
    return {
        "name": "If-Match",
        "in": "header",
        "required": required,
        "schema": {"type": "string"},
        "description": "The ETag the caller has read; any other stored version answers 412.",
    }


def operation(resource: Resource, operation_id: str, summary: str, responses: Document) -> Document:
    """What every operation of a resource says of itself."""
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": [resource.label_plural],
        "responses": responses,
    }


def trash_parameters(resource: Resource, *places: str) -> list[Document]:
    """Where a record may be: in the trash, not in it; nothing for a resource without one."""
    if resource.options.trash is None:
        return []
    schema = {"type": "string", "enum": list(places), "default": "without"}
    return [parameter_of("trash", schema, "What is deleted is in the trash.")]


def parameter_of(name: str, schema: Mapping[str, Any], description: str) -> Document:
    """A parameter of the query string."""
    return {"name": name, "in": "query", "schema": dict(schema), "description": description}


def list_parameter_of(name: str, schema: Mapping[str, Any], description: str) -> Document:
    """One whose values are joined by commas; ``schema`` is that of the list."""
    return {**parameter_of(name, schema, description), "style": "form", "explode": False}


def value_of(field: Field) -> Document:
    """The schema of a field's value as it is answered; of documents and bytes nothing is said."""
    if field.kind in {Kind.JSON, Kind.BINARY, Kind.ARRAY}:
        return {}
    return dict(_value(field.shape))


@lru_cache(maxsize=4096)
def _value(shape: Shape) -> Document:
    return adapter_of(shape).json_schema(mode="serialization")
