"""What points to a record: a short table for each one-to-many relation, and where to add to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Field, Relation, Resource
from admin_app.panel.display import MEASURED, Link, Shown, brief, shortened, shown, total_words
from admin_app.panel.granted import in_words
from admin_app.panel.language import lowered, say
from admin_app.panel.layout import columns_of
from admin_app.panel.links import Children, Titles, children_of, related, titles_of
from admin_app.panel.visit import Pairs, Visit
from admin_app.records import Representation
from admin_app.records.reads.pages import Page

CHILDREN_SHOWN = 10
COLUMNS = 3
LINKS = 2


@dataclass(frozen=True, slots=True)
class Child:
    """A record that points here."""

    title: Link
    cells: Sequence[Shown]


@dataclass(frozen=True, slots=True)
class ChildList:
    """The first records that point to this one, and the address of the list of all."""

    label: str
    noun: str
    """What one of them is called."""
    title: str
    """What the field that names them is called."""
    columns: Sequence[Field | Relation]
    children: Sequence[Child]
    href: str
    count: str
    more: bool
    add: str | None
    """The form of another one."""
    beside: str | None
    """The same form, to stand beside the page."""

    def measured(self, column: Field | Relation) -> bool:
        """Whether the values of a column are compared down it."""
        return isinstance(column, Field) and column.kind in MEASURED


async def child_lists(visit: Visit, record: Representation) -> list[ChildList]:
    """What points here, one short table for each one-to-many relation one may read."""
    resource = record.resource
    found = []
    for relation in resource.relations.values():
        children = children_of(visit, resource, relation)
        if children is None or not visit.may(children.target, "read"):
            continue
        filters = children.filters(resource, record.values)
        if filters is not None:
            found.append(await _list(visit, record, relation, children, filters))
    return found


async def _list(
    visit: Visit, record: Representation, relation: Relation, children: Children, filters: Pairs
) -> ChildList:
    target, filters = children.target, list(filters)
    limit = str(min(CHILDREN_SHOWN, target.options.page_limit))
    page = await _read(visit, target, [*filters, ("limit", limit)])
    columns = _columns(target, relation)
    rows = page.rows
    titles = {
        each.name: await titles_of(visit, each, rows, most=LINKS)
        for each in columns
        if isinstance(each, Relation)
    }
    total: int | None = len(rows)
    if page.next is not None:
        total = (await _read(visit, target, [*filters, ("limit", "1"), ("count", "capped")])).total
    given = children.given(record.resource, record.values)
    add = given is not None and "create" in visit.offered(target)
    urls = visit.urls
    return ChildList(
        label=say(relation.label),
        noun=lowered(say(target.label)),
        title=say(page.resource.fields[page.resource.title].label),
        columns=columns,
        children=[_child(visit, page.resource, columns, titles, values) for values in rows],
        href=urls.list(target, filters),
        count=total_words(total),
        more=page.next is not None,
        add=urls.to(target.name, "create", pairs=given or ()) if add else None,
        beside=urls.to(target.name, "side", pairs=given or ()) if add else None,
    )


async def _read(visit: Visit, target: Resource, pairs: Pairs) -> Page:
    query = visit.records.query(visit.actor, target, pairs)
    return await visit.records.page(visit.actor, target, query)


def _columns(target: Resource, relation: Relation) -> list[Field | Relation]:
    """The columns of the list beside the title, without what all of them have in common."""
    pointers = {name for name, _ in relation.pointing}
    said = {target.title, *target.detail}
    found = []
    for each in columns_of(target):
        fields = {each.name} if isinstance(each, Field) else {each.name, *each.fields}
        if each.name not in said and pointers.isdisjoint(fields):
            found.append(each)
    return found[:COLUMNS]


def _child(
    visit: Visit,
    target: Resource,
    columns: Sequence[Field | Relation],
    titles: Mapping[str, Titles],
    values: Mapping[str, Any],
) -> Child:
    told = in_words(visit, target, values)
    details = [
        brief(target.fields[each], shown(target, target.fields[each], told)).text
        for each in target.detail
    ]
    title = shortened(Shown(target.title_of(told))).text
    href = visit.urls.details(target, target.key_of(values))
    cells = [
        related(visit, each, values, titles[each.name], most=LINKS)
        if isinstance(each, Relation)
        else brief(each, shown(target, each, told))
        for each in columns
    ]
    return Child(Link(title, href, ", ".join(filter(None, details))), cells)
