"""Where views are chosen, saved, shared, pinned and removed, and the counts of the menu."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqladmin import Admin
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.declaration import Resource
from admin_app.desk import (
    PINS,
    Place,
    SavedView,
    change_view,
    keep_preference,
    list_views,
    remove_view,
    save_view,
)
from admin_app.errors import AppError, NotFoundError
from admin_app.panel.answers import json_answer
from admin_app.panel.display import total_words
from admin_app.panel.language import lowered, say
from admin_app.panel.list_address import COLUMNS, VIEW, asked, beside, brought, carried
from admin_app.panel.lists.columns import columns_for
from admin_app.panel.lists.views import (
    address_text,
    default_view,
    everything,
    is_changed,
    pairs_of,
    preference,
    view_shown,
)
from admin_app.panel.rendering import Sheet, render_sheet
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import Pairs, Visit, id_from, visiting

MOST_COUNTED = 12
"""The most views of the menu whose records are counted."""
SECONDS_EACH, SECONDS_ALL = 0.5, 2.0


@dataclass(frozen=True, slots=True)
class Line:
    """A view in the list of them."""

    view: SavedView
    href: str
    shown: bool
    pinned: bool
    opens: bool
    """Whether the list opens with it."""
    mine: bool
    """Whether whoever looks may change it."""


async def views(admin: Admin, request: Request, resource: Resource) -> Response:
    """The views of a list, and what is done with them."""
    visit = visiting(request)
    if request.method == "POST":
        return await _done(visit, resource, await read_form(request))
    pairs, alone = beside(request)
    place = await visit.place()
    current = view_shown(resource, pairs, place)
    known = await list_views(request.state.database, visit.actor, resource.name)
    heading = say("Views of {records}", records=lowered(resource.label_plural))
    return await render_sheet(
        admin,
        request,
        Sheet("lists/views.html", say("Views"), heading),
        alone=alone,
        resource=resource,
        lines=_lines(visit, resource, place, known, current),
        current=current,
        changed=current is not None and is_changed(current, pairs),
        everything=everything(visit.urls, resource, place),
        carried=carried(pairs),
        back=visit.urls.list(resource, pairs),
    )


def _lines(
    visit: Visit,
    resource: Resource,
    place: Place,
    known: Sequence[SavedView],
    current: SavedView | None,
) -> list[Line]:
    opens = default_view(resource, place)
    return [
        Line(
            each,
            visit.urls.view(each),
            shown=each == current,
            pinned=place.pins(each),
            opens=each == opens,
            mine=each.changeable_by(visit.actor),
        )
        for each in known
    ]


async def _done(visit: Visit, resource: Resource, form: FormData) -> Response:
    """Do what the form's button says, and come back to the list."""
    pairs = brought(text_in(form, "list"))
    act, _, number = text_in(form, "act").partition(":")
    if act == "save":
        number = str(await _save(visit, resource, form, pairs))
        pairs = [*(each for each in pairs if each[0] != VIEW), (VIEW, number)]
    else:
        known = await list_views(visit.request.state.database, visit.actor, resource.name)
        view = _of(known, id_from(number))
        await _act(visit, await visit.place(), view, act, form, pairs)
    return RedirectResponse(visit.urls.list(resource, pairs), status_code=303)


async def _save(visit: Visit, resource: Resource, form: FormData, pairs: Pairs) -> int:
    database = visit.request.state.database
    number = await save_view(
        database,
        visit.actor,
        resource.name,
        text_in(form, "name"),
        await _saved_text(visit, resource, pairs),
        shared=bool(text_in(form, "shared")),
        pinned=bool(text_in(form, "pinned")),
    )
    if text_in(form, "opens"):
        await keep_preference(database, visit.actor, preference(resource), number)
    return number


async def _saved_text(visit: Visit, resource: Resource, pairs: Pairs) -> str:
    """What a view keeps: the columns too, where they are of somebody's own choice."""
    preferences = (await visit.place()).preferences
    columns = columns_for(visit.registry, resource, pairs, preferences)
    chosen = [(COLUMNS, columns.text)] if columns.personal else []
    return address_text([*pairs, *chosen])


def _of(known: list[SavedView], number: int) -> SavedView:
    for each in known:
        if each.id == number:
            return each
    msg = "There is no such view."
    raise NotFoundError(msg)


async def _act(
    visit: Visit, place: Place, view: SavedView, act: str, form: FormData, pairs: Pairs
) -> None:
    database, actor = visit.request.state.database, visit.actor
    resource = visit.registry[view.resource]
    match act:
        case "pin" | "unpin" if view.own:
            await change_view(database, actor, view.id, pinned=act == "pin")
        case "pin" | "unpin":
            known = {each.id for each in place.views}
            others = {each for each in place.others_pinned if each in known} - {view.id}
            chosen = sorted(others | {view.id} if act == "pin" else others)
            await keep_preference(database, actor, PINS, chosen or None)
        case "open" | "unopen":
            number = view.id if act == "open" else None
            await keep_preference(database, actor, preference(resource), number)
        case "share" | "unshare":
            await change_view(database, actor, view.id, shared=act == "share")
        case "rename":
            await change_view(database, actor, view.id, name=text_in(form, f"name-{view.id}"))
        case "replace":
            query = await _saved_text(visit, resource, pairs)
            await change_view(database, actor, view.id, query=query)
        case "remove":
            await remove_view(database, actor, view.id)


async def pinned(_: Admin, request: Request) -> Response:
    """How many records each view of the menu has, by its number, as far as that is soon known."""
    visit = visiting(request)
    place = await visit.place()
    found: dict[str, str] = {}
    until = time.monotonic() + SECONDS_ALL
    menu = [each for each in place.views if place.pins(each) and each.resource in visit.registry]
    for view in menu[:MOST_COUNTED]:
        if time.monotonic() > until:
            break
        try:
            resource = visit.registry[view.resource]
            query = visit.records.query(visit.actor, resource, asked(pairs_of(view)))
            count = await visit.records.count(visit.actor, resource, query, within=SECONDS_EACH)
        except AppError:
            continue  # What cannot be read, or not soon, has no number.
        found[str(view.id)] = total_words(count)
    return json_answer(found)
