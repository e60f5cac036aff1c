"""Changing many records at once: choose fields, see what it would do, do that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqladmin import Admin
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.declaration.fields import TEXTUAL
from admin_app.errors import AppError, StaleVersionError
from admin_app.panel.answers import json_answer
from admin_app.panel.declared import counted
from admin_app.panel.forms.filled import Filled
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.forms.part import Part
from admin_app.panel.forms.parts import FieldPart, SecretPart, parts_of
from admin_app.panel.forms.relations import RelationPart
from admin_app.panel.language import retold, say
from admin_app.panel.lists.previewing import Preview, changed_preview, preview_alone
from admin_app.panel.lists.selecting import Chosen, chosen, selection_in, sent_form
from admin_app.panel.notices import redirect_with
from admin_app.panel.rendering import render
from admin_app.panel.sent_forms import text_in, texts_in
from admin_app.panel.texts import TextError
from admin_app.panel.visit import Visit, visiting
from admin_app.records import Writer
from admin_app.records.queries.facets import countable
from admin_app.records.reads.representation import digest
from admin_app.records.writes.bulk.items import Outcome, update_items

SET, HOW = "set", "how-"
"""Names of controls: the fields to be changed, and the edit of a set."""
APPLY, LEAVE, PREVIEWED = "_apply", "_leave", "_previewed"
MOST_VALUES = 8
HOWS = ("add", "remove", "set")
CHANGED_MEANWHILE = (
    "Something has changed in these records since you looked. Nothing was done; "
    "this is what would happen now."
)


@dataclass(slots=True)
class BulkForm:
    """The fields that several records may be given at once, and what came back of them."""

    form: RecordForm
    filled: Filled
    ticked: list[str] = field(default_factory=list)
    hows: dict[str, str] = field(default_factory=dict)
    """By many-to-many relation, how its keys are edited."""

    @property
    def chosen(self) -> list[Part]:
        """The parts that are to be changed."""
        return [each for each in self.form.parts if each.name in self.ticked]

    def data(self) -> dict[str, Any] | None:
        """What each record is to be given; none where some of it is wrong, which is noted."""
        data: dict[str, Any] = {}
        for each in self.chosen:
            try:
                found = each.wire(self.filled.texts[each.name])
            except TextError as error:
                self.filled.errors[each.name] = [str(error)]
                continue
            how = self.hows.get(each.name, "set")
            data |= found if how == "set" else {each.name: {how: found[each.name]}}
        if not self.ticked:
            self.filled.problems.append(say("Tick the fields to change."))
        if self.filled.errors or self.filled.problems:
            return None
        try:
            self.form.resource.update.parse(data)
        except AppError as error:
            self.form.refuse(self.filled, error)
            return None
        return data


def bulk_form(visit: Visit, resource: Resource, given: FormData | None) -> BulkForm:
    """The form, opened or come back: what can be the same in several records."""
    shared = [each for each in parts_of(visit, resource, "update") if _shared(each)]
    form = RecordForm(visit, resource, "update", parts=shared)
    filled = form.opened(None)
    found = BulkForm(form, filled)
    if given is None:
        return found
    names = texts_in(given, SET)
    found.ticked = [each.name for each in form.parts if each.name in names]
    for each in form.parts:
        sent = each.sent(given)
        if sent is not None:
            filled.texts[each.name] = sent
        if isinstance(each, RelationPart):
            filled.terms[each.name] = text_in(given, f"{each.control}-term")
            filled.answered[each.name] = text_in(given, f"{each.control}-found")
            if each.many:
                how = text_in(given, HOW + each.name)
                found.hows[each.name] = how if how in HOWS else "add"
    return found


def suggesting(resource: Resource, parts: Sequence[Part]) -> list[str]:
    """The fields of which there are few values, as far as the declaration tells: filters."""
    return [
        each.name
        for each in parts
        if isinstance(each, FieldPart)
        and each.field.kind in TEXTUAL
        and each.name in resource.options.filters
        and countable(resource, each.name)
    ]


async def values(_admin: Admin, request: Request, resource: Resource) -> Response:
    """The values that a field has most often, to be chosen from."""
    visit = visiting(request)
    name = request.query_params.get("field", "")
    found, *_ = await visit.records.facets(
        visit.actor, resource, [("field", name), ("limit", str(MOST_VALUES))]
    )
    told = [each for each in found.data["values"] if each["value"]]
    return json_answer({"values": told})


def _shared(part: Part) -> bool:
    if isinstance(part, FieldPart):
        return not isinstance(part, SecretPart) and not part.field.unique
    return isinstance(part, RelationPart)


async def edit(admin: Admin, request: Request, resource: Resource) -> Response:
    """Give every record of a selection the same values, after a look at what that does."""
    visit = visiting(request)
    visit.require(resource, "update")
    form = await sent_form(visit, resource)
    selection = selection_in(resource, request.query_params if form is None else form)
    found = await chosen(visit, selection)
    page = bulk_form(visit, resource, form)
    if form is None or found.too_many or await _found(page, form):
        return await _page(admin, request, found, page)
    data = page.data()
    if data is None:
        return await _page(admin, request, found, page, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    token = _token(found, data)
    problem = ""
    if form.get(APPLY):
        if text_in(form, PREVIEWED) == token:
            try:
                return await _apply(visit, found, page, data, leave=bool(form.get(LEAVE)))
            except StaleVersionError:
                found = await chosen(visit, selection)
                problem = say(CHANGED_MEANWHILE)
            except AppError as error:
                problem = retold(error.detail)
        else:
            problem = say(CHANGED_MEANWHILE)
    preview = await changed_preview(visit, found, page.chosen, data)
    status = HTTPStatus.CONFLICT if problem else HTTPStatus.OK
    if problem:
        page.filled.problems.append(problem)
    return await _page(
        admin,
        request,
        found,
        page,
        status=status,
        preview=preview,
        token=_token(found, data),
    )


async def _apply(
    visit: Visit, found: Chosen, page: BulkForm, data: Mapping[str, Any], *, leave: bool
) -> Response:
    """Write it, all in one transaction; ``leave`` out those that are refused."""
    items = found.items(data)

    async def work(writer: Writer) -> tuple[Sequence[Outcome], UUID | None]:
        outcomes = await update_items(writer, found.resource, items, atomic=not leave)
        return outcomes, writer.change_set if writer.changed else None

    outcomes, change_set = await visit.records.write(visit.actor, visit.origin, work)
    done = sum(each.error is None for each in outcomes)
    title = _title(page, found, done)
    back = found.selection.back(visit)
    return redirect_with(visit, back, "saved_many", title, change_set)


def _title(page: BulkForm, found: Chosen, count: int) -> str:
    labels = [each.label for each in page.chosen]
    return say(
        "{fields} of {records}", fields=", ".join(labels), records=counted(count, found.resource)
    )


def _token(found: Chosen, data: Mapping[str, Any]) -> str:
    """A digest of the records, their versions and the values, that ties a write to its preview."""
    return digest(f"{found.state}\n{json.dumps(data, sort_keys=True)}".encode())


async def _found(page: BulkForm, form: FormData) -> bool:
    """Answer the look-up whose "Find" was pressed, if one was."""
    wanted = text_in(form, "_find")
    for each in page.form.parts:
        if isinstance(each, RelationPart) and wanted in {each.name, each.control} and wanted:
            await page.form.find(each, page.filled)
            return True
    return False


async def _page(
    admin: Admin,
    request: Request,
    found: Chosen,
    page: BulkForm,
    *,
    status: int = HTTPStatus.OK,
    preview: Preview | None = None,
    token: str = "",
) -> Response:
    shown: dict[str, Any] = {
        "resource": found.resource,
        "chosen": found,
        "form": page.form,
        "filled": page.filled,
        "preview": preview,
        "token": token,
    }
    return await preview_alone(admin, request, status, **shown) or await render(
        admin,
        request,
        "lists/bulk_edit.html",
        status,
        **shown,
        bulk=page,
        shapes=await page.form.shapes(page.filled),
        suggesting=suggesting(found.resource, page.form.parts),
        record=None,
    )
