"""Where the columns of a list, their order and widths, its order and its density are chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqladmin import Admin
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.declaration import Resource
from admin_app.desk import keep_preference
from admin_app.panel.answers import json_answer
from admin_app.panel.language import lowered, say
from admin_app.panel.list_address import COLUMNS, SHEET, beside, brought, carried, without
from admin_app.panel.lists.columns import (
    MOST_COLUMNS,
    Source,
    checked,
    columns_for,
    kept_widths,
    offered,
    preference,
    usual,
    width_of,
    width_preference,
)
from admin_app.panel.rendering import DENSITIES, Sheet, density_of, render_sheet
from admin_app.panel.sent_forms import read_form, text_in, texts_in
from admin_app.panel.visit import Visit, visiting
from admin_app.records.queries.ordering import sortable
from admin_app.records.queries.query import NULLS_FIRST


@dataclass(frozen=True, slots=True)
class Choice:
    """A column in the chooser."""

    source: Source
    chosen: bool
    width: int


@dataclass(slots=True)
class Chooser:
    """The chooser's form: what it shows, and what came back in it."""

    pairs: list[tuple[str, str]]
    choices: list[Choice]
    terms: list[str]
    """The order in force, a text for each control."""
    keep: bool
    density: str

    def moved(self, name: str, by: int) -> None:
        """Move a column among the others; the first stays where it is."""
        place = next((n for n, each in enumerate(self.choices) if each.source.name == name), 0)
        to = place + by
        if place > 0 and 0 < to < len(self.choices):
            self.choices[place], self.choices[to] = self.choices[to], self.choices[place]

    def added(self, source: Source) -> None:
        """Tick a column, after the last that is ticked."""
        rest = [each for each in self.choices if each.source.name != source.name]
        last = max((n for n, each in enumerate(rest) if each.chosen), default=0)
        self.choices = [*rest[: last + 1], Choice(source, chosen=True, width=0), *rest[last + 1 :]]


async def columns(admin: Admin, request: Request, resource: Resource) -> Response:
    """The chooser, and what its buttons do."""
    visit = visiting(request)
    if request.method == "POST":
        form = await read_form(request)
        chooser = _sent(visit, resource, form)
        if not _changed(visit, resource, chooser, form):
            return await _applied(visit, resource, chooser, reset=bool(text_in(form, "reset")))
        alone = bool(text_in(form, SHEET))
    else:
        pairs, alone = beside(request)
        chooser = await _opened(visit, resource, pairs)
    shown = [each.source for each in chooser.choices if each.chosen]
    addressed = (COLUMNS, ",".join(each.name for each in shown))
    heading = say("Columns of {records}", records=lowered(resource.label_plural))
    return await render_sheet(
        admin,
        request,
        Sheet("lists/columns.html", say("Columns"), heading),
        alone=alone,
        resource=resource,
        chooser=chooser,
        beyond=_beyond(visit, resource, chooser),
        orders=_orders(resource),
        densities=DENSITIES,
        carried=carried(chooser.pairs),
        back=visit.urls.list(resource, chooser.pairs),
        link=visit.urls.list(resource, [*without(chooser.pairs, COLUMNS), addressed]),
    )


async def _opened(visit: Visit, resource: Resource, pairs: list[tuple[str, str]]) -> Chooser:
    """The chooser of a list as it is. Raises ``BadRequestError`` for columns that are not there."""
    preferences = (await visit.place()).preferences
    found = columns_for(visit.registry, resource, pairs, preferences)
    known = offered(visit.registry, resource)
    others = [each for name, each in known.items() if "." not in name and name not in found.names]
    choices = [Choice(each, True, found.widths.get(each.name, 0)) for each in found.sources]
    choices += [Choice(each, False, found.widths.get(each.name, 0)) for each in others]
    given = dict(pairs).get("sort")
    terms = list(resource.sort) if given is None else given.split(",")
    return Chooser(
        pairs,
        choices,
        terms,
        keep=not found.addressed,
        density=density_of(preferences.get("density")),
    )


