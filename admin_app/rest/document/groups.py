"""Aggregates and facets in the document: their parameters and answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from admin_app.declaration import Kind, Registry, Resource
from admin_app.errors import NotAcceptableError
from admin_app.records.queries import facets
from admin_app.records.queries.aggregation import (
    HAVING,
    KINDS,
    MAX_GROUPS,
    MAX_LIMIT,
    MAX_MEASURES,
    UNITS,
    USUAL_LIMIT,
    fields_of,
)
from admin_app.records.queries.periods import MOMENTS
from admin_app.rest.answers import JSON
from admin_app.rest.document.parts import (
    READING,
    STRING,
    Document,
    answer,
    list_parameter_of,
    operation,
    parameter_of,
    ref,
)
from admin_app.rest.document.problems import refusals
from admin_app.rest.document.queries import operations_of, zone_parameter
from admin_app.rest.document.shapes import IF_NONE_MATCH, page_answer
from admin_app.rest.endpoints import camel

_COUNTED = f"The fields and to-one relations whose values are counted, at most {facets.MAX_FIELDS}."
_FUNCTIONS = {
    "count": "How many records of each group have a value of these; * counts them all.",
    "distinct": "How many different values there are of these.",
    "sum": "The sums of these: exact, floats excepted. Decimals are text.",
    "avg": "The averages of these, as text with at least six decimal places; floats are numbers.",
    "min": "The least values of these.",
    "max": "The greatest values of these.",
}


def add_group_schemas(schemas: Document) -> None:
    """Add the schemas of the answers, which are of the same form for every resource."""
    schemas["Aggregates"] = _aggregates()
    schemas["Facets"] = _facets()


def aggregate_operation(
    resource: Resource, registry: Registry, filters: Iterable[Document]
) -> Document:
    """``GET /<plural>/aggregate``; ``filters`` are the parameters that it shares with the list."""
    answered = page_answer(resource)
    found = answer(resource.page, "The groups.", ETag="Of this answer.")
    found["content"] = {JSON: {"schema": ref("Aggregates")}}
    return {
        **operation(
            resource,
            f"aggregate{camel(resource.plural)}",
            f"Group {resource.label_plural.lower()} and compute",
            {
                "200": found,
                "304": answered["304"],
                **refusals((*READING, NotAcceptableError)),
            },
        ),
        "parameters": [*_asked(resource, registry), zone_parameter(), *filters, IF_NONE_MATCH],
    }


def facets_operation(resource: Resource, filters: Iterable[Document]) -> Document:
    """``GET /<plural>/facets``; ``filters`` are the parameters that it shares with the list."""
    answered = page_answer(resource)
    found = answer(resource.page, "The values.", ETag="Of this answer.")
    found["content"] = {JSON: {"schema": ref("Facets")}}
    limit = {
        "type": "integer",
        "minimum": 1,
        "maximum": facets.MAX_LIMIT,
        "default": facets.USUAL_LIMIT,
    }
    names = _names("field", facets.faceted(resource), _COUNTED, facets.MAX_FIELDS)
    names["schema"]["minItems"] = 1
    return {
        **operation(
            resource,
            f"facet{camel(resource.plural)}",
            f"Count {resource.label_plural.lower()} by value",
            {"200": found, "304": answered["304"], **refusals((*READING, NotAcceptableError))},
        ),
        "parameters": [
            {**names, "required": True},
            parameter_of("limit", limit, "Values of each field, the most frequent first."),
            zone_parameter(),
            *filters,
            IF_NONE_MATCH,
        ],
    }


def _facets() -> Document:
    value = {
        "type": "object",
        "properties": {
            "value": {"type": ["integer", "number", "string", "boolean", "null"]},
            "count": {
                "type": ["integer", "null"],
                "description": "Null where counting took too long.",
            },
            "title": {
                "type": "string",
                "description": "Of a relation: what the record of this key is called.",
            },
        },
        "required": ["value", "count"],
        "additionalProperties": False,
    }
    facet = {
        "type": "object",
        "properties": {
            "field": STRING,
            "values": {"type": "array", "items": value},
            "more": {"type": "boolean", "description": "Whether there are other values."},
            "counted": {"type": "boolean", "description": "False where counting took too long."},
        },
        "required": ["field", "values", "more", "counted"],
        "additionalProperties": False,
    }
    return {
        "title": "Facets",
        "type": "object",
        "properties": {"data": {"type": "array", "items": facet}},
        "required": ["data"],
        "additionalProperties": False,
    }


def _aggregates() -> Document:
    def members(value: Any) -> Document:
        return {"type": "object", "additionalProperties": value}

    computed = {"type": ["integer", "number", "string", "null"]}
    group = {
        "type": "object",
        "properties": {
            "group": members({"type": ["integer", "number", "string", "boolean", "null"]}),
            "count": {"type": "integer", "description": "Its records."},
            "counts": members({"type": "integer"}),
            "distinct": members({"type": "integer"}),
            **{each: members(computed) for each in ("sum", "avg", "min", "max")},
        },
        "required": ["group", "count"],
        "additionalProperties": False,
    }
    return {
        "title": "Aggregates",
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": group},
            "more": {"type": "boolean", "description": "Whether there are more groups."},
        },
        "required": ["data", "more"],
        "additionalProperties": False,
    }


def _asked(resource: Resource, registry: Registry) -> list[Document]:
    groups = _places(resource, registry, frozenset(Kind) & KINDS["distinct"])
    groups += [
        f"{each}.{unit}" for each in fields_of(resource, MOMENTS - {Kind.DATE}) for unit in UNITS
    ]
    groups += [
        f"{each}.{unit}"
        for each in fields_of(resource, frozenset({Kind.DATE}))
        for unit in UNITS[:-1]
    ]
    about = f"What records are put together by, at most {MAX_GROUPS}; of a date or instant, a part."
    found = [_names("group", groups, about, MAX_GROUPS)]
    for function, words in _FUNCTIONS.items():
        places = _places(resource, registry, KINDS[function])
        places = ["*", *places] if function == "count" else places
        if places:
            found.append(_names(function, places, words, MAX_MEASURES))
    compared = operations_of({each: {} for each in HAVING})
    having = {
        "type": "object",
        "properties": {"count": {"anyOf": [{"type": "integer"}, compared]}},
        "patternProperties": {rf"^({'|'.join(_FUNCTIONS)})\.": {}},
        "additionalProperties": False,
    }
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": USUAL_LIMIT}
    return [
        *found,
        {
            "name": "having",
            "in": "query",
            "description": 'Which groups: `{"count": {"gte": 2}, "sum.pages": {"lt": 100}}`.',
            "content": {JSON: {"schema": having}},
        },
        parameter_of("limit", limit, "Groups that are answered."),
        list_parameter_of(
            "sort",
            {"type": "array", "items": STRING},
            "Order: names of groups, `count`, or others such as `-sum.pages`.",
        ),
    ]


def _places(resource: Resource, registry: Registry, kinds: frozenset[Kind]) -> list[str]:
    """The fields of these kinds, and those of related records, one step away."""
    found = fields_of(resource, kinds)
    for name, relation in resource.relations.items():
        if relation.fields and not relation.many:
            found += [f"{name}.{each}" for each in fields_of(registry.target(relation), kinds)]
    return found


def _names(name: str, names: list[str], about: str, most: int) -> Document:
    schema = {
        "type": "array",
        "items": {**STRING, "enum": names},
        "uniqueItems": True,
        "maxItems": most,
    }
    return list_parameter_of(name, schema, about)
