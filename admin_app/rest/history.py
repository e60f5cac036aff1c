"""What has happened to records, and undoing it: histories, change sets and reverts."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field as About
from typing_extensions import TypedDict

from admin_app.declaration import Resource
from admin_app.declaration.schemas import make_schema
from admin_app.declaration.values import list_of
from admin_app.errors import (
    BadRequestError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    RevertTooLargeError,
)
from admin_app.records import PastChange, Reverted, Reverting, Undoing, Writer
from admin_app.records.writes.undo.reversal import ConflictCode
from admin_app.rest.answers import JSON, PRIVATE, cached
from admin_app.rest.frame import CHANGE_SET, perform, perform_tersely
from admin_app.rest.negotiation import chosen
from admin_app.rest.preconditions import if_match, no_conditions
from admin_app.rest.prefer import preferences
from admin_app.rest.requests import (
    Endpoint,
    actor,
    authenticate,
    json_body,
    key_in_path,
    known_parameters,
    no_parameters,
    origin,
    records,
)

USUAL, MOST = 25, 200
"""Changes of a page."""
_LARGEST = 2**63 - 1
_Id = Annotated[int, About(ge=1, le=_LARGEST)]

RECORDED_CHANGE = make_schema(
    "RecordedChange",
    {
        "id": int,
        "change_set": Annotated[
            uuid.UUID, About(description="Shared by all that one request, import or act did.")
        ],
        "cause_id": Annotated[
            int | None, About(description="The change of another record that brought it about.")
        ],
        "at": datetime,
        "actor": Annotated[str, About(description="Who did it.")],
        "impersonator": Annotated[str | None, About(description="Who acted as them.")],
        "source": Annotated[
            str, About(description="Which door: rest, panel, import or command line.")
        ],
        "action": Literal["create", "update", "delete"],
        "resource": str,
        "key": Annotated[str, About(description="In the text form of keys.")],
        "title": Annotated[str, About(description="What the record was called.")],
        "before": Annotated[
            dict[str, Any], About(description="Fields as they were; of a set, the keys that left.")
        ],
        "after": Annotated[
            dict[str, Any], About(description="What they became; of a set, the keys that came.")
        ],
        "reason": Annotated[str, About(description="Why, if anybody said so.")],
        "reverts": Annotated[
            uuid.UUID | None, About(description="The change set that it undid, or a part of it.")
        ],
        "undone_by": Annotated[
            uuid.UUID | None, About(description="The change set that undid it, and is in force.")
        ],
    },
)


class HistoryPage(TypedDict):
    """Where the next changes are."""

    limit: int
    next: Annotated[str | None, About(description="Cursor of the next page.")]


RECORD_HISTORY = make_schema(
    "RecordHistory", {"data": list_of(RECORDED_CHANGE.typed), "page": HistoryPage}
)
RECORDED_CHANGE_SET = make_schema(
    "RecordedChangeSet",
    {"id": uuid.UUID, "data": list_of(RECORDED_CHANGE.typed), "page": HistoryPage},
)
_SKIP = NotRequired[
    Annotated[
        bool, About(strict=True, description="Leave what has changed since, and undo the rest.")
    ]
]
CHANGE_SET_REVERT = make_schema("ChangeSetRevert", {"skip_conflicts": _SKIP})
RECORD_REVERT = make_schema(
    "RecordRevert",
    {
        "change": NotRequired[Annotated[_Id, About(strict=True, description="Undo this change.")]],
        "fields": NotRequired[
            Annotated[
                list[Annotated[str, About(strict=True, max_length=200)]],
                About(min_length=1, max_length=1_000, description="Only these fields of it."),
            ]
        ],
        "to": NotRequired[
            Annotated[_Id, About(strict=True, description="Become what it was after this change.")]
        ],
        "before": NotRequired[
            Annotated[_Id, About(strict=True, description="Become what it was before it.")]
        ],
        "skip_conflicts": _SKIP,
    },
)


class RevertConflict(TypedDict):
    """What cannot be put back, and why."""

    resource: str
    key: str
    title: str
    field: Annotated[str | None, About(description="null: the record.")]
    code: ConflictCode
    detail: str
    was: Annotated[Any, About(description="What it would become.")]
    left: Annotated[Any, About(description="What the change left.")]
    now: Annotated[Any, About(description="What it is.")]


REVERT_RESULT = make_schema(
    "RevertResult",
    {
        "change_set": Annotated[
            uuid.UUID | None,
            About(
                description="What this did, to be undone in turn; null: there was nothing to do."
            ),
        ],
        "changes": Annotated[int, About(description="How many changes it made.")],
        "skipped": list_of(RevertConflict),
    },
)

router = APIRouter(prefix="/change-sets", dependencies=[Depends(authenticate)])


def history(resource: Resource) -> Endpoint:
    """``GET /<plural>/{key}/history``: a record's changes, the latest first."""

    async def endpoint(request: Request) -> Response:
        chosen(request, JSON)
        limit, before = _page(request)
        key = key_in_path(request, resource)
        found = await records(request).timeline(actor(request), resource, key, limit, before)
        document = {
            "data": [_told(each) for each in found.changes],
            "page": _next(limit, found.next),
        }
        return cached(request, RECORD_HISTORY.dump(document), headers={})

    return endpoint


