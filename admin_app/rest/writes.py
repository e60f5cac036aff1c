"""The endpoints that write a record, and the frame that every write over REST stands in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from admin_app.declaration import Resource
from admin_app.records import Writer
from admin_app.rest.answers import item, location
from admin_app.rest.requests import (
    Endpoint,
    actor,
    if_match,
    json_body,
    key_in_path,
    no_parameters,
    origin,
    records,
)

Work = Callable[[Writer], Awaitable[Response]]
"""What a request does in its transaction, and what it answers. It may run more than once."""


async def perform(request: Request, work: Work) -> Response:
    """Run a request's writes in one transaction and answer what they answered."""
    return await records(request).write(actor(request), origin(request), work)


def create(resource: Resource) -> Endpoint:
    """``POST /<plural>``: a new record."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        body = await json_body(request, "application/json")

        async def work(writer: Writer) -> Response:
            made = await writer.create(resource, body)
            return item(made, status_code=201, headers={"Location": location(request, made)})

        return await perform(request, work)

    return endpoint


def update(resource: Resource) -> Endpoint:
    """``PATCH /<plural>/{key}``: merges what is sent (RFC 7396)."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        key = key_in_path(request, resource)
        body = await json_body(request, "application/json", "application/merge-patch+json")
        tags = if_match(request)

        async def work(writer: Writer) -> Response:
            return item(await writer.update(resource, key, body, if_match=tags))

        return await perform(request, work)

    return endpoint


def delete(resource: Resource) -> Endpoint:
    """``DELETE /<plural>/{key}``."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        key = key_in_path(request, resource)
        tags = if_match(request)

        async def work(writer: Writer) -> Response:
            await writer.delete(resource, key, if_match=tags)
            return Response(status_code=204)

        return await perform(request, work)

    return endpoint
