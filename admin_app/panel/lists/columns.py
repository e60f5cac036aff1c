"""The columns of a list: which there may be, which somebody has chosen, and how wide they are.

An address may name them, else somebody's own choice holds, else the declared ones. What the reader
may not see is in none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from admin_app.declaration import Field, Registry, Relation, Resource
from admin_app.panel.display import MEASURED
from admin_app.panel.layout import columns_of, covered
from admin_app.panel.list_address import COLUMNS
from admin_app.panel.visit import Pairs
from admin_app.records.queries.reading import Reading

MOST_COLUMNS = 30
"""The most columns of a list."""
MOST_RELATED = 3
"""The most related resources of a list: each is read by a statement of its own."""
NARROWEST, WIDEST = 48, 900
"""The bounds of a column's width, in pixels."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a column shows: a field, a relation, or a field of the records of a relation."""

    field: Field | None = None
    relation: Relation | None = None

    @property
    def name(self) -> str:
        """As addresses and preferences have it: ``year``, ``authors``, ``authors.country``."""
        return ".".join(each.name for each in (self.relation, self.field) if each is not None)

    @property
    def label(self) -> str:
        return " · ".join(each.label for each in (self.relation, self.field) if each is not None)

    @property
    def own(self) -> Field | None:
        """The field, where it is of the record itself."""
        return self.field if self.relation is None else None

    @property
    def measured(self) -> bool:
        """Whether its values are compared down the column."""
        own = self.own
        return own is not None and own.kind in MEASURED


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a list, and which of them have a width."""

    sources: list[Source]
    widths: Mapping[str, int] = field(default_factory=dict)
    addressed: bool = False
    """Whether the address names them."""
    personal: bool = False
    """Whether they are somebody's own choice."""

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.sources]

    @property
    def text(self) -> str:
        """As an address names them."""
        return ",".join(self.names)


def preference(resource: Resource) -> str:
    """The name under which somebody's columns are kept."""
    return f"{COLUMNS}:{resource.name}"


def width_preference(resource: Resource) -> str:
    """The name under which somebody's widths are kept."""
    return f"widths:{resource.name}"


def usual(resource: Resource) -> list[Source]:
    """The declared columns."""
    return [_source(each) for each in columns_of(resource)]


def offered(registry: Registry, resource: Resource) -> dict[str, Source]:
    """Every column there may be, by name: the record's own ones first, title on top."""
    stands_for = covered(resource)
    own = [each for name, each in resource.readable.items() if name not in stands_for]
    relations = [each for each in resource.relations.values() if each.keyed or each.fields]
    near: list[Field | Relation] = [resource.fields[resource.title], *own, *relations]
    found = {each.name: _source(each) for each in near}
    for relation in relations:
        for each in registry.target(relation).readable.values():
            source = Source(each, relation)
            found[source.name] = source
    return found


def columns_for(
    registry: Registry, resource: Resource, pairs: Pairs, preferences: Mapping[str, Any]
) -> Columns:
    """The columns to show.

    Raises ``BadRequestError`` for an address that names what is not there; a preference that does
    is no mistake: what is not there is left out.
    """
    widths = kept_widths(preferences.get(width_preference(resource)))
    wanted = dict(pairs).get(COLUMNS)
    if wanted is not None:
        return Columns(_named(registry, resource, wanted), widths, addressed=True)
    known = offered(registry, resource)
    kept = preferences.get(preference(resource))
    names = kept[:MOST_COLUMNS] if isinstance(kept, list) else []
    mine = [known[name] for name in names if isinstance(name, str) and name in known]
    if mine:
        return Columns(_headed(resource, mine), widths, personal=True)
    return Columns(usual(resource), widths)


def _named(registry: Registry, resource: Resource, text: str) -> list[Source]:
    reading = Reading(registry)
    known = offered(registry, resource)
    found: dict[str, Source] = {}
    names = text.split(",")
    if len(names) > MOST_COLUMNS:
        reading.refuse((COLUMNS,), "too_many_terms", f"At most {MOST_COLUMNS} columns.")
        reading.finish()
    for name in names:
        if name in known:
            found[name] = known[name]
        else:
            near = (each for each in known if "." not in each)
            reading.refuse_unknown((COLUMNS,), "unknown_field", name, near)
    reading.finish()
    sources = _headed(resource, found.values())
    if len({each.relation.target for each in sources if each.relation}) > MOST_RELATED:
        words = f"Columns of at most {MOST_RELATED} related resources."
        reading.refuse((COLUMNS,), "too_many_terms", words)
    reading.finish()
    return sources


def checked(registry: Registry, resource: Resource, names: Iterable[str]) -> list[Source]:
    """The columns of a choice. Raises ``BadRequestError`` for what cannot be chosen."""
    return _named(registry, resource, ",".join(names) or resource.title)


def width_of(text: Any) -> int:
    """A width in pixels within its bounds; 0, which is none, for what is no width."""
    digits = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 6  # noqa: PLR2004
    number = int(text) if digits else text if type(text) is int else 0
    return min(max(number, NARROWEST), WIDEST) if number > 0 else 0


def kept_widths(value: Any) -> dict[str, int]:
    """The widths of a preference, whatever was written there once."""
    given = value if isinstance(value, dict) else {}
    return {str(name): width for name, each in given.items() if (width := width_of(each))}


def _headed(resource: Resource, sources: Iterable[Source]) -> list[Source]:
    """The title is always there, and first: it is the link."""
    title = _source(resource.fields[resource.title])
    return [title, *(each for each in sources if each.name != title.name)]


def _source(each: Field | Relation) -> Source:
    return Source(each) if isinstance(each, Field) else Source(relation=each)
