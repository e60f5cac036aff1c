"""What taking a file in would do: tried under the policy, kept with the file, shown in pages."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin_app.declaration import Key, Relation, Resource
from admin_app.errors import ContentTooLargeError
from admin_app.panel.display import Link, Shown, shortened, wire_shown
from admin_app.panel.language import mark, number, say
from admin_app.panel.layout import covered
from admin_app.panel.lists.previewing import rehearsing
from admin_app.panel.transfer.mapping import Reading
from admin_app.panel.visit import Visit, id_from
from admin_app.records import Title
from admin_app.records.transfer import Import, Outcome, Plan, counts, row_outcomes
from admin_app.records.transfer.importer import MOST_ATOMIC
from admin_app.records.transfer.trial import tried

MOST_COUNTED = 100_000
"""The most rows counted."""
PAGE = 50
MOST_TEXT = 200
"""Characters of a value that are kept to be shown."""
NAMED = 3
"""The most related records named in a cell."""
Made = Mapping[tuple[str, str], str]
TABS = {
    "created": mark("New ones"),
    "changed": mark("Changed"),
    "unchanged": mark("The same"),
    "refused": mark("Refused"),
}


async def try_out(visit: Visit, fitted: Plan, file: Reading, *, atomic: bool) -> dict[str, Any]:
    """What it would do, as JSON data: of the first rows, where there are many.

    Raises ``ContentTooLargeError`` for more rows than are kept all or none.
    """
    importing = Import(
        visit.records, visit.actor, fitted, file.table.format, origin=rehearsing(visit), keep=False
    )
    rows, total = iter(file.rows), Outcome()
    made: dict[int, Made] = {}
    async for part in tried(importing, rows):
        total.add(part)
        made |= dict.fromkeys((each.row.line for each in part.done), part.made)
    rest = itertools.islice(rows, MOST_COUNTED + 1 - total.rows)
    left = await asyncio.to_thread(lambda: sum(1 for _ in rest))
    if atomic and total.rows + left > MOST_ATOMIC:
        raise ContentTooLargeError(
            say("At most {count} rows are imported all or none.", count=number(MOST_ATOMIC))
        )
    found = row_outcomes(fitted, visit.registry, total)
    return {
        "counts": counts(total),
        "tried": total.rows,
        "total": min(total.rows + left, MOST_COUNTED),
        "more": total.rows + left > MOST_COUNTED,
        "rows": [
            _short(each | {"new": _new(visit, fitted.resource, each, made.get(each["line"], {}))})
            for each in found
        ],
        "names": [name for each in fitted.rules for name in _names(each.target)],
        "atomic": atomic,
    }


def _names(target: Any) -> Sequence[str]:
    many = isinstance(target, Relation) and not target.many
    return target.fields if many else (target.name,)


def _new(
    visit: Visit, resource: Resource, row: Mapping[str, Any], made: Made
) -> dict[str, dict[str, str]]:
    """What the row calls the related records that it would create, by resource and key."""
    found: dict[str, dict[str, str]] = {}
    for name, change in row.get("changes", {}).items():
        relation = _relation(resource, name)
        if relation is None or change["after"] is None:
            continue
        target = visit.registry.target(relation)
        texts = [target.key_text(each) for each in _keys(target, change["after"])[:NAMED]]
        called = {each: made[target.name, each] for each in texts if (target.name, each) in made}
        if called:
            found[target.name] = found.get(target.name, {}) | called
    return found


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MOST_TEXT]
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return [_short(each) for each in value[:PAGE]] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Cell:
    """What becomes of a field: nothing, where neither is there."""

    before: Shown | None = None
    after: Shown | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file, and what becomes of it."""

    line: int
    link: Link | None
    cells: tuple[Cell, ...] = ()
    faults: tuple[tuple[str, str, str], ...] = ()
    """Errors: field, cell and reason."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A page of what would happen."""

    counts: Mapping[str, int]
    tried: int
    total: int
    more: bool
    """Whether there are more rows than that."""
    tab: str
    labels: tuple[str, ...]
    rows: tuple[Row, ...]
    page: int
    pages: int

    @property
    def whole(self) -> bool:
        """Whether all rows were tried."""
        return self.tried >= self.total and not self.more

    @property
    def takes(self) -> int:
        """The rows that would be written."""
        return self.counts["created"] + self.counts["changed"]


