"""Trees of conditions, and queries as JSON documents, in the OpenAPI document."""

from __future__ import annotations

from admin_app.access.policies import TRASH
from admin_app.database.exact import UTC_NAME
from admin_app.declaration import Field, Kind, Registry, Relation, Resource
from admin_app.declaration.fields import ORDERED, Shape
from admin_app.errors import (
    ContentTooLargeError,
    NotAcceptableError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)
from admin_app.records.queries.filters import COMBINATIONS, MAX_DEPTH, QUANTIFIERS, operators_for
from admin_app.records.queries.operands import MAX_LIST, MAX_PATTERN
from admin_app.records.queries.operators import LISTS, TEXT
from admin_app.records.queries.ordering import MAX_OFFSET, sortable
from admin_app.records.queries.periods import MOMENTS, WORDS
from admin_app.records.queries.periods import OPERATORS as PERIODIC
from admin_app.records.queries.query import COUNTS, NULLS_FIRST
from admin_app.records.queries.reading import MAX_CONDITIONS
from admin_app.rest.answers import JSON
from admin_app.rest.document.examples import one_of
from admin_app.rest.document.parts import (
    READING,
    STRING,
    Document,
    list_parameter_of,
    operation,
    parameter_of,
    ref,
    trash_parameters,
    value_of,
)
from admin_app.rest.document.problems import refusals
from admin_app.rest.document.shapes import page_answer, shape_parameters
from admin_app.rest.endpoints import camel


def add_query_schemas(schemas: Document, registry: Registry, resource: Resource) -> None:
    """Add the schemas that the queries of a resource, and filters that lead to it, refer to."""
    model = resource.model.__name__
    schemas[f"{model}Filter"] = _tree(resource, registry, schemas)
    schemas[f"{model}Sort"] = {"title": f"{model}Sort", **STRING, "enum": _terms(resource)}
    schemas[f"{model}Query"] = _query(resource, registry)
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
            "content": {JSON: {"schema": component(resource, "Query")}},
        },
    }


def zone_parameter() -> Document:
    about = "The time zone of periods such as `today` and of parts of instants, by its IANA name."
    return parameter_of("tz", {**STRING, "default": UTC_NAME}, about)


def compared_with(field: Field, operator: str) -> Document:
    """What a field is compared with: a value, or a period where it has moments."""
    value = value_of(field)
    if field.kind not in MOMENTS or operator not in PERIODIC:
        return value
    period = "TimePeriod" if operator in {"eq", "ne"} else "TimeBound"
    return {"anyOf": [value, ref(period)]}


def _periods() -> Document:
    """The schemas of periods: a part of what is taken, which goes up to a thousand years."""
    moved = [
        f"{word}([-+][0-9]{{1,3}}[{units}])?" for word, units in WORDS.items() if word != "now"
    ]
    dated = "[12][0-9]{3}(-(0[1-9]|1[0-2]|Q[1-4]))?"
    periods = "|".join([*moved, dated])
    return {
        "TimePeriod": {
            **STRING,
            "title": "TimePeriod",
            "pattern": f"^({periods})$",
            "description": "The whole of today, week-1w, month, year-2y, 2026, 2026-03, 2026-Q1.",
        },
        "TimeBound": {
            **STRING,
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
        "content": {JSON: {"schema": component(resource, "Filter")}},
    }


def sort_parameter(resource: Resource) -> Document:
    return list_parameter_of(
        "sort",
        {"type": "array", "items": component(resource, "Sort"), "uniqueItems": True},
        f"Order; - for descending, nulls last unless the term ends with {NULLS_FIRST}, the"
        " key last of all.",
    )


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


def component(resource: Resource, suffix: str) -> Document:
    """A reference to a schema of the resource."""
    return ref(f"{resource.model.__name__}{suffix}")


def _tree(resource: Resource, registry: Registry, schemas: Document) -> Document:
    itself = component(resource, "Filter")
    several = {"type": "array", "items": itself, "minItems": 1, "maxItems": MAX_CONDITIONS}
    properties: Document = {
        name: _conditions(each, schemas) for name, each in resource.readable.items()
    }
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
        "examples": one_of(properties, {}),
    }


def _conditions(field: Field, schemas: Document) -> Document:
    value = value_of(field)
    operators = operators_for(field)
    compared = operations_of(
        {each: _operand(each, compared_with(field, each)) for each in operators}
    )
    name = _operators_name(field.shape)
    if name:
        schemas[name] = compared
        compared = ref(name)
    return {"anyOf": [value, compared]} if "eq" in operators else compared


def _operators_name(shape: Shape) -> str:
    """What the operators of all values of a shape are called; as no class can be.

    Empty for choices, which are a field's own.
    """
    if shape.kind not in ORDERED or shape.kind is Kind.ENUM:
        return ""
    bits = None if shape.maximum is None else shape.maximum.bit_length() + 1
    limits = (bits, shape.max_length, shape.precision, shape.scale, 32 if shape.single else None)
    told = "-".join(str(each) for each in limits if each is not None)
    return f"Filter.{camel(shape.kind)}{told}"


def _related(relation: Relation, target: Resource) -> Document:
    key = value_of(target.key[0]) if len(target.key) == 1 else STRING
    inner = ref(f"{target.model.__name__}Filter")
    operations = {each: _operand(each, key) for each in operators_for(relation)}
    return {"anyOf": [key, operations_of({**operations, **dict.fromkeys(QUANTIFIERS, inner)})]}


def operations_of(properties: Document) -> Document:
    """An object of operators, of which at least one is given."""
    return {
        "type": "object",
        "properties": properties,
        "minProperties": 1,
        "additionalProperties": False,
        "examples": one_of(properties, {}),
    }


def _operand(operator: str, value: Document) -> Document:
    if operator == "isnull":
        return {"type": "boolean"}
    if operator in TEXT:
        return {**STRING, "maxLength": MAX_PATTERN}
    if operator in LISTS:
        ends = {"minItems": 2, "maxItems": 2} if operator == "between" else {"maxItems": MAX_LIST}
        return {"type": "array", "items": value, **ends}
    return value


def _query(resource: Resource, registry: Registry) -> Document:
    shape = {each["name"]: each["schema"] for each in shape_parameters(resource, registry)}
    properties: Document = {
        "filter": component(resource, "Filter"),
        "sort": {"type": "array", "items": component(resource, "Sort"), "uniqueItems": True},
        "limit": limit_schema(resource),
        "cursor": {"type": ["string", "null"]},
        "offset": offset_schema(),
        "count": {**STRING, "enum": list(COUNTS)},
        "tz": {**STRING, "default": UTC_NAME},
        **({"search": STRING} if resource.search else {}),
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
