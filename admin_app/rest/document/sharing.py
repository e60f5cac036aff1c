"""What operations have in common, said once: parameters, headers and responses as components.

A part is called as it is where it stands: ``limit``. Where another of that name is more frequent it
is called after the operation (``facets.limit``), where only one resource has it after that
(``books.filter``). What remains alone stays where it is.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from admin_app.rest.document.parts import Document

_PLAIN = re.compile(r"[A-Za-z0-9._-]+")
"""What components may be called."""
_WORDS = {"201": "New", "204": "Done", "304": "Unchanged"}
_METHODS = ("get", "post", "put", "patch", "delete")


class _Part(NamedTuple):
    """Something that may be shared, where it stands."""

    holder: Any
    place: Any
    name: str
    owner: str
    act: str


_Of = Callable[[_Part], str]


class _Place(NamedTuple):
    """An operation, or what those of a path share."""

    node: Document
    owner: str
    act: str


def share(prefix: str, paths: Document, components: Document) -> None:
    """Put what several operations say alike into ``components``, and refer to it."""
    places = [*_places(prefix, paths)]
    for kind, parts in (("responses", _responses), ("parameters", _parameters)):
        _share(kind, [part for place in places for part in parts(place)], components)
    _share("headers", [*_headers(places, components["responses"])], components)


def _share(kind: str, parts: list[_Part], components: Document) -> None:
    known: Document = components.setdefault(kind, {})
    left = [(each, json.dumps(node)) for each in parts if "$ref" not in (node := _node(each))]
    ways: list[tuple[_Of, _Of]] = [
        (lambda each: each.name, lambda each: each.owner),
        (lambda each: f"{each.act}.{each.name}", lambda each: each.owner),
        (lambda each: f"{each.owner}.{each.name}", lambda each: str(id(each.holder))),
    ]
    for label, among in ways:
        chosen = {
            name: text
            for name, text in _most_frequent(left, label, among).items()
            if name not in known
        }
        known.update({name: json.loads(text) for name, text in chosen.items()})
        remaining = []
        for each, text in left:
            name = label(each)
            if chosen.get(name) == text:
                each.holder[each.place] = {"$ref": f"#/components/{kind}/{name}"}
            else:
                remaining.append((each, text))
        left = remaining


def _most_frequent(parts: list[tuple[_Part, str]], label: _Of, among: _Of) -> dict[str, str]:
    """By each name the text that most have, where several have it."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for each, text in parts:
        found[label(each)][text].add(among(each))
    chosen = {}
    for name, texts in found.items():
        most = max(texts, key=lambda text: len(texts[text]))
        if len(texts[most]) > 1 and _PLAIN.fullmatch(name):
            chosen[name] = most
    return chosen


def _node(part: _Part) -> Document:
    node: Document = part.holder[part.place]
    return node


def _places(prefix: str, paths: Document) -> Iterator[_Place]:
    """The operations and paths, as copies down to where parts are replaced."""
    for path, item in paths.items():
        owner, *steps = path.removeprefix(f"{prefix}/").split("/")
        act = "-".join(each for each in steps if not each.startswith("{")) or "list"
        for node in (item, *(item[each] for each in _METHODS if each in item)):
            if "parameters" in node:
                node["parameters"] = [*node["parameters"]]
            if "responses" in node:
                node["responses"] = {
                    status: {**each, "headers": {**each["headers"]}} if "headers" in each else each
                    for status, each in node["responses"].items()
                }
            yield _Place(node, owner, act)


def _responses(place: _Place) -> Iterator[_Part]:
    responses = place.node.get("responses", {})
    for status, each in responses.items():
        if "$ref" not in each:
            name = _WORDS.get(status, "") + "Or".join(_answered(each))
            yield _Part(responses, status, name, place.owner, place.act)


def _answered(response: Document) -> list[str]:
    """The names of the schemas of an answer."""
    for each in response.get("content", {}).values():
        schema = each["schema"]
        options = schema.get("anyOf", schema.get("oneOf", [schema]))
        return [one["$ref"].rpartition("/")[2] for one in options if "$ref" in one]
    return []


def _headers(places: list[_Place], shared: Document) -> Iterator[_Part]:
    """Those of the shared responses, and of what stands alone."""
    alone = (each for place in places for each in place.node.get("responses", {}).values())
    for number, response in enumerate((*shared.values(), *alone)):
        for name in response.get("headers", ()):
            yield _Part(response["headers"], name, name, owner=str(number), act="")


def _parameters(place: _Place) -> Iterator[_Part]:
    parameters = place.node.get("parameters", [])
    for index, each in enumerate(parameters):
        # openapi-python-client knows no component that is given by its content.
        if "schema" in each:
            yield _Part(parameters, index, each["name"], place.owner, place.act)