def revert(resource: Resource) -> Endpoint:
    """``POST /<plural>/{key}/revert``: undo a change of a record, or all since one."""

    async def endpoint(request: Request) -> Response:
        no_parameters(request)
        key = key_in_path(request, resource)
        tags = if_match(request, resource)
        given = RECORD_REVERT.parse(await json_body(request, JSON))
        _check_one(given)
        skip = given.get("skip_conflicts", False)

        async def work(writer: Writer) -> Response:
            reverting = Reverting(writer, skip_conflicts=skip)
            if "change" in given:
                return _done(
                    await reverting.undo_change(
                        resource, key, given["change"], given.get("fields"), if_match=tags
                    )
                )
            before = "before" in given
            change = given["before" if before else "to"]
            return _done(
                await reverting.to_state(resource, key, change, before=before, if_match=tags)
            )

        return await perform_tersely(request, work)

    return endpoint


def _check_one(given: dict[str, Any]) -> None:
    """Refuse a body that does not say what to undo, or says several things."""
    ways = [name for name in ("change", "to", "before") if name in given]
    if len(ways) == 1 and ("fields" not in given or "change" in given):
        return
    words = "Say one of change, to and before; fields go with change."
    raise InvalidInputError.about((), "one_of", words)


@router.get("/{change_set}", operation_id="getChangeSet")
async def read_change_set(request: Request, change_set: str) -> Response:
    """Tell what one request, import or act did."""
    chosen(request, JSON)
    limit, after = _page(request)
    wanted = _change_set(change_set)
    found = await records(request).change_set(actor(request), wanted, limit, after or 0)
    document = {
        "id": found.id,
        "data": [_told(each) for each in found.changes],
        "page": _next(limit, found.next),
    }
    return cached(request, RECORDED_CHANGE_SET.dump(document), headers={})


@router.post("/{change_set}/revert", operation_id="revertChangeSet")
async def revert_change_set(request: Request, change_set: str) -> Response:
    """Undo it."""
    no_parameters(request)
    no_conditions(request)
    wanted = _change_set(change_set)
    body = await json_body(request, JSON) if "content-type" in request.headers else b"{}"
    skip = CHANGE_SET_REVERT.parse(body).get("skip_conflicts", False)

    async def work(writer: Writer) -> Response:
        return _done(await Reverting(writer, skip_conflicts=skip).undo_set(wanted))

    try:
        return await perform(request, work)
    except RevertTooLargeError:
        if preferences(request).rehearse:
            raise
    undoing = Undoing(
        *(records(request), actor(request), wanted),
        origin=origin(request),
        skip_conflicts=skip,
    )
    async for _ in undoing.run():
        pass
    return await _kept(request, undoing.reverted)


async def _kept(request: Request, reverted: Reverted) -> Response:
    """The answer about what has been done, remembered for who sends the request again."""

    async def work(writer: Writer) -> Response:
        del writer
        response = _done(reverted)
        if reverted.change_set is not None:
            response.headers[CHANGE_SET] = str(reverted.change_set)
        return response

    return await perform(request, work)


def _change_set(text: str) -> uuid.UUID:
    try:
        found = uuid.UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text:
        msg = "There is no such change set."
        raise NotFoundError(msg)
    return found


def _page(request: Request) -> tuple[int, int | None]:
    """How many changes are asked for, and from where on."""
    given = known_parameters(request, "limit", "cursor")
    errors = []
    limit, cursor = given.get("limit", str(USUAL)), given.get("cursor")
    if not _is_number(limit) or not 1 <= int(limit) <= MOST:
        errors.append(FieldError(("limit",), "bad_value", f"From 1 to {MOST}."))
    if cursor is not None and not (_is_number(cursor) and int(cursor) <= _LARGEST):
        errors.append(FieldError(("cursor",), "bad_value", "Take it from page.next."))
    if errors:
        msg = "The parameters cannot be used so."
        raise BadRequestError(msg, errors=errors)
    return int(limit), None if cursor is None else int(cursor)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST))


def _next(limit: int, following: int | None) -> dict[str, Any]:
    return {"limit": limit, "next": None if following is None else str(following)}


def _told(change: PastChange) -> dict[str, Any]:
    return {
        **{name: getattr(change, name) for name in _AS_THEY_ARE},
        "actor": change.actor_name,
        "undone_by": change.undone and change.undone.change_set,
    }


_AS_THEY_ARE = (
    *("id", "change_set", "cause_id", "at", "impersonator", "source", "action", "resource"),
    *("key", "title", "before", "after", "reason", "reverts"),
)


def _done(reverted: Reverted) -> Response:
    document = {
        "change_set": reverted.change_set,
        "changes": reverted.changes,
        "skipped": [asdict(each) for each in reverted.skipped],
    }
    return Response(REVERT_RESULT.dump(document), media_type=JSON, headers=PRIVATE)
