"""Relations as links: which records a record points to, and which point to it, by title."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Key, Relation, Resource
from admin_app.declaration.values import to_text
from admin_app.panel.display import NOTHING, Link, Shown
from admin_app.panel.language import mark, say
from admin_app.panel.visit import Visit
from admin_app.records import Title
from admin_app.records.queries.grammar import parameter

Titles = Mapping[Key, Title]
GONE = mark("A record that is no longer there")


def target_keys(visit: Visit, relation: Relation, values: Mapping[str, Any]) -> list[Key]:
    """The keys that a record's to-one or many-to-many relation holds."""
    if relation.keyed:
        target = visit.registry.target(relation)
        return [target.dereference(each) for each in values[relation.name]]
    key = tuple(values[name] for name in relation.fields)
    return [] if not key or None in key else [key]


async def titles_of(
    visit: Visit, relation: Relation, rows: Iterable[Mapping[str, Any]], *, most: int
) -> Titles:
    """The titles of the first ``most`` records that each row points to, in one statement each."""
    keys = {key for row in rows for key in target_keys(visit, relation, row)[:most]}
    if not keys:
        return {}
    return await visit.records.titles(visit.actor, visit.registry.target(relation), keys)


def link_to(visit: Visit, target: Resource, key: Key, titles: Titles) -> Link:
    """A link to a record, or the words for one that was deleted."""
    title = titles.get(key)
    if title is None:
        return Link(say(GONE))
    return Link(title.text, visit.urls.details(target, key), title.detail)


def related(
    visit: Visit, relation: Relation, values: Mapping[str, Any], titles: Titles, *, most: int
) -> Shown:
    """A relation's records as links, the first ``most`` of them."""
    target = visit.registry.target(relation)
    keys = target_keys(visit, relation, values)
    links = tuple(link_to(visit, target, key, titles) for key in keys[:most])
    return Shown(links=links, more=len(keys) - len(links)) if links else NOTHING


@dataclass(frozen=True, slots=True)
class Children:
    """The other side of a foreign key: whose records point to this one, through which fields."""

    target: Resource
    pairs: tuple[tuple[str, str], ...]
    """(field of the target, field of this record), one for each column of the foreign key."""

    def filters(
        self, resource: Resource, values: Mapping[str, Any]
    ) -> list[tuple[str, str]] | None:
        """The list parameters that leave only the children; none when no child can exist."""
        key = resource.key_of(values)
        pairs = pointing(self.target, resource, [name for name, _ in self.pairs], key)
        if pairs is not None:
            return pairs
        wire = [(far, resource.wire(near, values[near])) for far, near in self.pairs]
        if any(value is None for _, value in wire):
            return None
        return [(parameter(far), to_text(value)) for far, value in wire]

    def given(self, resource: Resource, values: Mapping[str, Any]) -> list[tuple[str, str]] | None:
        """The values to fill into a new child's form; ``None`` where the actor may not set them."""
        fields = [name for name, _ in self.pairs]
        if not all(self.target.fields[each].creatable for each in fields):
            return None
        for relation in self.target.relations.values():
            here = relation.target == resource.name and set(relation.fields) == set(fields)
            if here and self.target.settable(relation, "create"):
                return [(relation.name, resource.key_text(resource.key_of(values)))]
        wire = [(far, resource.wire(near, values[near])) for far, near in self.pairs]
        return [(far, to_text(value)) for far, value in wire]


def children_of(visit: Visit, resource: Resource, relation: Relation) -> Children | None:
    """How the records of a one-to-many relation are found by a filter, where they can be."""
    target = visit.registry.target(relation)
    readable = all(
        far in target.readable and near in resource.readable for far, near in relation.pointing
    )
    return Children(target, relation.pointing) if relation.pointing and readable else None


def pointing(
    owner: Resource, target: Resource, fields: Sequence[str], key: Key
) -> list[tuple[str, str]] | None:
    """The list parameters for the records whose foreign key ``fields`` hold ``key``."""
    for relation in owner.relations.values():
        here = relation.target == target.name and set(relation.fields) == set(fields)
        if here and relation.writable:
            return [(parameter(relation.name), target.key_text(key))]
    return None
