"""The endpoint that takes records in from a file."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

import pydantic_core
from fastapi import Request, Response
from pydantic import Field as About
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message
from typing_extensions import TypedDict

from admin_app.access.policies import require
from admin_app.declaration import Resource
from admin_app.declaration.schemas import make_schema
from admin_app.declaration.values import list_of
from admin_app.errors import (
    AppError,
    BadRequestError,
    ContentTooLargeError,
    FieldError,
    ImportStoppedError,
    InvalidInputError,
    UnsupportedMediaTypeError,
)
from admin_app.records import Claim, Reply, Writer
from admin_app.records.transfer import (
    ENCODINGS,
    FORMATS,
    MODES,
    Dialect,
    Format,
    Import,
    NothingKeptError,
    Outcome,
    Row,
    Table,
    counts,
    detect,
    plan,
    read_pair,
    read_table,
    row_outcomes,
)
from admin_app.records.transfer import (
    Request as Wanted,
)
from admin_app.records.transfer.importer import CHUNK, MOST_ATOMIC
from admin_app.records.transfer.mapping import Plan
from admin_app.records.transfer.trial import taken, tried
from admin_app.rest.answers import CSV, JSON, NDJSON, PRIVATE, XLSX
from admin_app.rest.frame import CHANGE_SET, perform
from admin_app.rest.idempotency import REPLAYED, claim_of
from admin_app.rest.preconditions import no_conditions
from admin_app.rest.prefer import preferences
from admin_app.rest.requests import Endpoint, actor, origin, parameters, records

MAX_FILE = 32 * 1024 * 1024
"""Bytes of a file."""
MOST_TOLD = 1_000
"""Rows that an answer tells one by one."""
MULTIPART = "multipart/form-data"
MEDIA: dict[str, Format] = {CSV: "csv", NDJSON: "ndjson", JSON: "json", XLSX: "xlsx"}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_MANY = ("map", "skip")
_ONE = (
    *("atomic", "delimiter", "dry_run", "encoding", "format", "header"),
    *("match", "mode", "sheet"),
)
_CHOICES: dict[str, Sequence[str]] = {
    "atomic": ("true", "false"),
    "delimiter": (*DELIMITERS,),
    "dry_run": ("true", "false"),
    "encoding": ENCODINGS,
    "format": FORMATS,
    "header": ("true", "false"),
    "mode": MODES,
}
_Result = Literal["created", "changed", "unchanged", "refused"]


class ImportedChange(TypedDict):
    """What becomes of a field or a set."""

    before: Any
    after: Any


class ImportedFault(TypedDict):
    """What is wrong with a row, or with one of its cells."""

    pointer: str
    code: str
    detail: str
    value: Annotated[str | None, About(description="The cell, as the file has it.")]


class ImportedRow(TypedDict, total=False):
    """What became of a row."""

    line: Annotated[int, About(description="Where the row begins in the file.")]
    result: _Result
    key: str
    title: str
    changes: Annotated[dict[str, ImportedChange], About(description="By field, what is new.")]
    errors: list_of(ImportedFault)  # type: ignore[valid-type]


IMPORTED = make_schema(
    "ImportResult",
    {
        "created": int,
        "changed": int,
        "unchanged": int,
        "refused": int,
        "complete": Annotated[bool, About(description="Whether all rows were looked at.")],
        "rows": Annotated[list_of(ImportedRow), About(description="The first 1,000.")],
    },
)


def import_file(resource: Resource) -> Endpoint:
    """``POST /<plural>/import``."""

    async def endpoint(request: Request) -> Response:
        no_conditions(request)
        asked = _asked(request)
        _require(request, resource, asked.wanted)
        content, name = await _content(request)
        seen = records(request).registry_for(actor(request))
        dialect = _dialect(request, asked.given, content, name, seen[resource.name])
        # In a thread: a workbook is read by another process.
        table = await asyncio.to_thread(read_table, io.BytesIO(content), dialect)
        fitted = plan(seen[resource.name], seen, asked.wanted, table.columns)
        return await _run(request, asked, table, fitted)

    return endpoint


@dataclass(frozen=True, slots=True)
class _Asked:
    """The parameters."""

    given: dict[str, str]
    wanted: Wanted

    @property
    def atomic(self) -> bool:
        return self.given.get("atomic", "true") == "true"

    @property
    def tried(self) -> bool:
        return self.given.get("dry_run") == "true"


def _require(request: Request, resource: Resource, wanted: Wanted) -> None:
    """Refuse who could take no row in; which rows they may is asked of each."""
    allowed = records(request).allowed(actor(request), resource)
    if wanted.mode == "update" or "create" not in allowed:
        require(actor(request), resource, "update")
    else:
        require(actor(request), resource, "create")


def _asked(request: Request) -> _Asked:
    given: dict[str, str] = {}
    several: dict[str, list[str]] = {name: [] for name in _MANY}
    errors = []
    for name, text in parameters(request):
        choices = _CHOICES.get(name)
        if name in several:
            several[name].append(text)
        elif name not in _ONE:
            known = ", ".join(sorted((*_ONE, *_MANY)))
            errors.append(FieldError((name,), "unknown_parameter", f"Known are {known}."))
        elif name in given:
            errors.append(FieldError((name,), "repeated", "Given more than once."))
        elif choices is not None and text not in choices:
            errors.append(FieldError((name,), "bad_value", f"Choose {' or '.join(choices)}."))
        given[name] = text
    fields = _mapped(several["map"], errors)
    if errors:
        msg = "The parameters cannot be used so."
        raise BadRequestError(msg, errors=errors)
    match = given.get("match")
    names = None if match is None else tuple(each.strip() for each in match.split(",") if each)
    mode: Any = given.get("mode", "both")
    return _Asked(given, Wanted(fields, names, tuple(several["skip"]), mode))


def _mapped(texts: Iterable[str], errors: list[FieldError]) -> dict[str, str]:
    """The fields and where they come from, as on the command line."""
    found: dict[str, str] = {}
    for text in texts:
        name, column = read_pair(text) or ("", "")
        if not name:
            words = "Write FIELD=COLUMN, and steps after it."
            errors.append(FieldError(("map",), "bad_value", words))
        elif name in found:
            errors.append(FieldError(("map",), "repeated", f"{name} is given more than once."))
        found[name] = column
    return found


async def _content(request: Request) -> tuple[bytes, str]:
    """The file, counted while it streams, and its name where it has one."""
    media_type = request.headers.get("content-type", "").lower().partition(";")[0].strip()
    encoded = request.headers.get("content-encoding", "identity").lower() != "identity"
    if encoded or media_type not in {MULTIPART, *MEDIA}:
        msg = f"Send {', '.join(MEDIA)} or {MULTIPART}, not compressed."
        raise UnsupportedMediaTypeError(msg)
    content, name = await _part(request) if media_type == MULTIPART else (await _body(request), "")
    request.state.content = content  # A part of what ``Idempotency-Key`` stands for.
    return content, name


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        _check_size(len(body))
    return bytes(body)


async def _part(request: Request) -> tuple[bytes, str]:
    """The one file of a form. Raises ``BadRequestError``."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        _check_size(taken)
        return message

    try:
        form = await Request(request.scope, limited).form(max_files=1, max_fields=10)
    except HTTPException as error:
        raise BadRequestError("The form cannot be read.") from error
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            msg = "Send the file as the part that is called file."
            raise BadRequestError.about(("file",), "required", msg)
        return await file.read(), file.filename or ""
    finally:
        await form.close()


