"""The parts of a form: what each shows for a record, and what its text means to ``records``."""

from __future__ import annotations

import base64
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from starlette.datastructures import FormData, UploadFile
from wtforms import StringField
from wtforms.fields.core import UnboundField

from admin_app.declaration import Field, Key, Kind, Relation, Resource
from admin_app.declaration.fields import TEXTUAL
from admin_app.errors import NotFoundError
from admin_app.panel.forms.controls import control
from admin_app.panel.layout import order_of
from admin_app.panel.links import target_keys
from admin_app.panel.texts import TextError, canonical, text_of, wire_of
from admin_app.panel.visit import Visit

PREFIX = "f-"
"""Begins the names of a form's controls, so that no attribute's name can mean something else."""
CLEAR = "\x00clear"
"""Stands for NULL where empty text means "as it is"; no value can hold its first character."""

Values = Mapping[str, Any]
Purpose = Literal["create", "update"]


def fingerprint(text: str) -> str:
    """A short stand-in for a text, to notice that it is another one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Part(ABC):
    """One question of a form. Its answers are texts; of equal meaning where ``same`` is equal."""

    template: ClassVar[str]
    carries: ClassVar[type[str | UploadFile]] = str
    """What the form sends for it."""
    again: ClassVar[str] = ""
    """What to say where a new answer came back that the control cannot show."""
    names: tuple[str, ...]
    """The input's names whose errors are shown here."""

    def __init__(self, source: Field | Relation, *, required: bool) -> None:
        self.name = source.name
        self.label = source.label
        self.help = source.help
        self.required = required

    @property
    def control(self) -> str:
        """The control's name in the HTML form."""
        return f"{PREFIX}{self.name}"

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

    def unbound(self, text: str) -> UnboundField[Any]:
        """The WTForms field that shows the text."""
        del text
        return StringField(self.label, description=self.help)  # type: ignore[return-value]


class FieldPart(Part):
    """A value that is typed, chosen or ticked."""

    template = "field"

    def __init__(self, field: Field, *, required: bool) -> None:
        super().__init__(field, required=required)
        self.field = field
        self.names = (field.name,)
        self.default = _scalar_default(field)

    def stored(self, values: Values) -> str:
        return text_of(self.field, values[self.field.name])

    def sent(self, form: FormData) -> str | None:
        # An unticked box sends nothing; the hidden "false" before it always comes.
        texts = [each for each in form.getlist(self.control) if isinstance(each, str)]
        return texts[-1] if texts else None

    def wire(self, text: str) -> dict[str, Any]:
        return {self.name: wire_of(self.field, text)}

    def same(self, text: str) -> str:
        return canonical(self.field, text)

    def initial(self) -> str:
        text = text_of(self.field, self.default)
        return text or ("false" if self.ticked else "")

    @property
    def ticked(self) -> bool:
        """Whether it is a box, which cannot stay unanswered."""
        return self.field.kind is Kind.BOOLEAN and not self.field.nullable

    def unbound(self, text: str) -> UnboundField[Any]:
        return control(self.field, text)


class SecretPart(FieldPart):
    """A value that is written and never read back."""

    template = "secret"
    again = "Type it again."

    def stored(self, values: Values) -> str:
        del values
        return ""

    def initial(self) -> str:
        return ""

    def sent(self, form: FormData) -> str | None:
        if form.get(f"{self.control}-clear"):
            return CLEAR
        return super().sent(form) or None

    def wire(self, text: str) -> dict[str, Any]:
        return {self.name: None} if text == CLEAR else super().wire(text)

    def shown(self, text: str) -> str:
        del text
        return ""


class FilePart(Part):
    """Bytes, that are uploaded and downloaded; the text is their base64."""

    template = "file"
    carries = UploadFile
    again = "Choose the file again."

    def __init__(self, field: Field, *, required: bool) -> None:
        super().__init__(field, required=required)
        self.field = field
        self.names = (field.name,)

    def stored(self, values: Values) -> str:
        wire = values[self.field.name]
        return CLEAR if wire is None else str(wire)

    def initial(self) -> str:
        return CLEAR

    def sent(self, form: FormData) -> str | None:
        if form.get(f"{self.control}-clear"):
            return CLEAR
        upload = form.get(self.control)
        if not isinstance(upload, UploadFile) or not upload.filename:
            return None
        upload.file.seek(0)
        return base64.b64encode(upload.file.read()).decode()

    def wire(self, text: str) -> dict[str, Any]:
        return {self.name: None if text == CLEAR else text}

    def blank(self, text: str) -> bool:
        return text == CLEAR

    def shown(self, text: str) -> str:
        del text
        return ""


