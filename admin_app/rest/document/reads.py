"""The operations that read a resource, as the document tells them."""

from __future__ import annotations

from admin_app.declaration import Registry, Resource
from admin_app.errors import NotFoundError
from admin_app.records.grammar import parameter, sortable
from admin_app.records.operators import LISTS, RELATION, TEXT, operators_of
from admin_app.records.query import COUNTS
from admin_app.rest.document.parts import (
    READING,
    Document,
    answer,
    operation,
    parameter_of,
    refusals,
    value_of,
)
from admin_app.rest.endpoints import camel


def list_operation(resource: Resource, registry: Registry) -> Document:
    answered = answer(resource.page, "A page of records.", Link="next and prev pages (RFC 8288).")
    return {
        **operation(
            resource,
            f"list{camel(resource.plural)}",
            f"List {resource.label_plural.lower()}",
            {"200": answered, **refusals(READING)},
        ),
        "parameters": [*_steering(resource), *_filters(resource, registry)],
    }


def get_operation(resource: Resource) -> Document:
    answered = answer(resource.read, "The record.", ETag="Its version.")
    return operation(
        resource,
        f"get{resource.model.__name__}",
        f"Read one of {resource.label_plural.lower()}",
        {"200": answered, **refusals((*READING, NotFoundError))},
    )


def _steering(resource: Resource) -> list[Document]:
    options = resource.options
    names = [each.name for each in sortable(resource)]
    terms = [*names, *(f"-{name}" for name in names)]
    limit = {
        "type": "integer",
        "minimum": 1,
        "maximum": options.page_limit,
        "default": options.page_size,
    }
    found = [
        parameter_of("limit", limit, "Records of a page."),
        parameter_of("cursor", {"type": "string"}, "Where the page begins: next or previous."),
        {
            **parameter_of(
                "sort",
                {"type": "array", "items": {"type": "string", "enum": terms}, "uniqueItems": True},
                "Order; - for descending, nulls last, the key last of all.",
            ),
            "style": "form",
            "explode": False,
        },
        parameter_of("count", {"type": "string", "enum": list(COUNTS)}, "Count the whole list."),
    ]
    if resource.search:
        about = f"Words that must all be found in {', '.join(resource.search)}."
        found.append(parameter_of("search", {"type": "string"}, about))
    return found


def _filters(resource: Resource, registry: Registry) -> list[Document]:
    found: list[Document] = []
    for field in resource.readable.values():
        value = value_of(field)
        found += [
            _filter(field.name, operator, value, field.label)
            for operator in operators_of(field.kind)
        ]
    for relation in resource.relations.values():
        if relation.writable:
            key = registry.target(relation).key
            schema = value_of(key[0]) if len(key) == 1 else {"type": "string"}
            found += [
                _filter(relation.name, operator, schema, relation.label) for operator in RELATION
            ]
    return found


def _filter(target: str, operator: str, value: Document, label: str) -> Document:
    name = parameter(target) if operator == "eq" else f"{target}__{operator}"
    if operator == "isnull":
        return parameter_of(name, {"type": "boolean"}, f"{label} is empty.")
    if operator in TEXT:
        return parameter_of(name, {"type": "string"}, f"{label} {operator} this text.")
    if operator in LISTS:
        bounds = {"minItems": 2, "maxItems": 2} if operator == "between" else {"minItems": 1}
        schema = {"type": "array", "items": value, **bounds}
        return {
            **parameter_of(name, schema, f"{label} {operator} these values."),
            "style": "form",
            "explode": False,
        }
    return parameter_of(name, value, f"{label} {operator} this value.")
