"""What has changed between two OpenAPI documents, and whether a client may break by it.

Judged as by a client that was generated from the old document: what it sends must still be taken,
what it reads must still be there and be one of the things it knows. So a body may only become wider
and an answer only narrower; a new value of an enumeration in an answer breaks a client whose type
does not have it. Refusals are judged more leniently: a client knows a problem by its status, and a
new code or status of one is safe. An optional part that is new is always safe.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from admin_app.cli.contract_schemas import SENT, Side, Told, compare_schemas, resolve

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
Node = Mapping[str, Any]


class Change(NamedTuple):
    """One difference."""

    breaking: bool
    where: str
    what: str


def compare(old: Node, new: Node) -> list[Change]:
    """Every difference that a client could notice, breaking ones first."""
    found = [*_whole(old, new), *_operations(old, new)]
    return sorted(dict.fromkeys(found), key=lambda each: not each.breaking)


def _whole(old: Node, new: Node) -> Iterator[Change]:
    for name, about in (("servers", "address"), ("security", "way to sign in")):
        if _text(old.get(name)) != _text(new.get(name)):
            yield Change(breaking=True, where=name, what=f"the {about} has changed")


def _operations(old: Node, new: Node) -> Iterator[Change]:
    before, after = dict(_listed(old)), dict(_listed(new))
    for name in before:
        if name not in after:
            yield Change(breaking=True, where=name, what="is gone")
    for name, operation in after.items():
        if name not in before:
            yield Change(breaking=False, where=name, what="is new")
            continue
        for breaking, what in _Operation(old, new).compare(before[name], operation):
            yield Change(breaking, name, what)


def _listed(document: Node) -> Iterator[tuple[str, Node]]:
    for path, item in document.get("paths", {}).items():
        shared = item.get("parameters", [])
        for method in METHODS:
            if method in item:
                operation = item[method]
                parameters = [*shared, *operation.get("parameters", [])]
                yield f"{method.upper()} {path}", {**operation, "parameters": parameters}


class _Operation:
    """Compares one operation of two documents."""

    def __init__(self, old: Node, new: Node) -> None:
        self._old = old
        self._new = new

    def compare(self, old: Node, new: Node) -> Iterator[Told]:
        if old.get("operationId") != new.get("operationId"):
            yield True, f"is called {new.get('operationId')}, no longer {old.get('operationId')}"
        yield from self._parameters(old, new)
        yield from self._body(old.get("requestBody"), new.get("requestBody"))
        yield from self._answers(old["responses"], new["responses"])

    def _parameters(self, old: Node, new: Node) -> Iterator[Told]:
        before = _by_name(self._old, old["parameters"])
        after = _by_name(self._new, new["parameters"])
        for name in sorted(before.keys() - after.keys()):
            yield True, f"{name} is gone"
        for name, each in after.items():
            required = bool(each.get("required"))
            if name not in before:
                yield required, f"{name} is new{' and required' if required else ''}"
                continue
            was = bool(before[name].get("required"))
            if was != required:
                yield required, f"{name} is {'now' if required else 'no longer'} required"
            for word in ("style", "explode"):
                if before[name].get(word) != each.get(word):
                    yield True, f"{name} is written in another {word}"
            yield from self._schemas(before[name].get("schema"), each.get("schema"), SENT, name)

    def _body(self, old: Node | None, new: Node | None) -> Iterator[Told]:
        before, after = resolve(self._old, old or {}), resolve(self._new, new or {})
        if before and not after:
            yield True, "takes no body any more"
            return
        if after.get("required") and not before.get("required"):
            yield True, "needs a body"
        yield from self._contents(before, after, SENT, "body")

    def _answers(self, old: Node, new: Node) -> Iterator[Told]:
        for status in sorted(old.keys() - new.keys()):
            good = status.startswith("2")
            yield good, f"no longer answers {status}"
        for status, each in new.items():
            if status not in old:
                yield False, f"answers {status} as well"
                continue
            before, after = resolve(self._old, old[status]), resolve(self._new, each)
            for name in sorted(before.get("headers", {}).keys() - after.get("headers", {}).keys()):
                yield True, f"{status} lacks the header {name}"
            side: Side = "read" if status.startswith("2") else "refused"
            yield from self._contents(before, after, side, status)

    def _contents(self, old: Node, new: Node, side: Side, where: str) -> Iterator[Told]:
        before, after = old.get("content", {}), new.get("content", {})
        for media_type in sorted(before.keys() - after.keys()):
            yield True, f"{where}: {media_type} is gone"
        for media_type, each in after.items():
            if media_type in before:
                schemas = before[media_type].get("schema"), each.get("schema")
                yield from self._schemas(*schemas, side, where)
            elif before or side != SENT:
                yield False, f"{where}: {media_type} is new"

    def _schemas(
        self, old: Node | None, new: Node | None, side: Side, where: str
    ) -> Iterator[Told]:
        return compare_schemas((self._old, old or {}), (self._new, new or {}), side, where)


def _by_name(document: Node, parameters: list[Node]) -> dict[str, Node]:
    found = (resolve(document, each) for each in parameters)
    return {f"{each['in']} {each['name']}": each for each in found}


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
