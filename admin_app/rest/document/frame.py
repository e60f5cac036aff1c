"""What every write has in common, as the document tells it: see ``rest.frame``."""

from __future__ import annotations

from admin_app.errors import ConflictError, InvalidInputError
from admin_app.records.writes.idempotency import KEY_LENGTH
from admin_app.rest.document.parts import Document, add_schema, ref
from admin_app.rest.document.problems import refusals
from admin_app.rest.dry_run import DRY_RUN, MEDIA_TYPE
from admin_app.rest.frame import CHANGE_SET
from admin_app.rest.idempotency import HEADER, REPLAYED
from admin_app.rest.requests import MAX_REASON, REASON

_WRITES = ("post", "put", "patch", "delete")
_APART = ("/query", "/access/")
"""In the paths of what only reads, and of tokens, which are made once or not at all."""
_PREFER: Document = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": (
        "Preferences (RFC 7240): return=minimal answers without a body; tx=rollback does "
        "everything, answers what it would have done, and keeps nothing; handling=strict refuses "
        "what is not known."
    ),
}
_KEY: Document = {
    "name": HEADER,
    "in": "header",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": KEY_LENGTH,
        "pattern": r"^[\x21-\x7E]+$",
    },
    "description": (
        "A name of your own for this request: sent again within 24 hours, it is answered again "
        "and not done again."
    ),
}
_REASON: Document = {
    "name": REASON,
    "in": "header",
    "schema": {"type": "string", "maxLength": MAX_REASON},
    "description": "Why the change is made, as histories tell it.",
}
_HEADERS = {
    CHANGE_SET: "What was done, if anything was: POST /change-sets/{id}/revert undoes it.",
    "Preference-Applied": "The preferences that were honoured.",
    REPLAYED: "true where the request had been done before.",
}


def add_frame(paths: Document, schemas: Document) -> None:
    """Add to every operation that writes what all of them take and answer."""
    add_schema(schemas, DRY_RUN, "serialization")
    for path, item in paths.items():
        for method in _WRITES:
            if method in item and not any(each in path for each in _APART):
                item[method] = _framed(item[method])


def _framed(operation: Document) -> Document:
    given = operation.get("parameters", [])
    names = {each["name"] for each in given}
    more = [each for each in (_PREFER, _KEY, _REASON) if each["name"] not in names]
    responses = {
        status: _told(each) if status.startswith("2") else each
        for status, each in operation["responses"].items()
    }
    done = responses.get("200", {"description": "What would be done (Prefer: tx=rollback)."})
    tried = {MEDIA_TYPE: {"schema": ref(DRY_RUN.name)}}
    responses["200"] = {**done, "content": {**done.get("content", {}), **tried}}
    for status, each in refusals((ConflictError, InvalidInputError)).items():
        responses.setdefault(status, each)
    return {**operation, "parameters": [*given, *more], "responses": responses}


def _told(response: Document) -> Document:
    headers = {
        name: {"schema": {"type": "string"}, "description": about}
        for name, about in _HEADERS.items()
    }
    return {**response, "headers": {**response.get("headers", {}), **headers}}
