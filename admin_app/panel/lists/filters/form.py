"""The form of one condition, with the control that fits what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from admin_app.declaration import Field, Kind, Relation, Resource
from admin_app.declaration.fields import TEXTUAL
from admin_app.declaration.values import to_text
from admin_app.panel.display import CLOSED, DAY, NUMBERS, wire_shown
from admin_app.panel.forms.lookups import offers
from admin_app.panel.language import number, say
from admin_app.panel.list_address import parameter
from admin_app.panel.lists.filters.address import (
    FILLED,
    NULL,
    RANGE,
    Pairs,
    Target,
    Told,
    changed,
    joined,
    offered,
)
from admin_app.panel.lists.filters.calendar import Calendar, calendar_of
from admin_app.panel.lists.filters.words import PRESETS, operator_words
from admin_app.panel.visit import Visit
from admin_app.records import Query
from admin_app.records.queries.facets import countable, pointing
from admin_app.records.queries.periods import MOMENTS
from admin_app.records.reads.facets import Facets

MOST_CHOICES = 12
"""Values of a text that are offered to be ticked, the most frequent."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to be ticked."""

    value: str
    text: str
    ticked: bool
    count: str = ""
    none: bool = False
    """Whether no record of the list, without this condition, has it."""
    detail: str = ""


@dataclass(slots=True)
class Form:
    """Everything the form's template needs."""

    target: Target
    was: str
    """The parameter of the condition that it changes; empty for a new one."""
    told: Told
    operators: list[tuple[str, str]]
    choices: list[Choice] = field(default_factory=list)
    presets: list[tuple[str, str, bool]] = field(default_factory=list)
    """Periods in words, each with the address of the list in it, and whether it is in force."""
    calendar: Calendar | None = None
    lookup: str = ""
    """Where the records of a relation are looked up."""
    common: list[Choice] = field(default_factory=list)
    """Records of a relation that most records of the list lead to."""
    offers: list[Choice] | None = None
    """Records that were found without a script."""
    term: str = ""
    note: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def label(self) -> str:
        return self.target.label

    @property
    def bare(self) -> bool:
        """Whether there is nothing to type or to tick."""
        return {each for each, _ in self.operators} <= {NULL, FILLED}

    @property
    def typed(self) -> bool:
        """Whether values are typed."""
        return not self.bare and not self.closed and not self.lookup

    @property
    def closed(self) -> bool:
        """Whether the choices are all that there is."""
        return isinstance(self.target, Field) and self.target.kind in CLOSED

    @property
    def ranged(self) -> bool:
        return any(each == RANGE for each, _ in self.operators)

    @property
    def values(self) -> tuple[str, str]:
        """What is typed."""
        if self.told.operator in {"in", "nin"}:
            ticked = {each.value for each in self.choices}
            rest = [each for each in self.told.values if each not in ticked]
            return (joined(rest) if rest else "", "")
        first, last = (*self.told.values, "", "")[:2]
        return (first, last)

    @property
    def input_type(self) -> str:
        """Of the inputs: a browser's own for days, as far as they hold days."""
        if not isinstance(self.target, Field):
            return "text"
        if self.target.kind in MOMENTS and all(_is_day(each) for each in self.values):
            return "date"
        return "time" if self.target.kind is Kind.TIME else "text"

    @property
    def numeric(self) -> bool:
        return isinstance(self.target, Field) and self.target.kind in NUMBERS


def _is_day(text: str) -> bool:
    return not text or (len(text) == DAY and text[:4].isdigit())


async def form_of(
    visit: Visit,
    resource: Resource,
    query: Query,
    pairs: Pairs,
    target: Target,
    was: str,
    told: Told | None,
    term: str | None = None,
) -> Form:
    """The form of a condition on ``target``, in the list that ``query`` reads from ``pairs``."""
    told = told or Told(offered(target)[0])
    operators = list(offered(target))
    if told.operator not in operators:
        operators.append(told.operator)
    named = [(each, operator_words(each)) for each in operators]
    found = Form(target, was, told, named)
    if isinstance(target, Relation):
        found = await _of_relation(found, visit, resource, target, term)
        if target.writable and pointing(resource, target.name) and term is None:
            await _count_led_to(found, visit, resource, query, target)
        return found
    if target.kind in MOMENTS:
        in_force = (told.operator.replace(RANGE, "between"), ",".join(told.values))
        found.presets = [
            (
                say(words),
                _preset(visit, resource, pairs, target, was, operator, text),
                (operator, text) == in_force,
            )
            for words, operator, text in PRESETS
        ]
        if any(here for _, _, here in found.presets):
            found.told = Told(offered(target)[0])
        found.calendar = await calendar_of(visit, resource, query, pairs, target, was)
    elif (found.closed or target.kind in TEXTUAL) and countable(resource, target.name):
        await _count(found, visit, resource, query, target)
    return found


