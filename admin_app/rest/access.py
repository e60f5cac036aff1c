"""API tokens over REST: ``/access/tokens``, beside the resources."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, NotRequired

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field as About

from admin_app.access import (
    TokenInfo,
    check_known,
    create_token,
    find_token,
    list_tokens_for,
    revoke_token,
    rotate_token,
)
from admin_app.access.tokens import LONGEST_LIFE, LONGEST_OVERLAP
from admin_app.declaration.schemas import make_schema
from admin_app.declaration.values import list_of
from admin_app.errors import BadRequestError, FieldError, NotAcceptableError, NotFoundError
from admin_app.rest.answers import JSON, PRIVATE
from admin_app.rest.document.parts import READING, WRITING, Document, add_schema, answer, body
from admin_app.rest.document.problems import refusals
from admin_app.rest.frame import in_earnest
from admin_app.rest.negotiation import chosen
from admin_app.rest.requests import (
    actor,
    authenticate,
    json_body,
    no_parameters,
    origin,
    parameters,
    records,
)

HOUR = 3600
NO_STORE = {"Cache-Control": "no-store", "Vary": "Authorization"}

_Text = Annotated[str, About(strict=True)]
_Scopes = Annotated[
    list[_Text] | None,
    About(description="resource:action, either of which may be *; null: all the owner may."),
]
_TOKEN = {
    "id": int,
    "user": Annotated[str, About(description="Whom it acts for.")],
    "name": str,
    "prefix": Annotated[str, About(description="How it begins.")],
    "scopes": _Scopes,
    "created_at": datetime,
    "expires_at": datetime | None,
    "revoked_at": datetime | None,
    "last_used_at": Annotated[datetime | None, About(description="To a minute.")],
}
TOKEN = make_schema("ApiToken", _TOKEN)
TOKENS = make_schema("ApiTokenList", {"data": list_of(TOKEN.typed)})
MADE = make_schema(
    "ApiTokenMade",
    {
        **_TOKEN,
        "token": Annotated[str, About(description="The token, this once.")],
    },
)
CREATE = make_schema(
    "ApiTokenCreate",
    {
        "name": _Text,
        "expires_in_days": Annotated[
            int | None, About(strict=True, ge=1, le=LONGEST_LIFE.days, description="null: never.")
        ],
        "scopes": _Scopes,
        "user": NotRequired[Annotated[str, About(strict=True, description="Default: you.")]],
    },
)
ROTATE = make_schema(
    "ApiTokenRotate",
    {
        "overlap_hours": NotRequired[
            Annotated[
                int,
                About(
                    strict=True,
                    ge=0,
                    le=int(LONGEST_OVERLAP.total_seconds() // HOUR),
                    description="How long the old one stays good; default 24.",
                ),
            ]
        ]
    },
)

router = APIRouter(prefix="/access", dependencies=[Depends(authenticate)])


@router.get("/tokens", operation_id="listApiTokens")
async def list_(request: Request) -> Response:
    """One's own tokens, or those of ``?user=``, newest first."""
    chosen(request, JSON)
    given = parameters(request)
    wrong = [name for at, (name, _) in enumerate(given) if name != "user" or at]
    if wrong:
        msg = "This list takes one parameter: user."
        errors = [FieldError((name,), "unknown_parameter", msg) for name in wrong]
        raise BadRequestError(msg, errors=errors)
    user = dict(given).get("user")
    found = await list_tokens_for(request.state.database, actor(request), user)
    content = TOKENS.dump({"data": [_shown(each) for each in found]})
    return Response(content, media_type="application/json", headers=PRIVATE)


