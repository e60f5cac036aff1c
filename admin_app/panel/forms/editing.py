"""Create and edit: what happens when a form comes back."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import FormData

from admin_app.declaration import Key, Resource
from admin_app.errors import AppError, NotFoundError, StaleVersionError
from admin_app.panel.forms.form import Filled, RecordForm
from admin_app.panel.forms.parts import RelationPart
from admin_app.panel.security import text_in
from admin_app.panel.visit import Visit
from admin_app.records import Record

FIND = "_find"
OVER = "_over"
STALE = "_stale"
INCOMPLETE = "The form came back incomplete. It shows what is stored now and what came back."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to answer: the record that was written, or the form again."""

    form: RecordForm
    filled: Filled
    status: int = HTTPStatus.OK
    written: Record | None = None
    """Set when the write was done, or when there was nothing to write."""
    record: Record | None = None
    """The record as it was when the form came back."""

    @property
    def unchanged(self) -> bool:
        """Whether the form came back as it was opened."""
        return self.written is not None and self.written is self.record


async def created(visit: Visit, resource: Resource, form: FormData) -> Outcome:
    """Create a record from a form."""
    page = RecordForm(visit, resource, "create")
    filled = page.returned(form, page.opened(None))
    if await _found(page, form, filled):
        return Outcome(page, filled)
    data = await page.data(filled)
    if data is None:
        return Outcome(page, filled, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        record = await visit.records.create(visit.actor, resource, data, origin=visit.origin)
    except AppError as error:
        page.refuse(filled, error)
        return Outcome(page, filled, error.status)
    return Outcome(page, filled, written=record)


async def edited(visit: Visit, resource: Resource, key: Key, form: FormData) -> Outcome:
    """Save what a form changed of a record; over somebody else's change only when told to.

    Raises ``NotFoundError``.
    """
    page = RecordForm(visit, resource, "update")
    record = await visit.records.get(visit.actor, resource, key)
    now = page.opened(record)
    filled = page.returned(form, now)
    if not filled.complete:
        filled.problems.append(INCOMPLETE)
        filled.etag = now.etag
        return Outcome(page, filled, HTTPStatus.BAD_REQUEST, record=record)
    if await _found(page, form, filled):
        return Outcome(page, filled, record=record)
    if form.get(STALE) and not form.get(OVER):
        await page.clash(filled, record)
        return Outcome(page, filled, HTTPStatus.CONFLICT, record=record)
    return await _saved(visit, page, filled, record)


async def _saved(visit: Visit, page: RecordForm, filled: Filled, record: Record) -> Outcome:
    data = await page.data(filled)
    if data is None:
        return Outcome(page, filled, HTTPStatus.UNPROCESSABLE_ENTITY, record=record)
    if not data:
        return Outcome(page, filled, written=record, record=record)
    try:
        written = await visit.records.update(
            visit.actor,
            page.resource,
            record.key,
            data,
            origin=visit.origin,
            if_match=[filled.etag],
        )
    except StaleVersionError:
        current = await visit.records.get(visit.actor, page.resource, record.key)
        await page.clash(filled, current)
        return Outcome(page, filled, HTTPStatus.CONFLICT, record=current)
    except NotFoundError:
        raise
    except AppError as error:
        page.refuse(filled, error)
        return Outcome(page, filled, error.status, record=record)
    return Outcome(page, filled, written=written, record=record)


async def _found(page: RecordForm, form: FormData, filled: Filled) -> bool:
    """Answer the look-up whose "Find" was pressed, if one was."""
    name = text_in(form, FIND)
    part = next((each for each in page.parts if each.name == name), None)
    if not isinstance(part, RelationPart):
        return False
    await page.find(part, filled)
    return True
