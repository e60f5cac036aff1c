"""Operands of conditions: values of a field, patterns, lists and keys, from text or JSON."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pydantic_core
from pydantic import ValidationError

from admin_app.declaration import Field, Key, Kind, Resource
from admin_app.declaration.fields import Shape
from admin_app.declaration.schemas import refusal
from admin_app.declaration.values import adapter_of, from_text, storable_text
from admin_app.errors import BadRequestError, NotFoundError
from admin_app.records.queries.operators import LISTS, TEXT
from admin_app.records.queries.periods import period_of

MAX_LIST = 500
"""Values of one ``in``."""
MAX_PATTERN = 1_000
"""Characters of a pattern; SQLite takes patterns of 50,000 bytes."""


def operand(field: Field, operator: str, text: str) -> Any:
    """Read the operand of a comparison with ``field``. Raises ``BadRequestError``."""
    if operator == "isnull":
        return flag(text)
    if operator in LISTS:
        values = [_value(field, operator, each) for each in split(text)]
        return _ends(values) if operator == "between" else values
    if operator in TEXT:
        return _pattern(operator, text)
    return _value(field, operator, text)


def _value(field: Field, operator: str, text: str) -> Any:
    period = period_of(field.kind, operator, text)
    return _typed(field.shape, text) if period is None else period


def json_operand(field: Field, operator: str, data: Any) -> Any:
    """The same from JSON data, strictly typed as in bodies. Raises ``BadRequestError``."""
    if operator in TEXT:
        return _pattern(operator, _json_text(data))

    def value(shape: Shape, given: Any) -> Any:
        period = period_of(field.kind, operator, given)
        return _typed_json(shape, given) if period is None else period

    return json_compared(field.shape, operator, data, value)


def json_compared(
    shape: Shape, operator: str, data: Any, value: Callable[[Shape, Any], Any] | None = None
) -> Any:
    """Read the operand of a comparison with values of ``shape``, each by ``value``.

    Raises ``BadRequestError``.
    """
    value = value or _typed_json
    if operator == "isnull":
        return json_flag(data)
    if operator in LISTS:
        values = [value(shape, each) for each in json_list(data)]
        return _ends(values) if operator == "between" else values
    return value(shape, data)


def text_key(target: Resource, text: str) -> Key:
    """Read the key of a related record from its text form. Raises ``BadRequestError``."""
    try:
        return target.parse_key(text)
    except NotFoundError as error:
        raise BadRequestError(error.detail) from error


def json_key(target: Resource, data: Any) -> Key:
    """The same from JSON data, in the form in which other records refer to it."""
    if len(target.key) == 1:
        return (_typed_json(target.key[0].shape, data),)
    return text_key(target, _json_text(data))


def split(text: str) -> list[str]:
    """Values joined by commas; one that holds a comma stands in double quotes, as in CSV."""
    try:
        values = next(csv.reader([text.replace("\r", " ").replace("\n", " ")]), [])
    except csv.Error as error:
        msg = "Give values joined by commas."
        raise BadRequestError(msg) from error
    return _bounded(values)


def json_list(data: Any) -> list[Any]:
    """Read a list of values. Raises ``BadRequestError``."""
    if not isinstance(data, list):
        msg = "Give a list."
        raise BadRequestError(msg)
    return _bounded(data)


def _bounded(values: list[Any]) -> list[Any]:
    if len(values) > MAX_LIST:
        msg = f"At most {MAX_LIST} values."
        raise BadRequestError(msg)
    return values


def _ends(values: list[Any]) -> list[Any]:
    if len(values) != 2:  # noqa: PLR2004
        msg = "Give two values: from and to."
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


def _typed_json(shape: Shape, data: Any) -> Any:
    if data is None:
        msg = "null is equal to nothing: ask with isnull."
        raise BadRequestError(msg)
    return _read(adapter_of(shape).validate_json, pydantic_core.to_json(data))


def _json_text(data: Any) -> str:
    if not isinstance(data, str):
        msg = "Give text."
        raise BadRequestError(msg)
    return data


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


def json_flag(data: Any) -> bool:
    if not isinstance(data, bool):
        msg = "Choose true or false."
        raise BadRequestError(msg)
    return data
