"""The endpoints that ask more than a list: a query as a document, and aggregates."""

from __future__ import annotations

from fastapi import Request, Response

from admin_app.declaration import Resource
from admin_app.records.reads.representation import as_json
from admin_app.rest.answers import JSON, cached
from admin_app.rest.negotiation import chosen
from admin_app.rest.reads import list_response
from admin_app.rest.requests import (
    Endpoint,
    actor,
    json_body,
    no_parameters,
    parameters,
    records,
)


def query(resource: Resource) -> Endpoint:
    """``QUERY /<plural>`` (RFC 10008) and ``POST /<plural>/query``: a page, asked for in JSON."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        body = await json_body(request, JSON)
        asked = records(request).query_document(actor(request), resource, body)
        return await list_response(request, resource, asked)

    return endpoint


def aggregate(resource: Resource) -> Endpoint:
    """``GET /<plural>/aggregate``: groups and what is computed of each."""

    async def endpoint(request: Request) -> Response:
        chosen(request, JSON)
        found = await records(request).aggregates(actor(request), resource, parameters(request))
        body = as_json({"data": found.rows, "more": found.more})
        return cached(request, body, headers={})

    return endpoint


def facets(resource: Resource) -> Endpoint:
    """``GET /<plural>/facets``: how many records of a list have which values of some fields."""

    async def endpoint(request: Request) -> Response:
        chosen(request, JSON)
        found = await records(request).facets(actor(request), resource, parameters(request))
        return cached(request, as_json({"data": [each.data for each in found]}), headers={})

    return endpoint
