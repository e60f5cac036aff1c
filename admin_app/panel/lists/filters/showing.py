"""The builder's tree as its template shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from admin_app.declaration import Field, Relation, Resource
from admin_app.panel.display import CLOSED, choices_of
from admin_app.panel.language import mark, say
from admin_app.panel.lists.filters.address import FILLED, NULL, Target, joined
from admin_app.panel.lists.filters.form import Choice, chosen
from admin_app.panel.lists.filters.offers import targets
from admin_app.panel.lists.filters.tree import (
    JOINS,
    Group,
    Place,
    Row,
    operators_in,
    place_text,
)
from admin_app.panel.lists.filters.words import operator_words
from admin_app.panel.visit import Visit
from admin_app.records.queries.filters import QUANTIFIERS
from admin_app.records.queries.periods import MOMENTS

_JOINS = {
    "all": mark("all of these hold"),
    "any": mark("any of these holds"),
    "none": mark("none of these holds"),
    "not": mark("not all of these hold"),
}


@dataclass(slots=True)
class ShownRow:
    """A row's controls."""

    place: str
    name: str
    names: list[tuple[str, str]]
    operator: str
    operators: list[tuple[str, str]]
    control: str
    """``none``, ``text``, ``two``, ``select`` or ``lookup``."""
    values: list[str]
    choices: list[Choice] = field(default_factory=list)
    lookup: str = ""
    timed: bool = False
    problem: str = ""
    inner: bool = False
    """Whether it stands in a group that it can be moved out of."""
    kind: str = "row"


@dataclass(slots=True)
class ShownGroup:
    """A group's controls, and what is in it."""

    place: str
    join: str
    joins: list[tuple[str, str]]
    items: list[ShownRow | ShownGroup]
    relation: str = ""
    label: str = ""
    quantifier: str = ""
    quantifiers: list[tuple[str, str]] = field(default_factory=list)
    problem: str = ""
    inner: bool = False
    kind: str = "group"


class Shower:
    """Shows a tree to a visitor; ``problems`` by the place of what they are of."""

    def __init__(self, visit: Visit, problems: Mapping[str, str]) -> None:
        self.visit = visit
        self.problems = problems

    async def group(
        self, resource: Resource, group: Group, place: Place, *, inner: bool = False
    ) -> ShownGroup:
        """A group on records of ``resource``."""
        relation = resource.relations.get(group.relation)
        there = resource if relation is None else self.visit.registry.target(relation)
        out = len(place) > 1 and relation is None
        items: list[ShownRow | ShownGroup] = []
        for at, each in enumerate(group.items):
            below = (*place, at)
            if isinstance(each, Group):
                items.append(await self.group(there, each, below, inner=out))
            else:
                items.append(await self.row(there, each, below, inner=out))
        text = place_text(place)
        return ShownGroup(
            text,
            group.join,
            [(each, say(_JOINS[each])) for each in JOINS],
            items,
            relation=group.relation,
            label=relation.label if relation else "",
            quantifier=group.quantifier,
            quantifiers=[(each, operator_words(each)) for each in QUANTIFIERS if relation],
            problem=self.problems.get(text, ""),
            inner=inner,
        )

    async def row(self, resource: Resource, row: Row, place: Place, *, inner: bool) -> ShownRow:
        """A row on a record of ``resource``."""
        known = targets(resource)
        target = known.get(row.name) or resource.readable.get(row.name)
        target = target or resource.relations[row.name]
        names = {name: each.label for name, each in known.items()}
        names.setdefault(target.name, target.label)
        text = place_text(place)
        found = ShownRow(
            text,
            target.name,
            list(names.items()),
            row.operator,
            [(each, operator_words(each)) for each in operators_in(target)],
            _control(target, row.operator),
            row.values,
            problem=self.problems.get(text, ""),
            inner=inner,
        )
        if isinstance(target, Relation):
            there = self.visit.registry.target(target)
            found.choices = await chosen(self.visit, there, row.values)
            found.lookup = self.visit.urls.lookup(resource, target.name)
        else:
            found.timed = target.kind in MOMENTS
            found.choices = _choices(target, row)
            if found.control == "text" and row.operator in {"in", "nin"}:
                found.values = [joined(row.values)] if row.values else []
        return found


def _control(target: Target, operator: str) -> str:
    if operator in {NULL, FILLED}:
        return "none"
    if isinstance(target, Relation):
        return "lookup"
    if operator == "between":
        return "two"
    return "select" if target.kind in CLOSED else "text"


def _choices(field_: Field, row: Row) -> list[Choice]:
    if field_.kind not in CLOSED:
        return []
    return [Choice(text, words, text in row.values) for text, words in choices_of(field_)]
