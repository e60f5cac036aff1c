"""Undoing change sets: what one did, the undoing itself, and what stands in its way."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.declaration import Resource
from admin_app.desk import upload_of
from admin_app.errors import (
    Conflict,
    ForbiddenError,
    NotFoundError,
    RevertConflictError,
    RevertTooLargeError,
)
from admin_app.panel.answers import json_answer, wants_json
from admin_app.panel.display import Shown, shortened, wire_shown
from admin_app.panel.language import number, retold, say, say_many
from admin_app.panel.notices import Event, redirect_with, undo_url
from admin_app.panel.record.history import events
from admin_app.panel.record.undo_task import KIND, start_undoing
from admin_app.panel.rendering import render
from admin_app.panel.security import safe_next
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import Visit, id_from, visiting
from admin_app.records import Reverted

PAGE = 50
CONFLICTS_SHOWN = 50


async def change_set(admin: Admin, request: Request) -> Response:
    """What one request, import or act did."""
    visit = visiting(request)
    wanted = _id(request)
    after = id_from(request.query_params.get("after", ""))
    found = await visit.records.change_set(visit.actor, wanted, PAGE, after)
    told = await events(visit, found.changes)
    return await render(
        admin,
        request,
        "record/change_set.html",
        change_set=wanted,
        events=told,
        following=found.next,
        after=after,
        undoable=any(each.undone is None for each in told) or not told,
        undo=undo_url(visit, wanted),
        size=say_many("{count} change", "{count} changes", found.size),
    )


async def undo(admin: Admin, request: Request) -> Response:
    """Undo a change set, or the rest of it where some has changed since."""
    visit = visiting(request)
    wanted = _id(request)
    form = await read_form(request)
    back, skip = text_in(form, "next"), bool(text_in(form, "skip"))
    try:
        done = await visit.records.undo(
            visit.actor, wanted, origin=visit.origin, skip_conflicts=skip
        )
    except RevertConflictError as error:
        return await conflict_page(admin, request, error, request.url.path, {}, back)
    except RevertTooLargeError:
        begun = await start_undoing(visit, wanted, back, skip=skip)
        return RedirectResponse(visit.urls.to("undoing", str(begun)), status_code=303)
    return await undone(visit, safe_next(request, back), done, "undone")


async def undoing(admin: Admin, request: Request) -> Response:
    """How far an undoing is that takes long; at its end, what came of it."""
    visit = visiting(request)
    found = await upload_of(request.state.database, visit.actor, KIND, _id(request))
    outcome = found.outcome or {}
    done, total = outcome.get("rows", 0), outcome.get("total", 0)
    words = (
        say("{done} of {total} changes", done=number(done), total=number(total))
        if total
        else say("Looking at what has changed since")
    )
    if wants_json(request):
        told = {"running": found.running, "rows": done, "total": total, "words": words}
        return json_answer(told)
    wanted, url = uuid.UUID(found.name), safe_next(request, found.choices["back"])
    context: dict[str, Any] = {"action": undo_url(visit, wanted), "back": url}
    if outcome.get("conflicts"):
        conflicts = [Conflict(**each) for each in outcome["conflicts"]]
        more = {"count": outcome["count"], "changes": outcome["changes"]}
        return await _conflicts(admin, request, conflicts, **context, **more)
    made = outcome.get("change_set")
    if outcome.get("done") and not outcome.get("stopped"):
        reverted = Reverted(made and uuid.UUID(made), outcome["changes"], ())
        return await undone(visit, url, reverted, "undone")
    return await render(
        admin,
        request,
        "record/undoing.html",
        running=found.running,
        outcome=outcome,
        words=words,
        skip=found.choices["skip"],
        **context,
    )


async def undone(visit: Visit, url: str, done: Reverted, event: Event) -> Response:
    """Go on and say what was undone, which can be undone in turn."""
    url = await _still_there(visit, url)
    if done.change_set is None:
        return redirect_with(visit, url, "nothing_undone", "")
    made = await visit.records.change_set(visit.actor, done.change_set, 1)
    if made.size == 1 and made.changes:
        title = made.changes[0].title
    else:
        title = say_many("{count} change", "{count} changes", max(made.size, 1))
    return redirect_with(visit, url, event, title, done.change_set)


async def _still_there(visit: Visit, url: str) -> str:
    """The page that somebody came from, or the list where its record is gone by now."""
    base, path = visit.urls.home(), url.partition("?")[0]
    name, _, rest = path.removeprefix(base).partition("/")
    page, _, text = rest.partition("/")
    resource = visit.registry.get(name)
    if resource is None or page not in {"details", "edit"}:
        return url
    try:
        key = resource.parse_key(unquote(text))
        await visit.records.get(visit.actor, resource, key, "with")
    except NotFoundError:
        return visit.urls.list(resource)
    except ForbiddenError:
        return visit.urls.home()
    return url


async def conflict_page(
    admin: Admin,
    request: Request,
    error: RevertConflictError,
    action: str,
    sent: Mapping[str, Any],
    back: str,
) -> Response:
    """What has changed since, both values of each, and the choice to undo the rest."""
    return await _conflicts(
        admin,
        request,
        error.conflicts,
        error.status,
        count=len(error.conflicts),
        action=action,
        sent={name: value for name, value in sent.items() if value},
        back=safe_next(request, back),
    )


async def _conflicts(
    admin: Admin,
    request: Request,
    conflicts: Sequence[Conflict],
    status: int = HTTPStatus.OK,
    **context: Any,
) -> Response:
    visit = visiting(request)
    shown = [_shown(visit, each) for each in conflicts[:CONFLICTS_SHOWN]]
    return await render(admin, request, "record/undo.html", status, conflicts=shown, **context)


def _shown(visit: Visit, each: Conflict) -> dict[str, Any]:
    resource = visit.registry[each.resource]
    key = resource.key_or_none(each.key)
    field = resource.fields.get(each.field or "")
    source = field or resource.relations.get(each.field or "")
    there = key is not None and each.code != "gone"
    return {
        "title": each.title,
        "kind": resource.label,
        "href": visit.urls.details(resource, key) if there and key is not None else None,
        "label": source.label if source else each.field or "",
        "detail": retold(each.detail),
        "values": field is not None and each.code == "changed",
        "was": _value(resource, each.field, each.was),
        "left": _value(resource, each.field, each.left),
        "now": _value(resource, each.field, each.now),
    }


def _value(resource: Resource, name: str | None, wire: Any) -> Shown:
    field = resource.fields.get(name or "")
    return Shown() if field is None else shortened(wire_shown(field, wire))


def _id(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.path_params["change_set"])
    except ValueError:
        msg = "There is no such change set."
        raise NotFoundError(msg) from None
