"""The effects of a delete on other records, in words, before it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Key, Resource
from admin_app.panel.declared import counted
from admin_app.panel.display import Link
from admin_app.panel.language import lowered, mark_many, say, say_many
from admin_app.panel.layout import covered
from admin_app.panel.links import link_to, pointing
from admin_app.panel.visit import Visit
from admin_app.records.queries.grammar import parameter
from admin_app.records.writes.deletes.effects import Effects
from admin_app.records.writes.dependents import dependents

NAMED = 3
"""The most records named of one effect; the others are counted."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a delete does to other records."""

    kind: str
    """``deleted``, ``cleared``, ``unlinked`` or ``blocked``."""
    words: str
    count: int
    names: tuple[Link, ...] = ()
    href: str | None = None
    """The list of those records, where a filter can show it and the actor may read it."""

    @property
    def more(self) -> int:
        """Those that are not named."""
        return max(self.count - len(self.names), 0)


async def effects_in_words(
    visit: Visit, resource: Resource, keys: Sequence[Key], effects: Effects
) -> list[Effect]:
    """Every effect of deleting ``keys`` on other records, what stands in the way first."""
    words = _Words(visit, resource, keys, effects)
    return [
        each
        for part in (words.blocked(), words.deleted(), words.cleared(), words.unlinked())
        async for each in part
    ]


def deleted_beside(resource: Resource, keys: Sequence[Key], effects: Effects) -> int:
    """How many records go with those that are deleted."""
    own = {(resource.name, key) for key in keys}
    return sum((owner.name, key) not in own for owner, key in effects.deleted)


class _Words:
    def __init__(
        self, visit: Visit, resource: Resource, keys: Sequence[Key], effects: Effects
    ) -> None:
        self.visit = visit
        self.resource = resource
        self.keys = {*keys}
        self.only = keys[0] if len(keys) == 1 else None
        self.effects = effects

    async def blocked(self) -> AsyncIterator[Effect]:
        for each in self.effects.blocked:
            owner, count = each.resource, each.count
            if not count:
                yield Effect("blocked", say("Records out of your sight depend on it"), 0)
                continue
            words = self._said(
                count,
                owner,
                mark_many("{records} depends on it", "{records} depend on it"),
                mark_many("{records} depends on them", "{records} depend on them"),
            )
            pairs = self._through(owner, "block")
            names = await self._first(owner, pairs)
            yield Effect("blocked", words, count, names, self._listed(owner, pairs))

    async def deleted(self) -> AsyncIterator[Effect]:
        gone: dict[str, tuple[Resource, list[Key]]] = {}
        for owner, key in self.effects.deleted:
            if owner.name != self.resource.name or key not in self.keys:
                gone.setdefault(owner.name, (owner, []))[1].append(key)
        for owner, keys in gone.values():
            words = self._said(
                len(keys),
                owner,
                mark_many("{records} is deleted with it", "{records} are deleted with it"),
                mark_many("{records} is deleted with them", "{records} are deleted with them"),
            )
            yield await self._effect("deleted", words, owner, keys, self._through(owner, "delete"))

    async def cleared(self) -> AsyncIterator[Effect]:
        found: dict[tuple[Resource, tuple[str, ...]], list[Key]] = {}
        for owner, key, fields in self.effects.cleared:
            found.setdefault((owner, fields), []).append(key)
        for (owner, fields), keys in found.items():
            relation = covered(owner).get(fields[0])
            label = relation.label if relation else owner.fields[fields[0]].label
            words = say_many(
                "{records} loses its {field}",
                "{records} lose their {field}",
                len(keys),
                records=counted(len(keys), owner),
                field=lowered(say(label)),
            )
            direct = relation is not None and relation.target == self.resource.name
            pairs = self._pointing(owner, fields) if direct else None
            yield await self._effect("cleared", words, owner, keys, pairs)

    async def unlinked(self) -> AsyncIterator[Effect]:
        found: dict[tuple[Resource, str], dict[Key, None]] = {}
        for owner, key, relation, _ in self.effects.unlinked:
            found.setdefault((owner, relation.name), {})[key] = None
        for (owner, name), keys in found.items():
            relation = owner.relations[name]
            target = self.visit.registry.target(relation)
            count = len(keys)
            words = say_many(
                "{records} loses this {record}",
                "{records} lose this {record}",
                count,
                records=counted(count, owner),
                record=lowered(target.label),
            )
            if self.only is None or target is not self.resource:
                words = say_many(
                    "{records} loses some of its {field}",
                    "{records} lose some of their {field}",
                    count,
                    records=counted(count, owner),
                    field=lowered(say(relation.label)),
                )
            direct = relation.writable and target is self.resource and self.only is not None
            pairs = (
                [(parameter(name), self.resource.key_text(self.only))]
                if direct and self.only is not None
                else None
            )
            yield await self._effect("unlinked", words, owner, [*keys], pairs)

    def _said(
        self, count: int, owner: Resource, of_one: tuple[str, str], of_many: tuple[str, str]
    ) -> str:
        one, many = of_many if self.only is None else of_one
        return say_many(one, many, count, records=counted(count, owner))

    async def _effect(
        self, kind: str, words: str, owner: Resource, keys: Sequence[Key], pairs: Any
    ) -> Effect:
        named = keys[:NAMED]
        titles = await self.visit.records.titles(self.visit.actor, owner, named)
        names = tuple(link_to(self.visit, owner, key, titles) for key in named if key in titles)
        return Effect(kind, words, len(keys), names, self._listed(owner, pairs))

    async def _first(self, owner: Resource, pairs: Any) -> tuple[Link, ...]:
        """The first records that a list finds."""
        if pairs is None or not self.visit.may(owner, "read"):
            return ()
        query = self.visit.records.query(self.visit.actor, owner, [*pairs, ("limit", str(NAMED))])
        rows = (await self.visit.records.page(self.visit.actor, owner, query)).rows
        return tuple(
            Link(owner.title_of(each), self.visit.urls.details(owner, owner.key_of(each)))
            for each in rows
        )

    def _through(self, owner: Resource, rule: str) -> Any:
        """The parameters of the list of records that one foreign key alone brings into this."""
        whole = self.visit.records.registry
        found = [
            each
            for each in dependents(whole, whole[self.resource.name])
            if each.rule == rule and each.resource.name == owner.name
        ]
        return self._pointing(owner, found[0].fields) if len(found) == 1 else None

    def _pointing(self, owner: Resource, fields: Sequence[str]) -> Any:
        return self.only and pointing(owner, self.resource, fields, self.only)

    def _listed(self, owner: Resource, pairs: Any) -> str | None:
        if pairs is None or not self.visit.may(owner, "read"):
            return None
        return self.visit.urls.list(owner, pairs)