def _check_size(size: int) -> None:
    if size > MAX_FILE:
        msg = f"A file has at most {MAX_FILE:,} bytes here. Send it in parts."
        raise ContentTooLargeError(msg)


def _dialect(
    request: Request, given: dict[str, str], content: bytes, name: str, resource: Resource
) -> Dialect:
    """What the request says of the file, and what the file itself tells of the rest."""
    found = detect(content, name, resource)
    media_type = request.headers["content-type"].lower().partition(";")[0].strip()
    format_: Any = given.get("format") or MEDIA.get(media_type) or found.format
    encoding: Any = given.get("encoding", found.encoding)
    return replace(
        found,
        format=format_,
        encoding=encoding,
        delimiter=DELIMITERS.get(given.get("delimiter", ""), found.delimiter),
        # A program says when there is no header; a guess would be right too seldom.
        header=given.get("header", "true") == "true",
        sheet=given.get("sheet", ""),
    )


async def _run(request: Request, asked: _Asked, table: Table, fitted: Plan) -> Response:
    importing = Import(
        records(request),
        actor(request),
        fitted,
        table.format,
        origin=origin(request),
        atomic=asked.atomic,
        keep=not asked.tried,
    )
    run = _Run(request, fitted, importing)
    if asked.tried:
        return await run.tried(table.rows)
    if asked.atomic or preferences(request).rehearse:
        rows = await taken(table.rows, MOST_ATOMIC + 1)
        if len(rows) > MOST_ATOMIC:
            msg = f"At most {MOST_ATOMIC:,} rows are kept all or none: send atomic=false."
            raise ContentTooLargeError(msg)
        return await run.whole(rows)
    return await run.chunks(table.rows)


