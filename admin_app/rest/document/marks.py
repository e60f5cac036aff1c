"""Which members of a resource's schemas are only answered, and which only sent."""

from __future__ import annotations

from admin_app.declaration import Resource
from admin_app.rest.document.parts import Document


def add_marks(schemas: Document, resource: Resource) -> None:
    """Mark what nobody can set as ``readOnly``, and what is never answered as ``writeOnly``."""
    settable = {*resource.create.typed.__annotations__, *resource.update.typed.__annotations__}
    _mark(schemas, resource.read.name, "readOnly", settable)
    answered = {*resource.read.typed.__annotations__}
    for schema in (resource.create, resource.update, resource.replace):
        _mark(schemas, schema.name, "writeOnly", answered)


def _mark(schemas: Document, name: str, word: str, but: set[str]) -> None:
    for member, schema in schemas.get(name, {}).get("properties", {}).items():
        if member not in but:
            schema[word] = True
