"""How two JSON Schemas differ, for whoever sends what they describe, or reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

Node = Mapping[str, Any]
Side = Literal["sent", "read", "refused"]
Told = tuple[bool, str]
"""Whether it breaks, and what it is."""
Placed = tuple[Node, Node]
"""A document and a schema of it."""

SENT: Side = "sent"
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_ANYTHING = ("any", None, None)


def resolve(document: Node, node: Node) -> Node:
    """What a reference leads to."""
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        node = found
    return node


def compare_schemas(old: Placed, new: Placed, side: Side, where: str) -> Iterator[Told]:
    """Every difference that matters to ``side``."""
    return _Comparison(old[0], new[0], side).compare(old[1], new[1], where)


class _Comparison:
    """One walk through two schemas; what refers to itself is walked once."""

    def __init__(self, old: Node, new: Node, side: Side) -> None:
        self._old = old
        self._new = new
        self._side = side
        self._seen: set[tuple[int, int]] = set()

    def compare(self, old: Node, new: Node, where: str) -> Iterator[Told]:
        before, after = self._options(self._old, old), self._options(self._new, new)
        if len(before) == 1 and len(after) == 1:
            yield from self._single(next(iter(before.values())), next(iter(after.values())), where)
            return
        left = {kind: each for kind, each in before.items() if kind not in after}
        for kind, each in after.items():
            # An object under another name is the object it was, as far as it is like it.
            was = kind if kind in before else next((one for one in left if one[0] == kind[0]), None)
            if was is None:
                yield self._wider, f"{where}: can be {_called(kind)}"
            else:
                left.pop(was, None)
                yield from self._single(before[was], each, where)
        for kind in left:
            yield self._narrower, f"{where}: is no longer {_called(kind)}"

    @property
    def _narrower(self) -> bool:
        """Whether it breaks that less is possible."""
        return self._side == SENT

    @property
    def _wider(self) -> bool:
        """Whether it breaks that more is possible."""
        return self._side == "read"

    def _options(self, document: Node, schema: Node) -> dict[tuple[Any, ...], Node]:
        """What a value can be, by what tells one from another."""
        found = resolve(document, schema)
        several = found.get("anyOf", found.get("oneOf"))
        if several is None and isinstance(found.get("type"), list):
            several = [{**found, "type": each} for each in found["type"]]
        if several is None:
            return {(*_kind(document, schema), 0): found}
        options: dict[tuple[Any, ...], Node] = {}
        for each in several:
            for kind, option in self._options(document, each).items():
                alike = sum(known[:3] == kind[:3] for known in options)
                options[(*kind[:3], alike)] = option
        return options

    def _single(self, old: Node, new: Node, where: str) -> Iterator[Told]:
        if "properties" in old and "properties" in new:
            if (id(old), id(new)) in self._seen:
                return
            self._seen.add((id(old), id(new)))
        before, after = old.get("type", "any"), new.get("type", "any")
        if before != after:
            whole = {before, after} == {"integer", "number"}
            wider = after in {"any", "number"} if whole or after == "any" else None
            narrower = whole or before == "any"
            breaks = self._wider if wider else self._narrower if narrower else True
            yield breaks, f"{where}: is {after}, no longer {before}"
            return
        for word in ("format", "contentEncoding"):
            if old.get(word) != new.get(word):
                yield True, f"{where}: {word} is {new.get(word)}, no longer {old.get(word)}"
        yield from self._values(old, new, where)
        yield from self._bounds(old, new, where)
        yield from self._members(old, new, where)
        if "items" in old or "items" in new:
            yield from self.compare(old.get("items", {}), new.get("items", {}), f"{where}[]")

    def _values(self, old: Node, new: Node, where: str) -> Iterator[Told]:
        before, after = _enumerated(old), _enumerated(new)
        if before is None and after is not None:
            yield self._narrower, f"{where}: is one of {', '.join(sorted(after))} only"
        elif before is not None and after is None:
            yield self._wider, f"{where}: is no longer one of a few"
        elif before is not None and after is not None:
            for each in sorted(before - after):
                yield self._narrower, f"{where}: is never {each} any more"
            for each in sorted(after - before):
                yield self._wider, f"{where}: can be {each}"
        if self._side == SENT and old.get("default") != new.get("default"):
            yield True, f"{where}: default is {new.get('default')}, no longer {old.get('default')}"

    def _bounds(self, old: Node, new: Node, where: str) -> Iterator[Told]:
        if old.get("pattern") != new.get("pattern"):
            breaks = "pattern" in new if self._side == SENT else "pattern" in old and self._wider
            yield breaks, f"{where}: is written in another form"
        if bool(old.get("uniqueItems")) != bool(new.get("uniqueItems")):
            breaks = self._narrower if new.get("uniqueItems") else False
            yield breaks, f"{where}: repeats are {'refused' if new.get('uniqueItems') else 'taken'}"
        for word in (*_UPPER, *_LOWER):
            was, now = old.get(word), new.get(word)
            if was != now:
                tighter = was is None or (now is not None and (now < was) == (word in _UPPER))
                yield self._narrower and tighter, f"{where}: {word} is {now}, no longer {was}"

    def _members(self, old: Node, new: Node, where: str) -> Iterator[Told]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        sent = self._side == SENT
        for name in sorted(before.keys() - after.keys()):
            yield self._side != "refused" or name in needed, f"{where}/{name}: is gone"
        for name, each in after.items():
            place = f"{where}/{name}"
            required = name in needs
            if name not in before:
                yield sent and required, f"{place}: is new{' and required' if required else ''}"
                continue
            if (name in needed) != required:
                breaks = required if sent else not required
                yield breaks, f"{place}: is {'now' if required else 'no longer'} always there"
            yield from self.compare(before[name], each, place)
        closed = new.get("additionalProperties") is False
        if (old.get("additionalProperties") is False) != closed and (before or after):
            yield sent and closed, f"{where}: other members are {'refused' if closed else 'taken'}"
        inner = old.get("additionalProperties"), new.get("additionalProperties")
        if isinstance(inner[0], Mapping) and isinstance(inner[1], Mapping):
            yield from self.compare(inner[0], inner[1], f"{where}/*")


def _kind(document: Node, schema: Node) -> tuple[Any, ...]:
    found = resolve(document, schema)
    if not found:
        return _ANYTHING
    type_ = found.get("type", "any")
    # Objects are told apart by name; a text that is given one is the text it was.
    named = type_ == "object" and "$ref" in schema
    return type_, schema["$ref"].rpartition("/")[2] if named else None, found.get("format")


def _called(kind: tuple[Any, ...]) -> str:
    return " ".join(str(each) for each in (kind[1] or kind[0], kind[2]) if each)


def _enumerated(schema: Node) -> set[str] | None:
    if "const" in schema:
        return {json.dumps(schema["const"])}
    return {json.dumps(each) for each in schema["enum"]} if "enum" in schema else None
