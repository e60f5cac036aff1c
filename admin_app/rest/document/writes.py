"""The operations that write one record, as the document tells them."""

from __future__ import annotations

from admin_app.declaration import Resource
from admin_app.errors import (
    AlreadyThereError,
    AppError,
    ConflictError,
    NotFoundError,
    PreconditionRequiredError,
    StaleVersionError,
)
from admin_app.records.writes.json_patch import MAX_OPERATIONS, MAX_POINTER
from admin_app.rest.document.bulk import on_conflict
from admin_app.rest.document.parts import (
    MINIMAL,
    READING,
    WRITING,
    Document,
    answer,
    body,
    if_match_parameter,
    operation,
    ref,
    trash_parameters,
)
from admin_app.rest.document.problems import refusals

JSON_PATCH_SCHEMA = "JsonPatch"
_CHANGING = (*WRITING, NotFoundError, StaleVersionError)
_ONLY_NEW: Document = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string", "enum": ["*"]},
    "description": "The record must not be there yet; else 412.",
}
_MADE = "The new record; no body with return=minimal."
_NEW = {"ETag": "Its version.", "Location": "Its address."}


def create_operation(resource: Resource) -> Document:
    answered = answer(resource.read, _MADE, **_NEW)
    refused = refusals((*WRITING, AlreadyThereError))
    parameters = on_conflict(resource)
    merged: Document = {}
    if parameters:
        kept = answer(resource.read, "The record that was there, as it is now.", **_NEW)
        merged = {"200": kept, "204": MINIMAL}
        refused |= refusals([PreconditionRequiredError])
    return {
        **operation(
            resource,
            f"create{resource.model.__name__}",
            f"Create a record of {resource.label_plural.lower()}",
            {"201": answered, **merged, **refused},
        ),
        "parameters": [_ONLY_NEW, *parameters],
        "requestBody": body(resource.create, "application/json"),
    }


def update_operation(resource: Resource) -> Document:
    answered = answer(resource.read, "The record as it is now.", ETag="Its version.")
    taken = body(resource.update, "application/json", "application/merge-patch+json")
    taken["content"]["application/json-patch+json"] = {"schema": ref(JSON_PATCH_SCHEMA)}
    return {
        **operation(
            resource,
            f"update{resource.model.__name__}",
            f"Change one of {resource.label_plural.lower()}",
            {"200": answered, "204": MINIMAL, **refusals(_guarded(resource, _CHANGING))},
        ),
        "parameters": [if_match_parameter(required=resource.options.require_if_match)],
        "requestBody": taken,
    }


def replace_operation(resource: Resource) -> Document:
    """A replacement, or a record under a key of the caller's."""
    kept = answer(resource.read, "The record as it is now.", ETag="Its version.")
    made = answer(resource.read, _MADE, **_NEW)
    refused = refusals(_guarded(resource, (*_CHANGING, AlreadyThereError)))
    return {
        **operation(
            resource,
            f"replace{resource.model.__name__}",
            f"Replace one of {resource.label_plural.lower()}",
            {"200": kept, "201": made, "204": MINIMAL, **refused},
        ),
        "description": (
            "What is not sent goes to its default or to null; many-to-many relations, sensitive "
            "fields and those you may not set stay as they are."
        ),
        "parameters": [if_match_parameter(required=resource.options.require_if_match), _ONLY_NEW],
        "requestBody": body(resource.replace, "application/json"),
    }


def delete_operation(resource: Resource) -> Document:
    refused = refusals(
        _guarded(resource, (*READING, ConflictError, NotFoundError, StaleVersionError))
    )
    return {
        **operation(
            resource,
            f"delete{resource.model.__name__}",
            f"Delete one of {resource.label_plural.lower()}",
            {"204": {"description": "It is gone."}, **refused},
        ),
        "parameters": [
            if_match_parameter(required=resource.options.require_if_match),
            *trash_parameters(resource, "without", "only"),
        ],
    }


def restore_operation(resource: Resource) -> Document:
    """A way out of the trash."""
    answered = answer(resource.read, "The record as it is now.", ETag="Its version.")
    return {
        **operation(
            resource,
            f"restore{resource.model.__name__}",
            f"Take one of {resource.label_plural.lower()} out of the trash",
            {"200": answered, "204": MINIMAL, **refusals(_guarded(resource, _CHANGING))},
        ),
        "parameters": [if_match_parameter(required=resource.options.require_if_match)],
    }


def add_json_patch(schemas: Document) -> None:
    """Add the schema of a JSON Patch."""
    pointer = {"type": "string", "maxLength": MAX_POINTER, "pattern": "^(?:/.*)?$"}
    value = {"description": "Of add, replace and test."}
    members = {
        "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
        "path": {**pointer, "description": "A JSON Pointer (RFC 6901)."},
        "from": {**pointer, "description": "Of move and copy."},
        "value": value,
    }
    operation_ = {"type": "object", "properties": members, "required": ["op", "path"]}
    schemas["JsonPatchOperation"] = {"title": "JsonPatchOperation", **operation_}
    schemas[JSON_PATCH_SCHEMA] = {
        "type": "array",
        "title": JSON_PATCH_SCHEMA,
        "description": "Operations on the record as it is read (RFC 6902).",
        "items": ref("JsonPatchOperation"),
        "maxItems": MAX_OPERATIONS,
    }


def _guarded(resource: Resource, kinds: tuple[type[AppError], ...]) -> tuple[type[AppError], ...]:
    """The refusals of a change, where it may have to say which version it means."""
    return (*kinds, PreconditionRequiredError) if resource.options.require_if_match else kinds
