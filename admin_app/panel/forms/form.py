"""A record's form: opened, sent back, compared with what it was opened with, shown again.

Only what its user changed is written. The form carries a fingerprint of every text it was opened
with, so an untouched field is known for one, whatever a browser made of its line breaks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import to_json
from starlette.datastructures import FormData
from wtforms import Field as FormField
from wtforms.form import BaseForm

from admin_app.declaration import Resource
from admin_app.declaration.values import adapter_of
from admin_app.errors import (
    AppError,
    BadRequestError,
    ConfirmationRequiredError,
    FieldError,
    ForbiddenError,
    ReasonRequiredError,
)
from admin_app.panel.display import Link, Shown, shortened, wire_shown
from admin_app.panel.forms.fieldsets import conditions
from admin_app.panel.forms.filled import Filled, Shape
from admin_app.panel.forms.lookups import offers
from admin_app.panel.forms.part import CLEAR, PREFIX, Part, Purpose, fingerprint
from admin_app.panel.forms.parts import (
    DocumentPart,
    FieldPart,
    FilePart,
    SecretPart,
    parts_of,
    wire_values,
)
from admin_app.panel.forms.relations import RelationPart
from admin_app.panel.language import retold, say
from admin_app.panel.links import GONE, Titles
from admin_app.panel.sent_forms import text_in
from admin_app.panel.texts import TextError
from admin_app.panel.visit import Visit
from admin_app.records import Representation

NEEDED = "A value is needed."
UNREADABLE = "What came back cannot be read. Fill this in again."
NOT_CHOSEN = "Choose one from the list, or clear this."


class RecordForm:
    """The form of a resource for one purpose; the names of its controls begin with ``prefix``."""

    def __init__(
        self,
        visit: Visit,
        resource: Resource,
        purpose: Purpose,
        prefix: str = PREFIX,
        parts: Sequence[Part] | None = None,
    ) -> None:
        self.visit = visit
        self.resource = resource
        self.purpose = purpose
        self.prefix = prefix
        self.parts = list(parts_of(visit, resource, purpose) if parts is None else parts)
        for each in self.parts:
            each.prefix = prefix
        self._conditions = conditions(resource, self.parts)

    def beside(self, name: str) -> str:
        """The name of a control that stands beside the parts and asks nobody anything."""
        return f"{self.prefix.removeprefix(PREFIX)}_{name}"

    @property
    def multipart(self) -> bool:
        """Whether files may come with it."""
        return any(isinstance(each, FilePart) for each in self.parts)

    def opened(self, record: Representation | None) -> Filled:
        """The form as it is first shown."""
        texts = self.stored(record)
        return Filled(texts, self._fingerprints(texts), record.etag if record else "")

    def copy(self, filled: Filled, record: Representation) -> None:
        """Fill in a new record's form from another record, but for what is each one's own."""
        values = wire_values(self.visit, self.resource, record.values)
        for each in self.parts:
            fields = [one for name, one in self.resource.fields.items() if name in each.names]
            own = any(one.unique or one.primary_key for one in fields)
            if type(each) in {FieldPart, DocumentPart, RelationPart} and not own:
                filled.texts[each.name] = each.stored(values)

    def stored(self, record: Representation | None) -> dict[str, str]:
        """What each part shows for a record."""
        if record is None:
            return {each.name: each.initial() for each in self.parts}
        values = wire_values(self.visit, self.resource, record.values)
        texts = {each.name: each.stored(values) for each in self.parts}
        for each in self.parts:
            if isinstance(each, RelationPart) and not each.blank(texts[each.name]):
                each.required = each.needed_in_sight
        return texts

    def _fingerprints(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {each.name: fingerprint(each.same(texts[each.name])) for each in self.parts}

    def returned(self, form: FormData, now: Filled) -> Filled:
        """The form as it came back; ``now`` is what it would be opened with at present."""
        filled = self._based(form, now)
        for each in self.parts:
            sent = each.sent(form)
            if sent is not None:
                filled.texts[each.name] = sent
                filled.sent.add(each.name)
            if sent not in {None, CLEAR} and each.again:
                filled.lost.add(each.name)
            if each.unreadable(form):
                filled.errors[each.name] = [UNREADABLE]
            if isinstance(each, RelationPart):
                filled.terms[each.name] = text_in(form, f"{each.control}-term")
                filled.answered[each.name] = text_in(form, f"{each.control}-found")
        return filled

    def _based(self, form: FormData, now: Filled) -> Filled:
        """What the form was opened with, under what is stored now."""
        texts = dict(now.texts)
        if self.purpose == "create":
            return Filled(texts, now.fingerprints)
        fingerprints = read_fingerprints(text_in(form, self.beside("opened")))
        etag = text_in(form, self.beside("etag"))
        complete = (
            bool(etag)
            and fingerprints is not None
            and fingerprints.keys() == now.fingerprints.keys()
        )
        # Without them nothing can be told from the stored values, which are then what it shows.
        known = fingerprints if complete and fingerprints is not None else now.fingerprints
        return Filled(texts, known, etag, complete)

    def changed(self, filled: Filled) -> list[Part]:
        """The parts whose answer differs from what the form was opened with."""
        return [each for each in self.parts if self._differs(each, filled)]

    def _differs(self, part: Part, filled: Filled) -> bool:
        text = filled.texts[part.name]
        if self.purpose == "create" and isinstance(part, FieldPart) and part.ticked:
            return part.default is None or text != part.initial()
        if self.purpose == "update" and part.name not in filled.sent:
            return False  # Nothing is said of it, whatever others have made of it meanwhile.
        return fingerprint(part.same(text)) != filled.fingerprints[part.name]

    async def data(self, filled: Filled) -> dict[str, Any] | None:
        """The changed answers as input for ``records``.

        None when there is one that cannot be read: then nothing may be written, and ``errors``
        tell what is wrong with it and with all the others.
        """
        data: dict[str, Any] = {}
        for each in self.changed(filled):
            await each.settle()
            try:
                data |= each.wire(filled.texts[each.name])
            except TextError as error:
                filled.errors.setdefault(each.name, []).append(str(error))
        for part in self.parts:
            if isinstance(part, RelationPart) and not await self._settled(part, filled):
                filled.errors.setdefault(part.name, []).append(NOT_CHOSEN)
        if not filled.errors:
            return data
        schema = self.resource.create if self.purpose == "create" else self.resource.update
        try:
            schema.parse(data)
        except AppError as error:
            self.refuse(filled, error, without=frozenset(filled.errors))
        return None

    async def _settled(self, part: RelationPart, filled: Filled) -> bool:
        """Whether the text in a look-up, if any, has led to a choice; what it finds is offered."""
        term, answered = filled.terms[part.name], filled.answered[part.name]
        if not term.strip():
            return True
        await self.find(part, filled)
        found = {part.target.key_text(each.key) for each in filled.offers[part.name]}
        return term == answered and not found.isdisjoint(part.keys(filled.texts[part.name]))

    async def find(self, part: RelationPart, filled: Filled) -> None:
        """Offer what the text in a look-up finds."""
        term = filled.terms[part.name]
        filled.answered[part.name] = term
        try:
            filled.offers[part.name] = list(await offers(self.visit, part.target, term))
        except (BadRequestError, ForbiddenError) as error:
            filled.offers[part.name] = []
            filled.errors.setdefault(part.name, []).append(retold(error.detail))

    def refuse(
        self, filled: Filled, error: AppError, *, without: Collection[str] = frozenset()
    ) -> None:
        """Put a refusal's words at the fields they are about, ``without`` those of some parts."""
        for each in error.errors:
            part = self._part_of(each)
            if part is None:
                filled.problems.append(retold(each.detail))
                continue
            if part.name in without:
                continue
            needed = part.required and part.blank(filled.texts[part.name])
            words = retold(part.refuse(each) or (NEEDED if needed else each.detail))
            known = filled.errors.setdefault(part.name, [])
            if words not in known:
                known.append(words)
        if not error.errors:
            filled.problems.append(retold(error.detail))
        filled.unconfirmed = isinstance(error, ConfirmationRequiredError)
        filled.unreasoned = isinstance(error, ReasonRequiredError)

    def _part_of(self, error: FieldError) -> Part | None:
        name = error.path[0] if error.path else None
        return next((each for each in self.parts if name in each.names), None)

    async def words(self, part: Part, text: str) -> Shown:
        """A part's text as people read it."""
        if isinstance(part, SecretPart):
            return Shown(note=say("Kept secret"))
        if isinstance(part, FilePart):
            return Shown(note=say("No file") if text == CLEAR else say("A file"))
        if isinstance(part, RelationPart):
            chosen = await self._chosen(part, text)
            return Shown(links=tuple(link for _, link in chosen))
        if isinstance(part, FieldPart) and text:
            try:
                wire = part.wire(text)[part.name]
                adapter_of(part.field.shape).validate_json(to_json(wire))
            except ValueError:
                return shortened(Shown(text))  # It is no value of the field, and stands as it is.
            return shortened(wire_shown(part.field, wire))
        return Shown(note=say("Changed")) if text else Shown()

    async def _chosen(self, part: RelationPart, text: str) -> list[tuple[str, Link]]:
        titles: Titles = {}
        keys = part.chosen(text)
        if keys:
            titles = await self.visit.records.titles(self.visit.actor, part.target, keys)
        named = {part.target.key_text(key): title for key, title in titles.items()}
        return [
            (key, Link(named[key].text, detail=named[key].detail))
            if key in named
            else (key, Link(say(GONE)))
            for key in part.keys(text)
        ]

    async def shapes(self, filled: Filled) -> list[Shape]:
        """Every part with its control, the chosen records of look-ups with their titles."""
        shown = {each.name: each.shown(filled.texts[each.name]) for each in self.parts}
        form = BaseForm(
            {each.name: each.unbound(shown[each.name]) for each in self.parts}, prefix=self.prefix
        )
        form.process(None, data=shown)
        changed = {each.name for each in self.changed(filled)}
        for each in self.parts:
            await each.prepare()
        return [
            replace(
                await self._shape(each, form[each.name], filled),
                changed=each.name in changed,
                held=self.purpose == "update" and not each.blank(filled.texts[each.name]),
                when=self._conditions.get(each.name),
            )
            for each in self.parts
        ]

    async def _shape(self, part: Part, control: FormField, filled: Filled) -> Shape:
        text = filled.texts[part.name]
        errors: Sequence[str] = filled.errors.get(part.name, ())
        if not isinstance(part, RelationPart):
            if part.name in filled.lost:
                errors = errors or (part.again,)
            return Shape(part, control, errors, cleared=text == CLEAR)
        offered = filled.offers.get(part.name)
        return Shape(
            part,
            control,
            errors,
            await self._chosen(part, text),
            offered,
            [part.target.key_text(each.key) for each in offered or ()],
            filled.terms.get(part.name, ""),
            filled.answered.get(part.name, ""),
        )

    def carried(self, filled: Filled) -> str:
        """What the form takes along to know, when it comes back, what its user has changed."""
        return json.dumps(filled.fingerprints, separators=(",", ":"))


def read_fingerprints(text: str) -> dict[str, str] | None:
    """What ``carried`` has written; none of what it cannot have."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        return None
    return found
