"""An example for each schema of the document, made from the schema itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Schemas = Mapping[str, Any]

DEEPEST = 4
"""Schemas that stand in each other; further down an example leaves out what it may."""
_OF_FORMAT = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T14:30:00Z",
    "uuid": "0199c0de-5c4b-7a31-8f2e-6d1b9a7c3e50",
    "uri-reference": "/api/v1/books/1",
}
_TEXTS = (
    *("12.50", "1.5", "12", "1", "0.5", "14:30:00", "2026-01-31T14:30:00", "P1DT2H30M"),
    *("a", "abc", "7"),
)
"""What is tried where a pattern says how a text is written."""


class NoExampleError(Exception):
    """Nothing is known that fits a schema."""


def add_examples(schemas: dict[str, Any]) -> None:
    """Put an example into each schema of an object that has none."""
    for schema in schemas.values():
        if schema.get("type") == "object" and "properties" in schema and "examples" not in schema:
            found = examples(schema, schemas)
            if found:
                schema["examples"] = found


def examples(schema: Mapping[str, Any], schemas: Schemas) -> list[Any]:
    """An example, or none where none can be made."""
    try:
        return [example(schema, schemas)]
    except NoExampleError:
        return []


def one_of(properties: Mapping[str, Any], schemas: Schemas) -> list[Any]:
    """An example of the first of members that nobody would give all together."""
    first = dict(list(properties.items())[:1])
    return examples({"type": "object", "properties": first}, schemas)


def example(schema: Mapping[str, Any], schemas: Schemas, depth: int = 0) -> Any:
    """A value that fits ``schema``. Raises ``NoExampleError``."""
    if "$ref" in schema:
        if depth > DEEPEST:
            raise NoExampleError
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth + 1)
    for known in ("const", "default"):
        if known in schema:
            return schema[known]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    options = schema.get("anyOf", schema.get("oneOf"))
    return _first(options, schemas, depth) if options else _of_type(schema, schemas, depth)


def _of_type(schema: Mapping[str, Any], schemas: Schemas, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next(each for each in kind if each != "null")
    made: dict[str, Callable[[], Any]] = {
        "object": lambda: _object(schema, schemas, depth),
        "array": lambda: _array(schema, schemas, depth),
        "string": lambda: _text(schema),
        "integer": lambda: _number(schema),
        "number": lambda: _number(schema),
        "boolean": lambda: True,
        "null": lambda: None,
    }
    return made[kind]() if kind in made else {"any": "JSON"}


def _first(several: list[Any], schemas: Schemas, depth: int) -> Any:
    # Null fits as well and shows nothing.
    for each in sorted(several, key=lambda one: one.get("type") == "null"):
        try:
            return example(each, schemas, depth)
        except NoExampleError:
            continue
    raise NoExampleError


def _object(schema: Mapping[str, Any], schemas: Schemas, depth: int) -> dict[str, Any]:
    found = {}
    for name, each in schema.get("properties", {}).items():
        try:
            found[name] = example(each, schemas, depth + 1)
        except NoExampleError:
            if name in schema.get("required", ()):
                raise
    return found


def _array(schema: Mapping[str, Any], schemas: Schemas, depth: int) -> list[Any]:
    least = schema.get("minItems", 0)
    try:
        item = example(schema.get("items", {}), schemas, depth + 1)
    except NoExampleError:
        if least:
            raise
        return []
    return [item] * max(least, min(1, schema.get("maxItems", 1)))


def _text(schema: Mapping[str, Any]) -> str:
    if schema.get("contentEncoding") == "base64":
        return "aGVsbG8="
    pattern = schema.get("pattern")
    known = _OF_FORMAT.get(schema.get("format", ""))
    tried = [known] if known else [*_TEXTS] if pattern else [schema.get("title", "text"), "text"]
    for each in tried:
        text = each[: schema.get("maxLength", len(each))].ljust(schema.get("minLength", 0), "x")
        if not pattern or re.search(pattern, text):
            return str(text)
    raise NoExampleError


def _number(schema: Mapping[str, Any]) -> int:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    return int(min(max(low, 1), schema.get("maximum", 1)))
