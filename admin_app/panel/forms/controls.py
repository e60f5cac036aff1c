"""The WTForms field that shows each kind of value. They render; nothing is validated here."""

from __future__ import annotations

import re
from typing import Any

from wtforms import Field as FormField
from wtforms import SelectField, StringField
from wtforms.fields.core import UnboundField
from wtforms.widgets import (
    CheckboxInput,
    DateInput,
    DateTimeLocalInput,
    PasswordInput,
    TextArea,
    TimeInput,
)

from admin_app.declaration import Field, Kind
from admin_app.declaration.values import to_text
from admin_app.panel.display import choice_words, choices_of
from admin_app.panel.language import say

SHORT_TEXT = 40
LONG_TEXT = 200
FEW_DIGITS = 10
_CLOCK = r"\d\d:\d\d(:\d\d(\.\d{1,3})?)?"
_NATIVE = {
    # What browsers can hold in their own controls; they empty a control given anything else.
    Kind.DATE: (DateInput(), re.compile(r"(?!0000)\d{4}-\d\d-\d\d", re.ASCII)),
    Kind.TIME: (TimeInput(), re.compile(_CLOCK, re.ASCII)),
    Kind.DATETIME: (
        DateTimeLocalInput(),
        re.compile(rf"(?!0000)\d{{4}}-\d\d-\d\dT{_CLOCK}", re.ASCII),
    ),
}
_NATIVE[Kind.INSTANT] = _NATIVE[Kind.DATETIME]
_EXAMPLES = {
    Kind.DATE: "2026-01-31",
    Kind.TIME: "14:30:05.25",
    Kind.DATETIME: "2026-01-31T14:30:00",
    Kind.INSTANT: "2026-01-31T14:30:00",
    Kind.INTERVAL: "1 d 2 h 30 min",
    Kind.ARRAY: '["one", "two"]',
}


class CheckField(FormField):
    """A box whose text is ``true`` or ``false``."""

    widget = CheckboxInput()

    def _value(self) -> str:
        return "true"

    @property
    def checked(self) -> bool:
        """As the widget asks for it."""
        return bool(self.data == "true")


def control(field: Field, text: str) -> UnboundField[Any]:  # noqa: PLR0911 - one line a kind
    """The control for a field that is going to show ``text``."""
    if field.sensitive:
        return _secret(field)
    match field.kind:
        case Kind.BOOLEAN if not field.nullable:
            return _field(CheckField, field)
        case Kind.BOOLEAN | Kind.ENUM:
            return _select(field, text)
        case Kind.JSON | Kind.ARRAY:
            return _area(field, rows=max(2, min(text.count("\n") + 1, 16)), css="code")
        case Kind.TEXT | Kind.STRING:
            return _text(field, text)
        case kind if kind in _NATIVE:
            return _moment(field, text)
        case _:
            return _line(field)


def _field(cls: type[Any], field: Field, **more: Any) -> UnboundField[Any]:
    return cls(field.label, description=field.help, **more)  # type: ignore[no-any-return]


def _select(field: Field, text: str) -> UnboundField[Any]:
    choices = choices_of(field)
    if text and text not in {value for value, _ in choices}:
        choices.append((text, choice_words(text)))
    blank = "\N{EN DASH}" if field.nullable else say("Choose…")
    return _field(
        SelectField,
        field,
        choices=[("", blank), *(_toned(field, *each) for each in choices)],
        validate_choice=False,
        coerce=str,
    )


def _toned(
    field: Field, value: str, words: str
) -> tuple[str, str, dict[str, Any]] | tuple[str, str]:
    """A choice with what its colour means."""
    tones = {to_text(each): tone for each, tone in field.tones.items()}
    return (value, words, {"class": tones[value]}) if value in tones else (value, words)


def _text(field: Field, text: str) -> UnboundField[Any]:
    longest = field.shape.max_length
    # A one-line control would drop line breaks that are already there.
    if longest is None or longest > LONG_TEXT * 2 or re.search(r"[\r\n]", text):
        return _area(field, rows=max(2, min(text.count("\n") + len(text) // 80 + 1, 16)), css="")
    size = "w-short" if longest <= SHORT_TEXT else "w-full"
    return _field(StringField, field, render_kw={"class": size})


def _area(field: Field, *, rows: int, css: str) -> UnboundField[Any]:
    attributes: dict[str, Any] = {"rows": rows, "class": f"w-full {css}".strip()}
    if field.kind in _EXAMPLES:
        attributes["placeholder"] = _EXAMPLES[field.kind]
    if css:
        attributes["spellcheck"] = "false"
    return _field(StringField, field, widget=TextArea(), render_kw=attributes)


def _moment(field: Field, text: str) -> UnboundField[Any]:
    widget, form = _NATIVE[field.kind]
    attributes = {"class": "w-short", "placeholder": _EXAMPLES[field.kind]}
    if text and not form.fullmatch(text):
        return _field(StringField, field, render_kw=attributes)
    del attributes["placeholder"]
    if field.kind is not Kind.DATE:
        attributes["step"] = "0.001" if "." in text else "1"
    return _field(StringField, field, widget=widget, render_kw=attributes)


def _line(field: Field) -> UnboundField[Any]:
    attributes = {"class": "w-full code" if field.kind is Kind.UUID else _width(field)}
    if field.kind in {Kind.DECIMAL, Kind.FLOAT}:
        attributes["inputmode"] = "decimal"
    if field.kind in _EXAMPLES:
        attributes["placeholder"] = _EXAMPLES[field.kind]
    return _field(StringField, field, render_kw=attributes)


def _width(field: Field) -> str:
    """As wide as its numbers are."""
    most = field.shape.precision or len(str(field.shape.maximum or 0))
    return (
        "w-few" if most and most <= FEW_DIGITS and field.kind is not Kind.INTERVAL else "w-number"
    )


def _secret(field: Field) -> UnboundField[Any]:
    attributes = {"autocomplete": "new-password", "class": "w-short"}
    if field.kind in {Kind.TEXT, Kind.JSON, Kind.ARRAY}:
        # A line of dots cannot hold a key of several lines.
        return _field(StringField, field, widget=TextArea(), render_kw={"rows": 2, **attributes})
    return _field(StringField, field, widget=PasswordInput(), render_kw=attributes)
