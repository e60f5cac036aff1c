"""What a delete takes along, in words, before it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Key, Resource
from admin_app.panel.display import counted
from admin_app.panel.layout import covered
from admin_app.panel.links import pointing
from admin_app.panel.visit import Visit
from admin_app.records.queries.grammar import parameter
from admin_app.records.writes.effects import Effects, dependents


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a delete does to other records."""

    kind: str
    """``deleted``, ``cleared``, ``unlinked`` or ``blocked``."""
    words: str
    href: str | None
    """The list of those records, where a filter can show it and the actor may read it."""


def effects_in_words(visit: Visit, resource: Resource, key: Key, effects: Effects) -> list[Effect]:
    """Every effect on other records, what stands in the way first."""
    return [
        *_blocked(visit, resource, key, effects),
        *_deleted(visit, resource, key, effects),
        *_cleared(visit, resource, key, effects),
        *_unlinked(visit, resource, key, effects),
    ]


def _blocked(visit: Visit, resource: Resource, key: Key, effects: Effects) -> Iterable[Effect]:
    for each in effects.blocked:
        owner, count = each.resource, each.count
        if not count:
            yield Effect("blocked", "Records out of your sight depend on it", None)
            continue
        verb = "depends" if count == 1 else "depend"
        words = f"{counted(count, owner)} {verb} on it"
        yield Effect("blocked", words, _through(visit, owner, resource, key, "block"))


def _deleted(visit: Visit, resource: Resource, key: Key, effects: Effects) -> Iterable[Effect]:
    counts = Counter(owner for owner, gone in effects.deleted if (owner, gone) != (resource, key))
    for owner, count in counts.items():
        verb = "is" if count == 1 else "are"
        words = f"{counted(count, owner)} {verb} deleted with it"
        yield Effect("deleted", words, _through(visit, owner, resource, key, "delete"))


def _cleared(visit: Visit, resource: Resource, key: Key, effects: Effects) -> Iterable[Effect]:
    counts = Counter((owner, fields) for owner, _, fields in effects.cleared)
    for (owner, fields), count in counts.items():
        relation = covered(owner).get(fields[0])
        label = relation.label if relation else owner.fields[fields[0]].label
        direct = relation is not None and relation.target == resource.name
        pairs = pointing(owner, resource, fields, key) if direct else None
        words = (
            f"{counted(count, owner)} {'loses its' if count == 1 else 'lose their'} {label.lower()}"
        )
        yield Effect("cleared", words, _listed(visit, owner, pairs))


def _unlinked(visit: Visit, resource: Resource, key: Key, effects: Effects) -> Iterable[Effect]:
    counts: Counter[tuple[Resource, str]] = Counter(
        (owner, relation.name) for owner, _, relation, _ in effects.unlinked
    )
    for (owner, name), count in counts.items():
        relation = owner.relations[name]
        target = visit.registry.target(relation)
        direct = relation.writable and target is resource
        pairs = [(parameter(name), resource.key_text(key))] if direct else None
        verb = "loses" if count == 1 else "lose"
        words = f"{counted(count, owner)} {verb} this {target.label.lower()}"
        yield Effect("unlinked", words, _listed(visit, owner, pairs))


def _through(visit: Visit, owner: Resource, resource: Resource, key: Key, rule: str) -> str | None:
    whole = visit.records.registry
    found = [each for each in dependents(whole, whole[resource.name]) if each.rule == rule]
    fields = [each.fields for each in found if each.resource.name == owner.name]
    pairs = pointing(owner, resource, fields[0], key) if len(fields) == 1 else None
    return _listed(visit, owner, pairs)


def _listed(visit: Visit, owner: Resource, pairs: Any) -> str | None:
    if pairs is None or not visit.may(owner, "read"):
        return None
    return visit.urls.list(owner, pairs)
