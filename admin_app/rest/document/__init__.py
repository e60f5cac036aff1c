"""The OpenAPI 3.1 document: a pure function of the registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from importlib.metadata import version

from admin_app.declaration import Registry, Resource
from admin_app.errors import BusyError, TooManyRequestsError, UnauthenticatedError
from admin_app.rest.actions import path
from admin_app.rest.document import actions, bulk, groups, history, imports, queries, reads, writes
from admin_app.rest.document.branches import name_branches
from admin_app.rest.document.enums import name_enums
from admin_app.rest.document.examples import add_examples
from admin_app.rest.document.frame import add_frame
from admin_app.rest.document.marks import add_marks
from admin_app.rest.document.parts import Document, add_schema, ref, value_of
from admin_app.rest.document.problems import problem_responses, problem_schemas, refusals
from admin_app.rest.document.shapes import add_shaped
from admin_app.rest.document.sharing import share

_ABOUT = """\
Send `Authorization: Bearer <token>`. Every refusal is a problem (RFC 9457) whose `type` leads to
what it means and what to do. The document holds what the token may do, and nothing else.
"""
_CHAPTERS = {
    "API tokens": "Tokens that programs act with, and what each reaches.",
    "Access": "Who may do what, and why.",
    "Batch": "Several writes as one.",
    "History": "What was done, and undoing it.",
    "Document": "What this API can do.",
}


def openapi_document(
    registry: Registry,
    *,
    title: str,
    prefix: str,
    allowed: Callable[[Resource], Collection[str]],
    chapters: Iterable[Callable[[str, Document, Document], None]] = (),
    root_path: str = "",
) -> bytes:
    """Write the document of every route under ``prefix`` that ``allowed`` lets be used.

    Each of ``chapters`` is given the prefix and adds paths and schemas that are no resource's.
    """
    schemas: Document = {"OpenapiDocument": {"type": "object"}, **problem_schemas()}
    paths: Document = {}
    for resource in registry.values():
        place, granted = f"{prefix}/{resource.plural}", {*allowed(resource)}
        _add_resource(resource, registry, granted, place, paths)
        _add_actions(resource, granted, place, paths, schemas)
        _add_schemas(resource, registry, granted, schemas)
        bulk.add_bulk(resource, granted, place, paths, schemas)
        if {"create", "update"} & granted:
            imports.add_import(resource, place, paths, schemas)
    bulk.add_children(schemas, registry, allowed)
    bulk.add_affected(schemas)
    for add in chapters:
        add(prefix, paths, schemas)
    writes.add_json_patch(schemas)
    add_frame(paths, schemas)
    name_enums(registry, prefix, paths, schemas)
    add_shaped(schemas, registry, (each for each in registry.values() if "read" in allowed(each)))
    name_branches(schemas)
    add_examples(schemas)
    paths[f"{prefix}/openapi.json"] = {"get": _self()}
    components: Document = {"schemas": schemas, "responses": problem_responses()}
    share(prefix, paths, components)
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": title,
                "version": version("admin-app"),
                "description": _ABOUT,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": root_path or "/"}],
            "security": [{"token": []}],
            "tags": _tags(registry, paths),
            "paths": paths,
            "components": {
                **components,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        },
        separators=(",", ":"),
    ).encode()


def _add_resource(
    resource: Resource, registry: Registry, allowed: Collection[str], place: str, paths: Document
) -> None:
    several = {
        "read": ("get", reads.list_operation(resource, registry)),
        "create": ("post", writes.create_operation(resource)),
    }
    one = (
        ("read", "get", reads.get_operation(resource, registry)),
        ("update", "patch", writes.update_operation(resource)),
        ("update", "put", writes.replace_operation(resource)),
        ("delete", "delete", writes.delete_operation(resource)),
    )
    operations = dict(each for action, each in several.items() if action in allowed)
    operations |= bulk.matching_operations(resource, allowed, reads.narrowing(resource))
    if operations:
        paths[place] = operations
    if "read" in allowed:
        paths[f"{place}/query"] = {"post": queries.query_operation(resource)}
        paths[f"{place}/aggregate"] = {"get": reads.aggregate_operation(resource, registry)}
        paths[f"{place}/facets"] = {"get": reads.facets_operation(resource)}
    operations = {method: each for action, method, each in one if action in allowed}
    if operations:
        paths[f"{place}/{{key}}"] = {"parameters": [_key(resource)], **operations}
    past = (
        ("read", "history", "get", history.history_operation),
        ("update", "revert", "post", history.revert_operation),
    )
    for action, word, method, told in past:
        if action in allowed:
            item = {"parameters": [_key(resource)], method: told(resource)}
            paths[f"{place}/{{key}}/{word}"] = item
    if resource.options.trash is not None and "delete" in allowed:
        restored = {"parameters": [_key(resource)], "post": writes.restore_operation(resource)}
        paths[f"{place}/{{key}}/restore"] = restored


def _add_schemas(
    resource: Resource, registry: Registry, allowed: set[str], schemas: Document
) -> None:
    for schema, mode, users in (
        (resource.read, "serialization", {"read", "create", "update"}),
        (resource.page, "serialization", {"read"}),
        (resource.create, "validation", {"create"}),
        (resource.update, "validation", {"update"}),
        (resource.replace, "validation", {"update"}),
    ):
        if users & allowed:
            add_schema(schemas, schema, mode)
    add_marks(schemas, resource)
    if "read" in allowed:
        queries.add_query_schemas(schemas, registry, resource)
        reads.add_conditions(schemas, resource, registry)
        groups.add_group_schemas(schemas)


def _add_actions(
    resource: Resource,
    allowed: Collection[str],
    place: str,
    paths: Document,
    schemas: Document,
) -> None:
    for each in resource.declared.values():
        if each.name in allowed:
            item: Document = {"post": actions.action_operation(resource, each, schemas)}
            if each.on == "record":
                item["parameters"] = [_key(resource)]
            paths[path(place, each)] = item


def _tags(registry: Registry, paths: Document) -> list[Document]:
    """The chapters, in the order in which the paths first name them."""
    about = {
        each.label_plural: f"Records of {each.label_plural.lower()}." for each in registry.values()
    }
    named = [
        tag
        for item in paths.values()
        for each in item.values()
        if isinstance(each, dict)
        for tag in each.get("tags", ())
    ]
    known = {**_CHAPTERS, **about}
    return [{"name": tag, "description": known.get(tag, tag)} for tag in dict.fromkeys(named)]


def _self() -> Document:
    return {
        "operationId": "getOpenapi",
        "summary": "This document",
        "tags": ["Document"],
        "responses": {
            "200": {
                "description": "OpenAPI 3.1.",
                "content": {"application/json": {"schema": ref("OpenapiDocument")}},
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
