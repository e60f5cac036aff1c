"""The endpoints of declared actions: ``POST …/actions/<name>``, below a record or the resource."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

import pydantic_core
from fastapi import Request, Response
from pydantic import Field as About

from admin_app.access.policies import require
from admin_app.declaration import DeclaredAction, Key, Resource
from admin_app.declaration.schemas import make_schema
from admin_app.errors import FieldError, InvalidInputError, NotFoundError
from admin_app.records import Writer
from admin_app.records.writes.actions import MAX_KEYS, run_action
from admin_app.records.writes.places import at
from admin_app.rest.answers import JSON
from admin_app.rest.frame import perform_tersely
from admin_app.rest.preconditions import known_tags, no_conditions
from admin_app.rest.requests import Endpoint, actor, json_body, key_in_path, no_parameters

SELECTION = make_schema(
    "ActionSelection",
    {
        "keys": Annotated[
            list[Annotated[str, About(strict=True)]],
            About(min_length=1, max_length=MAX_KEYS, description="In the text form of keys."),
        ],
        "parameters": NotRequired[Any],
    },
)


def run(resource: Resource, action: DeclaredAction) -> Endpoint:
    """``POST …/actions/<name>``: run it, and answer ``{"result": …}``."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        # First of all, or the words on a wrong body would tell what there is to give.
        require(actor(request), resource, action.name)
        if action.on != "record":
            no_conditions(request)
        tags = known_tags(request)
        keys, given = await _asked(request, resource, action)

        async def work(writer: Writer) -> Response:
            result = await run_action(writer, resource, action, keys, given, if_match=tags)
            answer = action.answers.dump_python(result, mode="json")
            return Response(pydantic_core.to_json({"result": answer}), media_type=JSON)

        return await perform_tersely(request, work)

    return endpoint


def path(base: str, action: DeclaredAction) -> str:
    """Where an action is run, below the path of its resource."""
    key = "/{key}" if action.on == "record" else ""
    return f"{base}{key}/actions/{action.name}"


async def _asked(
    request: Request, resource: Resource, action: DeclaredAction
) -> tuple[list[Key], Any]:
    """The keys of the records an action is to be run on, and its parameters."""
    keys = [key_in_path(request, resource)] if action.on == "record" else []
    body = await json_body(request, JSON) if _has_body(request, action) else b""
    if action.on != "selection":
        return keys, action.parse(body)
    chosen = SELECTION.parse(body)
    with at(("parameters",)):
        given = action.parse(pydantic_core.to_json(chosen.get("parameters", {})))
    return _keys(resource, chosen["keys"]), given


def _has_body(request: Request, action: DeclaredAction) -> bool:
    """Whether there is one to read; who has nothing to say need not send any."""
    silent = action.parameters is None and action.on != "selection"
    return not silent or "content-type" in request.headers


def _keys(resource: Resource, texts: list[str]) -> list[Key]:
    keys: list[Key] = []
    errors: list[FieldError] = []
    for index, text in enumerate(texts):
        try:
            keys.append(resource.parse_key(text))
        except NotFoundError as error:
            errors.append(FieldError(("keys", index), error.code, error.detail))
    if errors:
        raise NotFoundError(resource.absent, errors=errors)
    if len(set(keys)) < len(keys):
        where = [FieldError(("keys",), "repeated", "A key is given more than once.")]
        msg = "Some values are not valid."
        raise InvalidInputError(msg, errors=where)
    return keys
