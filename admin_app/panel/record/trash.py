"""Records in the trash: found again, and put back."""

from __future__ import annotations

from uuid import UUID

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.errors import NotFoundError
from admin_app.panel.notices import redirect_with
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import Visit, record_at, visiting
from admin_app.records import Representation, Writer


async def restore(_: Admin, request: Request, resource: Resource) -> Response:
    """Take a record out of the trash."""
    visit = visiting(request)
    visit.require(resource, "delete")
    if resource.options.trash is None:
        raise NotFoundError(resource.absent)
    form = await read_form(request)
    key = resource.parse_key(text_in(form, "key"))
    etag = text_in(form, "_etag")

    async def work(writer: Writer) -> tuple[Representation, UUID]:
        tags = [etag] if etag else None
        return await writer.restore(resource, key, if_match=tags), writer.change_set

    record, change_set = await visit.records.write(visit.actor, visit.origin, work)
    url = visit.urls.details(resource, key)
    return redirect_with(visit, url, "restored", record.title, change_set)


async def record_anywhere(visit: Visit, resource: Resource) -> tuple[Representation, bool]:
    """The record in the page's address, and whether it is in the trash.

    Raises ``NotFoundError``.
    """
    try:
        return await record_at(visit, resource), False
    except NotFoundError:
        if resource.options.trash is None:
            raise
    key = resource.parse_key(visit.request.path_params["pk"])
    return await visit.records.get(visit.actor, resource, key, "only"), True
