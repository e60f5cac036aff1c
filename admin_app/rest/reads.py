"""The endpoints that read a resource."""

from __future__ import annotations

from fastapi import Request, Response

from admin_app.declaration import Resource
from admin_app.rest.answers import item, page_response
from admin_app.rest.requests import (
    Endpoint,
    actor,
    key_in_path,
    no_parameters,
    parameters,
    records,
)


def read_many(resource: Resource) -> Endpoint:
    """``GET /<plural>``: a page."""

    async def endpoint(request: Request) -> Response:
        source = records(request)
        query = source.query(actor(request), resource, parameters(request))
        return page_response(request, await source.page(actor(request), resource, query))

    return endpoint


def read_one(resource: Resource) -> Endpoint:
    """``GET /<plural>/{key}``: a record."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        key = key_in_path(request, resource)
        return item(await records(request).get(actor(request), resource, key))

    return endpoint