async def looked_at(
    visit: Visit, resource: Resource, tried: Mapping[str, Any], given: Mapping[str, str]
) -> Preview:
    """The requested page of a trial."""
    found: Mapping[str, int] = tried["counts"]
    usual = next((each for each in TABS if found[each]), "created")
    tab = given.get("show", "")
    tab = tab if tab in TABS else usual
    rows = [each for each in tried["rows"] if each["result"] == tab]
    pages = max(-(-len(rows) // PAGE), 1)
    page = min(max(id_from(given.get("page", "1")), 1), pages)
    here = rows[(page - 1) * PAGE : page * PAGE]
    names = [
        name
        for name in dict.fromkeys(tried["names"])
        # What a new record is called stands before it.
        if not (tab == "created" and name == resource.title)
        and (name in resource.readable or name in resource.sets)
        and any(name in each.get("changes", ()) for each in here)
    ]
    titles = await _titles(visit, resource, here, names)
    return Preview(
        found,
        tried["tried"],
        tried["total"],
        tried["more"],
        tab,
        tuple(_label(resource, each) for each in names),
        tuple(_row(visit, resource, each, names, titles) for each in here),
        page,
        pages,
    )


def _relation(resource: Resource, name: str) -> Relation | None:
    relation = resource.sets.get(name) or covered(resource).get(name)
    # A key of several parts is shown as the fields that it is in.
    plain = relation is not None and (relation.many or len(relation.fields) == 1)
    return relation if plain else None


def _label(resource: Resource, name: str) -> str:
    relation = _relation(resource, name)
    return relation.label if relation is not None else resource.fields[name].label


def _row(
    visit: Visit,
    resource: Resource,
    row: Mapping[str, Any],
    names: Sequence[str],
    titles: Mapping[str, Mapping[Key, Title]],
) -> Row:
    if row["result"] == "refused":
        faults = tuple(_fault(resource, each) for each in row["errors"])
        return Row(row["line"], None, faults=faults)
    changes = row.get("changes", {})
    new = row.get("new", {})
    cells = tuple(
        _cell(visit, resource, name, changes[name], titles, new) if name in changes else Cell()
        for name in names
    )
    text = shortened(Shown(row["title"])).text
    # What is only tried is not there yet.
    there = row["result"] != "created"
    href = visit.urls.to(resource.name, "details", row["key"]) if there else None
    return Row(row["line"], Link(text, href), cells)


def _fault(resource: Resource, error: Mapping[str, Any]) -> tuple[str, str, str]:
    name = error["pointer"].removeprefix("/").partition("/")[0]
    known = resource.fields.get(name) or resource.relations.get(name)
    return known.label if known else name, error["value"] or "", error["detail"]


def _cell(
    visit: Visit,
    resource: Resource,
    name: str,
    change: Mapping[str, Any],
    titles: Mapping[str, Mapping[Key, Title]],
    new: Mapping[str, Mapping[str, str]],
) -> Cell:
    def side(value: Any) -> Shown | None:
        relation = _relation(resource, name)
        if value is None or value == []:
            return None
        if relation is None:
            return shortened(wire_shown(resource.fields[name], value))
        called = new.get(relation.target, {}) if value is change["after"] else {}
        return _named(visit, relation, value, titles[relation.target], called)

    return Cell(side(change["before"]), side(change["after"]))


def _named(
    visit: Visit,
    relation: Relation,
    value: Any,
    titles: Mapping[Key, Title],
    new: Mapping[str, str],
) -> Shown:
    target = visit.registry.target(relation)

    def link(key: Key) -> Link:
        text = target.key_text(key)
        # The key of what is only tried may be another record's by now.
        if text in new:
            return Link(say("{name} (new)", name=new[text]))
        return (
            Link(titles[key].text, visit.urls.details(target, key)) if key in titles else Link(text)
        )

    keys = _keys(target, value)
    links = tuple(link(each) for each in keys[:NAMED])
    return Shown(links=links, more=len(keys) - len(links))


def _keys(target: Resource, value: Any) -> list[Key]:
    given = value if isinstance(value, list) else [value]
    return list(target.keys_among(str(each) for each in given))


async def _titles(
    visit: Visit, resource: Resource, rows: Iterable[Mapping[str, Any]], names: Iterable[str]
) -> dict[str, Mapping[Key, Title]]:
    keys: dict[str, set[Key]] = {}
    for name in names:
        relation = _relation(resource, name)
        if relation is None:
            continue
        target = visit.registry.target(relation)
        found = keys.setdefault(target.name, set())
        for row in rows:
            change = row.get("changes", {}).get(name, {})
            for side in ("before", "after"):
                value = change.get(side)
                found.update(_keys(target, value)[:NAMED] if value is not None else ())
    return {
        name: await visit.records.titles(visit.actor, visit.registry[name], wanted)
        if wanted
        else {}
        for name, wanted in keys.items()
    }
