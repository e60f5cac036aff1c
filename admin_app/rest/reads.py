"""The endpoints that read a resource."""

from __future__ import annotations

from fastapi import Request, Response

from admin_app.declaration import Resource
from admin_app.records.queries.grammar import read_trash
from admin_app.records.queries.query import Query
from admin_app.rest.answers import (
    FORMATS,
    JSON,
    XLSX,
    item,
    lines_response,
    page_response,
    unless_known,
)
from admin_app.rest.hints import hint
from admin_app.rest.negotiation import chosen
from admin_app.rest.requests import (
    Endpoint,
    actor,
    key_in_path,
    parameters,
    records,
)
from admin_app.rest.streams import stream


async def list_response(request: Request, resource: Resource, query: Query) -> Response:
    """Answer a list in the form that the caller likes best: whole where it needs no pages."""
    media_type = chosen(request, JSON, *FORMATS)
    hint(request, resource, query)
    # A workbook is whole, or it is refused.
    if media_type == XLSX or (media_type != JSON and "limit" not in query.given):
        return await stream(request, resource, query, media_type)
    if media_type != JSON:
        page = await records(request).page(actor(request), resource, query)
        return lines_response(request, page, media_type)
    return page_response(request, await records(request).page_text(actor(request), resource, query))


def read_many(resource: Resource) -> Endpoint:
    """``GET /<plural>``: a page."""

    async def endpoint(request: Request) -> Response:
        query = records(request).query(actor(request), resource, parameters(request))
        return await list_response(request, resource, query)

    return endpoint


def read_one(resource: Resource) -> Endpoint:
    """``GET /<plural>/{key}``: a record."""

    async def endpoint(request: Request) -> Response:
        chosen(request, JSON)
        source, pairs = records(request), parameters(request)
        trash = read_trash(resource, [text for name, text in pairs if name == "trash"])
        asked = [each for each in pairs if each[0] != "trash"]
        shape = source.shape(actor(request), resource, asked)
        key = key_in_path(request, resource)
        found = await source.get_text(actor(request), resource, key, shape, trash)
        return unless_known(request, item(found))

    return endpoint
