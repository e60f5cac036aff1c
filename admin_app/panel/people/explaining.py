"""``/access/explain``: may somebody do something, and why; or what everybody may do to a record."""

from __future__ import annotations

from dataclasses import dataclass

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.errors import AppError, BadRequestError, ForbiddenError
from admin_app.panel.declared import in_language
from admin_app.panel.granted import GRANTS
from admin_app.panel.language import mark
from admin_app.panel.layout import in_order
from admin_app.panel.rendering import render
from admin_app.panel.visit import Visit, visiting
from admin_app.records import MOST_USERS, Explanation, Rights

STATE_WORDS = {
    "visible": mark("Visible"),
    "hidden": mark("Hidden"),
    "read_only": mark("Not to be set"),
    "sensitive": mark("Sensitive"),
    "out_of_sight": mark("Out of sight"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form holds, as it was typed."""

    user: str
    resource: str
    action: str
    key: str


@dataclass(frozen=True, slots=True)
class Everyone:
    """What each user may do to one record."""

    resource: Resource
    title: str
    rights: list[Rights]


async def page(admin: Admin, request: Request) -> Response:
    """The form, and below it the answer. Raises ``ForbiddenError``."""
    visit = visiting(request)
    if not visit.records.may_explain(visit.actor):
        msg = "You may not read who may do what."
        raise ForbiddenError(msg)
    given = request.query_params
    asked = Asked(*(given.get(name, "") for name in ("user", "resource", "action", "key")))
    explanation: Explanation | None = None
    everyone: Everyone | None = None
    problem: AppError | None = None
    try:
        if asked.user:
            explanation = await _explained(visit, asked)
        elif asked.resource and asked.key:
            everyone = await _everyone(visit, asked)
    except AppError as error:
        problem = error
    return await render(
        admin,
        request,
        "explain.html",
        problem.status if problem else 200,
        asked=asked,
        resources=in_order(in_language(visit.records.registry).values()),
        actions=visit.records.registry.actions,
        explanation=explanation,
        everyone=everyone,
        problem=problem,
        states=STATE_WORDS,
        most=MOST_USERS,
        grants=visit.records.registry[GRANTS],
    )


async def _explained(visit: Visit, asked: Asked) -> Explanation:
    return await visit.records.explain(
        visit.actor, asked.user, asked.resource, asked.action or "read", key=asked.key or None
    )


async def _everyone(visit: Visit, asked: Asked) -> Everyone:
    resource = in_language(visit.records.registry).get(asked.resource)
    if resource is None:
        msg = "There is no such resource."
        raise BadRequestError(msg)
    key = resource.parse_key(asked.key)
    rights = await visit.records.who_may(visit.actor, resource, key)
    titles = await visit.records.titles(visit.actor, resource, [key])
    return Everyone(resource, titles[key].text if key in titles else asked.key, rights)
