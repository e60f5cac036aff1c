"""``Row``: a record of an inline that somebody has touched, as the form carries it along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.datastructures import FormData

from admin_app.errors import FieldError, InvalidInputError
from admin_app.panel.display import shortened
from admin_app.panel.forms.filled import Filled
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.forms.parts import FieldPart
from admin_app.panel.forms.relations import RelationPart
from admin_app.panel.language import retold, say
from admin_app.records import Representation

MAX_NUMBER = 99_999
_KEYS = TypeAdapter(list[str])


class Carried(BaseModel):
    """What a form says of a row beside its controls; all of it comes back from a stranger."""

    model_config = ConfigDict(strict=True, extra="forbid")

    n: int = Field(ge=0, le=MAX_NUMBER)
    key: str
    etag: str
    opened: dict[str, str]
    """The fingerprints of what it was opened with."""
    texts: dict[str, str] | None
    """Its answers while it is shut; of an open one the controls have them."""
    gone: bool


@dataclass(slots=True)
class Row:
    """A record that is being added, changed or removed."""

    number: int
    key: str
    """The text form of its key; of a new one empty."""
    form: RecordForm
    filled: Filled
    open: bool = False
    gone: bool = False
    data: dict[str, Any] | None = None
    """What ``records`` is to be given; none where it cannot be read."""

    @property
    def handle(self) -> str:
        """How the buttons of the form name it."""
        return f"n{self.number}"

    def changes(self, without: str | None) -> bool:
        """Whether an answer is another one than it was opened with, ``without`` one of them."""
        return any(
            each.name != without
            # A box of a new row cannot stay unanswered, and says nothing by that.
            and not (
                isinstance(each, FieldPart)
                and each.ticked
                and not self.key
                and self.filled.texts[each.name] == each.initial()
            )
            for each in self.form.changed(self.filled)
        )

    def carried(self) -> str:
        """What the form is to carry along."""
        texts = None if self.open else self.filled.texts
        return Carried(
            n=self.number,
            key=self.key,
            etag=self.filled.etag,
            opened=self.filled.fingerprints if self.key else {},
            texts=texts,
            gone=self.gone,
        ).model_dump_json()

    async def settle(self) -> None:
        """Read the answers; ``filled`` says what is wrong with those that cannot be read."""
        self.data = await self.form.data(self.filled)
        # That the schema misses what points to the parent is nobody's mistake.
        self.filled.problems.clear()

    def refuse(self, error: FieldError, path: tuple[str | int, ...]) -> str:
        """Put words at the control they are about, and say them for the summary."""
        at = FieldError(path, error.code, error.detail)
        self.open = self.open or bool(path and not self.gone)
        known = {name: list(words) for name, words in self.filled.errors.items()}
        self.form.refuse(self.filled, InvalidInputError(error.detail, errors=[at]))
        for part in self.form.parts:
            new = self.filled.errors.get(part.name, [])
            if new != known.get(part.name, []):
                return f"{part.label}: {new[-1]}"
        return retold(error.detail)

    async def rebase(self, record: Representation) -> None:
        """Put the row on what others have made of its record, with what was changed here on top."""
        now = self.form.opened(record)
        mine = {each.name for each in self.form.changed(self.filled)}
        for part in self.form.parts:
            name = part.name
            theirs = now.fingerprints[name] != self.filled.fingerprints.get(name)
            if name not in mine:
                self.filled.texts[name] = now.texts[name]
            elif theirs and part.same(now.texts[name]) != part.same(self.filled.texts[name]):
                stored = await self.form.words(part, now.texts[name])
                words = shortened(stored).text or ", ".join(each.text for each in stored.links)
                stands = say("Stored now: {value}.", value=words or "\N{EN DASH}")
                self.filled.errors.setdefault(name, []).append(stands)
        self.filled.fingerprints, self.filled.etag = now.fingerprints, now.etag
        self.filled.problems.append(
            say("Somebody has changed this meanwhile. Look at it, then save again.")
        )
        self.open = not self.gone


def opened_row(number: int, form: RecordForm, record: Representation) -> Row:
    """A row of a record that is there."""
    filled = form.opened(record)
    filled.sent = set(filled.texts)
    return Row(number, record.key_text, form, _without_terms(filled))


def new_row(number: int, form: RecordForm) -> Row:
    """A row of a record that is to be made."""
    return Row(number, "", form, _without_terms(form.opened(None)), open=True)


def returned_row(carried: Carried, form: RecordForm, sent: FormData) -> Row | None:
    """A row as it came back; none where that can be none that was sent out."""
    base = form.opened(None)
    if carried.key:
        if carried.opened.keys() != base.fingerprints.keys():
            return None
        base.fingerprints = carried.opened
    if carried.texts is None:
        filled = form.returned(sent, base)
    elif _sound(form, carried.texts):
        filled = Filled(dict(carried.texts), base.fingerprints, sent=set(carried.texts))
        _without_terms(filled)
    else:
        return None
    filled.etag, filled.complete = carried.etag, True
    open_ = carried.texts is None
    return Row(carried.n, carried.key, form, filled, open=open_, gone=carried.gone)


def read_carried(text: str) -> Carried | None:
    """What a form carries of a row; none of what it cannot have carried."""
    try:
        return Carried.model_validate_json(text)
    except ValidationError:
        return None


def _sound(form: RecordForm, texts: Mapping[str, str]) -> bool:
    """Whether these are texts that the form's parts can read."""
    if texts.keys() != {each.name for each in form.parts}:
        return False
    for part in form.parts:
        if isinstance(part, RelationPart):
            try:
                _KEYS.validate_json(texts[part.name])
            except ValidationError:
                return False
    return True


def _without_terms(filled: Filled) -> Filled:
    for name in filled.texts:
        filled.terms.setdefault(name, "")
        filled.answered.setdefault(name, "")
    return filled
