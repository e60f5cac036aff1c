"""The conditions in force: each a chip that opens its form and can be taken away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from admin_app.declaration import Resource
from admin_app.errors import FieldError
from admin_app.panel.language import say
from admin_app.panel.list_address import LIST, STEERING, ZONE, carried, without
from admin_app.panel.lists.filters.address import Pairs, target_named
from admin_app.panel.lists.filters.words import sentences
from admin_app.panel.visit import Urls, Visit
from admin_app.records import Query


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition that is in force."""

    name: str
    """Of its parameter."""
    words: str
    edit: str | None
    """The address of the form that changes it; none has one for a path through relations."""
    without: str
    """The address of the list without it."""


async def chips(visit: Visit, resource: Resource, query: Query, pairs: Pairs) -> list[Chip]:
    """The conditions of ``query``, which was read from ``pairs``, in words."""
    conditions = query.filters if query.written is None else query.written
    given = [name for name, _ in pairs if name not in STEERING]
    given += [name for name, _ in pairs if name == "filter"]
    words = await sentences(visit, conditions)
    found = [
        Chip(
            name,
            each,
            _edit(visit.urls, resource, name, pairs),
            visit.urls.list(resource, without(pairs, name)),
        )
        for each, name in zip(words, given, strict=True)
    ]
    if any(name == ZONE for name, _ in pairs):
        zone = say("Days as in {zone}", zone=query.zone)
        found.append(Chip(ZONE, zone, None, visit.urls.list(resource, without(pairs, ZONE))))
    return found


def filter_url(urls: Urls, resource: Resource, pairs: Pairs, **more: str) -> str:
    """The address of the form of a condition, or without a field of what there is to choose."""
    return urls.to(resource.name, "filter", pairs=[*more.items(), *_carried(pairs)])


def advanced_url(urls: Urls, resource: Resource, pairs: Pairs) -> str:
    """The address of the builder."""
    return urls.to(resource.name, "advanced", pairs=_carried(pairs))


def _carried(pairs: Pairs) -> list[tuple[str, str]]:
    text = carried(without(pairs))
    return [(LIST, text)] if text else []


def _edit(urls: Urls, resource: Resource, name: str, pairs: Pairs) -> str | None:
    if name == "filter":
        return advanced_url(urls, resource, pairs)
    target = target_of(resource, name)
    return None if target is None else filter_url(urls, resource, pairs, field=target, was=name)


def target_of(resource: Resource, name: str) -> str | None:
    """The name of the field or relation that a parameter is about, where it is one's own."""
    stem, _, _ = name.rpartition("__")
    found = next((each for each in (name, stem) if target_named(resource, each)), None)
    return None if found is None or "." in name else found


def named(resource: Resource, errors: Iterable[FieldError]) -> tuple[FieldError, ...]:
    """What is wrong with a list's address, with labels where it has names."""
    return tuple(
        FieldError((_label(resource, each.path),), each.code, each.detail) for each in errors
    )


def _label(resource: Resource, path: tuple[str | int, ...]) -> str:
    name = str(path[0]) if path else ""
    if name == "filter":
        return say("Advanced filter")
    labels = {
        "search": say("Search"),
        "sort": say("Order"),
        "limit": say("Records on a page"),
        "cursor": say("Page"),
        "tz": say("Time zone"),
    }
    stem = target_of(resource, name) or ""
    target = target_named(resource, stem)
    return labels.get(name) or (target.label if target else name)
