"""The parameters of a declared action as questions of a form, read from their JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import AwareDatetime

from admin_app.declaration import DeclaredAction, Field, Kind
from admin_app.declaration.fields import Shape, words
from admin_app.panel.forms.parts import FieldPart, SecretPart
from admin_app.panel.texts import wire_of

WHOLE = "parameters"
"""The one question where the parameters are no object with members."""
_FORMATS = {
    "date": Kind.DATE,
    "date-time": Kind.DATETIME,
    "time": Kind.TIME,
    "duration": Kind.INTERVAL,
    "uuid": Kind.UUID,
}
_TYPES = {
    "integer": Kind.INTEGER,
    "number": Kind.FLOAT,
    "boolean": Kind.BOOLEAN,
}


class ParameterPart(FieldPart):
    """One parameter. It is left out, for its default, where nothing is said."""

    def __init__(self, field: Field, default: Any) -> None:
        super().__init__(field, required=field.required and field.kind is not Kind.BOOLEAN)
        self.default = default

    def wire(self, text: str) -> dict[str, Any]:
        value = wire_of(self.field, text)
        silent = value is None and not self.field.nullable and not self.field.required
        return {} if silent else {self.name: value}


class SecretParameterPart(SecretPart):
    """One that is not shown again."""

    def wire(self, text: str) -> dict[str, Any]:
        return {self.name: text} if text or self.field.required else {}


Parameter = ParameterPart | SecretParameterPart


def parameters_of(action: DeclaredAction) -> list[Parameter]:
    """The questions of an action."""
    if action.parameters is None:
        return []
    schema = action.adapter.json_schema()
    members = schema.get("properties")
    if not isinstance(members, Mapping):
        shape = Shape(kind=Kind.JSON)
        label = words(WHOLE)
        return [
            ParameterPart(
                Field(name=WHOLE, shape=shape, label=label, required=True, expression=None), None
            )
        ]
    needed = set(schema.get("required", ()))
    found = getattr(action.parameters, "model_fields", {})
    return [
        _part(name, each, schema.get("$defs", {}), name in needed, found.get(name))
        for name, each in members.items()
    ]


def as_json(parts: list[Parameter], data: Mapping[str, Any]) -> bytes:
    """The answers as the document that the action is given."""
    whole = len(parts) == 1 and parts[0].name == WHOLE and parts[0].field.kind is Kind.JSON
    return json.dumps(data.get(WHOLE) if whole else data).encode("utf-8", "surrogatepass")


def _part(
    name: str, schema: Mapping[str, Any], known: Mapping[str, Any], needed: bool, declared: Any
) -> Parameter:
    found, nullable = _resolved(schema, known)
    shape = _shape(found, getattr(declared, "annotation", None))
    field = Field(
        name=name,
        expression=None,
        shape=shape,
        label=words(name) if declared is None or not declared.title else str(declared.title),
        help=str(schema.get("description", "")),
        nullable=nullable,
        required=needed,
        creatable=True,
        updatable=True,
        sensitive=bool(found.get("writeOnly")),
    )
    if field.sensitive:
        return SecretParameterPart(field, required=needed)
    default = schema.get("default")
    return ParameterPart(field, default)


def _resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A schema without references and alternatives, and whether it may be null."""
    if "$ref" in schema:
        return _resolved(known.get(str(schema["$ref"]).rpartition("/")[2], {}), known)
    choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if not choices:
        return dict(schema), False
    nullable = len(choices) < len(schema["anyOf"])
    if len(choices) == 1:
        return _resolved(choices[0], known)[0], nullable
    numbers = {"number", "string"}
    if {each.get("type") for each in choices} == numbers and any("pattern" in e for e in choices):
        return {"type": "decimal"}, nullable
    return {}, nullable


def _shape(schema: Mapping[str, Any], annotation: Any) -> Shape:
    choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if choices and all(isinstance(each, str | int) for each in choices):
        return Shape(kind=Kind.ENUM, choices=tuple(choices))
    type_ = schema.get("type")
    if type_ == "decimal":
        return Shape(kind=Kind.DECIMAL)
    if type_ == "string":
        kind = _FORMATS.get(schema.get("format", ""))
        if kind is Kind.DATETIME and AwareDatetime in {annotation, *get_args(annotation)}:
            kind = Kind.INSTANT
        longest = schema.get("maxLength")
        return Shape(kind=kind or (Kind.STRING if longest else Kind.TEXT), max_length=longest)
    # Whatever has no control of its own is written as JSON.
    return Shape(kind=_TYPES.get(str(type_), Kind.JSON))
