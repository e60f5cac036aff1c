"""Taking a file in: choose it, say what it means, see what it would do, do that."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from http import HTTPStatus
from typing import Any

from sqladmin import Admin
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_app.declaration import Resource
from admin_app.desk import Upload, begin_work, choose, content_of, keep_upload, upload_of
from admin_app.errors import (
    AppError,
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    ReadOnlyError,
)
from admin_app.panel.answers import file_headers, json_answer, wants_json
from admin_app.panel.language import lowered, number, say
from admin_app.panel.notices import undo_url
from admin_app.panel.rendering import render
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.transfer.mapping import (
    SEPARATORS,
    Chosen,
    Reading,
    choices,
    dialect_of,
    mapping_of,
    matches,
    read_mapping,
    reading,
    remember,
    suggested,
    tabular,
)
from admin_app.panel.transfer.previewing import TABS, looked_at, try_out
from admin_app.panel.transfer.taking import Taking
from admin_app.panel.visit import Visit, visiting
from admin_app.records.transfer import (
    ENCODINGS,
    FORMATS,
    Dialect,
    Plan,
    Written,
    detect,
    plan,
)
from admin_app.records.transfer.files import words_for
from admin_app.records.transfer.sheets import sheet_names
from admin_app.records.transfer.tables import lines

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
FORMAT_WORDS = {"csv": "CSV", "xlsx": "Excel (XLSX)", "ndjson": "NDJSON", "json": "JSON"}


async def start(admin: Admin, request: Request, resource: Resource) -> Response:
    """Choose a file; sent, it waits until it is known what it means."""
    visit = visiting(request)
    _require(visit, resource)
    visit.confirm_first(resource)
    problem = ""
    if request.method == "POST":
        form = await read_form(request)
        sent = form.get("file")
        content = await sent.read() if isinstance(sent, UploadFile) else b""
        name = sent.filename if isinstance(sent, UploadFile) and sent.filename else ""
        if content:
            return await _keep(visit, resource, name, content)
        problem = say("Choose a file that has something in it.")
    return await render(
        admin,
        request,
        "transfer/start.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        resource=resource,
        problem=problem,
    )


async def _keep(visit: Visit, resource: Resource, name: str, content: bytes) -> Response:
    database = visit.request.state.database
    dialect = await asyncio.to_thread(detect, content, name, resource)
    wanted = await keep_upload(database, visit.actor, resource.name, name or "file", content)
    await choose(database, visit.actor, wanted, {"dialect": asdict(dialect)})
    return RedirectResponse(_url(visit, resource, wanted), status_code=303)


async def template(admin: Admin, request: Request, resource: Resource) -> Response:
    """An empty file with the columns that there are."""
    del admin
    visit = visiting(request)
    _require(visit, resource)
    format_: Written = "xlsx" if request.query_params.get("format") == "xlsx" else "csv"
    known = choices(visit.registry, resource)
    names = dict.fromkeys(each.value.partition(":")[0] for each in known)

    async def nothing() -> Any:
        yield []

    content = b"".join([each async for each in lines(format_, [*names], nothing())])
    return _download(content, f"{resource.plural}.{format_}")


async def upload(admin: Admin, request: Request, resource: Resource) -> Response:
    """What a file was found to be and what its columns mean, to be changed; or what came of it."""
    visit = visiting(request)
    _require(visit, resource)
    visit.confirm_first(resource)
    found = await _upload(visit, resource)
    if found.started:
        return await _result(admin, request, resource, found)
    database = visit.request.state.database
    content = await content_of(database, visit.actor, found.id)
    dialect = dialect_of(found.choices["dialect"])
    form = await read_form(request) if request.method == "POST" else None
    if form is not None:
        wanted = _dialect_in(form, dialect)
        if wanted != dialect:
            await choose(database, visit.actor, found.id, {"dialect": asdict(wanted)})
            return RedirectResponse(_url(visit, resource, found.id), status_code=303)
    try:
        file = await asyncio.to_thread(reading, content, dialect)
    except AppError as error:
        return await _mapping_page(
            admin, request, resource, found, content, dialect, None, None, error
        )
    if form is None:
        chosen = await _chosen(visit, resource, found, file)
        return await _mapping_page(
            admin, request, resource, found, content, dialect, file, chosen, None
        )
    chosen = read_mapping(form, file)
    try:
        fitted = _plan(visit, resource, chosen, file, dialect)
        tried = await try_out(visit, fitted, file, atomic=chosen.atomic)
    except AppError as error:
        return await _mapping_page(
            admin, request, resource, found, content, dialect, file, chosen, error
        )
    await remember(visit, resource, chosen)
    kept = {"dialect": asdict(dialect), "mapping": chosen.kept, "tried": tried}
    await choose(database, visit.actor, found.id, kept)
    url = visit.urls.to(resource.name, "import", str(found.id), "preview")
    return RedirectResponse(url, status_code=303)


async def preview(admin: Admin, request: Request, resource: Resource) -> Response:
    """What taking the file in would do, row by row."""
    visit = visiting(request)
    _require(visit, resource)
    visit.confirm_first(resource)
    found = await _upload(visit, resource)
    tried = found.choices.get("tried")
    if found.started or tried is None:
        return RedirectResponse(_url(visit, resource, found.id), status_code=303)
    shown = await looked_at(visit, resource, tried, request.query_params)
    return await render(
        admin,
        request,
        "transfer/preview.html",
        resource=resource,
        upload=found,
        preview=shown,
        tabs=TABS,
        atomic=found.choices["mapping"]["atomic"],
    )


async def run(admin: Admin, request: Request, resource: Resource) -> Response:
    """Take the file in, once, and go to where is told how far it is."""
    del admin
    visit = visiting(request)
    _require(visit, resource)
    visit.confirm_first(resource)
    found = await _upload(visit, resource)
    url = _url(visit, resource, found.id)
    kept = found.choices.get("mapping")
    if found.started or kept is None:
        return RedirectResponse(url, status_code=303)
    await read_form(request)
    if request.state.settings.server.read_only:
        raise ReadOnlyError  # A file is taken in once, and this one still can be.
    database = visit.request.state.database
    content = await content_of(database, visit.actor, found.id)
    dialect = dialect_of(found.choices["dialect"])
    file = await asyncio.to_thread(reading, content, dialect)
    chosen = mapping_of(kept, file)
    fitted = _plan(visit, resource, chosen, file, dialect)
    origin = replace(visit.origin, source="import", reason=visit.origin.reason or found.name)
    if resource.options.reason == "required" and not visit.origin.reason:
        raise BadRequestError(say("Say why."))
    tried = found.choices["tried"]
    total = 0 if tried["more"] else tried["total"]
    if await begin_work(database, visit.actor, found.id):
        atomic = chosen.atomic
        await Taking(visit, found.id, fitted, file, origin, atomic=atomic, total=total).start()
    return RedirectResponse(url, status_code=303)


async def refused(admin: Admin, request: Request, resource: Resource) -> Response:
    """The rows that were refused, as a file that can be mended and sent again."""
    del admin
    visit = visiting(request)
    _require(visit, resource)
    found = await _upload(visit, resource)
    if not (found.outcome or {}).get("done"):
        raise NotFoundError(say("There are no refused rows."))
    content = await content_of(visit.request.state.database, visit.actor, found.id)
    return _download(content, f"{resource.plural}-refused.csv")


def _require(visit: Visit, resource: Resource) -> None:
    if not visit.records.allowed(visit.actor, resource) & {"create", "update"}:
        raise ForbiddenError(
            say("You may not import {records}.", records=lowered(resource.label_plural))
        )


async def _upload(visit: Visit, resource: Resource) -> Upload:
    try:
        wanted = uuid.UUID(visit.request.path_params["upload"])
    except ValueError:
        wanted = uuid.UUID(int=0)
    return await upload_of(visit.request.state.database, visit.actor, resource.name, wanted)


def _url(visit: Visit, resource: Resource, wanted: uuid.UUID) -> str:
    return visit.urls.to(resource.name, "import", str(wanted))


def _plan(
    visit: Visit, resource: Resource, chosen: Chosen, file: Reading, dialect: Dialect
) -> Plan:
    request = chosen.request(resource, tabular=tabular(dialect))
    if not request.fields:
        raise BadRequestError(say("Choose what at least one column means."))
    return plan(resource, visit.registry, request, file.table.columns)


async def _chosen(visit: Visit, resource: Resource, found: Upload, file: Reading) -> Chosen:
    kept = found.choices.get("mapping")
    if kept is not None and set(kept["columns"]) == {*file.columns}:
        return mapping_of(kept, file)
    place = await visit.place()
    remembered = place.preferences.get(f"import:{resource.name}")
    return suggested(visit, resource, file, remembered)


def _dialect_in(form: Any, before: Dialect) -> Dialect:
    """What a form says of the file; what it does not say stays as it was."""
    given: dict[str, Any] = {}
    known: Mapping[str, Any] = {"format": FORMATS, "encoding": ENCODINGS, "delimiter": DELIMITERS}
    for name, values in known.items():
        text = text_in(form, name)
        if text in values:
            given[name] = text
    if "_header" in form:
        given["header"] = text_in(form, "header") == "1"
    if "sheet" in form:
        given["sheet"] = text_in(form, "sheet")
    return replace(before, **given)


async def _mapping_page(
    admin: Admin,
    request: Request,
    resource: Resource,
    found: Upload,
    content: bytes,
    dialect: Dialect,
    file: Reading | None,
    chosen: Chosen | None,
    error: AppError | None,
) -> Response:
    visit = visiting(request)
    sheets: list[str] = []
    if dialect.format == "xlsx" and content.startswith(b"PK"):
        try:
            sheets = await asyncio.to_thread(sheet_names, content)
        except AppError:
            sheets = []
    return await render(
        admin,
        request,
        "transfer/mapping.html",
        error.status if error is not None and request.method == "POST" else HTTPStatus.OK,
        resource=resource,
        upload=found,
        dialect=dialect,
        file=file,
        chosen=chosen,
        error=error,
        sheets=sheets,
        choices=choices(visit.registry, resource),
        matches=matches(resource),
        encodings=[(each, words_for(each)) for each in ENCODINGS],
        delimiters=DELIMITERS,
        formats=FORMAT_WORDS,
        separators=SEPARATORS,
        many=_many(resource),
    )


def _download(content: bytes, name: str) -> Response:
    kind = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/octet-stream"
    return Response(content, media_type=kind, headers=file_headers(name))


def _many(resource: Resource) -> set[str]:
    """Where a cell may hold several values."""
    return {name for name, each in resource.relations.items() if each.writable and each.many}


async def _result(admin: Admin, request: Request, resource: Resource, found: Upload) -> Response:
    visit = visiting(request)
    outcome = found.outcome or {}
    rows, total = sum(outcome.get(name, 0) for name in TABS), outcome.get("total", 0)
    words = (
        say("{rows} of {total} rows", rows=number(rows), total=number(total))
        if total
        else say("Rows so far: {rows}", rows=number(rows))
    )
    if wants_json(request):
        told = {"running": found.running, "rows": rows, "total": total, "words": words}
        return json_answer(told)
    change_set = outcome.get("change_set")
    return await render(
        admin,
        request,
        "transfer/result.html",
        resource=resource,
        upload=found,
        outcome=outcome,
        rows=rows,
        words=words,
        undo=undo_url(visit, uuid.UUID(change_set)) if change_set else None,
    )
