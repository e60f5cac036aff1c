"""``Part``: one question of a form, whatever stands behind it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from starlette.datastructures import FormData, UploadFile
from wtforms import StringField
from wtforms.fields.core import UnboundField

from admin_app.declaration import Field, Relation
from admin_app.errors import FieldError

PREFIX = "f-"
"""Prefix of the names of a form's controls, which keeps attribute names apart from others."""
CLEAR = "\x00clear"
"""Stands for NULL where empty text means "as it is"; no value can hold its first character."""

Values = Mapping[str, Any]
Purpose = Literal["create", "update"]


def fingerprint(text: str) -> str:
    """A digest of a text, to notice that it has changed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Part(ABC):
    """One question of a form. Its answers are texts; of equal meaning where ``same`` is equal."""

    template: ClassVar[str]
    carries: ClassVar[type[str | UploadFile]] = str
    """The text that the form sent."""
    again: ClassVar[str] = ""
    """The message for a new answer that the control cannot show again."""
    names: tuple[str, ...]
    """The names in the input whose errors are shown here."""
    prefix = PREFIX
    """Of the form that it is a part of: there may be several forms in a page."""

    def __init__(self, source: Field | Relation, *, required: bool) -> None:
        self.name = source.name
        self.label = source.label
        self.help = source.help
        self.required = required

    @property
    def control(self) -> str:
        """The control's name in the HTML form."""
        return f"{self.prefix}{self.name}"

    @abstractmethod
    def stored(self, values: Values) -> str:
        """The text of a record's value."""

    @abstractmethod
    def sent(self, form: FormData) -> str | None:
        """The text that came back; none when the form says nothing about it."""

    def unreadable(self, form: FormData) -> bool:
        """Whether something else came back than the control sends."""
        sent = form.getlist(self.control)
        return any(each and not isinstance(each, self.carries) for each in sent)

    async def settle(self) -> None:  # noqa: B027 - most parts know already
        """Read what ``wire`` needs."""

    @abstractmethod
    def wire(self, text: str) -> dict[str, Any]:
        """The text as input for ``records``. Raises ``TextError``."""

    def same(self, text: str) -> str:
        """The text in the form in which equal meanings are equal."""
        return text

    def initial(self) -> str:
        """The text for a record that is not there yet."""
        return ""

    def blank(self, text: str) -> bool:
        """Whether the text is no answer."""
        return not text.strip()

    def shown(self, text: str) -> str:
        """The text as the control shows it."""
        return text

    def refuse(self, error: FieldError) -> str | None:
        """Show an error at the place in it that it is about, if there is one; its words."""
        del error
        return None

    def faults(self, errors: Sequence[str]) -> list[tuple[str, str, str]]:
        """The lines of the summary: where each leads, what it is about, what is wrong there."""
        return [(f"#{self.control}", self.label, " ".join(errors))]

    async def prepare(self) -> None:  # noqa: B027 - most parts show their text alone
        """Read what the template needs beyond the text."""

    def unbound(self, text: str) -> UnboundField[Any]:
        """The WTForms field that shows the text."""
        del text
        return StringField(self.label, description=self.help)  # type: ignore[return-value]
