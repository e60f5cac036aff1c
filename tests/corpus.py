"""Hostile requests made from the OpenAPI document: every place of it, filled with what hurts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Document = Mapping[str, Any]

TEXTS = (
    *("", " ", "0", "-1", "1.5", "1e400", "NaN", "null", "true", "'", '"', "\\", "%", "_", "~"),
    *("~9", ",", ",,", ";--", "' OR 1=1 --", "\x00", "a\x00b", "\u202e", "é🦉", "..", "*", "{}"),
    *("[]", "$1", "9" * 19, "9" * 400, "a" * 3000, "2026-02-30", "0000-00-00T00:00:00Z", "P1Y"),
    *("../../etc/passwd", "(((", "{{7*7}}", "<script>"),
)
"""For paths and parameters; all of them can be written in a URL."""

VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 2**31, 2**63, -(2**63) - 1, 2**70, 1e308, "", " ", "x", "a\x00b"),
    *("9" * 400, "x" * 5000, "2026-02-30", "NaN", "\u202e", "é🦉", "' OR 1=1 --", "%"),
    *([], {}, [[]], [None], [1, 1], [{}], {"": 0}, {"$ref": "x"}, {"add": 1}, {"add": [None]}),
    *({"create": 5}, {"update": [{}]}, {"delete": [[]]}),
)
"""For bodies."""

RAW = (
    *(b"", b"{", b"[", b"{} {}", b"NaN", b"\x00", b"\xff\xfe", b"[" * 3000, b"9" * 5000),
    *(b'{"a":1,"a":2}', b'{"\\ud800": 1}', b'{"__proto__": {}}'),
)

HEADERS: Mapping[str, tuple[str | bytes, ...]] = {
    "If-Match": (
        *("", "*", '"1"', 'W/"1"', '"', '"1", "2"', "1", b"\xff", ",", '"1.x"'),
        '"' + "9" * 5000 + '"',
    ),
    "If-None-Match": ("", "*", '"1"', 'W/"1"', '"', b"\xff", ",", '"' + "x" * 5000 + '"'),
    "Prefer": (
        *("", "return=minimal", "return=x", "tx=rollback", "tx=maybe", "max-affected=-1"),
        *("max-affected=99999999999", "handling=strict, x=y", 'return="minimal', b"\xff", ";;;"),
        *("a" * 5000, "resolution=none"),
    ),
    "Idempotency-Key": ("", " ", "a b", "é".encode(), b"\xff", "k" * 300, "\t"),
    "Accept": (
        *("", "text/csv", "x/y", "*/*;q=0", "application/json;q=x", b"\xff", "," * 2000),
        "text/html",
    ),
    "Content-Type": (
        *("", "text/plain", "application/json; charset=latin-1", b"\xff"),
        "application/json-patch+json",
    ),
    "Content-Encoding": ("gzip", "br", "identity"),
    "traceparent": ("", "00-0-0-0", "x" * 1000, b"\xff"),
    "Range": ("bytes=0-1", "bytes=9-1"),
    "X-Request-Id": ("", "a b", "x" * 1000, b"\xff"),
    "Origin": ("null", "http://evil.test", b"\xff"),
}


@dataclass(frozen=True)
class Case:
    """A request, and the operation that it is made from."""

    path: str
    method: str
    target: str
    raw: bytes | None = None
    headers: tuple[tuple[str, str | bytes], ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.target[:200]} {(self.raw or b'')[:200]!r} {self.headers}"[:500]


def cases(document: Document) -> Iterator[Case]:
    """Every hostile request of a document, in its order."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            given = [*item.get("parameters", ()), *operation.get("parameters", ())]
            yield from _of(document, path, method.upper(), operation, given)


def _of(
    document: Document, path: str, method: str, operation: Any, parameters: list[Any]
) -> Iterator[Case]:
    media_types = operation.get("requestBody", {}).get("content", {})
    valid = _body(document, media_types)
    usual = re.sub(r"\{[^}]*\}", "1", path)
    yield from _addressed(path, method, valid)
    for name in _names(document, parameters):
        for text in TEXTS:
            yield _case(path, method, f"{usual}?{quote(name)}={quote(text, safe='')}", valid)
    yield _case(path, method, f"{usual}?nothing_like_it=1", valid)
    yield _case(path, method, f"{usual}?{'&'.join(f'p{at}=1' for at in range(300))}", valid)
    for name, values in HEADERS.items():
        for value in values:
            yield _case(path, method, usual, valid, (name, value))
    for media_type, content in media_types.items():
        head = ("Content-Type", media_type)
        bodies = {json.dumps(each).encode() for each in _bodies(document, content["schema"], valid)}
        for raw in (*RAW, *sorted(bodies)):
            yield Case(path, method, usual, raw, (head,))


def _addressed(path: str, method: str, valid: Any) -> Iterator[Case]:
    for text in TEXTS if "{" in path else ():
        # An empty part, or one that goes up, is another address.
        if text not in {"", ".."}:
            target = re.sub(r"\{[^}]*\}", quote(text, safe=""), path)
            yield _case(path, method, target, valid)


def _case(path: str, method: str, target: str, body: Any, *headers: Any) -> Case:
    raw = None if body is None else json.dumps(body).encode()
    return Case(path, method, target, raw, headers)


def resolved(document: Document, node: Any) -> Any:
    """What a part of the document is, with references followed."""
    while "$ref" in node:
        _, _, kind, name = node["$ref"].split("/")
        node = document["components"][kind][name]
    return node


def _names(document: Document, parameters: Iterable[Any]) -> Iterator[str]:
    """What queries are made of, also where one parameter is the members of an object."""
    for each in (resolved(document, parameter) for parameter in parameters):
        if each["in"] == "query":
            schema = resolved(document, each.get("schema", {}))
            yield from schema.get("properties", (each["name"],))


def _body(document: Document, media_types: Any) -> Any:
    """Something like a valid body; none where there is none to send."""
    content = media_types.get("application/json")
    if content is None:
        return None
    return _valid(document, content["schema"], 3)


def _valid(document: Document, schema: Any, depth: int) -> Any:  # noqa: PLR0911
    schema = resolved(document, schema)
    for one in ("anyOf", "oneOf", "allOf"):
        if one in schema:
            return _valid(document, schema[one][0], depth)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", []) if depth else []
            return {
                name: _valid(document, schema.get("properties", {}).get(name, {}), depth - 1)
                for name in wanted
            }
        case "array":
            return [_valid(document, schema.get("items", {}), depth - 1)] if depth else []
        case "string":
            return _TEXT_OF.get(schema.get("format", ""), "x" * schema.get("minLength", 1))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return None


_TEXT_OF = {
    "date": "2026-11-20",
    "date-time": "2026-11-20T12:00:00Z",
    "time": "12:00:00",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "duration": "P1D",
    "decimal": "1",
}


def _bodies(document: Document, schema: Any, valid: Any) -> Iterator[Any]:
    """A valid body with each of its members, and of their members, replaced by what hurts."""
    yield from VALUES
    schema = resolved(document, schema)
    if schema.get("type") == "object" and isinstance(valid, dict):
        for name, member in schema.get("properties", {}).items():
            for value in VALUES:
                yield {**valid, name: value}
            inner = resolved(document, member)
            if inner.get("type") == "array":
                for body in _bodies(document, inner.get("items", {}), _first(valid.get(name))):
                    yield {**valid, name: [body]}
        yield {**valid, "nothing_like_it": 1}


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, list) and values else {}