def _preset(
    visit: Visit,
    resource: Resource,
    pairs: Pairs,
    target: Field,
    was: str,
    operator: str,
    text: str,
) -> str:
    name = parameter(target.name) if operator == "eq" else f"{target.name}__{operator}"
    return visit.urls.list(resource, changed(pairs, was, [(name, text)]))


async def _count(form: Form, visit: Visit, resource: Resource, query: Query, target: Field) -> None:
    limit = 100 if form.closed else MOST_CHOICES
    facets = await visit.records.facet(visit.actor, resource, query, target, limit=limit)
    if form.closed or _repeats(facets):
        form.choices = list(_choices(target, facets, form.told))
    if not facets.counted:
        form.note = say("Counting took too long: these are without their numbers.")
    elif facets.more and form.choices:
        form.note = say("These are the most frequent.")
    _count_empty(form, facets)


async def _count_led_to(
    form: Form, visit: Visit, resource: Resource, query: Query, relation: Relation
) -> None:
    facets = await visit.records.facet(visit.actor, resource, query, relation, limit=MOST_CHOICES)
    held = {each.value for each in form.choices}
    form.common = [
        Choice(each.key, each.title or each.key, ticked=False, count=number(each.count or 0))
        for each in facets.values
        if each.key is not None and each.key not in held
    ]
    if facets.more and form.common:
        form.note = say("These are the most frequent.")
    _count_empty(form, facets)


def _count_empty(form: Form, facets: Facets) -> None:
    """Say beside the operator how many records are without a value."""
    empty = next((each.count for each in facets.values if each.value is None), None)
    if empty:
        form.operators = [
            (each, say("{words} ({count})", words=words, count=number(empty)))
            if each == NULL
            else (each, words)
            for each, words in form.operators
        ]


def _repeats(facets: Facets) -> bool:
    """Whether ticking a value would find several records: titles are better typed."""
    return any(each.count and each.count > 1 for each in facets.values if each.value is not None)


def _choices(target: Field, facets: Facets, told: Told) -> Iterable[Choice]:
    # A list that is narrowed by one value offers to tick others beside it.
    ticked = set(told.values) if told.operator in {"in", "nin", "eq"} else set()
    for each in facets.values:
        if each.value is None:
            continue
        text = to_text(each.value)
        shown = wire_shown(target, each.value)
        count = "" if each.count is None else number(each.count)
        none = each.count == 0 and text not in ticked
        yield Choice(text, shown.text or shown.note, text in ticked, count, none)
        ticked.discard(text)
    if target.kind in CLOSED:
        for text in sorted(ticked - {""}):
            yield Choice(text, text, ticked=True)


async def _of_relation(
    form: Form, visit: Visit, resource: Resource, relation: Relation, term: str | None
) -> Form:
    if not relation.writable:
        return form
    target = visit.registry.target(relation)
    form.lookup = visit.urls.lookup(resource, relation.name)
    form.choices = await chosen(visit, target, form.told.values)
    if term is not None:
        form.term = term
        held = {each.value for each in form.choices}
        found = [
            Choice(target.key_text(each.key), each.text, ticked=False, detail=each.detail)
            for each in await offers(visit, target, term)
        ]
        form.offers = [each for each in found if each.value not in held]
    return form


async def chosen(visit: Visit, target: Resource, texts: Sequence[str]) -> list[Choice]:
    """The records of the keys that were chosen; those that are not in sight stay keys."""
    keys = {each: key for each in texts if (key := target.key_or_none(each)) is not None}
    titles = await visit.records.titles(visit.actor, target, set(keys.values())) if keys else {}
    found = []
    for text, key in keys.items():
        title = titles.get(key)
        words, detail = (text, "") if title is None else (title.text, title.detail)
        found.append(Choice(text, words, ticked=True, detail=detail))
    return found
