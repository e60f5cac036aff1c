"""Names for the objects and choices that stand among alternatives, which generators only number."""

from __future__ import annotations

from typing import Any

from admin_app.rest.document.parts import Document, ref
from admin_app.rest.endpoints import camel

_SEVERAL = ("anyOf", "oneOf")


def name_branches(schemas: Document) -> None:
    """Give each such schema a name: what it is a member of, then the member's."""
    todo = list(schemas)
    while todo:
        owner = todo.pop()
        for member, node in schemas[owner].get("properties", {}).items():
            todo += _name(schemas, owner, member, node)


def _name(schemas: Document, owner: str, member: str, node: Any) -> list[str]:
    """Name what stands in one member; the names that are new."""
    if isinstance(node.get("items"), dict):
        return _name(schemas, owner, member, node["items"])
    name = f"{owner.replace('.', '')}{camel(member.strip('_'))}"
    found = []
    for branches in (node[each] for each in _SEVERAL if each in node):
        for place, branch in enumerate(branches):
            if isinstance(branch.get("items"), dict):
                if _is_nameless(branch["items"]):
                    found += _move(schemas, f"{name}Item", branch, "items")
            elif _is_nameless(branch):
                found += _move(schemas, name, branches, place)
    for inner, each in node.get("properties", {}).items():
        found += _name(schemas, name, inner, each)
    return found


def _is_nameless(schema: Document) -> bool:
    return "enum" in schema or schema.get("type") == "object"


def _move(schemas: Document, name: str, holder: Any, place: Any) -> list[str]:
    """Put what a holder has at a place among the schemas, unless another is called so."""
    if not name.isascii() or schemas.get(name, holder[place]) != holder[place]:
        return []
    schemas[name] = holder[place]
    holder[place] = ref(name)
    return [name]
