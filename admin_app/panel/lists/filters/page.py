"""The page that narrows a list: what there is to choose, or the form of one condition.

It is a page of its own, so that it works by itself; a script shows it beside what was clicked. A
form that is sent comes back as the address of the list, or with what is wrong with it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from sqladmin import Admin
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.declaration import Resource
from admin_app.errors import BadRequestError, NotFoundError
from admin_app.panel.answers import json_answer, wants_json
from admin_app.panel.language import lowered, retold, say
from admin_app.panel.list_address import LIST, SHEET, asked, without
from admin_app.panel.lists.filters.address import (
    Pairs,
    Target,
    Told,
    changed,
    conditions,
    known,
    list_of,
    offered,
    several,
    target_named,
    told,
)
from admin_app.panel.lists.filters.chips import advanced_url
from admin_app.panel.lists.filters.form import Form, form_of
from admin_app.panel.lists.filters.offers import offers_of
from admin_app.panel.rendering import Sheet, render_sheet, rendered
from admin_app.panel.visit import Visit, visiting
from admin_app.records import Query
from admin_app.records.queries.operators import LISTS

MOST_VALUES = 500


async def filtering(admin: Admin, request: Request, resource: Resource) -> Response:
    """Narrow a list. Raises ``NotFoundError`` where there is nothing of the name."""
    visit, given = visiting(request), request.query_params
    visit.require(resource, "read")
    pairs = list_of(given)
    name = given.get("field")
    if name is None:
        offers = offers_of(visit, resource, pairs)
        advanced = advanced_url(visit.urls, resource, pairs)
        sheet = _filter("lists/offers.html", resource, say("Filter"))
        return await answer_sheet(
            admin, request, sheet, resource, pairs, offers=offers, advanced=advanced
        )
    target = target_named(resource, name)
    if target is None or not offered(target):
        msg = say("There is nothing of this name to narrow the list by.")
        raise NotFoundError(msg)
    if "find" in given:
        return await _form(admin, request, resource, pairs, target, _told(target, given))
    if "op" not in given:
        return await _form(admin, request, resource, pairs, target, _in_force(target, given, pairs))
    return await _applied(admin, request, resource, pairs, target, _told(target, given))


async def _applied(
    admin: Admin, request: Request, resource: Resource, pairs: Pairs, target: Target, answer: Told
) -> Response:
    """The list as it is then; the form once more where it would be none."""
    visit, was = visiting(request), request.query_params.get("was", "")
    found = changed(pairs, was, conditions(target, answer))
    try:
        visit.records.query(visit.actor, resource, asked(found))
    except BadRequestError as error:
        if not any(each.path[:1] == (name,) for name, _ in found for each in error.errors):
            raise
        problem = " ".join(dict.fromkeys(retold(each.detail) for each in error.errors))
        return await _form(admin, request, resource, pairs, target, answer, problem)
    return arrived(request, visit.urls.list(resource, found))


async def _form(
    admin: Admin,
    request: Request,
    resource: Resource,
    pairs: Pairs,
    target: Target,
    answer: Told | None,
    problem: str = "",
) -> Response:
    visit, given = visiting(request), request.query_params
    query = _readable(visit, resource, pairs)
    term = given.get("term", "") if "find" in given else None
    form: Form = await form_of(
        visit, resource, query, pairs, target, given.get("was", ""), answer, term
    )
    form.problem = problem
    status = HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK
    sheet = _filter("lists/filters.html", resource, form.label)
    return await answer_sheet(admin, request, sheet, resource, pairs, status, form=form)


def _readable(visit: Visit, resource: Resource, pairs: Pairs) -> Query:
    """What the list reads; everything where its address cannot be read, as the list says."""
    try:
        return visit.records.query(visit.actor, resource, without(asked(pairs), "sort"))
    except BadRequestError:
        return visit.records.query(visit.actor, resource, [])


def _told(target: Target, given: QueryParams) -> Told:
    """What the form was told."""
    operator = given.get("op", "")
    if operator not in known(target):
        operator = offered(target)[0]
    texts = given.getlist("value")[:MOST_VALUES]
    ticked = given.getlist("tick")[:MOST_VALUES]
    if operator in LISTS:
        typed = [each for text in texts for each in several(text)]
        return Told(operator, tuple(each for each in (*ticked, *typed) if each))
    if ticked and not any(texts):
        return Told("in", tuple(ticked))
    return Told(operator, tuple(texts))


def _in_force(target: Target, given: QueryParams, pairs: Pairs) -> Told | None:
    """What the condition says that the form is to change."""
    was = given.get("was", "")
    text = dict(pairs).get(was)
    return None if text is None else told(target, was, text)


def arrived(request: Request, href: str) -> Response:
    """On to a list."""
    if wants_json(request):
        return json_answer({"href": href})
    return RedirectResponse(href, status_code=303)


async def answer_sheet(
    admin: Admin,
    request: Request,
    sheet: Sheet,
    resource: Resource,
    pairs: Pairs,
    status: int = HTTPStatus.OK,
    **context: Any,
) -> Response:
    """A sheet of the list of ``pairs``; as HTML within JSON for the script that sent its form."""
    context |= {
        "resource": resource,
        "carried": request.query_params.get(LIST, ""),
        "back": visiting(request).urls.list(resource, pairs),
    }
    alone = SHEET in request.query_params
    if alone or not wants_json(request):
        return await render_sheet(admin, request, sheet, status, alone=alone, **context)
    html = await rendered(admin, request, sheet.template, status=status, alone=True, **context)
    told = {} if status == HTTPStatus.OK else {"detail": say("This cannot be used as it is.")}
    return json_answer({"html": html, **told}, status)


def _filter(template: str, resource: Resource, crumb: str) -> Sheet:
    heading = say("Filter {records}", records=lowered(resource.label_plural))
    return Sheet(template, crumb, heading)