def _sent(visit: Visit, resource: Resource, form: FormData) -> Chooser:
    """The chooser as it came back."""
    known = offered(visit.registry, resource)
    order = dict.fromkeys(texts_in(form, "order"))
    ticked = {resource.title, *texts_in(form, "column")}
    choices = [
        Choice(known[name], name in ticked, width_of(text_in(form, f"width:{name}")))
        for name in (resource.title, *(each for each in order if each != resource.title))
        if name in known
    ]
    return Chooser(
        brought(text_in(form, "list")),
        choices,
        [each for each in dict.fromkeys(texts_in(form, "sort")) if each],
        keep=bool(text_in(form, "keep")),
        density=density_of(text_in(form, "density")),
    )


def _changed(visit: Visit, resource: Resource, chooser: Chooser, form: FormData) -> bool:
    """Whether a button was pressed that only changes the form."""
    for name, by in (("up", -1), ("down", 1)):
        if wanted := text_in(form, name):
            chooser.moved(wanted, by)
            return True
    if text_in(form, "add"):
        source = offered(visit.registry, resource).get(text_in(form, "beyond"))
        if source is not None:
            chooser.added(source)
        return True
    return False


async def _applied(visit: Visit, resource: Resource, chooser: Chooser, *, reset: bool) -> Response:
    """Remember what was chosen, or say it in the address, and come back to the list."""
    database, actor = visit.request.state.database, visit.actor
    pairs = without(chooser.pairs, COLUMNS, "sort")
    if chooser.terms and tuple(chooser.terms) != tuple(resource.sort):
        pairs.append(("sort", ",".join(_with_nulls(chooser))))
    names = [each.source.name for each in chooser.choices if each.chosen]
    sources = checked(visit.registry, resource, names)
    widths = {each.source.name: each.width for each in chooser.choices if each.width}
    wanted: dict[str, Any] = {
        width_preference(resource): None if reset else widths or None,
        "density": None if chooser.density == DENSITIES[0] else chooser.density,
    }
    if reset or chooser.keep:
        same = reset or sources == usual(resource)
        wanted[preference(resource)] = None if same else [each.name for each in sources]
    else:
        pairs.append((COLUMNS, ",".join(each.name for each in sources)))
    kept = (await visit.place()).preferences
    for name, value in wanted.items():
        if value != kept.get(name):
            await keep_preference(database, actor, name, value)
    return RedirectResponse(visit.urls.list(resource, pairs), status_code=303)


def _with_nulls(chooser: Chooser) -> list[str]:
    """The terms, those that the list was already ordered by as they were: nulls first or last."""
    before = dict(chooser.pairs).get("sort", "").split(",")
    known = {each.removesuffix(NULLS_FIRST): each for each in before}
    return [known.get(each, each) for each in chooser.terms]


def _orders(resource: Resource) -> list[tuple[str, str]]:
    """The terms an order may have, in words."""
    found = []
    for each in sortable(resource):
        found.append((each.name, say("{field}, ascending", field=each.label)))
        found.append((f"-{each.name}", say("{field}, descending", field=each.label)))
    return found


def _beyond(visit: Visit, resource: Resource, chooser: Chooser) -> Mapping[str, Sequence[Source]]:
    """The fields of related records that are not among the choices, by their relation."""
    there = {each.source.name for each in chooser.choices}
    found: dict[str, list[Source]] = {}
    for name, each in offered(visit.registry, resource).items():
        if each.relation is not None and each.field is not None and name not in there:
            found.setdefault(each.relation.label, []).append(each)
    return found


async def widths(_: Admin, request: Request, resource: Resource) -> Response:
    """Remember how wide the columns are that somebody sees."""
    visit = visiting(request)
    form = await read_form(request)
    known = offered(visit.registry, resource)
    found = dict(kept_widths((await visit.place()).preferences.get(width_preference(resource))))
    for each in text_in(form, "widths").split(",")[:MOST_COLUMNS]:
        name, _colon, width = each.rpartition(":")
        found[name] = width_of(width)
    value = {name: width for name, width in found.items() if width and name in known}
    database = visit.request.state.database
    await keep_preference(database, visit.actor, width_preference(resource), value or None)
    return json_answer({})
