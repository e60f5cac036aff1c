"""What the buttons of the builder do to its tree, and what makes a tree one that can be shown."""

from __future__ import annotations

from admin_app.declaration import Field, Registry, Relation, Resource
from admin_app.declaration.fields import TEXTUAL
from admin_app.errors import BadRequestError
from admin_app.panel.lists.filters.address import FILLED, NULL, Target
from admin_app.panel.lists.filters.offers import targets
from admin_app.panel.lists.filters.tree import (
    MOST_LEVELS,
    MOST_NODES,
    Group,
    Node,
    Place,
    Row,
    nodes,
    operators_in,
    place_in,
)
from admin_app.records.queries.filters import QUANTIFIERS
from admin_app.records.queries.operands import split


def edited(root: Group, do: str) -> Group:
    """The tree after a button was pressed: ``row:0``, ``group:0``, ``remove:0.1`` and so on."""
    what, _, where = do.partition(":")
    place = place_in(where)
    node = None if place is None else dict(nodes(root)).get(place)
    if place is None or node is None:
        return root
    if isinstance(node, Group) and what in {"row", "group"}:
        if sum(1 for _ in nodes(root)) < MOST_NODES:
            node.items.append(Row("") if what == "row" else _other(node, [Row("")]))
        return root
    parent = _parent(root, place)
    if parent is not None:
        _move(root, parent, place, node, what)
    return root


def _move(root: Group, parent: Group, place: Place, node: Node, what: str) -> None:
    at = place[-1]
    match what:
        case "remove":
            del parent.items[at]
        case "in" if len(place) < MOST_LEVELS - 1:
            parent.items[at] = _other(parent, [node])
        case "out" if not parent.relation:
            above = _parent(root, place[:-1])
            if above is not None:
                del parent.items[at]
                above.items.insert(place[-2] + 1, node)
                if not parent.items:
                    above.items.remove(parent)


def _other(group: Group, items: list[Node]) -> Group:
    """A group inside of another is there to go together in another way."""
    return Group("any" if group.join in {"all", "not"} else "all", items)


def _parent(root: Group, place: Place) -> Group | None:
    found = dict(nodes(root)).get(place[:-1])
    return found if isinstance(found, Group) else None


def completed(resource: Resource, registry: Registry, root: Group) -> Group:
    """The tree with a field and a fitting operator in each row, and at least one row."""
    root.relation = ""
    root.items = _items(resource, registry, root) or [_row(resource, Row(""))]
    return root


def _items(resource: Resource, registry: Registry, group: Group) -> list[Node]:
    found: list[Node] = []
    for each in group.items:
        if isinstance(each, Group):
            there = _there(resource, registry, each)
            if there is not None:
                each.items = _items(there, registry, each) or [_row(there, Row(""))]
                found.append(each)
            continue
        row = _row(resource, each)
        relation = resource.relations.get(row.name)
        quantifier = next((one for one in QUANTIFIERS if one == row.operator), None)
        if relation is not None and quantifier is not None:
            # What the related records are like is a group of its own.
            inner = _row(registry.target(relation), Row(""))
            found.append(Group("all", [inner], relation.name, quantifier))
        else:
            found.append(row)
    return found


def _there(resource: Resource, registry: Registry, group: Group) -> Resource | None:
    if not group.relation:
        return resource
    relation = resource.relations.get(group.relation)
    return None if relation is None else registry.target(relation)


def _row(resource: Resource, row: Row) -> Row:
    known = targets(resource)
    everything: dict[str, Target] = {**resource.relations, **resource.readable, **known}
    target = everything.get(row.name) or _usual(resource, known)
    operators = operators_in(target)
    operator = row.operator if row.operator in operators else _first(target, operators)
    if operator in {NULL, FILLED}:
        return Row(target.name, operator)
    values = row.values
    if operator in {"in", "nin"}:
        values = [part for each in values for part in _parted(target, each)]
    elif operator == "between":
        values = [*values, "", ""][:2]
    return Row(target.name, operator, values)


def _parted(target: Target, text: str) -> list[str]:
    """The values of a list that was typed with commas; keys are chosen one by one."""
    if isinstance(target, Relation) or not text:
        return [text] if text else []
    try:
        return [each.strip() for each in split(text) if each.strip()]
    except BadRequestError:
        return [text]


def _usual(resource: Resource, known: dict[str, Target]) -> Target:
    """What a new row is about: the first declared filter."""
    declared = [known[name] for name in resource.options.filters if name in known]
    return (declared or list(known.values()) or [resource.key[0]])[0]


def _first(target: Target, operators: list[str]) -> str:
    textual = isinstance(target, Field) and target.kind in TEXTUAL
    return "contains" if textual else operators[0]
