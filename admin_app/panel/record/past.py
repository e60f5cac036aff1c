"""Pages of a record's past: its timeline, two states side by side, and putting back."""

from __future__ import annotations

from collections.abc import Sequence

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Key, Resource
from admin_app.errors import BadRequestError, NotFoundError, RevertConflictError
from admin_app.panel.notices import redirect_with
from admin_app.panel.record.history import compared, events
from admin_app.panel.record.undoing import conflict_page, undone
from admin_app.panel.rendering import render
from admin_app.panel.security import safe_next
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import Visit, id_from, visiting
from admin_app.records import PastChange, Representation, Reverted, Reverting, Writer

PAGE = 25
IN_RAIL = 5


async def timeline(admin: Admin, request: Request, resource: Resource) -> Response:
    """All that has happened to a record, the latest first; also of one that is gone."""
    visit = visiting(request)
    key = _key(request, resource)
    before = id_from(request.query_params.get("before", "")) or None
    found = await visit.records.timeline(visit.actor, resource, key, PAGE, before)
    record = await _record(visit, resource, key) if found.there else None
    return await render(
        admin,
        request,
        "record/timeline.html",
        resource=resource,
        key=key,
        record=record,
        title=record.title if record else _last_title(found.changes, resource, key),
        events=await events(visit, found.changes),
        following=found.next,
        before=before,
        may=visit.offered(resource),
    )


def _last_title(changes: Sequence[PastChange], resource: Resource, key: Key) -> str:
    return changes[0].title if changes else f"{resource.label} {resource.key_text(key)}"


async def _record(visit: Visit, resource: Resource, key: Key) -> Representation | None:
    try:
        return await visit.records.get(visit.actor, resource, key, "with")
    except NotFoundError:
        return None


async def compare(admin: Admin, request: Request, resource: Resource) -> Response:
    """What a record was after two of its changes, side by side, as far as that differs."""
    visit = visiting(request)
    key = _key(request, resource)
    chosen = sorted({id_from(request.query_params.get(name, "")) for name in ("one", "other")})
    if len(chosen) == 1:
        # One with itself: what it did is in the timeline.
        return await timeline(admin, request, resource)
    older, newer = chosen
    net = await visit.records.compared(visit.actor, resource, key, older, newer)
    ends = await visit.records.changes(visit.actor, resource, key, [older, newer])
    latest = await visit.records.timeline(visit.actor, resource, key, 1)
    return await render(
        admin,
        request,
        "record/compare.html",
        resource=resource,
        key=key,
        record=await visit.records.get(visit.actor, resource, key, "with"),
        ends=await events(visit, ends),
        net=net,
        latest=latest.changes[0].id if latest.changes else None,
        differences=await compared(visit, net),
        may=visit.offered(resource),
    )


async def put_back(admin: Admin, request: Request, resource: Resource) -> Response:
    """Undo a change of a record, a field of one, or all that has happened since."""
    visit = visiting(request)
    key = _key(request, resource)
    form = await read_form(request)
    change, to = id_from(text_in(form, "change")), id_from(text_in(form, "to"))
    fields = [each for each in text_in(form, "field").split(",") if each] or None
    if not (change or to):
        msg = "The form does not say what to put back."
        raise BadRequestError(msg)
    etag, skip = text_in(form, "_etag"), bool(text_in(form, "skip"))

    async def work(writer: Writer) -> Reverted:
        reverting = Reverting(writer, skip_conflicts=skip)
        if to:
            return await reverting.to_state(resource, key, to, if_match=[etag] if etag else None)
        return await reverting.undo_change(resource, key, change, fields)

    wanted = text_in(form, "next")
    try:
        done = await visit.records.write(visit.actor, visit.origin, work)
    except RevertConflictError as error:
        sent = {"change": change, "to": to, "field": ",".join(fields or ()), "_etag": etag}
        return await conflict_page(admin, request, error, request.url.path, sent, wanted)
    url = (
        safe_next(request, wanted)
        if wanted
        else visit.urls.to(resource.name, "history", resource.key_text(key))
    )
    if done.change_set is None:
        return redirect_with(visit, url, "nothing_undone", "")
    return await undone(visit, url, done, "put_back" if to or fields else "undone")


def _key(request: Request, resource: Resource) -> Key:
    return resource.parse_key(request.path_params["pk"])
