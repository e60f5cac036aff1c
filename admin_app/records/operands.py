"""What conditions compare with: texts read as values of a field, patterns, lists and keys."""

from __future__ import annotations

import csv
from typing import Any

import pydantic_core
from pydantic import ValidationError

from admin_app.declaration import Field, Kind
from admin_app.declaration.fields import Shape
from admin_app.declaration.schemas import refusal
from admin_app.declaration.values import adapter_of, from_text, storable_text
from admin_app.errors import BadRequestError
from admin_app.records.operators import LISTS, TEXT

MAX_LIST = 500
"""Values of one ``in``."""
MAX_PATTERN = 1_000
"""Characters that are searched for in a text; SQLite takes patterns of 50,000 bytes."""


def operand(field: Field, operator: str, text: str) -> Any:
    """Read what ``field`` is compared with. Raises ``BadRequestError``."""
    if operator == "isnull":
        return flag(text)
    if operator in LISTS:
        values = [_typed(field.shape, each) for each in split(text)]
        if operator == "between" and len(values) != 2:  # noqa: PLR2004
            msg = "Give two values, joined by a comma."
            raise BadRequestError(msg)
        return values
    if operator in TEXT:
        return _pattern(operator, text)
    return _typed(field.shape, text)


def split(text: str) -> list[str]:
    """Values joined by commas; one that holds a comma stands in double quotes, as in CSV."""
    try:
        values = next(csv.reader([text.replace("\r", " ").replace("\n", " ")]), [])
    except csv.Error as error:
        msg = "Give values joined by commas."
        raise BadRequestError(msg) from error
    if len(values) > MAX_LIST:
        msg = f"At most {MAX_LIST} values."
        raise BadRequestError(msg)
    return values


def _pattern(operator: str, text: str) -> str:
    searchable(text)
    if operator in {"like", "ilike"} and (len(text) - len(text.rstrip("\\"))) % 2:
        msg = "A pattern cannot end with the escape character."
        raise BadRequestError(msg)
    return text


def searchable(text: str) -> None:
    _storable(text)
    if len(text) > MAX_PATTERN:
        msg = f"At most {MAX_PATTERN:,} characters."
        raise BadRequestError(msg)


def _storable(text: str) -> None:
    try:
        storable_text(text)
    except pydantic_core.PydanticCustomError as error:
        raise BadRequestError(error.message()) from error


def _typed(shape: Shape, text: str) -> Any:
    data = text if shape.kind is Kind.JSON else from_text(shape, text)
    return _read(adapter_of(shape).validate_json, pydantic_core.to_json(_encodable(data)))


def _encodable(data: Any) -> Any:
    if isinstance(data, str):
        _storable(data)
    return data


def _read(reader: Any, text: Any) -> Any:
    try:
        return reader(text)
    except ValidationError as error:
        found = refusal(error)
        raise BadRequestError(found.errors[0].detail if found.errors else found.detail) from error


def flag(text: str) -> bool:
    if text not in {"true", "false"}:
        msg = "Choose true or false."
        raise BadRequestError(msg)
    return text == "true"
