"""Create and edit: what happens when a form comes back."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import FormData

from admin_app.declaration import Key, Resource
from admin_app.errors import (
    AppError,
    IdempotencyKeyReusedError,
    NotFoundError,
    StaleVersionError,
)
from admin_app.panel.forms.filled import Filled
from admin_app.panel.forms.form import RecordForm, read_fingerprints
from admin_app.panel.forms.inline_acts import acted
from admin_app.panel.forms.merging import decide, merge
from admin_app.panel.forms.once import form_key, write_once
from admin_app.panel.forms.part import PREFIX
from admin_app.panel.forms.relations import RelationPart
from admin_app.panel.forms.whole import answered_below, whole_form
from admin_app.panel.sent_forms import text_in
from admin_app.panel.visit import Visit
from admin_app.records import Representation

FIND = "_find"
ONCE = "_once"
RESTORE = "_restore"
BASE = "_base"
INCOMPLETE = "The form came back incomplete. It shows what is stored now and what came back."
ALREADY = "This form was sent before, with other answers, and those were saved. Look at what is \
stored before you send these as well."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to answer: the record that was written, or the form again."""

    form: RecordForm
    filled: Filled
    status: int = HTTPStatus.OK
    written: Representation | None = None
    """Set when the write was done, or when there was nothing to write."""
    record: Representation | None = None
    """The record as it was when the form came back."""

    @property
    def unchanged(self) -> bool:
        """Whether the form came back as it was opened."""
        return self.written is not None and self.written is self.record


async def created(
    visit: Visit, resource: Resource, form: FormData, prefix: str = PREFIX
) -> Outcome:
    """Create a record from a form."""
    page = whole_form(visit, resource, "create", prefix=prefix)
    filled = _returned(page, form, page.opened(None))
    if await _only_asked(page, form, filled):
        return Outcome(page, filled)
    data = await page.data(filled)
    if data is None:
        return Outcome(page, filled, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        record = await write_once(
            visit, filled.once, resource, data, lambda writer: writer.create(resource, data)
        )
    except AppError as error:
        return _refused(page, filled, error)
    return Outcome(page, filled, written=record)


async def edited(
    visit: Visit, resource: Resource, key: Key, form: FormData, prefix: str = PREFIX
) -> Outcome:
    """Save what a form changed of a record; of what others changed meanwhile, what it is told to.

    Raises ``NotFoundError``.
    """
    record = await visit.records.get(visit.actor, resource, key)
    page = whole_form(visit, resource, "update", record, prefix)
    now = page.opened(record)
    filled = _returned(page, form, now)
    if not filled.complete:
        filled.problems.append(INCOMPLETE)
        filled.etag = now.etag
        return Outcome(page, filled, HTTPStatus.BAD_REQUEST, record=record)
    base = read_fingerprints(text_in(form, BASE))
    undecided = decide(page, form, filled, now)
    if await _only_asked(page, form, filled):
        outcome = Outcome(page, filled, record=record)
    else:
        for name, words in undecided.items():
            filled.errors.setdefault(name, []).append(words)
        outcome = await _saved(visit, page, filled, record)
    if base is not None and outcome.written is None and filled.merge is None:
        await merge(page, filled, record, base)
    return outcome


async def _saved(visit: Visit, page: RecordForm, filled: Filled, record: Representation) -> Outcome:
    data = await page.data(filled)
    if data is None:
        return Outcome(page, filled, HTTPStatus.UNPROCESSABLE_ENTITY, record=record)
    if not data:
        return Outcome(page, filled, written=record, record=record)
    resource, key, etag = page.resource, record.key, filled.etag
    try:
        written = await write_once(
            visit,
            filled.once,
            resource,
            data,
            lambda writer: writer.update(resource, key, data, if_match=[etag]),
        )
    except (StaleVersionError, NotFoundError) as error:
        if await answered_below(page, error):
            return _refused(page, filled, error, record)
        if isinstance(error, NotFoundError):
            raise
        current = await visit.records.get(visit.actor, resource, key)
        await merge(page, filled, current)
        return Outcome(page, filled, HTTPStatus.CONFLICT, record=current)
    except AppError as error:
        return _refused(page, filled, error, record)
    return Outcome(page, filled, written=written, record=record)


def _returned(page: RecordForm, form: FormData, now: Filled) -> Filled:
    filled = page.returned(form, now)
    filled.once = text_in(form, ONCE)
    return filled


def _refused(
    page: RecordForm, filled: Filled, error: AppError, record: Representation | None = None
) -> Outcome:
    if isinstance(error, IdempotencyKeyReusedError):
        filled.problems.append(ALREADY)
        filled.once = form_key()
    else:
        page.refuse(filled, error)
    return Outcome(page, filled, error.status, record=record)


async def _only_asked(page: RecordForm, form: FormData, filled: Filled) -> bool:
    """Whether the form is to be shown again as it is: a look-up searched, a draft restored."""
    return RESTORE in form or await acted(page, form) or await _found(page, form, filled)


async def _found(page: RecordForm, form: FormData, filled: Filled) -> bool:
    """Answer the look-up whose "Find" was pressed, if one was."""
    name = text_in(form, FIND)
    part = next((each for each in page.parts if each.control == name), None)
    if not isinstance(part, RelationPart):
        return False
    await page.find(part, filled)
    return True
