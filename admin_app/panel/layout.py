"""What stands where: resources in menus; fields and relations in lists, on pages, in forms."""

from __future__ import annotations

from collections.abc import Iterable

from admin_app.declaration import Field, Relation, Resource


def in_order(resources: Iterable[Resource]) -> list[Resource]:
    """Resources as people look for them: declared ones first, by what they are called."""
    return sorted(resources, key=lambda each: (each.own, each.label_plural))


def covered(resource: Resource) -> dict[str, Relation]:
    """The foreign key fields that a to-one relation stands for, each with the first such."""
    found: dict[str, Relation] = {}
    for relation in resource.relations.values():
        for name in relation.fields:
            found.setdefault(name, relation)
    return found


def order_of(resource: Resource) -> list[Field | Relation]:
    """Fields and relations as people look for them: those of the list first, title on top.

    A foreign key gives way to its relation; one-to-many relations are not among them.
    """
    stands_for = covered(resource)
    own = {name: each for name, each in resource.relations.items() if each.keyed or each.fields}
    names = [resource.title, *resource.list, *resource.fields, *own]
    found: dict[str, Field | Relation] = {}
    for name in names:
        source = own.get(name) or stands_for.get(name) or resource.fields.get(name)
        if source is not None:
            found.setdefault(source.name, source)
    return list(found.values())


def columns_of(resource: Resource) -> list[Field | Relation]:
    """The columns of a list: the title first, a foreign key as the relation it stands for."""
    stands_for = covered(resource)
    found: dict[str, Field | Relation] = {resource.title: resource.fields[resource.title]}
    for name in resource.list:
        relation = resource.relations.get(name) or stands_for.get(name)
        if relation is not None and not (relation.keyed or relation.fields):
            continue  # The other side of a foreign key is not in the row; details show it.
        source = relation or resource.readable.get(name)
        if source is not None:
            found.setdefault(source.name, source)
    return list(found.values())
