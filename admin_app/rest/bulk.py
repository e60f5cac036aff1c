"""The endpoints that write many records of a resource: those of a list, and those of a filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pydantic_core
from fastapi import Request, Response

from admin_app.access.policies import require
from admin_app.declaration import Resource
from admin_app.declaration.schemas import Schema
from admin_app.errors import BadRequestError, FieldError
from admin_app.records import Query, Representation, Writer
from admin_app.records.queries.grammar import PARAMETERS
from admin_app.records.writes.bulk.items import (
    BULK_DELETE,
    BULK_UPDATE,
    MAX_ITEMS,
    NewItems,
    Outcome,
    create_items,
    update_items,
)
from admin_app.records.writes.bulk.matching import delete_matching, filtered, update_matching
from admin_app.records.writes.bulk.removals import delete_items, restore_items
from admin_app.rest.answers import JSON, PRIVATE
from admin_app.rest.frame import perform, perform_tersely
from admin_app.rest.preconditions import no_conditions, require_tag
from admin_app.rest.prefer import preferences
from admin_app.rest.problems import problem_document
from admin_app.rest.requests import (
    Endpoint,
    actor,
    json_body,
    known_parameters,
    parameters,
    records,
)
from admin_app.rest.upserts import STATUS, upsert_asked
from admin_app.rest.writes import place_of

MAX_BULK_BODY = 4 * 1024 * 1024
"""Bytes of a body that holds many records."""
FILTERING = ("filter", "search")
"""Parameters of a list that say which records are meant, beside the fields themselves."""

_STEERING = frozenset(PARAMETERS) - {*FILTERING}


def bulk_create(resource: Resource) -> Endpoint:
    """``POST /<plural>/bulk``."""

    async def endpoint(request: Request) -> Response:
        given = known_parameters(request, "atomic", "on_conflict")
        require(actor(request), resource, "create")
        upsert = upsert_asked(request, resource, given)
        honours = ("resolution",) if upsert else ()
        brief = preferences(request, *honours).minimal
        create = partial(create_items, upsert=upsert, brief=brief)

        def read(body: bytes) -> NewItems:
            seen = records(request).registry_for(actor(request))[resource.name]
            return NewItems(seen, body)

        return await _bulk(request, resource, read, create, given, honours)

    return endpoint


def bulk_update(resource: Resource) -> Endpoint:
    """``PATCH /<plural>/bulk``."""

    async def endpoint(request: Request) -> Response:
        given = known_parameters(request, "atomic")
        require(actor(request), resource, "update")
        return await _bulk(request, resource, _items_of(BULK_UPDATE), update_items, given)

    return endpoint


def bulk_delete(resource: Resource) -> Endpoint:
    """``DELETE /<plural>/bulk``, and ``POST /<plural>/bulk/delete`` where a DELETE has no body.

    With ``trash=only`` for good, what is in the trash.
    """

    async def endpoint(request: Request) -> Response:
        trash = () if resource.options.trash is None else ("trash",)
        given = known_parameters(request, "atomic", *trash)
        require(actor(request), resource, "delete")
        delete = partial(delete_items, purge=place_of(resource, given) == "only")
        return await _bulk(request, resource, _items_of(BULK_DELETE), delete, given)

    return endpoint


def bulk_restore(resource: Resource) -> Endpoint:
    """``POST /<plural>/bulk/restore``: out of the trash."""

    async def endpoint(request: Request) -> Response:
        given = known_parameters(request, "atomic")
        require(actor(request), resource, "delete")
        return await _bulk(request, resource, _items_of(BULK_DELETE), restore_items, given)

    return endpoint


def _items_of(schema: Schema) -> Callable[[bytes], Any]:
    return lambda body: schema.parse(body)["items"]


async def _bulk(
    request: Request,
    resource: Resource,
    read: Callable[[bytes], Any],
    write: Any,
    given: dict[str, str],
    honours: Sequence[str] = (),
) -> Response:
    no_conditions(request)
    atomic = _flag(given.get("atomic", "true"))
    items = read(await json_body(request, JSON, limit=MAX_BULK_BODY))
    minimal = preferences(request, *honours).minimal

    async def work(writer: Writer) -> Response:
        outcomes = await write(writer, resource, items, atomic=atomic)
        found = [_told(request, resource, *each, minimal) for each in enumerate(outcomes)]
        content = b'{"items":[' + b",".join(found) + b"]}"
        return Response(content, media_type=JSON, headers=PRIVATE)

    return await perform(request, work, honours=honours)


def _told(
    request: Request, resource: Resource, index: int, outcome: Outcome, minimal: bool
) -> bytes:
    if outcome.error is not None:
        problem = problem_document(request, outcome.error)
        told = {"index": index, "status": problem["status"], "problem": problem}
        return pydantic_core.to_json(told)
    text = resource.key_text(outcome.key)
    key = f'"{text}"' if text.isalnum() else pydantic_core.to_json(text).decode()
    status = STATUS[outcome.result or "updated"]
    content = f'{{"index":{index},"status":{status},"key":{key}}}'.encode()
    if minimal or outcome.record is None:
        return content
    # It is JSON already.
    return content[:-1] + b',"data":' + outcome.record.body + b"}"


def patch_matching(resource: Resource) -> Endpoint:
    """``PATCH /<plural>?<filters>``: the same values for every record that matches."""

    async def endpoint(request: Request) -> Response:
        query, at_most = _affecting(request, resource, "update")
        body = await json_body(request, JSON, "application/merge-patch+json")

        async def work(writer: Writer) -> Response:
            keys = await update_matching(writer, resource, query, body, at_most=at_most)
            return _affected(resource, keys)

        return await perform_tersely(request, work, "max-affected")

    return endpoint


def remove_matching(resource: Resource) -> Endpoint:
    """``DELETE /<plural>?<filters>``: every record that matches."""

    async def endpoint(request: Request) -> Response:
        query, at_most = _affecting(request, resource, "delete")

        async def work(writer: Writer) -> Response:
            keys = await delete_matching(writer, resource, query, at_most=at_most)
            return _affected(resource, keys)

        return await perform_tersely(request, work, "max-affected")

    return endpoint


def _affecting(request: Request, resource: Resource, action: str) -> tuple[Query, int]:
    """Which records are meant, and the most that they may be."""
    require(actor(request), resource, action)
    require_tag(resource, given=False)
    no_conditions(request)
    steering = [name for name, _ in parameters(request) if name in _STEERING]
    errors = [FieldError((name,), "unknown_parameter", "It is for lists.") for name in steering]
    if errors:
        msg = "This is about every record that matches."
        raise BadRequestError(msg, errors=errors)
    query = records(request).query(actor(request), resource, parameters(request))
    if not filtered(query):
        msg = "Say which records are meant, by a filter."
        raise BadRequestError(msg)
    at_most = preferences(request, "max-affected").max_affected
    if at_most is None or at_most > MAX_ITEMS:
        msg = f"Say how many may match: Prefer: max-affected=N, at most {MAX_ITEMS:,}."
        raise BadRequestError.about(("Prefer",), "bad_preference", msg)
    return query, at_most


def _affected(resource: Resource, keys: Sequence[Any]) -> Response:
    return _answer({"affected": len(keys), "keys": [resource.key_text(each) for each in keys]})


def data_of(made: Representation) -> Any:
    """A record as JSON data, to be answered among others."""
    return pydantic_core.from_json(made.body)


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        msg = "Choose true or false."
        raise BadRequestError.about(("atomic",), "bad_value", msg)
    return text == "true"


def _answer(document: Any) -> Response:
    return Response(pydantic_core.to_json(document), media_type=JSON, headers=PRIVATE)
