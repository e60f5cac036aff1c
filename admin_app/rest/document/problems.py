"""The refusals as the document tells them: a schema for each kind, a response for each family."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from admin_app.errors import (
    PROBLEM_MEDIA_TYPE,
    AppError,
    BusyError,
    ConfirmationRequiredError,
    TooManyRequestsError,
    UnauthenticatedError,
    error_classes,
)

Document = dict[str, object]

_SCHEMAS = "#/components/schemas/"
_TEXT = {"type": "string"}
_HEADERS: dict[type[AppError], tuple[str, str]] = {
    UnauthenticatedError: ("WWW-Authenticate", "How to sign in."),
    TooManyRequestsError: ("Retry-After", "Seconds to wait."),
    BusyError: ("Retry-After", "Seconds to wait."),
}


def told() -> list[type[AppError]]:
    """The kinds that a route of the API foresees."""
    # What is confirmed is confirmed in the panel; and nobody foresees the unforeseen.
    return [each for each in error_classes() if each not in {AppError, ConfirmationRequiredError}]


def problem_schemas() -> Document:
    """The schema of each kind, told from the others by its ``code``."""
    part = {
        "type": "object",
        "description": "What is wrong with one part of the input.",
        "properties": {
            "pointer": {**_TEXT, "description": "Where: a JSON Pointer (RFC 6901)."},
            "code": {**_TEXT, "description": "A stable word: see the type."},
            "detail": {**_TEXT, "description": "For people; it may change."},
        },
        "required": ["pointer", "code", "detail"],
    }
    return {"ProblemPart": part, **{_name(each): _schema(each) for each in told()}}


def problem_responses() -> Document:
    """A response for each kind and those that are kinds of it."""
    return {each.__name__: _response([each]) for each in told()}


def refusals(kinds: Iterable[type[AppError]]) -> Document:
    """The responses of an operation that refuses so, by status."""
    by_status: dict[str, list[type[AppError]]] = {}
    for each in dict.fromkeys(kinds):
        by_status.setdefault(str(int(each.status)), []).append(each)
    return {
        status: {"$ref": f"#/components/responses/{alone[0].__name__}"}
        if len(alone := _outermost(found)) == 1
        else _response(alone)
        for status, found in by_status.items()
    }


def _outermost(kinds: list[type[AppError]]) -> list[type[AppError]]:
    """Those that are no kind of another."""
    return [
        each
        for each in kinds
        if not any(issubclass(each, other) and each is not other for other in kinds)
    ]


def _response(kinds: list[type[AppError]]) -> Document:
    family = [each for each in told() if issubclass(each, tuple(kinds))]
    references: list[object] = [{"$ref": _SCHEMAS + _name(each)} for each in family]
    schema: object = references[0]
    if len(family) > 1:
        mapping = {each.code: _SCHEMAS + _name(each) for each in family}
        schema = {
            "oneOf": references,
            "discriminator": {"propertyName": "code", "mapping": mapping},
        }
    found: Document = {
        "description": "; ".join(dict.fromkeys(f"{each.title}" for each in family)) + ".",
        "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}},
    }
    headers = [_HEADERS[each] for each in family if each in _HEADERS]
    if headers:
        found["headers"] = {name: {"schema": _TEXT, "description": text} for name, text in headers}
    return found


def _name(cls: type[AppError]) -> str:
    return f"{cls.__name__.removesuffix('Error')}Problem"


def _schema(cls: type[AppError]) -> Document:
    about = " ".join((inspect.getdoc(cls) or "").replace("``", "").split())
    address = {"type": "string", "format": "uri-reference"}
    return {
        "type": "object",
        "description": f"{about} {cls.remedy}",
        "properties": {
            "type": {**address, "description": "Where this kind is explained."},
            "title": _TEXT,
            "status": {"type": "integer", "const": int(cls.status)},
            "detail": {**_TEXT, "description": "For people; it may change."},
            "instance": address,
            "code": {"type": "string", "const": cls.code},
            "request_id": {**_TEXT, "description": "As in X-Request-Id and in the log."},
            "errors": {"type": "array", "items": {"$ref": f"{_SCHEMAS}ProblemPart"}},
        },
        "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
        "examples": [
            {
                "type": f"/errors/{cls.code}",
                "title": cls.title,
                "status": int(cls.status),
                "detail": about,
                "instance": "/api/v1/books/7",
                "code": cls.code,
                "request_id": "0f5c1d6e8b7a4c3d9e2f1a0b5c6d7e8f",
            }
        ],
    }
