"""Writes of many records, as the document tells them, and of children within a record."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection

from admin_app.declaration import Registry, Relation, Resource
from admin_app.declaration.schemas import MAX_CHILDREN
from admin_app.errors import (
    AlreadyThereError,
    NotFoundError,
    PreconditionRequiredError,
    StaleVersionError,
)
from admin_app.records.writes.bulk.batch import BATCH
from admin_app.records.writes.bulk.items import BULK_DELETE, MAX_ITEMS
from admin_app.records.writes.bulk.upsert import unique_fields
from admin_app.rest.document.parts import (
    MINIMAL,
    STRING,
    WRITING,
    Document,
    add_schema,
    operation,
    parameter_of,
    ref,
    trash_parameters,
)
from admin_app.rest.document.problems import refusals
from admin_app.rest.endpoints import camel

Allowed = Callable[[Resource], Collection[str]]

_KEY = {**STRING, "maxLength": 1000, "description": "In the text form of keys."}
_TAG = {**STRING, "maxLength": 1000, "description": "The ETag that was read."}
_LISTS = (*WRITING, NotFoundError, PreconditionRequiredError, StaleVersionError)
_ATOMIC = parameter_of(
    "atomic",
    {"type": "boolean", "default": True},
    "All or none. Else each item is answered with what became of it.",
)
_MAX_AFFECTED: Document = {
    "name": "Prefer",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "pattern": r"^max-affected=\d{1,3}(, [a-z]+=[a-z]+)*$"},
    "description": "The most records that may match (RFC 7240), such as max-affected=10.",
}


def add_children(schemas: Document, registry: Registry, allowed: Allowed) -> None:
    """Say in the schemas of writes what their one-to-many relations take, as far as one may."""
    found = [(owner, each) for owner in registry.values() for each in owner.children.values()]
    for owner, relation in found:
        target = registry.target(relation)
        actions = {*allowed(target)}
        _put(schemas, owner.create.name, relation, _ways(owner, relation, actions & {"create"}))
        _put(schemas, owner.update.name, relation, _ways(owner, relation, actions))
    for owner, relation in found:
        target = registry.target(relation)
        for schema, part in ((target.create, "Create"), (target.update, "Update")):
            if schema.name in schemas:
                schemas[_name(owner, relation, part)] = _without(schemas[schema.name], relation)
    for name in ("ChildUpdate", "ChildDelete", "ChildrenCreate", "ChildrenUpdate"):
        schemas.pop(name, None)


def _put(schemas: Document, name: str, relation: Relation, ways: Document) -> None:
    if name not in schemas:
        return
    members = schemas[name]["properties"]
    if not ways:
        del members[relation.name]
        return
    about = {key: each for key, each in members[relation.name].items() if key != "$ref"}
    members[relation.name] = {
        **about,
        "type": "object",
        "properties": ways,
        "additionalProperties": False,
    }


def _ways(owner: Resource, relation: Relation, actions: Collection[str]) -> Document:
    data = {"key": _KEY, "data": ref(_name(owner, relation, "Update")), "if_match": _TAG}
    ways: Document = {
        "create": ref(_name(owner, relation, "Create")),
        "update": _object(data, "key", "data"),
        "delete": {"anyOf": [_KEY, _object({"key": _KEY, "if_match": _TAG}, "key")]},
    }
    return {
        way: {"type": "array", "items": each, "maxItems": MAX_CHILDREN}
        for way, each in ways.items()
        if way in actions
    }


def _name(owner: Resource, relation: Relation, part: str) -> str:
    """What the children of a relation are called: as no class can be, and in ASCII."""
    name = f"{owner.model.__name__}.{relation.name}.{part}"
    return re.sub(r"[^A-Za-z0-9._-]", lambda letter: f"-{ord(letter[0]):x}-", name)


def _without(schema: Document, relation: Relation) -> Document:
    """The schema of a child that points to its parent without being told."""
    found = copy.deepcopy(schema)
    for name, _ in relation.pointing:
        found["properties"].pop(name, None)
    given = {name for name, _ in relation.pointing}
    if "required" in found:
        found["required"] = [each for each in found["required"] if each not in given]
    found.pop("title", None)
    return found


def add_bulk(
    resource: Resource, allowed: Collection[str], place: str, paths: Document, schemas: Document
) -> None:
    """Add the paths and schemas of lists of items, and of what a filter finds."""
    one, many = resource.model.__name__, resource.label_plural.lower()
    operations = {
        "create": ("post", "bulkCreate", f"Create many {many}", f"{one}BulkCreate"),
        "update": ("patch", "bulkUpdate", f"Change many {many}", f"{one}BulkUpdate"),
        "delete": ("delete", "bulkDelete", f"Delete many {many}", BULK_DELETE.name),
    }
    item: Document = {}
    for action, (method, name, summary, body) in operations.items():
        if action in allowed:
            item[method] = _list_operation(resource, name, summary, body)
            _add_list_schemas(resource, action, schemas)
    if "post" in item:
        item["post"]["parameters"] += on_conflict(resource)
    if item:
        paths[f"{place}/bulk"] = item
    if "delete" in item:
        item["delete"]["parameters"] += trash_parameters(resource, "without", "only")
        by_post = {**item["delete"], "operationId": f"{item['delete']['operationId']}ByPost"}
        by_post["summary"] = f"Delete many {many}, where a DELETE can have no body"
        paths[f"{place}/bulk/delete"] = {"post": by_post}
    if "delete" in item and resource.options.trash is not None:
        restored = _list_operation(
            resource, "bulkRestore", f"Take many {many} out of the trash", BULK_DELETE.name
        )
        paths[f"{place}/bulk/restore"] = {"post": restored}


def _list_operation(resource: Resource, name: str, summary: str, body: str) -> Document:
    many = camel(resource.plural)
    result = f"{resource.model.__name__}BulkResult"
    return {
        **operation(
            resource,
            f"{name}{many}",
            summary,
            {"200": _answered(result, "What became of each item."), **refusals(_LISTS)},
        ),
        "parameters": [_ATOMIC],
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref(body)}}},
    }


def _add_list_schemas(resource: Resource, action: str, schemas: Document) -> None:
    one = resource.model.__name__
    if action == "create":
        schemas[f"{one}BulkCreate"] = _items(ref(resource.create.name))
    if action == "update":
        item = {"key": _KEY, "data": ref(resource.update.name), "if_match": _TAG}
        schemas[f"{one}BulkUpdateItem"] = _object(item, "key", "data")
        schemas[f"{one}BulkUpdate"] = _items(ref(f"{one}BulkUpdateItem"))
    if action == "delete":
        add_schema(schemas, BULK_DELETE, "validation")
    told = {
        "index": {"type": "integer", "description": "Which item, from 0."},
        "status": {"type": "integer", "description": "What it would have been answered with."},
        "key": _KEY,
    }
    if resource.read.name in schemas:
        told["data"] = ref(resource.read.name)
    told["problem"] = {"type": "object", "description": "Why it was refused (RFC 9457)."}
    answered = {"type": "object", "properties": told, "required": ["index", "status"]}
    schemas[f"{one}BulkResult"] = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": answered}},
        "required": ["items"],
    }


def on_conflict(resource: Resource) -> list[Document]:
    """The parameter of an upsert, where ``resource`` has something unique."""
    known = [",".join(each) for each in unique_fields(resource)]
    about = (
        "Merge into the record that has the same of these fields, if there is one. "
        "With Prefer: resolution=ignore-duplicates it is left as it is."
    )
    if not known:
        return []
    return [parameter_of("on_conflict", {"type": "string", "enum": known}, about)]


def matching_operations(
    resource: Resource, allowed: Collection[str], filters: list[Document]
) -> Document:
    """The operations on every record that a filter finds, by method."""
    many = camel(resource.plural)
    label = resource.label_plural.lower()
    found: Document = {}
    for action, method, summary in (
        ("update", "patch", f"Change all {label} that match"),
        ("delete", "delete", f"Delete all {label} that match"),
    ):
        if {action, "read"} <= {*allowed}:
            found[method] = {
                **operation(
                    resource,
                    f"{action}Matching{many}",
                    summary,
                    {
                        "200": _answered("Affected", "Which ones."),
                        "204": MINIMAL,
                        **refusals(_LISTS),
                    },
                ),
                "parameters": [_MAX_AFFECTED, *filters],
            }
    if "patch" in found:
        content = {"schema": ref(resource.update.name)}
        found["patch"]["requestBody"] = {
            "required": True,
            "content": {"application/json": content, "application/merge-patch+json": content},
        }
    return found


def add_affected(schemas: Document) -> None:
    """Add what is answered of the records that a filter found."""
    schemas["Affected"] = {
        "type": "object",
        "properties": {
            "affected": {"type": "integer", "description": "How many records matched."},
            "keys": {"type": "array", "items": _KEY},
        },
        "required": ["affected", "keys"],
    }


def describe_batch(prefix: str, paths: Document, schemas: Document) -> None:
    """Add the batch to the document."""
    add_schema(schemas, BATCH, "validation")
    done = {
        "op": {"enum": ["create", "update", "delete"]},
        "resource": STRING,
        "status": {"type": "integer", "description": "What it would have been answered with."},
        "key": _KEY,
        "data": {"type": "object", "description": "The record; none of one that is deleted."},
    }
    needed = ["op", "resource", "status", "key"]
    schemas["BatchResult"] = {
        "type": "object",
        "properties": {
            "operations": {
                "type": "array",
                "items": {"type": "object", "properties": done, "required": needed},
            }
        },
        "required": ["operations"],
    }
    paths[f"{prefix}/batch"] = {
        "post": {
            "operationId": "runBatch",
            "summary": "Do several writes as one",
            "description": (
                "All operations are done or none. In data and in key, "
                '{"$ref": "a"} stands for the record of the operation that is called a, and '
                '{"$ref": "a.name"} for a field of it.'
            ),
            "tags": ["Batch"],
            "responses": {
                "200": _answered("BatchResult", "What was done."),
                **refusals((*_LISTS, AlreadyThereError)),
            },
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ref(BATCH.name)}},
            },
        }
    }


def _items(item: Document) -> Document:
    items = {"type": "array", "items": item, "minItems": 1, "maxItems": MAX_ITEMS}
    return _object({"items": items}, "items")


def _object(members: Document, *required: str) -> Document:
    return {
        "type": "object",
        "properties": members,
        "required": list(required),
        "additionalProperties": False,
    }


def _answered(name: str, description: str) -> Document:
    return {"description": description, "content": {"application/json": {"schema": ref(name)}}}