class RelationPart(Part):
    """A look-up: the keys of the chosen records, as a JSON list of their text forms."""

    template = "lookup"

    def __init__(self, relation: Relation, target: Resource, *, required: bool) -> None:
        super().__init__(relation, required=required)
        self.relation = relation
        self.target = target
        self.many = relation.keyed
        self.names = (relation.name,) if relation.keyed else relation.fields

    def stored(self, values: Values) -> str:
        return json.dumps([self.target.key_text(key) for key in values[self.relation.name]])

    def sent(self, form: FormData) -> str | None:
        given = form.getlist(self.control)
        if not given:
            return None
        keys = list(dict.fromkeys(each for each in given if isinstance(each, str) and each))
        return json.dumps(keys if self.many else keys[-1:])

    def same(self, text: str) -> str:
        return json.dumps(sorted(self.keys(text)))

    def initial(self) -> str:
        return "[]"

    def blank(self, text: str) -> bool:
        return not self.keys(text)

    def keys(self, text: str) -> list[str]:
        """The chosen keys in their text form."""
        found: list[str] = json.loads(text)
        return found

    def chosen(self, text: str) -> list[Key]:
        """The chosen keys, without what is no key."""
        found = []
        for each in self.keys(text):
            try:
                found.append(self.target.parse_key(each))
            except NotFoundError:
                continue
        return found

    def wire(self, text: str) -> dict[str, Any]:
        try:
            keys = [self.target.parse_key(each) for each in self.keys(text)]
        except NotFoundError as error:
            raise TextError(error.detail) from error
        if self.many:
            return {self.name: [self.target.reference_wire(key) for key in keys]}
        parts: Sequence[Any] = (
            self.target.key_wire(keys[0]) if keys else [None] * len(self.relation.fields)
        )
        return dict(zip(self.relation.fields, parts, strict=True))


def parts_of(visit: Visit, resource: Resource, purpose: Purpose) -> list[Part]:
    """The questions of a resource's form, a foreign key as the look-up that stands for it."""
    parts: list[Part] = []
    asked: set[str] = set()
    for source in order_of(resource):
        if isinstance(source, Field):
            asked |= _ask(parts, source, purpose)
            continue
        fields = [resource.fields[name] for name in source.fields]
        if resource.settable(source, purpose) and all(_settable(each, purpose) for each in fields):
            if source.keyed or not set(source.fields) <= asked:
                needed = any(each.required and not each.masked for each in fields)
                target = visit.registry.target(source)
                parts.append(RelationPart(source, target, required=needed))
                asked |= set(source.fields)
            continue
        for field in fields:
            if field.name not in asked:
                asked |= _ask(parts, field, purpose)
    return parts


def _ask(parts: list[Part], field: Field, purpose: Purpose) -> set[str]:
    if not _settable(field, purpose):
        return set()
    kind: type[FieldPart | FilePart] = FieldPart
    if field.sensitive:
        kind = SecretPart
    elif field.kind is Kind.BINARY:
        kind = FilePart
    must = field.required or (purpose == "update" and not field.optional)
    parts.append(kind(field, required=must and (field.required or field.kind not in TEXTUAL)))
    return {field.name}


def _settable(field: Field, purpose: Purpose) -> bool:
    return field.creatable if purpose == "create" else field.updatable


def wire_values(visit: Visit, resource: Resource, values: Values) -> dict[str, Any]:
    """A record's values as ``Part.stored`` takes them: JSON data, and keys for relations."""
    wire: dict[str, Any] = {name: resource.wire(name, values[name]) for name in resource.readable}
    for name, relation in resource.relations.items():
        if relation.keyed or relation.fields:
            wire[name] = target_keys(visit, relation, values)
    return wire


def _scalar_default(field: Field) -> Any:
    default = field.column.default if field.column is not None else None
    if default is None or not default.is_scalar:
        return None
    value = default.arg  # type: ignore[attr-defined]
    value = getattr(value, "value", value)
    # Of other kinds a default is no JSON data; the field is left empty and the default applies.
    return value if isinstance(value, bool | int | float | str | list | dict) else None
