"""A tree of conditions as a form holds it: groups and rows, to and from the grammar's JSON.

Every node has a place, ``0.2.1``, under which its controls are named. What a form says is read
leniently: a row is completed to one that can be shown, and the grammar judges its value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from admin_app.declaration import Field, Registry, Relation, Resource
from admin_app.declaration.fields import TEXTUAL
from admin_app.declaration.values import from_text, to_text
from admin_app.panel.lists.filters.address import FILLED, NULL
from admin_app.records.queries.conditions import Quantifier
from admin_app.records.queries.filters import (
    COMBINATIONS,
    QUANTIFIERS,
    operators_for,
    step_of,
    target_of,
)
from admin_app.records.queries.operators import LISTS

Join = Literal["all", "any", "none", "not"]
"""How the conditions of a group go together; ``not``: not all of them hold."""
JOINS: tuple[Join, ...] = get_args(Join)
MOST_NODES = 120
MOST_LEVELS = 9
Place = tuple[int, ...]


@dataclass(slots=True)
class Row:
    """A comparison: of what, how, and with which texts."""

    name: str
    operator: str = ""
    values: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """Conditions that go together; with a relation, on the records that it leads to."""

    join: Join = "all"
    items: list[Node] = field(default_factory=list)
    relation: str = ""
    quantifier: Quantifier = "some"


Node = Group | Row


def operators_in(target: Field | Relation) -> list[str]:
    """The operators of a row, as forms have them."""
    known = [each for each in operators_for(target) if each != "isnull"]
    if isinstance(target, Relation):
        # Its keys are chosen; other relations are only asked whether they lead anywhere.
        known = ["in", *QUANTIFIERS] if target.writable else [*QUANTIFIERS]
    return [*known, NULL, FILLED]


def read_tree(resource: Resource, registry: Registry, data: Any) -> Group:
    """The tree of a filter that the grammar has taken."""
    found = _node(resource, registry, data)
    return found if isinstance(found, Group) and not found.relation else Group(items=[found])


def _node(resource: Resource, registry: Registry, data: Any) -> Node:
    found = [
        each for name, value in data.items() for each in _member(resource, registry, name, value)
    ]
    return found[0] if len(found) == 1 else Group(items=found)


def _member(resource: Resource, registry: Registry, name: str, value: Any) -> Iterator[Node]:
    if name in {"_and", "_or"}:
        items = [_node(resource, registry, each) for each in value]
        yield Group("all" if name == "_and" else "any", items)
        return
    if name == "_not":
        yield _negated(_node(resource, registry, value))
        return
    first, dot, rest = name.partition(".")
    step = step_of(resource, first) if dot else None
    if step is not None:
        relation, quantifier = step
        inner = _inside(registry, relation, {rest: value})
        yield Group("all", inner, relation.name, quantifier)
        return
    target, operator = target_of(resource, name)
    if target is None:
        return
    operations = value if isinstance(value, Mapping) and not operator else {operator or "eq": value}
    for each, operand in operations.items():
        if isinstance(target, Relation) and each in QUANTIFIERS:
            yield Group("all", _inside(registry, target, operand), target.name, each)
        else:
            yield _row(target, each, operand)


def _inside(registry: Registry, relation: Relation, data: Any) -> list[Node]:
    found = _node(registry.target(relation), registry, data)
    plain = isinstance(found, Group) and found.join == "all" and not found.relation
    return found.items if isinstance(found, Group) and plain else [found]


def _negated(found: Node) -> Group:
    if isinstance(found, Group) and not found.relation and found.join in {"any", "all"}:
        return Group("none" if found.join == "any" else "not", found.items)
    return Group("none", [found])


def _row(target: Field | Relation, operator: str, operand: Any) -> Row:
    if operator == "isnull":
        return Row(target.name, NULL if operand else FILLED)
    values = operand if isinstance(operand, list) else [operand]
    if isinstance(target, Relation):
        operator = "in"
    return Row(target.name, operator, [to_text(each) for each in values])


class Writing:
    """A tree as the grammar's JSON, and which node each part of it came from."""

    def __init__(self, resource: Resource, registry: Registry) -> None:
        self.resource = resource
        self.registry = registry
        self.places: dict[tuple[str | int, ...], Place] = {}
        self.unfinished: list[Place] = []
        """Rows that say nothing yet, and are left out."""

    def data(self, root: Group) -> Any:
        """The filter; an empty object where nothing is asked."""
        found = self._group(self.resource, root, (0,), ())
        return {} if found is None else found

    def place_of(self, path: Sequence[str | int]) -> Place:
        """The node that what is wrong at ``path`` of the filter came from."""
        for end in range(len(path), -1, -1):
            if tuple(path[:end]) in self.places:
                return self.places[tuple(path[:end])]
        return (0,)

    def _group(
        self, resource: Resource, group: Group, place: Place, path: tuple[str | int, ...]
    ) -> Any:
        if group.relation:
            relation = resource.relations.get(group.relation)
            if relation is None:
                return None
            target = self.registry.target(relation)
            below = (*path, group.relation, group.quantifier)
            inner = self._joined(target, group, place, below)
            return {group.relation: {group.quantifier: {} if inner is None else inner}}
        return self._joined(resource, group, place, path)

    def _joined(
        self, resource: Resource, group: Group, place: Place, path: tuple[str | int, ...]
    ) -> Any:
        self.places[path] = place
        negated = group.join in {"none", "not"}
        word = "_or" if group.join in {"any", "none"} else "_and"
        below = (*path, "_not", word) if negated else (*path, word)
        found: list[Any] = []
        for at, each in enumerate(group.items):
            one = self._item(resource, each, (*place, at), (*below, len(found)))
            found += [] if one is None else [one]
        if not found:
            return None
        return {"_not": {word: found}} if negated else {word: found}

    def _item(
        self, resource: Resource, item: Node, place: Place, path: tuple[str | int, ...]
    ) -> Any:
        self.places[path] = place
        if isinstance(item, Group):
            return self._group(resource, item, place, path)
        target = resource.readable.get(item.name) or resource.relations.get(item.name)
        if target is None:
            return None
        if _is_unfinished(target, item):
            self.unfinished.append(place)
            return None
        operator, operand = self._compared(target, item)
        if item.name in COMBINATIONS:
            return {f"{item.name}__{operator}": operand}
        return {item.name: {operator: operand}}

    def _compared(self, target: Field | Relation, row: Row) -> tuple[str, Any]:
        if row.operator in {NULL, FILLED}:
            return "isnull", row.operator == NULL
        typed = [self._typed(target, each) for each in row.values]
        if row.operator in LISTS:
            return row.operator, typed
        return row.operator, typed[0] if typed else ""

    def _typed(self, target: Field | Relation, text: str) -> Any:
        if isinstance(target, Field):
            return from_text(target.shape, text)
        key = self.registry.target(target).key
        return from_text(key[0].shape, text) if len(key) == 1 else text


