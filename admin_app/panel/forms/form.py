"""A record's form: opened, sent back, compared with what it was opened with, shown again.

Only what its user changed is written. The form carries a fingerprint of every text it was opened
with, so an untouched field is known for one, whatever a browser made of its line breaks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData
from wtforms import Field as FormField
from wtforms.form import BaseForm

from admin_app.declaration import Resource
from admin_app.errors import (
    AppError,
    BadRequestError,
    ConfirmationRequiredError,
    FieldError,
    ForbiddenError,
)
from admin_app.panel.display import Link, Shown, shortened, wire_shown
from admin_app.panel.forms.lookups import offers
from admin_app.panel.forms.parts import (
    CLEAR,
    PREFIX,
    FieldPart,
    FilePart,
    Part,
    Purpose,
    RelationPart,
    SecretPart,
    fingerprint,
    parts_of,
    wire_values,
)
from admin_app.panel.links import GONE, Titles
from admin_app.panel.security import text_in
from admin_app.panel.texts import TextError
from admin_app.panel.visit import Visit
from admin_app.records import Record, Title

NEEDED = "A value is needed."
UNREADABLE = "What came back cannot be read. Fill this in again."
NOT_CHOSEN = "Choose one from the list, or clear this."


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that was changed here and meanwhile by somebody else."""

    label: str
    stored: Shown
    yours: Shown


@dataclass(slots=True)
class Filled:
    """The answers of a form at one moment, and what there is to say about them."""

    texts: dict[str, str]
    fingerprints: dict[str, str]
    """Of the texts that the form was opened with."""
    etag: str = ""
    """Of the record that the form was opened with."""
    complete: bool = True
    """Whether the form came back with everything it was sent with."""
    errors: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What is wrong and not about one field."""
    unconfirmed: bool = False
    """Whether it was refused because nobody has proved lately to be there."""
    offers: dict[str, list[Title]] = field(default_factory=dict)
    """What a search in a look-up has found."""
    terms: dict[str, str] = field(default_factory=dict)
    """The text in each look-up."""
    answered: dict[str, str] = field(default_factory=dict)
    """The text whose findings each look-up offered to choose from."""
    lost: set[str] = field(default_factory=set)
    """The parts whose new answer cannot be shown again."""
    clashes: list[Clash] | None = None
    """Set when the record has changed since the form was opened."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A part with its control, ready for the template."""

    part: Part
    field: FormField
    errors: Sequence[str]
    chosen: Sequence[tuple[str, Link]] = ()
    """Of a look-up: the chosen keys and what they are called."""
    offers: Sequence[Title] | None = None
    offered: Sequence[str] = ()
    """The keys of ``offers`` as text."""
    term: str = ""
    answered: str = ""
    cleared: bool = False
    """Whether it is ticked to be emptied."""

    @property
    def chosen_keys(self) -> frozenset[str]:
        return frozenset(key for key, _ in self.chosen)


