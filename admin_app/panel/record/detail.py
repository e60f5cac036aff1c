"""A record's page: its values, what it points to, what points to it, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from admin_app.declaration import Field, Key, Kind, Relation, Resource
from admin_app.declaration.keys import join_key
from admin_app.errors import NotFoundError
from admin_app.panel.display import Link, Shown, shortened, shown, wire_shown
from admin_app.panel.layout import covered, order_of
from admin_app.panel.links import (
    Titles,
    children_of,
    link_to,
    related,
    titles_of,
)
from admin_app.panel.visit import Visit
from admin_app.records import PastChange, Record
from admin_app.records.changes import SENSITIVE_MARKER

CHILDREN_SHOWN = 10
LINKS_SHOWN = 50
CHANGES_SHOWN = 20
ACTION_WORDS = {"create": "Created", "update": "Changed", "delete": "Deleted"}
DOOR_WORDS = {
    "panel": "in the panel",
    "rest": "through the API",
    "command line": "on the command line",
    "import": "by an import",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a record's page."""

    label: str
    value: Shown
    href: str | None = None
    """Where the value can be downloaded."""


@dataclass(frozen=True, slots=True)
class ChildList:
    """The first records that point to this one, and the address of the list of all."""

    label: str
    links: tuple[Link, ...]
    href: str
    more: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A field before and after a change."""

    label: str
    before: Shown
    after: Shown
    members: bool
    """Whether it is a set, of which these left and those came."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change as the history tells it."""

    at: datetime
    who: str
    what: str
    door: str
    reason: str
    differences: tuple[Difference, ...]


async def entries(visit: Visit, record: Record) -> tuple[list[Entry], list[Entry]]:
    """The values people work with, and the technical ones: keys, versions."""
    main: list[Entry] = []
    technical: list[Entry] = []
    resource = record.resource
    for source in order_of(resource):
        if isinstance(source, Relation):
            titles = await titles_of(visit, source, [record.values], most=LINKS_SHOWN)
            value = related(visit, source, record.values, titles, most=LINKS_SHOWN)
            main.append(Entry(source.label, value))
            continue
        entry = _entry(visit, record, source)
        automatic = source.primary_key and not source.creatable
        hidden = automatic or source.name == resource.version
        (technical if hidden else main).append(entry)
    return main, technical


def _entry(visit: Visit, record: Record, field: Field) -> Entry:
    value = shown(record.resource, field, record.values)
    downloadable = field.kind is Kind.BINARY and not value.empty and not value.note
    href = visit.urls.file(record.resource, record.key, field.name) if downloadable else None
    return Entry(field.label, value, href)


async def child_lists(visit: Visit, record: Record) -> list[ChildList]:
    """What points here, one short list for each one-to-many relation one may read."""
    found = []
    resource = record.resource
    for relation in resource.relations.values():
        children = children_of(visit, resource, relation)
        if children is None or not visit.may(children.target, "read"):
            continue
        filters = children.filters(resource, record.values)
        if filters is None:
            continue
        query = visit.records.query(
            visit.actor, children.target, [*filters, ("limit", _limit(children.target))]
        )
        page = await visit.records.page(visit.actor, children.target, query)
        links = tuple(_child(visit, children.target, values) for values in page.rows)
        href = visit.urls.list(children.target, filters)
        found.append(ChildList(relation.label, links, href, page.next is not None))
    return found


def _limit(target: Resource) -> str:
    return str(min(CHILDREN_SHOWN, target.options.page_limit))


def _child(visit: Visit, target: Resource, values: Mapping[str, Any]) -> Link:
    detail = target.options.detail
    beside = shortened(shown(target, target.fields[detail], values)).text if detail else ""
    title = shortened(Shown(target.title_of(values))).text
    return Link(title, visit.urls.details(target, target.key_of(values)), beside)


async def history(visit: Visit, record: Record) -> list[Event]:
    """The latest changes of a record, with the names of what its relations pointed to."""
    resource = record.resource
    past = await visit.records.history(visit.actor, resource, record.key, CHANGES_SHOWN)
    names = _Names(visit, resource)
    await names.read(past)
    return [
        Event(
            at=each.at,
            who=_who(each),
            what=ACTION_WORDS.get(each.action, each.action),
            door=DOOR_WORDS.get(each.source, each.source),
            reason=each.reason,
            differences=tuple(
                Difference(
                    label,
                    names.shown(name, each.before),
                    names.shown(name, each.after),
                    name in resource.sets,
                )
                for name, label in names.labels(each)
            ),
        )
        for each in past
    ]


def _who(change: PastChange) -> str:
    if change.impersonator is None:
        return change.actor_name
    return f"{change.impersonator} as {change.actor_name}"


class _Names:
    """Reads the facts of changes: relations by title, values as the record's page shows them."""

    def __init__(self, visit: Visit, resource: Resource) -> None:
        self._visit = visit
        self._resource = resource
        self._relations = {**covered(resource), **resource.sets}
        self._titles: dict[str, Titles] = {}

    async def read(self, past: Sequence[PastChange]) -> None:
        """Read the titles of all records that the changes speak of: one statement a resource."""
        wanted: dict[str, set[Key]] = {}
        for each in past:
            for facts in (each.before, each.after):
                for name in facts:
                    if name in self._relations:
                        target = self._relations[name].target
                        wanted.setdefault(target, set()).update(
                            self._keys(name, facts)[:LINKS_SHOWN]
                        )
        for target, keys in wanted.items():
            resource = self._visit.registry[target]
            self._titles[target] = await self._visit.records.titles(
                self._visit.actor, resource, keys
            )

    def labels(self, change: PastChange) -> list[tuple[str, str]]:
        """The names that a change speaks of, each with its label, a relation once."""
        found: dict[str, str] = {}
        if change.action != "update":
            return []
        for name in (*change.before, *change.after):
            source = self._relations.get(name) or self._resource.fields.get(name)
            label = source.label if source else name
            if label not in found.values():
                found.setdefault(name, label)
        return list(found.items())

    def shown(self, name: str, facts: Mapping[str, Any]) -> Shown:
        if name not in facts:
            return Shown()
        if name in self._relations:
            relation = self._relations[name]
            target = self._visit.registry.target(relation)
            titles = self._titles.get(relation.target, {})
            keys = self._keys(name, facts)
            links = tuple(link_to(self._visit, target, key, titles) for key in keys[:LINKS_SHOWN])
            return Shown(links=links, more=len(keys) - len(links))
        field = self._resource.fields.get(name)
        if field is None or facts[name] == SENSITIVE_MARKER:
            return Shown(str(facts[name]))
        return shortened(wire_shown(field, facts[name]))

    def _keys(self, name: str, facts: Mapping[str, Any]) -> list[Key]:
        relation = self._relations[name]
        target = self._visit.registry.target(relation)
        if relation.keyed:
            texts = [str(each) for each in facts.get(name) or ()]
        else:
            parts = [facts.get(each) for each in relation.fields]
            # A change of part of a foreign key does not say which record it pointed to.
            texts = [] if None in parts or len(parts) > 1 else [str(parts[0])]
        if len(target.key) == 1:
            texts = [join_key([text]) for text in texts]
        return [key for text in texts if (key := _key(target, text)) is not None]


def _key(target: Resource, text: str) -> Key | None:
    try:
        return target.parse_key(text)
    except NotFoundError:
        return None