@router.post("/tokens", operation_id="createApiToken")
async def create(request: Request) -> Response:
    """Make a token, for oneself unless said otherwise."""
    no_parameters(request)
    in_earnest(request)
    given = CREATE.parse(await json_body(request, "application/json"))
    acting, days = actor(request), given["expires_in_days"]
    check_known(given["scopes"], records(request).registry_for(acting), acting)
    made = await create_token(
        request.state.database,
        given.get("user", acting.name),
        given["name"],
        None if days is None else timedelta(days=days),
        scopes=given["scopes"],
        actor=acting,
        origin=origin(request),
    )
    return await _made(request, made)


@router.post("/tokens/{key}/rotate", operation_id="rotateApiToken")
async def rotate(request: Request, key: str) -> Response:
    """Make a token in the place of another, which stays good for a while."""
    no_parameters(request)
    in_earnest(request)
    given = ROTATE.parse(await json_body(request, "application/json"))
    made = await rotate_token(
        request.state.database,
        _id(key),
        timedelta(hours=given.get("overlap_hours", 24)),
        actor=actor(request),
        origin=origin(request),
    )
    return await _made(request, made)


@router.delete("/tokens/{key}", operation_id="revokeApiToken")
async def revoke(request: Request, key: str) -> Response:
    """End a token at once."""
    no_parameters(request)
    in_earnest(request)
    await revoke_token(
        request.state.database, _id(key), actor=actor(request), origin=origin(request)
    )
    return Response(status_code=204)


def describe(prefix: str, paths: Document, schemas: Document) -> None:
    """Add what is here to the OpenAPI document."""
    for schema, mode in (
        (TOKEN, "serialization"),
        (TOKENS, "serialization"),
        (MADE, "serialization"),
        (CREATE, "validation"),
        (ROTATE, "validation"),
    ):
        add_schema(schemas, schema, mode)
    base = f"{prefix}/access/tokens"
    key = {"name": "key", "in": "path", "required": True, "schema": {"type": "integer"}}
    made = answer(MADE, "The new token, shown once.")
    paths[base] = {
        "get": {
            **_operation("listApiTokens", "List API tokens"),
            "parameters": [
                {
                    "name": "user",
                    "in": "query",
                    "schema": {"type": "string"},
                    "description": "Whose; default: your own.",
                }
            ],
            "responses": {
                "200": answer(TOKENS, "Newest first."),
                **refusals((*READING, NotAcceptableError)),
            },
        },
        "post": {
            **_operation("createApiToken", "Make an API token"),
            "requestBody": body(CREATE, "application/json"),
            "responses": {"201": made, **refusals((*WRITING, NotFoundError))},
        },
    }
    paths[f"{base}/{{key}}/rotate"] = {
        "parameters": [key],
        "post": {
            **_operation("rotateApiToken", "Make an API token in the place of another"),
            "requestBody": body(ROTATE, "application/json"),
            "responses": {"201": made, **refusals((*WRITING, NotFoundError))},
        },
    }
    paths[f"{base}/{{key}}"] = {
        "parameters": [key],
        "delete": {
            **_operation("revokeApiToken", "Revoke an API token"),
            "responses": {
                "204": {"description": "It is revoked."},
                **refusals((*READING, NotFoundError)),
            },
        },
    }


def _operation(operation_id: str, summary: str) -> Document:
    return {"operationId": operation_id, "summary": summary, "tags": ["API tokens"]}


def _id(text: str) -> int:
    """The id in a path. Raises ``NotFoundError`` for what can be none."""
    if not re.fullmatch(r"[0-9]{1,18}", text):
        msg = "There is no such token."
        raise NotFoundError(msg)
    return int(text)


async def _made(request: Request, token: str) -> Response:
    info = await find_token(request.state.database, token)
    content = MADE.dump({**_shown(info), "token": token})
    return Response(content, 201, media_type="application/json", headers=NO_STORE)


def _shown(info: TokenInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "user": info.user_name,
        "name": info.name,
        "prefix": info.prefix,
        "scopes": info.scopes,
        "created_at": info.created_at,
        "expires_at": info.expires_at,
        "revoked_at": info.revoked_at,
        "last_used_at": info.last_used_at,
    }