class RecordForm:
    """The form of a resource for one purpose."""

    def __init__(self, visit: Visit, resource: Resource, purpose: Purpose) -> None:
        self.visit = visit
        self.resource = resource
        self.purpose = purpose
        self.parts = parts_of(visit, resource, purpose)

    @property
    def multipart(self) -> bool:
        """Whether files may come with it."""
        return any(isinstance(each, FilePart) for each in self.parts)

    def opened(self, record: Record | None) -> Filled:
        """The form as it is first shown."""
        texts = self.stored(record)
        return Filled(texts, self._fingerprints(texts), record.etag if record else "")

    def stored(self, record: Record | None) -> dict[str, str]:
        """What each part shows for a record."""
        if record is None:
            return {each.name: each.initial() for each in self.parts}
        values = wire_values(self.visit, self.resource, record.values)
        return {each.name: each.stored(values) for each in self.parts}

    def _fingerprints(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {each.name: fingerprint(each.same(texts[each.name])) for each in self.parts}

    def returned(self, form: FormData, now: Filled) -> Filled:
        """The form as it came back; ``now`` is what it would be opened with at present."""
        filled = self._based(form, now)
        for each in self.parts:
            sent = each.sent(form)
            if sent is not None:
                filled.texts[each.name] = sent
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
        fingerprints = _read_fingerprints(text_in(form, "_opened"))
        etag = text_in(form, "_etag")
        complete = (
            bool(etag)
            and fingerprints is not None
            and fingerprints.keys() == now.fingerprints.keys()
        )
        # Without them nothing can be told from the stored values, which are then what it shows.
        known = fingerprints if complete and fingerprints is not None else now.fingerprints
        return Filled(texts, known, etag, complete)

    def changed(self, filled: Filled) -> list[Part]:
        """The parts whose answer is another one than the form was opened with."""
        return [each for each in self.parts if self._differs(each, filled)]

    def _differs(self, part: Part, filled: Filled) -> bool:
        text = filled.texts[part.name]
        if self.purpose == "create" and isinstance(part, FieldPart) and part.ticked:
            return part.default is None or text != part.initial()
        return fingerprint(part.same(text)) != filled.fingerprints[part.name]

    async def data(self, filled: Filled) -> dict[str, Any] | None:
        """The changed answers as input for ``records``.

        None when there is one that cannot be read: then nothing may be written, and ``errors``
        tell what is wrong with it and with all the others.
        """
        data: dict[str, Any] = {}
        for each in self.changed(filled):
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
            filled.errors.setdefault(part.name, []).append(error.detail)

    def refuse(
        self, filled: Filled, error: AppError, *, without: Collection[str] = frozenset()
    ) -> None:
        """Put a refusal's words at the fields they are about, ``without`` those of some parts."""
        for each in error.errors:
            part = self._part_of(each)
            if part is None:
                filled.problems.append(each.detail)
                continue
            if part.name in without:
                continue
            needed = part.required and part.blank(filled.texts[part.name])
            words = NEEDED if needed else each.detail
            known = filled.errors.setdefault(part.name, [])
            if words not in known:
                known.append(words)
        if not error.errors:
            filled.problems.append(error.detail)
        filled.unconfirmed = isinstance(error, ConfirmationRequiredError)

    def _part_of(self, error: FieldError) -> Part | None:
        name = error.path[0] if error.path else None
        return next((each for each in self.parts if name in each.names), None)

    async def clash(self, filled: Filled, record: Record) -> None:
        """Base the form on the record as it now is, keep what was typed, and say what differs."""
        now = self.opened(record)
        mine = {each.name for each in self.changed(filled)}
        theirs = {
            name for name, known in now.fingerprints.items() if known != filled.fingerprints[name]
        }
        filled.clashes = [
            Clash(
                each.label,
                await self._words(each, now.texts[each.name]),
                await self._words(each, filled.texts[each.name]),
            )
            for each in self.parts
            if each.name in mine & theirs
            and each.same(filled.texts[each.name]) != each.same(now.texts[each.name])
        ]
        for name in now.texts:
            if name not in mine:
                filled.texts[name] = now.texts[name]
        filled.fingerprints = now.fingerprints
        filled.etag = now.etag

    async def _words(self, part: Part, text: str) -> Shown:
        if isinstance(part, SecretPart):
            return Shown(note="Kept secret")
        if isinstance(part, FilePart):
            return Shown(note="No file" if text == CLEAR else "A file")
        if isinstance(part, RelationPart):
            chosen = await self._chosen(part, text)
            return Shown(links=tuple(link for _, link in chosen))
        if isinstance(part, FieldPart) and text:
            try:
                return shortened(wire_shown(part.field, part.wire(text)[part.name]))
            except TextError:
                return shortened(Shown(text))
        return Shown()

    async def _chosen(self, part: RelationPart, text: str) -> list[tuple[str, Link]]:
        titles: Titles = {}
        keys = part.chosen(text)
        if keys:
            titles = await self.visit.records.titles(self.visit.actor, part.target, keys)
        named = {part.target.key_text(key): title for key, title in titles.items()}
        return [
            (key, Link(named[key].text, detail=named[key].detail))
            if key in named
            else (key, Link(GONE))
            for key in part.keys(text)
        ]

    async def shapes(self, filled: Filled) -> list[Shape]:
        """Every part with its control, the chosen records of look-ups with their titles."""
        shown = {each.name: each.shown(filled.texts[each.name]) for each in self.parts}
        form = BaseForm(
            {each.name: each.unbound(shown[each.name]) for each in self.parts}, prefix=PREFIX
        )
        form.process(None, data=shown)
        return [await self._shape(each, form[each.name], filled) for each in self.parts]

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


def _read_fingerprints(text: str) -> dict[str, str] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        return None
    return found
