"""Histories, change sets and reverts, as the document tells them."""

from __future__ import annotations

from admin_app.declaration import Resource
from admin_app.errors import NotAcceptableError, NotFoundError, StaleVersionError
from admin_app.rest.document.parts import (
    MINIMAL,
    READING,
    WRITING,
    Document,
    add_schema,
    answer,
    body,
    if_match_parameter,
    operation,
    parameter_of,
)
from admin_app.rest.document.problems import refusals
from admin_app.rest.document.shapes import IF_NONE_MATCH
from admin_app.rest.history import (
    CHANGE_SET_REVERT,
    MOST,
    RECORD_HISTORY,
    RECORD_REVERT,
    RECORDED_CHANGE,
    RECORDED_CHANGE_SET,
    REVERT_RESULT,
    USUAL,
)

_PAGES = [
    parameter_of(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
        "Changes of a page.",
    ),
    parameter_of(
        "cursor", {"type": "string", "pattern": "^[0-9]{1,18}$"}, "Where it begins: next."
    ),
    IF_NONE_MATCH,
]
_UNDONE: Document = {
    "change_set": {"type": "string", "format": "uuid", "description": "What was done until then."},
    "changes": {"type": "integer", "description": "How many changes that made."},
}
_UNCHANGED: Document = {"description": "Nothing has changed since (If-None-Match)."}


def history_operation(resource: Resource) -> Document:
    """A record's history."""
    told = answer(RECORD_HISTORY, "Its changes, the latest first.", ETag="What is answered.")
    responses = {
        "200": told,
        "304": _UNCHANGED,
        **refusals((*READING, NotFoundError, NotAcceptableError)),
    }
    name = f"get{resource.model.__name__}History"
    summary = f"What has happened to one of {resource.label_plural.lower()}"
    return {**operation(resource, name, summary, responses), "parameters": _PAGES}


def revert_operation(resource: Resource) -> Document:
    """Undoing what has happened to a record."""
    done = answer(REVERT_RESULT, "What has been put back.")
    kinds = (*WRITING, NotFoundError, StaleVersionError)
    responses = {"200": done, "204": MINIMAL, **refusals(kinds)}
    name = f"revert{resource.model.__name__}"
    summary = f"Undo what has been done to one of {resource.label_plural.lower()}"
    return {
        **operation(resource, name, summary, responses),
        "parameters": [if_match_parameter(required=resource.options.require_if_match)],
        "requestBody": body(RECORD_REVERT, "application/json"),
    }


def describe_reading(prefix: str, paths: Document, schemas: Document) -> None:
    """Add the reading of change sets to the document, and what histories are made of."""
    for schema in (RECORDED_CHANGE, RECORD_HISTORY, RECORDED_CHANGE_SET):
        add_schema(schemas, schema, "serialization")
    told = answer(RECORDED_CHANGE_SET, "Its changes, the first one first.", ETag="What is told.")
    paths[f"{prefix}/change-sets/{{change_set}}"] = {
        "parameters": [_ID],
        "get": {
            "operationId": "getChangeSet",
            "summary": "What one request, import or act did",
            "tags": ["History"],
            "parameters": _PAGES,
            "responses": {
                "200": told,
                "304": _UNCHANGED,
                **refusals((*READING, NotFoundError, NotAcceptableError)),
            },
        },
    }


def describe_reverting(prefix: str, paths: Document, schemas: Document) -> None:
    """Add the undoing of change sets to the document."""
    for schema in (RECORD_REVERT, CHANGE_SET_REVERT):
        add_schema(schemas, schema, "validation")
    add_schema(schemas, REVERT_RESULT, "serialization")
    # Said in place: problems are told of without what else is in the document.
    conflicts = {"type": "array", "items": schemas["RevertConflict"]}
    told = {"conflicts": {**conflicts, "description": "The first 100 of them."}}
    schemas["RevertConflictProblem"]["properties"].update(told)
    schemas["RevertStoppedProblem"]["properties"].update({**told, **_UNDONE})
    paths[f"{prefix}/change-sets/{{change_set}}/revert"] = {
        "parameters": [_ID],
        "post": {
            "operationId": "revertChangeSet",
            "summary": "Undo what one request, import or act did",
            "description": (
                "Created records are deleted, deleted ones come back under their keys, and fields "
                "become what they were. What has been changed since is a conflict: nothing is done "
                "then, or the rest with skip_conflicts. More than 10,000 changes are undone in "
                "parts, the last ones first, once all have been looked at."
            ),
            "tags": ["History"],
            "responses": {
                "200": answer(REVERT_RESULT, "What has been put back."),
                **refusals((*WRITING, NotFoundError)),
            },
            "requestBody": {**body(CHANGE_SET_REVERT, "application/json"), "required": False},
        },
    }


_ID: Document = {
    "name": "change_set",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "description": "The change_set of its changes.",
}
