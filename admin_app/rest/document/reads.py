"""The operations that read a resource, as the document tells them."""

from __future__ import annotations

from collections.abc import Sequence

from admin_app.access.policies import TRASH
from admin_app.declaration import Registry, Resource
from admin_app.errors import NotAcceptableError, NotFoundError
from admin_app.records.queries.aggregation import PARAMETERS as AGGREGATING
from admin_app.records.queries.facets import PARAMETERS as FACETING
from admin_app.records.queries.grammar import PARAMETERS, parameter
from admin_app.records.queries.operators import LISTS, RELATION, TEXT, operators_of
from admin_app.records.queries.query import COUNTS
from admin_app.rest.document import groups
from admin_app.rest.document.examples import one_of
from admin_app.rest.document.parts import (
    READING,
    Document,
    list_parameter_of,
    operation,
    parameter_of,
    trash_parameters,
    value_of,
)
from admin_app.rest.document.problems import refusals
from admin_app.rest.document.queries import (
    compared_with,
    component,
    filter_parameter,
    limit_schema,
    offset_schema,
    sort_parameter,
    zone_parameter,
)
from admin_app.rest.document.shapes import (
    IF_NONE_MATCH,
    page_answer,
    record_answer,
    shape_parameters,
)
from admin_app.rest.endpoints import camel


def list_operation(resource: Resource, registry: Registry) -> Document:
    answered = page_answer(resource, Link="next and prev pages (RFC 8288).")
    return {
        **operation(
            resource,
            f"list{camel(resource.plural)}",
            f"List {resource.label_plural.lower()}",
            {**answered, **refusals((*READING, NotAcceptableError))},
        ),
        "parameters": [
            *_steering(resource),
            *shape_parameters(resource, registry),
            *_filters(resource, registry),
            IF_NONE_MATCH,
        ],
    }


def get_operation(resource: Resource, registry: Registry) -> Document:
    refused = refusals((*READING, NotFoundError, NotAcceptableError))
    return {
        **operation(
            resource,
            f"get{resource.model.__name__}",
            f"Read one of {resource.label_plural.lower()}",
            {**record_answer(resource), **refused},
        ),
        "parameters": [
            *shape_parameters(resource, registry),
            *trash_parameters(resource, *TRASH),
            IF_NONE_MATCH,
        ],
    }


def aggregate_operation(resource: Resource, registry: Registry) -> Document:
    """``GET /<plural>/aggregate``, with the filters of the list."""
    return groups.aggregate_operation(resource, registry, narrowing(resource))


def facets_operation(resource: Resource) -> Document:
    """``GET /<plural>/facets``, with the filters of the list."""
    filters = [*trash_parameters(resource, *TRASH), *narrowing(resource)]
    return groups.facets_operation(resource, filters)


def narrowing(resource: Resource) -> list[Document]:
    """The parameters that say which records are meant, where a list is not asked for.

    The conditions are one parameter whose members are sent as parameters of their own: said with
    each operation they would be most of the document.
    """
    conditions = {
        **parameter_of(
            "conditions",
            component(resource, "Conditions"),
            "Its members are parameters themselves: `year__lt=1900`, without this name.",
        ),
        "style": "form",
        "explode": True,
    }
    return [*_searching(resource), filter_parameter(resource), conditions]


def add_conditions(schemas: Document, resource: Resource, registry: Registry) -> None:
    """Add the schema of the conditions that parameters are."""
    reserved = (*PARAMETERS, *AGGREGATING, *FACETING)
    found = _filters(resource, registry, reserved)
    properties = {each["name"]: _as_member(each["schema"]) for each in found}
    schemas[f"{resource.model.__name__}Conditions"] = {
        "title": f"{resource.model.__name__}Conditions",
        "type": "object",
        "description": "Filters of a list by name; several values are joined by commas.",
        "properties": properties,
        "additionalProperties": False,
        "examples": one_of(properties, schemas),
    }


def _as_member(schema: Document) -> Document:
    # How a list within an object is sent OpenAPI leaves open.
    return {"type": "string", "minLength": 1} if schema.get("type") == "array" else schema


def _steering(resource: Resource) -> list[Document]:
    return [
        *trash_parameters(resource, *TRASH),
        parameter_of("limit", limit_schema(resource), "Records of a page."),
        parameter_of("cursor", {"type": "string"}, "Where the page begins: next or previous."),
        parameter_of("offset", offset_schema(), "Records that are skipped; not with a cursor."),
        sort_parameter(resource),
        parameter_of("count", {"type": "string", "enum": list(COUNTS)}, "Count the whole list."),
        *_searching(resource),
        filter_parameter(resource),
        zone_parameter(),
    ]


def _searching(resource: Resource) -> list[Document]:
    fields = ", ".join(resource.search)
    about = (
        f"Words that must all begin one in {fields}; without `sort` the best matches come first."
        if resource.options.full_text
        else f"Words that must all be found in {fields}."
    )
    return [parameter_of("search", {"type": "string"}, about)] if resource.search else []


def _filters(
    resource: Resource, registry: Registry, steering: Sequence[str] = PARAMETERS
) -> list[Document]:
    found: list[Document] = []
    for field in resource.readable.values():
        found += [
            _filter(field.name, operator, compared_with(field, operator), field.label, steering)
            for operator in operators_of(field.kind)
        ]
    for relation in resource.relations.values():
        key = registry.target(relation).key
        schema = value_of(key[0]) if len(key) == 1 else {"type": "string"}
        found += [
            _filter(relation.name, operator, schema, relation.label, steering)
            for operator in RELATION
        ]
    return found


def _filter(
    target: str, operator: str, value: Document, label: str, steering: Sequence[str]
) -> Document:
    name = parameter(target, steering) if operator == "eq" else f"{target}__{operator}"
    if operator == "isnull":
        return parameter_of(name, {"type": "boolean"}, f"{label} is empty.")
    if operator in TEXT:
        return parameter_of(name, {"type": "string"}, f"{label} {operator} this text.")
    if operator in LISTS:
        bounds = {"minItems": 2, "maxItems": 2} if operator == "between" else {"minItems": 1}
        schema = {"type": "array", "items": value, **bounds}
        return list_parameter_of(name, schema, f"{label} {operator} these values.")
    return parameter_of(name, value, f"{label} {operator} this value.")
