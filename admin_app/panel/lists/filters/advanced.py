"""The builder: conditions joined by and, or and not, made by choosing, and read as a sentence.

Each button sends the form, and the page comes back with what was asked; it keeps nothing itself.
"""

from __future__ import annotations

import json
from http import HTTPStatus

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.errors import BadRequestError, BusyError, FieldError
from admin_app.panel.declared import counted
from admin_app.panel.language import lowered, number, retold, say
from admin_app.panel.list_address import asked, without
from admin_app.panel.lists.filters.address import Pairs, changed, list_of
from admin_app.panel.lists.filters.dropping import DROP_SECONDS
from admin_app.panel.lists.filters.editing import completed, edited
from admin_app.panel.lists.filters.page import answer_sheet, arrived
from admin_app.panel.lists.filters.showing import Shower
from admin_app.panel.lists.filters.tree import Group, Place, Writing, place_text, read_tree, tree_in
from admin_app.panel.lists.filters.words import sentences
from admin_app.panel.rendering import Sheet
from admin_app.panel.visit import Visit, visiting
from admin_app.records import COUNT_CAP, Query

FILTER = "filter"


async def advanced(admin: Admin, request: Request, resource: Resource) -> Response:
    """Build a filter."""
    visit = visiting(request)
    visit.require(resource, "read")
    pairs = list_of(request.query_params)
    sent = tree_in(request.query_params.multi_items())
    do = request.query_params.get("do", "")
    tree = _in_force(visit, resource, pairs) if sent is None else edited(sent, do)
    tree = completed(resource, visit.registry, tree)
    writing = Writing(resource, visit.registry)
    data = writing.data(tree)
    new = [(FILTER, _text(data))] if data else []
    found = changed(pairs, FILTER, new)
    href = visit.urls.list(resource, found)
    problems: dict[str, str] = {}
    words = count = ""
    try:
        query = visit.records.query(visit.actor, resource, [*_others(asked(pairs)), *new])
        if do == "apply" and not writing.unfinished:
            return arrived(request, href)
        words = await _sentence(visit, query) if new else ""
        count = await _count(visit, resource, query)
    except BadRequestError as error:
        if sent is not None and do == "apply":
            problems = _problems(writing, error.errors)
    if do == "apply" and writing.unfinished:
        missing = say("Give a value, or remove this condition.")
        problems |= {place_text(each): missing for each in writing.unfinished}
    shower = Shower(visit, problems)
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    title = say("Advanced filter")
    return await answer_sheet(
        admin,
        request,
        Sheet("lists/builder.html", title, title, css="builder-page"),
        resource,
        pairs,
        status,
        root=await shower.group(resource, tree, (0,)),
        words=words,
        count=count,
        general=problems.get("", ""),
        plain=visit.urls.list(resource, without(pairs, FILTER)) if dict(pairs).get(FILTER) else "",
    )


def _in_force(visit: Visit, resource: Resource, pairs: Pairs) -> Group:
    """The tree of the list's filter; an empty one where there is none that can be read."""
    text = dict(pairs).get(FILTER, "")
    try:
        visit.records.query(visit.actor, resource, [(FILTER, text)] if text else [])
        return read_tree(resource, visit.registry, json.loads(text)) if text else Group()
    except BadRequestError:
        return Group()


def _others(pairs: Pairs) -> list[tuple[str, str]]:
    return [each for each in without(pairs, FILTER) if each[0] != "sort"]


def _text(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


async def _sentence(visit: Visit, query: Query) -> str:
    conditions = query.filters if query.written is None else query.written
    return (await sentences(visit, conditions[-1:]))[0]


async def _count(visit: Visit, resource: Resource, query: Query) -> str:
    try:
        found = await visit.records.count(visit.actor, resource, query, within=DROP_SECONDS)
    except BusyError:
        return ""
    if found > COUNT_CAP:
        return say(
            "{count}+ {records}", count=number(COUNT_CAP), records=lowered(resource.label_plural)
        )
    return counted(found, resource)


def _problems(writing: Writing, errors: tuple[FieldError, ...]) -> dict[str, str]:
    """What is wrong, by the place of the node; under nothing what is of another condition."""
    found: dict[str, str] = {}
    for each in errors:
        own = each.path[:1] == (FILTER,)
        place: Place | None = writing.place_of(each.path[1:]) if own else None
        where = "" if place is None else place_text(place)
        found[where] = " ".join(filter(None, (found.get(where), retold(each.detail))))
    return found
