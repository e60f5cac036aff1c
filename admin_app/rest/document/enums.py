"""The choices of a field as a schema with a name, so that generated clients have one type of it."""

from __future__ import annotations

import re
from typing import Any

from admin_app.declaration import Field, Kind, Registry, Resource
from admin_app.declaration.values import adapter_of
from admin_app.rest.document.parts import Document, ref
from admin_app.rest.endpoints import camel


def name_enums(registry: Registry, prefix: str, paths: Document, schemas: Document) -> None:
    """Give the choices of each field a schema, ``BookFormat``, and refer to it."""
    for resource in registry.values():
        for field in resource.fields.values():
            name = f"{resource.model.__name__}{camel(field.name)}"
            if field.kind is Kind.ENUM and name not in schemas:
                _name(resource, field, name, prefix, paths, schemas)
    for item in paths.values():
        for each in _parameters(item):
            _spell(each.get("schema", {}).get("items", {}))
    for schema in schemas.values():
        _spell(schema)


def _spell(schema: Document) -> None:
    """Say how constants of choices such as ``-year`` are called (``YEAR_DESC``).

    Generators know ``x-enum-varnames``; without it they count: ``VALUE_19``.
    """
    choices = [each for each in schema.get("enum", ()) if isinstance(each, str)]
    if any(re.search(r"\W", each) for each in choices):
        names = [
            re.sub(r"\W", "_", each.removeprefix("-").replace("*", "all")).upper()
            + "_DESC" * each.startswith("-")
            for each in choices
        ]
        if len(set(names)) == len(names) and all(each.isidentifier() for each in names):
            schema["x-enum-varnames"] = names


def _name(
    resource: Resource, field: Field, name: str, prefix: str, paths: Document, schemas: Document
) -> None:
    choices = adapter_of(field.shape).json_schema()
    reference = ref(name)
    model = resource.model.__name__
    own = [each for schema, each in schemas.items() if schema.startswith(model)]
    found = sum(_refer(each, field.name, choices, reference) for each in own)
    for path, item in paths.items():
        if path.startswith(f"{prefix}/{resource.plural}"):
            for each in _parameters(item):
                if each["name"].partition("__")[0] == field.name and "schema" in each:
                    each["schema"] = _replaced(each["schema"], choices, reference)
                    found += 1
    if found:
        schemas[name] = {"description": f"{field.label}: one of these.", **choices}


def _parameters(item: Document) -> list[Document]:
    return [
        parameter
        for operation in item.values()
        if isinstance(operation, dict)
        for parameter in operation.get("parameters", ())
    ]


def _refer(node: Any, member: str, choices: Document, reference: Document) -> int:
    """Refer to the choices in every member of that name, or filter by it; how many there are."""
    if isinstance(node, list):
        return sum(_refer(each, member, choices, reference) for each in node)
    if not isinstance(node, dict):
        return 0
    found = sum(_refer(each, member, choices, reference) for each in node.values())
    members = node.get("properties")
    if isinstance(members, dict):
        for name in (each for each in members if each.partition("__")[0] == member):
            members[name] = _replaced(members[name], choices, reference)
            found += 1
    return found


def _replaced(node: Any, choices: Document, reference: Document) -> Any:
    """``node`` with a reference where the choices stand; words of its own stay beside it."""
    if isinstance(node, list):
        return [_replaced(each, choices, reference) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("enum") == choices["enum"]:
        return {**{name: each for name, each in node.items() if name not in choices}, **reference}
    return {name: _replaced(each, choices, reference) for name, each in node.items()}
