"""The operations that write a resource, as the document tells them."""

from __future__ import annotations

from admin_app.declaration import Resource
from admin_app.errors import ConflictError, NotFoundError, StaleVersionError
from admin_app.rest.document.parts import (
    READING,
    WRITING,
    Document,
    answer,
    body,
    operation,
    refusals,
)

_IF_MATCH: Document = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The ETag the caller has read; any other stored version answers 412.",
}


def create_operation(resource: Resource) -> Document:
    answered = answer(
        resource.read, "The new record.", ETag="Its version.", Location="Its address."
    )
    return {
        **operation(
            resource,
            f"create{resource.model.__name__}",
            f"Create a record of {resource.label_plural.lower()}",
            {"201": answered, **refusals(WRITING)},
        ),
        "requestBody": body(resource.create, "application/json"),
    }


def update_operation(resource: Resource) -> Document:
    answered = answer(resource.read, "The record as it is now.", ETag="Its version.")
    return {
        **operation(
            resource,
            f"update{resource.model.__name__}",
            f"Change one of {resource.label_plural.lower()}",
            {"200": answered, **refusals((*WRITING, NotFoundError, StaleVersionError))},
        ),
        "parameters": [_IF_MATCH],
        "requestBody": body(resource.update, "application/json", "application/merge-patch+json"),
    }


def delete_operation(resource: Resource) -> Document:
    refused = refusals((*READING, ConflictError, NotFoundError, StaleVersionError))
    return {
        **operation(
            resource,
            f"delete{resource.model.__name__}",
            f"Delete one of {resource.label_plural.lower()}",
            {"204": {"description": "It is gone."}, **refused},
        ),
        "parameters": [_IF_MATCH],
    }
