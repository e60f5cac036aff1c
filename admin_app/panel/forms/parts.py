"""The parts of a form: what each shows for a record, and what its text means to ``records``."""

from __future__ import annotations

import base64
from typing import Any

from starlette.datastructures import FormData, UploadFile
from wtforms.fields.core import UnboundField

from admin_app.declaration import Field, Kind, Resource
from admin_app.declaration.fields import TEXTUAL
from admin_app.panel.forms.controls import control
from admin_app.panel.forms.part import CLEAR, Part, Purpose, Values
from admin_app.panel.forms.relations import RelationPart
from admin_app.panel.layout import order_of
from admin_app.panel.links import target_keys
from admin_app.panel.sent_forms import texts_in
from admin_app.panel.texts import canonical, text_of, wire_of
from admin_app.panel.visit import Visit


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
        texts = texts_in(form, self.control)
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


class DocumentPart(FieldPart):
    """JSON, or a list as JSON: a tick says that there is no value, which is none of its texts."""

    template = "document"

    def sent(self, form: FormData) -> str | None:
        return "" if form.get(f"{self.control}-clear") else super().sent(form)


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
                veiled = any(each.masked for each in fields) and purpose == "update"
                needed = any(each.required for each in fields)
                target = visit.registry.target(source)
                # The application's own ask for a confirmation first, which has a page of its own.
                new = not target.own and visit.may(target, "create") and visit.may(target, "read")
                part = RelationPart(
                    resource, source, target, required=needed, veiled=veiled, creatable=new
                )
                parts.append(part)
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
    elif field.kind in {Kind.JSON, Kind.ARRAY}:
        kind = DocumentPart
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