class _Run:
    """An import that a request asks for."""

    def __init__(self, request: Request, fitted: Plan, importing: Import) -> None:
        self._request = request
        self._plan = fitted
        self._import = importing
        self._seen = records(request).registry_for(actor(request))

    async def whole(self, rows: Sequence[Row]) -> Response:
        """All rows in one transaction, in the frame of every write."""

        async def work(writer: Writer) -> Response:
            try:
                outcome = await self._import.within(writer, rows)
            except NothingKeptError as error:
                raise _refusal(error) from error
            return self._answer(counts(outcome), self._told(outcome))

        return await perform(self._request, work)

    async def tried(self, rows: Iterator[Row]) -> Response:
        """What it would do, as far as that is found out soon; nothing is kept."""
        preferences(self._request)
        total = Outcome()
        async for part in tried(self._import, rows):
            total.add(part)
        complete = not await taken(rows, 1)
        return self._answer(counts(total), self._told(total), complete=complete)

    async def chunks(self, rows: Iterator[Row]) -> Response:
        """Some hundred rows in one transaction, and the next in another.

        Each has its own key, made of the request's: sent again after it was cut off, it goes on
        where it stopped. Raises ``ImportStoppedError`` when something is written by then.
        """
        wanted = claim_of(self._request)
        wishes = preferences(self._request)
        total = dict.fromkeys(get_args(_Result), 0)
        told: list[Any] = []
        change_set, replayed, written = self._import.change_set, wanted is not None, False
        for number in itertools.count():
            try:
                chunk = await taken(rows, CHUNK)
                if not chunk:
                    break
                reply = await self._chunk(chunk, number, wanted, change_set)
            except AppError as error:
                if not written:
                    raise
                raise ImportStoppedError(error, str(change_set), total) from error
            change_set = uuid.UUID(reply.headers[CHANGE_SET])
            replayed = replayed and reply.replayed
            made = int(reply.headers["created"]) + int(reply.headers["changed"])
            written = written or (made > 0 and not reply.replayed)
            for name in total:
                total[name] += int(reply.headers[name])
            if len(told) < MOST_TOLD and reply.body:
                told += pydantic_core.from_json(reply.body)
        response = self._answer(total, told)
        if total["created"] or total["changed"]:
            response.headers[CHANGE_SET] = str(change_set)
        if replayed:
            response.headers[REPLAYED] = "true"
        if wishes.applied:
            response.headers["Preference-Applied"] = wishes.header()
        return response

    async def _chunk(
        self, chunk: Sequence[Row], number: int, wanted: Claim | None, change_set: uuid.UUID
    ) -> Reply:
        house, who, door = records(self._request), actor(self._request), origin(self._request)

        async def work(writer: Writer) -> Reply:
            outcome = await self._import.within(writer, chunk)
            headers = {name: str(each) for name, each in counts(outcome).items()}
            body = pydantic_core.to_json(self._told(outcome))
            return Reply(200, {CHANGE_SET: str(writer.change_set), **headers}, body)

        if wanted is None:
            return await house.write(who, door, work, change_set=change_set)
        # The first has the request's own, so that nothing else is sent with it.
        key = f"import:{hashlib.sha256(wanted.key.encode()).hexdigest()}:{number}"
        part = Claim(key, wanted.request) if number else wanted
        return await house.write_once(who, door, part, work, change_set=change_set)

    def _told(self, outcome: Outcome) -> list[dict[str, Any]]:
        return row_outcomes(self._plan, self._seen, outcome)[:MOST_TOLD]

    def _answer(self, found: dict[str, int], told: list[Any], *, complete: bool = True) -> Response:
        document = {**found, "complete": complete, "rows": told[:MOST_TOLD]}
        return Response(pydantic_core.to_json(document), media_type=JSON, headers=PRIVATE)


def _refusal(error: NothingKeptError) -> InvalidInputError:
    """Every bad row of an import of which nothing is kept; a path begins with the line."""
    errors = [
        replace(each, path=(failure.row.line, *each.path))
        for failure in error.failures
        for each in failure.errors
    ]
    rows = len(error.failures)
    words = "1 row was refused" if rows == 1 else f"{rows:,} rows were refused"
    return InvalidInputError(f"{words}, so nothing was kept.", errors=errors)
