"""The fields and relations that a list can be filtered by, the declared filters first."""

from __future__ import annotations

from dataclasses import dataclass

from admin_app.declaration import Resource
from admin_app.panel.layout import covered
from admin_app.panel.lists.filters.address import Pairs, Target, offered
from admin_app.panel.lists.filters.chips import filter_url
from admin_app.panel.visit import Visit


@dataclass(frozen=True, slots=True)
class Offer:
    """A field or relation, and the address of its form."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Offers:
    """Those that are declared as filters, and the others."""

    first: list[Offer]
    more: list[Offer]


def offers_of(visit: Visit, resource: Resource, pairs: Pairs) -> Offers:
    """What can be asked of a list."""
    everything = targets(resource)
    declared = [
        everything[name]
        for each in resource.options.filters
        if (name := _standing(resource, each)) in everything
    ]
    first = {each.name: each for each in declared}
    rest = [each for name, each in everything.items() if name not in first]

    def offer(target: Target) -> Offer:
        return Offer(target.label, filter_url(visit.urls, resource, pairs, field=target.name))

    if not first:
        return Offers([offer(each) for each in rest], [])
    return Offers([offer(each) for each in first.values()], [offer(each) for each in rest])


def targets(resource: Resource) -> dict[str, Target]:
    """Every field and relation there is a form for; a foreign key gives way to its relation."""
    stands_for = covered(resource)
    found: dict[str, Target] = {
        name: each
        for name, each in resource.readable.items()
        if offered(each) and not (name in stands_for and offered(stands_for[name]))
    }
    found |= {name: each for name, each in resource.relations.items() if offered(each)}
    return found


def _standing(resource: Resource, name: str) -> str:
    relation = covered(resource).get(name)
    return name if relation is None else relation.name
