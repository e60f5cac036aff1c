"""What ``fields`` and ``include`` make of an answer, as the document tells it.

Each resource has two schemas for its answers: ``Book``, which has every member, and ``BookShaped``,
of which each may be missing and a relation may hold records.
"""

from __future__ import annotations

from collections.abc import Iterable

from admin_app.declaration import Registry, Relation, Resource
from admin_app.declaration.schemas import Schema
from admin_app.records.queries.shape import MAX_DEPTH, MAX_INCLUDES
from admin_app.records.reads.includes import MOST_INCLUDED
from admin_app.rest.answers import CSV, JSON, NDJSON, XLSX
from admin_app.rest.document.examples import examples
from admin_app.rest.document.parts import Document, answer, list_parameter_of, ref

IF_NONE_MATCH: Document = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "ETags the caller has; where one is still good the answer is 304.",
}
_TRUNCATED = "Paths of the relations of which not all records are included, for their limit."


def add_shaped(schemas: Document, registry: Registry, readable: Iterable[Resource]) -> None:
    """Add the schemas of shaped answers, made of the plain ones, which must be there."""
    for resource in readable:
        model = resource.model.__name__
        shaped, page = f"{model}Shaped", f"{model}ShapedPage"
        schemas[shaped] = _shaped(schemas, resource, registry, shaped)
        plain = schemas[resource.page.name]
        properties = {**plain["properties"], "data": _list(ref(shaped))}
        schemas[page] = {**plain, "title": page, "properties": properties}


def shape_parameters(resource: Resource, registry: Registry) -> list[Document]:
    """``fields`` and ``include``."""
    fields = [*resource.readable, *resource.sets]
    relations = list(resource.relations)
    for name, relation in resource.relations.items():
        target = registry.target(relation)
        fields += [f"{name}.{each}" for each in (*target.readable, *target.sets)]
        relations += [f"{name}.{each}" for each in target.relations]
    found = [
        _names(
            "fields",
            fields,
            "The members that are answered. A dotted name is one of a relation's records, which "
            f"are included then; {MAX_DEPTH} relations deep at most.",
        )
    ]
    if relations:
        about = (
            "Relations whose records are answered inside. As a JSON object, by relation, it says "
            "which of them and how much of each: `filter`, `sort`, `limit`, `fields`, `include`. "
            f"At most {MAX_INCLUDES} relations, {MAX_DEPTH} deep, and {MOST_INCLUDED:,} records."
        )
        found.append(_names("include", relations, about))
    return found


def record_answer(resource: Resource) -> Document:
    """The responses of reading a record."""
    found = answer(
        resource.read,
        "The record.",
        ETag="Of this answer; If-Match takes it.",
        Truncated=_TRUNCATED,
    )
    found["content"] = {JSON: {"schema": _either(resource.read, "Shaped")}}
    return {"200": found, "304": _known()}


def page_answer(resource: Resource, **headers: str) -> Document:
    """The responses of reading a list."""
    tag = {"ETag": "Of this answer.", "Truncated": _TRUNCATED}
    found = answer(resource.page, "A page of records.", **tag, **headers)
    text = {"schema": {"type": "string"}}
    found["content"] = {
        JSON: {"schema": _either(resource.page, "ShapedPage", resource.model.__name__)},
        CSV: text,
        NDJSON: text,
        XLSX: {"schema": {"type": "string", "format": "binary"}},
    }
    return {"200": found, "304": _known()}


def _shaped(schemas: Document, resource: Resource, registry: Registry, name: str) -> Document:
    plain = schemas[resource.read.name]
    properties = dict(plain["properties"])
    for each in resource.relations.values():
        properties[each.name] = _related(each, registry, properties.get(each.name))
    return {
        **{word: each for word, each in plain.items() if word != "required"},
        "title": name,
        "description": "As fields and include shape it: any member may be missing.",
        "properties": properties,
        "examples": examples(plain, schemas),
    }


def _related(relation: Relation, registry: Registry, keys: Document | None) -> Document:
    model = registry.target(relation).model.__name__
    inside: Document = ref(f"{model}Shaped")
    about = {"title": relation.label, "readOnly": True}
    if keys is not None:
        return {**keys, "items": {"anyOf": [keys["items"], inside]}}
    if relation.many:
        return {**_list(inside), **about}
    return {"anyOf": [inside, {"type": "null"}], **about}


def _list(item: Document) -> Document:
    return {"type": "array", "items": item}


def _either(plain: Schema, suffix: str, model: str | None = None) -> Document:
    return {"anyOf": [ref(plain.name), ref(f"{model or plain.name}{suffix}")]}


def _known() -> Document:
    return {"description": "The caller has it already: see If-None-Match."}


def _names(name: str, known: list[str], about: str) -> Document:
    schema = {"type": "array", "items": {"type": "string", "enum": known}, "minItems": 1}
    return list_parameter_of(name, schema, about)
