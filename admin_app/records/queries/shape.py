"""The grammar of shapes: which fields are answered, and which records of relations inside.

``fields=title,authors.name`` and ``include=authors,comments.reader`` name both; as JSON an include
also says which of a relation's records, in what order and how many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from admin_app.declaration import Registry, Relation, Resource
from admin_app.errors import BadRequestError
from admin_app.records.queries.conditions import Condition
from admin_app.records.queries.filters import condition_of
from admin_app.records.queries.ordering import limit_of, sort_of
from admin_app.records.queries.query import WHOLE, Include, Query, Shape
from admin_app.records.queries.reading import Path, Reading, json_of

PARAMETERS = ("fields", "include")
MAX_DEPTH = 3
"""Relations that are included one inside the other."""
MAX_INCLUDES = 20
"""Relations that one request includes: each is read by a statement of its own."""
MAX_NAMES = 200
"""Names that one request gives of either."""
INSIDE = ("filter", "sort", "limit", "fields", "include")
"""The members of an include in JSON."""


def parse_shape(resource: Resource, registry: Registry, pairs: Iterable[tuple[str, str]]) -> Shape:
    """Read the shape of one record from parameters.

    Raises ``BadRequestError`` with one entry for each pair that cannot be used.
    """
    reading = Reading(registry)
    given: dict[str, str] = {}
    for name, text in pairs:
        if name not in PARAMETERS:
            reading.refuse_unknown((name,), "unknown_parameter", name, PARAMETERS)
        elif name in given:
            reading.refuse((name,), "repeated", "Given more than once.")
        given[name] = text
    shape = shape_of(reading, resource, given)
    reading.finish()
    return shape


def shape_of(reading: Reading, resource: Resource, given: Mapping[str, Any]) -> Shape:
    """Read ``fields`` and ``include``, each as the text of a parameter or as JSON data."""
    if given.get("fields") is None and given.get("include") is None:
        return WHOLE
    root = _Node(())
    _Asked(reading).of(root, given, ())
    return _resolved(reading, resource, root)


@dataclass(slots=True)
class _Node:
    """What is asked of one resource, not yet resolved against it."""

    path: Path
    """The path in the request where it was asked for."""
    fields: dict[str, Path] | None = None
    includes: dict[str, _Node] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    """The members of its JSON form."""


@dataclass(slots=True)
class _Asked:
    """Merges the forms in which a request can ask for fields and includes."""

    reading: Reading
    names: int = 0
    nodes: int = 0

    def of(self, node: _Node, data: Mapping[str, Any], path: Path) -> None:
        """Take the members ``fields`` and ``include`` of ``data``."""
        if data.get("include") is not None:
            self.include(node, data["include"], (*path, "include"))
        if data.get("fields") is not None:
            node.fields = {}
            for parts, place in self.paths(data["fields"], (*path, "fields")):
                self.field(node, parts, place)

    def include(self, node: _Node, data: Any, path: Path) -> None:
        if isinstance(data, str) and data.lstrip().startswith("{"):
            try:
                data = json_of(data)
            except BadRequestError as error:
                self.reading.refuse_value(path, error)
                return
        if not isinstance(data, Mapping):
            for parts, place in self.paths(data, path):
                self.walk(node, parts, place)
            return
        for name, inside in data.items():
            place = (*path, name)
            child = self.child(node, name, place)
            if child is not None and self.known(inside, place):
                child.data = inside
                self.of(child, inside, place)

    def field(self, node: _Node, parts: Sequence[str], path: Path) -> None:
        *relations, name = parts
        holder = self.walk(node, relations, path, fields={})
        if holder is None:
            return
        holder.fields = {} if holder.fields is None else holder.fields
        if name in holder.fields:
            self.reading.refuse(path, "repeated", f"{name} is given more than once.")
        holder.fields[name] = path

    def walk(
        self,
        node: _Node,
        names: Sequence[str],
        path: Path,
        fields: Mapping[str, Path] | None = None,
    ) -> _Node | None:
        """The node that ``names`` lead to; those on the way are included, with ``fields``."""
        found: _Node | None = node
        for name in names:
            new = found is not None and name not in found.includes
            found = found and self.child(found, name, path)
            if found is not None and new:
                found.fields = None if fields is None else dict(fields)
        return found

    def child(self, node: _Node, name: str, path: Path) -> _Node | None:
        if name not in node.includes:
            self.nodes += 1
            if self.nodes == MAX_INCLUDES + 1:
                self.reading.refuse(path, "too_many_includes", f"At most {MAX_INCLUDES} relations.")
            if self.nodes > MAX_INCLUDES:
                return None
            node.includes[name] = _Node(path)
        return node.includes[name]

    def paths(self, data: Any, path: Path) -> list[tuple[list[str], Path]]:
        """The dotted names of a text or a list, and where each stands."""
        names = data.split(",") if isinstance(data, str) else data
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            self.reading.refuse(path, "bad_value", "Give a list of names.")
            return []
        if names in ([], [""]):
            self.reading.refuse(path, "bad_value", "Give at least one name.")
            return []
        self.names += len(names)
        if self.names > MAX_NAMES:
            self.reading.refuse(path, "too_many_names", f"At most {MAX_NAMES} names.")
            return []
        places = [path if names is not data else (*path, index) for index in range(len(names))]
        return [(name.split("."), place) for name, place in zip(names, places, strict=True)]

    def known(self, inside: Any, path: Path) -> bool:
        """Whether this can be said of an include."""
        if not isinstance(inside, Mapping):
            words = f"Give an object with any of {', '.join(INSIDE)}."
            self.reading.refuse(path, "bad_value", words)
            return False
        unknown = [name for name in inside if name not in INSIDE]
        for name in unknown[:MAX_NAMES]:
            self.reading.refuse_unknown((*path, name), "unknown_member", name, INSIDE)
        return not unknown


def _resolved(reading: Reading, resource: Resource, node: _Node, depth: int = 0) -> Shape:
    """The shape of what was asked for, as far as the resource has it."""
    known = (*resource.readable, *resource.sets)
    fields = node.fields
    if fields is not None:
        shown = [
            name
            for name, path in fields.items()
            if _is_field(reading, resource, node, name, path, known)
        ]
    includes = []
    for name, child in node.includes.items():
        relation = resource.relations.get(name)
        if relation is None:
            _refuse_relation(reading, resource, name, child.path)
        elif depth == MAX_DEPTH:
            words = f"At most {MAX_DEPTH} relations, one in the other."
            reading.refuse(child.path, "too_deep", words)
        else:
            query = _inside(reading, relation, child, depth + 1)
            includes.append(Include(relation, query))
    return Shape(None if fields is None else tuple(shown), tuple(includes))


def _refuse_relation(reading: Reading, resource: Resource, name: str, path: Path) -> None:
    if resource.relations:
        reading.refuse_unknown(path, "unknown_relation", name, resource.relations)
    else:
        words = f"{resource.label_plural} have no relations."
        reading.refuse(path, "unknown_relation", words)


def _is_field(
    reading: Reading,
    resource: Resource,
    node: _Node,
    name: str,
    path: Path,
    known: Sequence[str],
) -> bool:
    if name in node.includes:
        return False  # It is answered as what is included.
    if name in known:
        return True
    if name in resource.relations:
        words = f"{name} is no field. Name fields of it, such as {name}.{{field}}, or include it."
        reading.refuse(path, "unknown_field", words)
    else:
        reading.refuse_unknown(
            path, "unknown_field", name, dict.fromkeys((*known, *resource.relations))
        )
    return False


def _inside(reading: Reading, relation: Relation, node: _Node, depth: int) -> Query:
    target = reading.registry.target(relation)
    data, path = node.data, node.path
    if not relation.many:
        for name in ("filter", "sort", "limit"):
            if data.get(name) is not None:
                words = f"{relation.label} is one record at most: there is nothing to choose from."
                reading.refuse((*path, name), "not_here", words)
        data = {}
    return Query(
        filters=_filters(reading, target, data, path),
        words=(),
        sort=sort_of(reading, target, data.get("sort"), (*path, "sort")),
        limit=limit_of(reading, target, data.get("limit"), (*path, "limit")),
        cursor=None,
        count="none",
        shape=_resolved(reading, target, node, depth),
    )


def _filters(
    reading: Reading, target: Resource, data: Mapping[str, Any], path: Path
) -> tuple[Condition, ...]:
    if data.get("filter") is None:
        return ()
    found = condition_of(reading, target, data["filter"], (*path, "filter"))
    return () if found is None else (found,)
