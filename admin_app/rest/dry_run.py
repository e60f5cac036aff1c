"""The answer to a write that was only tried: ``Prefer: tx=rollback``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic_core
from fastapi import Response
from pydantic import Field as About
from typing_extensions import TypedDict

from admin_app.declaration.schemas import make_schema
from admin_app.declaration.values import list_of
from admin_app.records import Rehearsal
from admin_app.records.reads.representation import as_json

MEDIA_TYPE = "application/vnd.admin-app.dry-run+json"


class TriedChange(TypedDict):
    """What a write would do to one record."""

    action: Literal["create", "update", "delete"]
    resource: str
    key: str
    title: Annotated[str, About(description="What people call the record.")]
    before: Annotated[
        dict[str, Any] | None,
        About(description="Of an update what it changes; of a set, the keys that leave."),
    ]
    after: Annotated[dict[str, Any] | None, About(description="Of a set, the keys that come.")]


DRY_RUN = make_schema(
    "DryRun",
    {
        "status": Annotated[int, About(description="What the answer would have been.")],
        "result": Annotated[Any, About(description="Its body, or null.")],
        "changes": Annotated[list_of(TriedChange), About(description="The first 1,000, in order.")],
        "counts": Annotated[
            dict[str, dict[str, int]],
            About(description="By resource and action, how many records in all."),
        ],
    },
)


def dry_run(rehearsed: Rehearsal[Response]) -> Response:
    """Answer what a write would have answered and done."""
    answer = rehearsed.result
    document = {
        "status": answer.status_code,
        "result": pydantic_core.from_json(bytes(answer.body)) if answer.body else None,
        "changes": rehearsed.changes,
        "counts": rehearsed.counts,
    }
    return Response(
        as_json(document),
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", "Vary": "Authorization"},
    )
