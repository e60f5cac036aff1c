"""The rows of a list: a cell for each column, related records by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Key, Relation, Resource
from admin_app.panel.display import NOTHING, Shown, brief, shortened, shown, titled
from admin_app.panel.granted import in_words
from admin_app.panel.links import Titles, related, target_keys
from admin_app.panel.list_address import in_list
from admin_app.panel.lists.columns import Source
from admin_app.panel.visit import Pairs, Visit
from admin_app.records import Page, tag_of
from admin_app.records.queries.query import WHOLE, Shape

NAMES_SHOWN = 2
"""The most related records named in a cell; the others are counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record in the list."""

    key: str
    etag: str
    """The entity tag that a change has to match; empty where none is offered."""
    href: str
    title: str
    cells: tuple[Shown, ...]
    """Those of the columns after the title."""


def shape_for(resource: Resource, sources: Iterable[Source], *, tagged: bool) -> Shape:
    """What has to be read of each record for its columns, and for its tag where it has one."""
    if tagged and resource.version is None:
        return WHOLE  # The tag is a digest of all of it.
    names = [resource.title, *([resource.version] if resource.version else [])]
    for each in sources:
        if each.own is not None:
            names.append(each.own.name)
        elif each.relation is not None:
            names += [each.relation.name] if each.relation.keyed else each.relation.fields
    return Shape(tuple(dict.fromkeys(names)))


async def rows_of(
    visit: Visit,
    resource: Resource,
    sources: Sequence[Source],
    page: Page,
    pairs: Pairs,
    *,
    tagged: bool,
) -> list[Row]:
    """The rows of a page; one statement for each resource whose records are named in it.

    Each leads to its record's page, which knows by ``pairs`` in which list it stands.
    """
    within = in_list(pairs)
    titles = await titles_of(visit, sources, page.rows, NAMES_SHOWN)
    return [
        Row(
            resource.key_text(key),
            tag_of(resource, values) if tagged else "",
            visit.urls.to(resource.name, "details", resource.key_text(key), pairs=within),
            shortened(Shown(titled(resource, told))).text,
            tuple(_cell(visit, resource, each, told, titles) for each in sources[1:]),
        )
        for values in page.rows
        for key, told in [(resource.key_of(values), in_words(visit, resource, values))]
    ]


async def titles_of(
    visit: Visit,
    sources: Iterable[Source],
    rows: Sequence[Mapping[str, Any]],
    most: int | None = None,
) -> dict[str, Titles]:
    """What the records of every relation are called, by the name of their resource.

    Of each row's, ``most`` of them.
    """
    keys: dict[str, set[Key]] = {}
    more: dict[str, dict[str, None]] = {}
    for each in sources:
        if each.relation is None:
            continue
        target = each.relation.target
        found = keys.setdefault(target, set())
        for row in rows:
            found.update(target_keys(visit, each.relation, row)[:most])
        names = more.setdefault(target, {})
        if each.field is not None:
            names[each.field.name] = None
    return {
        name: await visit.records.titles(
            visit.actor, visit.registry[name], wanted, tuple(more[name])
        )
        if wanted
        else {}
        for name, wanted in keys.items()
    }


def _cell(
    visit: Visit,
    resource: Resource,
    source: Source,
    values: Mapping[str, Any],
    titles: Mapping[str, Titles],
) -> Shown:
    relation = source.relation
    if relation is None:
        assert source.field is not None  # noqa: S101 - a source has one of them
        return brief(source.field, shown(resource, source.field, values))
    if source.field is None:
        return related(visit, relation, values, titles[relation.target], most=NAMES_SHOWN)
    return _beyond(visit, source, relation, values, titles[relation.target])


def _beyond(
    visit: Visit, source: Source, relation: Relation, values: Mapping[str, Any], titles: Titles
) -> Shown:
    """A field of the related records: their values beside each other."""
    assert source.field is not None  # noqa: S101 - it is one of theirs
    target = visit.registry.target(relation)
    keys = target_keys(visit, relation, values)
    found = [
        brief(source.field, shown(target, source.field, titles[key].values))
        for key in keys[:NAMES_SHOWN]
        if key in titles
    ]
    texts = dict.fromkeys(each.text or each.note for each in found if not each.empty)
    if not texts:
        return NOTHING
    more = len(keys) - NAMES_SHOWN
    return Shown(", ".join(texts) + (f" +{more}" if more > 0 else ""))
