"""The endpoints that write one record."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import Request, Response

from admin_app.access.policies import Trash
from admin_app.declaration import Resource
from admin_app.errors import BadRequestError
from admin_app.records import Writer
from admin_app.records.queries.grammar import read_trash
from admin_app.records.writes.json_patch import patch
from admin_app.records.writes.replacing import create_new
from admin_app.records.writes.replacing import replace as replace_record
from admin_app.rest.answers import JSON, item, location
from admin_app.rest.frame import perform, perform_tersely
from admin_app.rest.preconditions import if_match, no_version, only_new
from admin_app.rest.requests import (
    JSON_PATCH,
    PATCHES,
    Endpoint,
    json_body,
    key_in_path,
    known_parameters,
    no_parameters,
)
from admin_app.rest.upserts import upsert_asked, upserted


def create(resource: Resource) -> Endpoint:
    """``POST /<plural>``: a new record; with ``on_conflict`` perhaps one that is there."""

    async def endpoint(request: Request) -> Response:
        given = known_parameters(request, "on_conflict")
        no_version(request)
        upsert, new = upsert_asked(request, resource, given), only_new(request)
        if upsert is not None and new:
            msg = "What has to be new does not merge: on_conflict, or If-None-Match."
            raise BadRequestError(msg)
        body = await json_body(request, JSON)
        honours = ("resolution",) if upsert else ()

        async def work(writer: Writer) -> Response:
            if upsert is not None:
                return await upserted(request, writer, resource, body, upsert)
            made = await (create_new if new else Writer.create)(writer, resource, body)
            return item(made, status_code=201, headers={"Location": location(request, made)})

        return await perform_tersely(request, work, *honours)

    return endpoint


def update(resource: Resource) -> Endpoint:
    """``PATCH /<plural>/{key}``: merges what is sent (RFC 7396), or applies it (RFC 6902)."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        key = key_in_path(request, resource)
        body = await json_body(request, *PATCHES)
        tags = if_match(request, resource)
        change = patch if _has_operations(request) else Writer.update

        async def work(writer: Writer) -> Response:
            return item(await change(writer, resource, key, body, if_match=tags))

        return await perform_tersely(request, work)

    return endpoint


def replace(resource: Resource) -> Endpoint:
    """``PUT /<plural>/{key}``: the record becomes what is sent."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        key = key_in_path(request, resource)
        body = await json_body(request, JSON)
        tags, new = if_match(request, resource, or_new=True), only_new(request)

        async def work(writer: Writer) -> Response:
            made, created = await replace_record(
                writer, resource, key, body, if_match=tags, new=new
            )
            if not created:
                return item(made)
            here = quote(request.scope["path"], safe="/~,")
            return item(made, status_code=201, headers={"Location": here})

        return await perform_tersely(request, work)

    return endpoint


def delete(resource: Resource) -> Endpoint:
    """``DELETE /<plural>/{key}``; with ``trash=only`` for good, what is in the trash."""

    async def endpoint(request: Request) -> Response:
        trash = () if resource.options.trash is None else ("trash",)
        place = place_of(resource, known_parameters(request, *trash))
        key = key_in_path(request, resource)
        tags = if_match(request, resource)
        remove = Writer.purge if place == "only" else Writer.delete

        async def work(writer: Writer) -> Response:
            await remove(writer, resource, key, if_match=tags)
            return Response(status_code=204)

        return await perform(request, work)

    return endpoint


def place_of(resource: Resource, given: Mapping[str, str]) -> Trash:
    """Whether what is to be deleted is in the trash, by the parameters that were given.

    Raises ``BadRequestError``.
    """
    place = read_trash(resource, [given["trash"]] if "trash" in given else [])
    if place == "with":
        msg = "Delete what is in the trash (only), or what is not (without)."
        raise BadRequestError.about(("trash",), "bad_value", msg)
    return place


def restore(resource: Resource) -> Endpoint:
    """``POST /<plural>/{key}/restore``: out of the trash."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        key = key_in_path(request, resource)
        tags = if_match(request, resource)

        async def work(writer: Writer) -> Response:
            return item(await writer.restore(resource, key, if_match=tags))

        return await perform_tersely(request, work)

    return endpoint


def _has_operations(request: Request) -> bool:
    """Whether the body is a JSON Patch."""
    media_type, _, _ = request.headers["content-type"].lower().partition(";")
    return media_type.strip() == JSON_PATCH
