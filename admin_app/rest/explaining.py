"""Why somebody may do something, over REST: ``/access/explain``, for administrators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field as About

from admin_app.access.grants import RoleGrantInfo
from admin_app.declaration.schemas import make_schema
from admin_app.declaration.values import list_of
from admin_app.errors import BadRequestError, FieldError, NotAcceptableError
from admin_app.records import Explanation
from admin_app.records.explaining.explained_fields import State
from admin_app.records.explaining.verdict import Reason
from admin_app.rest.answers import JSON, PRIVATE
from admin_app.rest.document.parts import READING, Document, add_schema, answer
from admin_app.rest.document.problems import refusals
from admin_app.rest.negotiation import chosen
from admin_app.rest.requests import actor, authenticate, parameters, records
from admin_app.suggestions import meant

_ASKED = {
    "user": "Whom it is about, by name.",
    "resource": "A resource's name.",
    "action": "read, create, update, delete, or another one that a resource declares.",
    "key": "A record, in the text form of keys.",
    "field": "Only this field or relation.",
}
_NEEDED = ("user", "resource", "action")

_GRANT = {
    "id": int,
    "role": str,
    "resource": Annotated[str, About(description="A resource, or * for every declared one.")],
    "action": str,
    "rule": Annotated[str | None, About(description="null: every row.")],
    "without": Annotated[list[str], About(description="The fields it does not extend to.")],
}
WITHHOLDING = make_schema("AccessWithholdingGrant", _GRANT)
GRANT = make_schema(
    "AccessExplainedGrant",
    {
        **_GRANT,
        "true": Annotated[
            bool | None,
            About(description="Whether the rule is true for the record that is asked about."),
        ],
    },
)
FIELD = make_schema(
    "AccessExplainedField",
    {
        "name": str,
        "label": str,
        "state": State,
        "why": str,
        "withheld_by": list_of(WITHHOLDING.typed),
    },
)
EXPLANATION = make_schema(
    "AccessExplanation",
    {
        "user": str,
        "resource": str,
        "action": str,
        "key": str | None,
        "verdict": Annotated[str, About(json_schema_extra={"enum": ["allowed", "denied"]})],
        "reason": Reason,
        "why": Annotated[str, About(description="The reason in words.")],
        "grants": list_of(GRANT.typed),
        "fields": list_of(FIELD.typed),
    },
)

router = APIRouter(prefix="/access", dependencies=[Depends(authenticate)])


@router.get("/explain", operation_id="explainAccess")
async def explain(request: Request) -> Response:
    """Tell whether a user may do something, and why."""
    chosen(request, JSON)
    given = _asked(request)
    found = await records(request).explain(
        actor(request),
        given["user"],
        given["resource"],
        given["action"],
        key=given.get("key"),
        field=given.get("field"),
    )
    content = EXPLANATION.dump(_shown(found))
    return Response(content, media_type="application/json", headers=PRIVATE)


def describe(prefix: str, paths: Document, schemas: Document) -> None:
    """Add what is here to the OpenAPI document."""
    for schema in (WITHHOLDING, GRANT, FIELD, EXPLANATION):
        add_schema(schemas, schema, "serialization")
    paths[f"{prefix}/access/explain"] = {
        "get": {
            "operationId": "explainAccess",
            "summary": "Why somebody may do something, or may not",
            "tags": ["Access"],
            "parameters": [
                {
                    "name": name,
                    "in": "query",
                    "required": name in _NEEDED,
                    "schema": {"type": "string"},
                    "description": about,
                }
                for name, about in _ASKED.items()
            ],
            "responses": {
                "200": answer(EXPLANATION, "The verdict."),
                **refusals((*READING, NotAcceptableError)),
            },
        }
    }


def _asked(request: Request) -> dict[str, str]:
    """The parameters. Raises ``BadRequestError`` naming each that is unknown, twice or missing."""
    given = parameters(request)
    names = [name for name, _ in given]
    errors = [
        FieldError((name,), "unknown_parameter", f"Unknown.{meant(name, _ASKED)}")
        for name in dict.fromkeys(names)
        if name not in _ASKED
    ]
    errors += [
        FieldError((name,), "repeated_parameter", "Give it once.")
        for name in _ASKED
        if names.count(name) > 1
    ]
    errors += [
        FieldError((name,), "required", _ASKED[name]) for name in _NEEDED if name not in names
    ]
    if errors:
        msg = "This cannot be explained as asked."
        raise BadRequestError(msg, errors=errors)
    return dict(given)


def _shown(found: Explanation) -> dict[str, Any]:
    return {
        "user": found.user,
        "resource": found.resource.name,
        "action": found.action,
        "key": found.key,
        "verdict": found.verdict,
        "reason": found.reason,
        "why": found.words,
        "grants": [{**_grant(each.held), "true": each.true} for each in found.grants],
        "fields": [
            {
                "name": each.name,
                "label": each.label,
                "state": each.state,
                "why": each.words,
                "withheld_by": [_grant(held) for held in each.withheld_by],
            }
            for each in found.fields
        ],
    }


def _grant(held: RoleGrantInfo) -> dict[str, Any]:
    return {
        "id": held.id,
        "role": held.role,
        "resource": held.grant.resource,
        "action": held.grant.action,
        "rule": held.grant.rule,
        "without": sorted(held.grant.without),
    }
