"""Trees of conditions, queries as documents, and aggregates, as the document tells them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from admin_app.access.policies import TRASH
from admin_app.declaration import Field, Kind, Registry, Relation, Resource
from admin_app.declaration.fields import ORDERED
from admin_app.errors import (
    ContentTooLargeError,
    NotAcceptableError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)
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
from admin_app.records.queries.filters import COMBINATIONS, MAX_DEPTH, QUANTIFIERS, operators_for
from admin_app.records.queries.operands import MAX_LIST, MAX_PATTERN
from admin_app.records.queries.operators import LISTS, TEXT
from admin_app.records.queries.ordering import MAX_OFFSET, sortable
from admin_app.records.queries.periods import MOMENTS, UTC_NAME, WORDS
from admin_app.records.queries.periods import OPERATORS as PERIODIC
from admin_app.records.queries.query import COUNTS, NULLS_FIRST
from admin_app.records.queries.reading import MAX_CONDITIONS
from admin_app.rest.answers import JSON
from admin_app.rest.document.parts import (
    READING,
    REF,
    Document,
    answer,
    operation,
    parameter_of,
    refusals,
    trash_parameters,
    value_of,
)
from admin_app.rest.document.shapes import IF_NONE_MATCH, page_answer, shape_parameters
from admin_app.rest.endpoints import camel

_TEXT: Document = {"type": "string"}
_COUNTED = f"The fields whose values are counted, at most {facets.MAX_FIELDS}."
_FUNCTIONS = {
    "count": "How many records of each group have a value of these; * counts them all.",
    "distinct": "How many different values there are of these.",
    "sum": "The sums of these: exact, floats excepted. Decimals are text.",
    "avg": "The averages of these, as text with at least six decimal places; floats are numbers.",
    "min": "The least values of these.",
    "max": "The greatest values of these.",
}


def add_query_schemas(schemas: Document, registry: Registry, resource: Resource) -> None:
    """Add the schemas that the queries of a resource, and filters that lead to it, refer to."""
    model = resource.model.__name__
    schemas[f"{model}Filter"] = _tree(resource, registry)
    schemas[f"{model}Sort"] = {"title": f"{model}Sort", **_TEXT, "enum": _terms(resource)}
    schemas[f"{model}Query"] = _query(resource, registry)
    schemas[f"{model}Aggregates"] = _aggregates(model)
    schemas[f"{model}Facets"] = _facets(model)
    schemas.update(_periods())


def query_operation(resource: Resource) -> Document:
    """``POST /<plural>/query``; OpenAPI 3.1 has no place for ``QUERY``, which takes the same."""
    kinds = (ContentTooLargeError, NotAcceptableError, RequestTimeoutError)
    answered = page_answer(resource)
    return {
        **operation(
            resource,
            f"query{camel(resource.plural)}",
            f"List {resource.label_plural.lower()}, asked for in JSON",
            {
                "200": answered["200"],
                **refusals((*READING, *kinds, UnsupportedMediaTypeError)),
            },
        ),
        "description": (
            "Reads and changes nothing. The same can be sent with the method `QUERY` (RFC 10008)"
            " to the list itself."
        ),
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": _component(resource, "Query")}},
        },
    }


def aggregate_operation(
    resource: Resource, registry: Registry, filters: Iterable[Document]
) -> Document:
    """``GET /<plural>/aggregate``; ``filters`` are the parameters that it shares with the list."""
    answered = page_answer(resource)
    found = answer(resource.page, "The groups.", ETag="Of this answer.")
    found["content"] = {JSON: {"schema": _component(resource, "Aggregates")}}
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
    found["content"] = {JSON: {"schema": _component(resource, "Facets")}}
    limit = {
        "type": "integer",
        "minimum": 1,
        "maximum": facets.MAX_LIMIT,
        "default": facets.USUAL_LIMIT,
    }
    names = _names("field", fields_of(resource, ORDERED), _COUNTED, facets.MAX_FIELDS)
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


def zone_parameter() -> Document:
    about = "The time zone of periods such as `today`, by its IANA name."
    return parameter_of("tz", {**_TEXT, "default": UTC_NAME}, about)


def compared_with(field: Field, operator: str) -> Document:
    """What a field is compared with: a value, or a period where it has moments."""
    value = value_of(field)
    if field.kind not in MOMENTS or operator not in PERIODIC:
        return value
    period = "TimePeriod" if operator in {"eq", "ne"} else "TimeBound"
    return {"anyOf": [value, {"$ref": REF.format(model=period)}]}


def _periods() -> Document:
    """The schemas of periods: a part of what is taken, which goes up to a thousand years."""
    moved = [
        f"{word}([-+][0-9]{{1,3}}[{units}])?" for word, units in WORDS.items() if word != "now"
    ]
    dated = "[12][0-9]{3}(-(0[1-9]|1[0-2]|Q[1-4]))?"
    periods = "|".join([*moved, dated])
    return {
        "TimePeriod": {
            **_TEXT,
            "title": "TimePeriod",
            "pattern": f"^({periods})$",
            "description": "The whole of today, week-1w, month, year-2y, 2026, 2026-03, 2026-Q1.",
        },
        "TimeBound": {
            **_TEXT,
            "title": "TimeBound",
            "pattern": f"^({periods}|now([-+][0-9]{{1,3}}[{WORDS['now']}])?)$",
            "description": "A period, of which the nearer end counts, or a moment: now-7d.",
        },
    }


def filter_parameter(resource: Resource) -> Document:
    """``filter``: a tree of conditions as JSON."""
    return {
        "name": "filter",
        "in": "query",
        "description": "Conditions as JSON, joined by and with those of other parameters.",
        "content": {JSON: {"schema": _component(resource, "Filter")}},
    }


def sort_parameter(resource: Resource) -> Document:
    return {
        **parameter_of(
            "sort",
            {"type": "array", "items": _component(resource, "Sort"), "uniqueItems": True},
            f"Order; - for descending, nulls last unless the term ends with {NULLS_FIRST}, the"
            " key last of all.",
        ),
        "style": "form",
        "explode": False,
    }


def offset_schema() -> Document:
    return {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}


def limit_schema(resource: Resource) -> Document:
    options = resource.options
    return {
        "type": "integer",
        "minimum": 1,
        "maximum": options.page_limit,
        "default": options.page_size,
    }


def _terms(resource: Resource) -> list[str]:
    found = []
    for field in sortable(resource):
        ends = ("", NULLS_FIRST) if field.optional else ("",)
        found += [f"{sign}{field.name}{end}" for end in ends for sign in ("", "-")]
    return found


def _component(resource: Resource, suffix: str) -> Document:
    return {"$ref": REF.format(model=f"{resource.model.__name__}{suffix}")}


def _tree(resource: Resource, registry: Registry) -> Document:
    itself = _component(resource, "Filter")
    several = {"type": "array", "items": itself, "minItems": 1, "maxItems": MAX_CONDITIONS}
    properties: Document = {name: _conditions(each) for name, each in resource.readable.items()}
    for name, relation in resource.relations.items():
        properties[name] = _related(relation, registry.target(relation))
    properties |= dict.fromkeys(COMBINATIONS, several) | {"_not": itself}
    return {
        "title": f"{resource.model.__name__}Filter",
        "type": "object",
        "description": (
            "All members hold. `_and`, `_or` and `_not` combine; a value alone stands for `eq`;"
            " what is inside `some`, `none` or `all` holds for one and the same related record."
            f" At most {MAX_DEPTH} levels. A member may also be named as in a query string:"
            " `year__lt`, `authors.name__ilike`."
        ),
        "properties": properties,
        "additionalProperties": False,
    }


def _conditions(field: Field) -> Document:
    value = value_of(field)
    operators = operators_for(field)
    compared = _operations({each: _operand(each, compared_with(field, each)) for each in operators})
    return {"anyOf": [value, compared]} if "eq" in operators else compared


def _related(relation: Relation, target: Resource) -> Document:
    key = value_of(target.key[0]) if len(target.key) == 1 else _TEXT
    inner = {"$ref": REF.format(model=f"{target.model.__name__}Filter")}
    operations = {each: _operand(each, key) for each in operators_for(relation)}
    return {"anyOf": [key, _operations({**operations, **dict.fromkeys(QUANTIFIERS, inner)})]}


def _operations(properties: Document) -> Document:
    return {
        "type": "object",
        "properties": properties,
        "minProperties": 1,
        "additionalProperties": False,
    }


def _operand(operator: str, value: Document) -> Document:
    if operator == "isnull":
        return {"type": "boolean"}
    if operator in TEXT:
        return {**_TEXT, "maxLength": MAX_PATTERN}
    if operator in LISTS:
        ends = {"minItems": 2, "maxItems": 2} if operator == "between" else {"maxItems": MAX_LIST}
        return {"type": "array", "items": value, **ends}
    return value


def _query(resource: Resource, registry: Registry) -> Document:
    shape = {each["name"]: each["schema"] for each in shape_parameters(resource, registry)}
    properties: Document = {
        "filter": _component(resource, "Filter"),
        "sort": {"type": "array", "items": _component(resource, "Sort"), "uniqueItems": True},
        "limit": limit_schema(resource),
        "cursor": {"type": ["string", "null"]},
        "offset": offset_schema(),
        "count": {**_TEXT, "enum": list(COUNTS)},
        "tz": {**_TEXT, "default": UTC_NAME},
        **({"search": _TEXT} if resource.search else {}),
        **{each["name"]: each["schema"] for each in trash_parameters(resource, *TRASH)},
        **shape,
    }
    if "include" in properties:
        inside = {
            "type": "object",
            "propertyNames": {"enum": list(resource.relations)},
            "additionalProperties": {"type": "object"},
        }
        properties["include"] = {"anyOf": [properties["include"], inside]}
    return {
        "title": f"{resource.model.__name__}Query",
        "type": "object",
        "description": "The parameters of the list as members.",
        "properties": properties,
        "additionalProperties": False,
    }


def _facets(model: str) -> Document:
    value = {
        "type": "object",
        "properties": {
            "value": {"type": ["integer", "number", "string", "boolean", "null"]},
            "count": {
                "type": ["integer", "null"],
                "description": "Null where counting took too long.",
            },
        },
        "required": ["value", "count"],
        "additionalProperties": False,
    }
    facet = {
        "type": "object",
        "properties": {
            "field": _TEXT,
            "values": {"type": "array", "items": value},
            "more": {"type": "boolean", "description": "Whether there are other values."},
            "counted": {"type": "boolean", "description": "False where counting took too long."},
        },
        "required": ["field", "values", "more", "counted"],
        "additionalProperties": False,
    }
    return {
        "title": f"{model}Facets",
        "type": "object",
        "properties": {"data": {"type": "array", "items": facet}},
        "required": ["data"],
        "additionalProperties": False,
    }


def _aggregates(model: str) -> Document:
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
        "title": f"{model}Aggregates",
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
    compared = _operations({each: {} for each in HAVING})
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
        {
            **parameter_of(
                "sort",
                {"type": "array", "items": _TEXT},
                "Order: names of groups, `count`, or others such as `-sum.pages`.",
            ),
            "style": "form",
            "explode": False,
        },
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
        "items": {**_TEXT, "enum": names},
        "uniqueItems": True,
        "maxItems": most,
    }
    return {**parameter_of(name, schema, about), "style": "form", "explode": False}