def _is_unfinished(target: Field | Relation, row: Row) -> bool:
    """Whether a value is missing; a text may well be compared with one that is empty."""
    if row.operator in {NULL, FILLED}:
        return False
    textual = isinstance(target, Field) and target.kind in TEXTUAL
    if textual and row.operator in {"eq", "ne"}:
        return False
    return not row.values or any(each.strip() == "" for each in row.values)


def nodes(root: Group) -> Iterator[tuple[Place, Node]]:
    """Every node with its place."""
    waiting: list[tuple[Place, Node]] = [((0,), root)]
    while waiting:
        place, node = waiting.pop()
        yield place, node
        if isinstance(node, Group):
            waiting += [((*place, at), each) for at, each in enumerate(node.items)]


def tree_in(given: Iterable[tuple[str, str]]) -> Group | None:
    """The tree that the controls of a form make up; none where there are none."""
    made: dict[Place, Node] = {}
    values: dict[Place, list[str]] = {}
    for name, text in given:
        what, _, where = name.partition("-")
        place = place_in(where)
        if place is None or len(made) > MOST_NODES:
            continue
        if what == "join":
            join = next((each for each in JOINS if each == text), JOINS[0])
            made.setdefault(place, Group(join))
        elif what == "of":
            made.setdefault(place, Row(text))
        elif what == "v":
            values.setdefault(place, []).append(text)
        else:
            _complete(made.get(place), what, text)
    for place, node in made.items():
        if isinstance(node, Row):
            node.values = values.get(place, [])
    return _grown(made)


def _complete(node: Node | None, what: str, text: str) -> None:
    match node, what:
        case Row(), "op":
            node.operator = text
        case Group(), "rel":
            node.relation = text
        case Group(), "quant":
            node.quantifier = next((each for each in QUANTIFIERS if each == text), "some")


def _grown(made: Mapping[Place, Node]) -> Group | None:
    root = made.get((0,))
    if not isinstance(root, Group):
        return None
    for place in sorted(made):
        parent = made.get(place[:-1])
        if len(place) > 1 and isinstance(parent, Group):
            parent.items.append(made[place])
    return root


def place_in(text: str) -> Place | None:
    """Read a place."""
    parts = text.split(".")
    fine = all(each.isascii() and each.isdigit() and len(each) < 4 for each in parts)  # noqa: PLR2004
    if not fine or len(parts) > MOST_LEVELS:
        return None
    return tuple(map(int, parts))


def place_text(place: Place) -> str:
    return ".".join(map(str, place))
