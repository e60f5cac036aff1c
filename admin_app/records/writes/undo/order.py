"""The order in which deleted records come back: what others point to comes before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from admin_app.declaration import Key, Registry, Resource
from admin_app.records.trail.changes import Facts

Identity = tuple[str, Key]


class Turn(NamedTuple):
    """A record whose turn it is, and the foreign keys that have to wait for others."""

    identity: Identity
    later: frozenset[str]


def in_turns(registry: Registry, facts: Mapping[Identity, Facts]) -> Iterator[list[Turn]]:
    """Records, by identity with their fields, in layers that depend on earlier ones alone."""
    waiting = dict(facts)
    while waiting:
        places = _places(registry, waiting)
        needs = {
            each: _needs(registry[each[0]], each, known, places) for each, known in waiting.items()
        }
        ready = [each for each, (others, _) in needs.items() if not others]
        # In a circle all have to begin without the others.
        turns = [Turn(each, frozenset(needs[each][1])) for each in ready or waiting]
        for each in turns:
            del waiting[each.identity]
        yield turns


def _places(
    registry: Registry, waiting: Mapping[Identity, Facts]
) -> dict[tuple[str, tuple[str, ...], tuple[Any, ...]], Identity]:
    """Records by what others refer to them by: resource, fields and their values."""
    referred = {
        (each.target, each.referred) for known in registry.values() for each in known.references
    }
    return {
        (name, fields, tuple(facts.get(each) for each in fields)): (name, key)
        for (name, key), facts in waiting.items()
        for target, fields in referred
        if target == name
    }


def _needs(
    resource: Resource, identity: Identity, facts: Facts, places: Mapping[Any, Identity]
) -> tuple[set[Identity], set[str]]:
    """The others that a record refers to, and the fields that could be null until they are there.

    One that refers to itself is there for itself only once it is there.
    """
    others: set[Identity] = set()
    fields: set[str] = set()
    for each in resource.references:
        values = tuple(facts.get(name) for name in each.fields)
        found = places.get((each.target, each.referred, values))
        if found is not None:
            others |= {found} - {identity}
            fields |= {name for name in each.fields if resource.fields[name].nullable}
    return others, fields
