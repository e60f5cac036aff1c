"""The declared actions, as the document tells them."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from admin_app.declaration import DeclaredAction, Resource
from admin_app.errors import NotFoundError, StaleVersionError
from admin_app.rest.actions import SELECTION
from admin_app.rest.document.parts import (
    MINIMAL,
    REF,
    WRITING,
    Document,
    if_match_parameter,
    operation,
    ref,
)
from admin_app.rest.document.problems import refusals
from admin_app.rest.endpoints import camel


def action_operation(resource: Resource, action: DeclaredAction, schemas: Document) -> Document:
    """One action's operation; the schemas of what it takes and answers go to ``schemas``."""
    name = f"{resource.model.__name__}{camel(action.name.replace('-', '_'))}"
    kinds = (*WRITING, NotFoundError, *([StaleVersionError] if action.on == "record" else []))
    found = operation(
        resource,
        f"run{name}",
        action.label,
        {"200": _answer(action, name, schemas), "204": MINIMAL, **refusals(kinds)},
    )
    if action.on == "record":
        found["parameters"] = [if_match_parameter()]
    if action.help:
        found["description"] = action.help
    body = _body(action, name, schemas)
    if body is not None:
        required = action.parameters is not None or action.on == "selection"
        found["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": body}},
        }
    return found


def _body(action: DeclaredAction, name: str, schemas: Document) -> Document:
    parameters = _added(action.adapter, f"{name}Parameters", schemas, "validation")
    if action.on != "selection":
        return parameters
    selection = SELECTION.adapter.json_schema()
    needed = [] if action.parameters is None else ["parameters"]
    schemas[f"{name}Selection"] = {
        **selection,
        "title": f"{name}Selection",
        "properties": {**selection["properties"], "parameters": parameters},
        "required": ["keys", *needed],
    }
    return ref(f"{name}Selection")


def _answer(action: DeclaredAction, name: str, schemas: Document) -> Document:
    value = _schema(action.answers, f"{name}Result", schemas, "serialization")
    schemas[f"{name}Answer"] = {
        "title": f"{name}Answer",
        "type": "object",
        "properties": {"result": value},
        "required": ["result"],
    }
    reference = ref(f"{name}Answer")
    return {
        "description": "What the action answers.",
        "content": {"application/json": {"schema": reference}},
    }


def _added(adapter: TypeAdapter[Any], name: str, schemas: Document, mode: Any) -> Document:
    schemas[name] = {**_schema(adapter, name, schemas, mode), "title": name}
    if schemas[name].get("type") == "object":
        schemas[name].setdefault("additionalProperties", False)
    return ref(name)


def _schema(adapter: TypeAdapter[Any], name: str, schemas: Document, mode: Any) -> Document:
    """A schema; those that it is made of are called after it, so that none meets another's."""
    found = adapter.json_schema(mode=mode, ref_template=REF.format(model=f"{name}{{model}}"))
    schemas.update({f"{name}{each}": part for each, part in found.pop("$defs", {}).items()})
    return found
