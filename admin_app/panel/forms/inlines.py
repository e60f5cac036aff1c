"""``InlinePart``: the records that point to a form's record, written with it.

What a form carries of them is what somebody has touched; the others are read, page by page, and
never sent. So a record may have any number of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from functools import cached_property
from typing import Any

from starlette.datastructures import FormData, UploadFile

from admin_app.declaration import Field, Relation, Resource
from admin_app.declaration.inlines import Inline
from admin_app.errors import AppError, FieldError, NotFoundError, StaleVersionError
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.forms.inline_rows import Row, new_row, opened_row, read_carried, returned_row
from admin_app.panel.forms.inline_view import View, view_of
from admin_app.panel.forms.part import Part, Purpose, Values
from admin_app.panel.forms.parts import FilePart, SecretPart, parts_of
from admin_app.panel.language import lowered, retold, say
from admin_app.panel.layout import columns_of, covered
from admin_app.panel.links import Children, children_of
from admin_app.panel.sent_forms import text_in
from admin_app.panel.texts import TextError
from admin_app.panel.visit import Visit
from admin_app.records import Representation

COLUMNS = 4
LOOK = "Look at what is marked below."


class InlinePart(Part):
    """The records of a one-to-many relation, in the form of their record."""

    template = "inlines"

    def __init__(
        self,
        visit: Visit,
        owner: Resource,
        inline: Inline,
        purpose: Purpose,
        record: Representation | None,
    ) -> None:
        relation = owner.relations[inline.relation]
        super().__init__(relation, required=False)
        self.visit = visit
        self.owner = owner
        self.inline = inline
        self.purpose = purpose
        self.record = record
        self.target = visit.registry.target(relation)
        self.names = (relation.name,)
        self.rows: list[Row] = []
        self.at = ""
        """The cursor of the page that is shown."""
        self.focus = ""
        """The row that has just been touched."""
        self.notes: list[str] = []
        """What could not be done of what a button asked for."""
        self.view: View | None = None
        self._relation = relation
        self._parts: dict[str, list[Part]] = {}
        self._sound = True
        self._sent: dict[str, list[Row]] = {}

    def stored(self, values: Values) -> str:
        del values
        return ""

    def sent(self, form: FormData) -> str | None:
        if f"{self.control}.at" not in form:
            return None
        self.at = text_in(form, f"{self.control}.at")
        self.rows = []
        for text in form.getlist(f"{self.control}.rows"):
            row = self._returned(text, form)
            if row is None or row.number in {each.number for each in self.rows}:
                self._sound = False
            else:
                self.rows.append(row)
        return self._text

    def _returned(self, text: UploadFile | str, form: FormData) -> Row | None:
        carried = read_carried(text) if isinstance(text, str) else None
        if carried is None:
            return None
        purpose: Purpose = "update" if carried.key else "create"
        return returned_row(carried, self._form(carried.n, purpose), form)

    @property
    def _text(self) -> str:
        """Empty while nothing is to be written."""
        said = [each.carried() for each in self.rows if self.says(each)]
        return json.dumps(said) if said else ""

    def says(self, row: Row) -> bool:
        """Whether a row asks for something to be written."""
        return bool(row.key) if row.gone else row.changes(self.order_field)

    def unreadable(self, form: FormData) -> bool:
        del form
        return not self._sound

    async def settle(self) -> None:
        for each in self.rows:
            if not each.gone and self._counts(each):
                await each.settle()

    def _counts(self, row: Row) -> bool:
        """Whether a row is sent: one that was only moved is, if it is there already."""
        return self.says(row) or (bool(row.key) and row.changes(None))

    def wire(self, text: str) -> dict[str, Any]:
        del text
        told = [each for each in self.rows if self._counts(each)]
        if any(each.data is None for each in told if not each.gone):
            raise TextError(say(LOOK))
        self._sent = {
            "delete": [each for each in told if each.gone],
            "update": [each for each in told if each.key and not each.gone],
            "create": [each for each in told if not each.key],
        }
        edit = {
            "delete": [
                {"key": each.key, "if_match": each.filled.etag} for each in self._sent["delete"]
            ],
            "update": [
                {"key": each.key, "data": each.data, "if_match": each.filled.etag}
                for each in self._sent["update"]
            ],
            "create": [each.data for each in self._sent["create"]],
        }
        return {self.name: {name: found for name, found in edit.items() if found}}

    def refuse(self, error: FieldError) -> str | None:
        found = self._row_at(error)
        if found is None:
            return None
        row, path = found
        words = row.refuse(error, path)
        noun = self.target.label
        return f"{noun} {row.key}: {words}" if row.key else f"{say('New')} {noun.lower()}: {words}"

    def faults(self, errors: Sequence[str]) -> list[tuple[str, str, str]]:
        found = []
        for row in self.rows:
            noun = say("New {noun}", noun=lowered(self.target.label)) if not row.key else ""
            about = f"{self.label}, {noun or row.key}"
            place = f"#{self.control}.{row.number}"
            found += [(place, about, each) for each in row.filled.problems]
            for part in row.form.parts:
                words = row.filled.errors.get(part.name)
                if words:
                    found.append((f"#{part.control}", f"{about}: {part.label}", " ".join(words)))
        return found or super().faults(errors)

    def _row_at(self, error: FieldError) -> tuple[Row, tuple[str | int, ...]] | None:
        """The row that an error is about, and the way from there."""
        match error.path:
            case (_, str() as act, int() as index, *rest):
                rows = self._sent.get(act, [])
                path = rest[1:] if rest[:1] == ["data"] and act == "update" else rest
                return (rows[index], tuple(path)) if index < len(rows) else None
        return None

    async def answer(self, error: AppError) -> bool:
        """Take a refusal that is about a row's record, not about the form's own; tell if it was."""
        found = [each for each in error.errors if each.path[:1] == (self.name,)]
        about = self._row_at(found[0]) if found else None
        if about is None:
            return False
        row, _ = about
        if isinstance(error, StaleVersionError):
            key = self.target.parse_key(row.key)
            try:
                current = await self.visit.records.get(self.visit.actor, self.target, key)
            except NotFoundError as gone:
                row.filled.problems.append(retold(gone.detail))
            else:
                await row.rebase(current)
        return True

    # What the form asks of each record.

    @cached_property
    def children(self) -> Children | None:
        """How the records are found, where they can be."""
        return children_of(self.visit, self.owner, self._relation)

    @cached_property
    def _pointers(self) -> frozenset[str]:
        return frozenset(name for name, _ in self._relation.pointing)

    @cached_property
    def order_field(self) -> str | None:
        """The field that orders the records, where it can be seen."""
        name = self.inline.order_by
        return name if name in self.target.readable else None

    @cached_property
    def movable(self) -> bool:
        """Whether the records can be put into another order."""
        field = self.target.fields.get(self.order_field or "")
        return field is not None and field.updatable and self.may("update")

    def may(self, action: str) -> bool:
        return self.visit.may(self.target, action)

    @cached_property
    def addable(self) -> bool:
        """Whether a record can be added here."""
        asked = {each.name for each in self._asked("create")}
        needed = (each for each in self._all("create") if each.required)
        return self.may("create") and all(each.name in asked for each in needed)

    def _all(self, purpose: Purpose) -> list[Part]:
        parts = parts_of(self.visit, self.target, purpose)
        return [each for each in parts if self._pointers.isdisjoint({each.name, *each.names})]

    def _asked(self, purpose: Purpose) -> list[Part]:
        found = self._parts.get(purpose)
        if found is None:
            found = self._parts[purpose] = self._pick(purpose)
        return found

    def _pick(self, purpose: Purpose) -> list[Part]:
        # What a page cannot show again cannot be carried along either.
        parts = [each for each in self._all(purpose) if not isinstance(each, SecretPart | FilePart)]
        wanted = [*self.inline.fields, *([self.inline.order_by] if self.inline.order_by else [])]
        if not self.inline.fields:
            return parts
        found = {
            each.name: each
            for name in wanted
            for each in parts
            if name == each.name or name in each.names
        }
        if purpose == "create":
            found |= {each.name: each for each in parts if each.required}
        return list(found.values())

    def _form(self, number: int, purpose: Purpose) -> RecordForm:
        parts = [copy(each) for each in self._asked(purpose)]
        prefix = f"{self.control}.{number}-"
        return RecordForm(self.visit, self.target, purpose, prefix, parts)

    @cached_property
    def columns(self) -> list[Field | Relation]:
        """What a row shows of its record while it is shut."""
        usual = columns_of(self.target)
        if self.inline.fields:
            stands_for = covered(self.target)
            relations = self.target.relations
            sources: Sequence[Field | Relation | None] = [
                stands_for.get(name) or relations.get(name) or self.target.readable.get(name)
                for name in self.inline.fields
            ]
            usual = [each for each in sources if each is not None] or usual
        found = [each for each in usual if self._pointers.isdisjoint(_fields_of(each))]
        return found[:COLUMNS]

    # What its buttons do.

    def add(self) -> Row:
        """Begin another record."""
        row = new_row(self._next(), self._form(self._next(), "create"))
        self.rows.append(row)
        return row

    async def take(self, key: str) -> Row:
        """Begin to change a record. Raises ``NotFoundError``."""
        for each in self.rows:
            if each.key == key:
                return each
        parsed = self.target.parse_key(key)
        record = await self.visit.records.get(self.visit.actor, self.target, parsed)
        row = opened_row(self._next(), self._form(self._next(), "update"), record)
        self.rows.append(row)
        return row

    def _next(self) -> int:
        return max((each.number for each in self.rows), default=0) + 1

    def open(self) -> None:
        """Offer the records that a form begins with."""
        if self.addable:
            for _ in range(self.inline.extra):
                self.add()

    async def prepare(self) -> None:
        self.view = await view_of(self)


def _fields_of(source: Field | Relation) -> tuple[str, ...]:
    return (source.name,) if isinstance(source, Field) else (source.name, *source.fields)
