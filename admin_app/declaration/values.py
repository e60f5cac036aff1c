"""The wire type of each kind of value: one validator for REST, panel, import and filters.

Values are validated as strict JSON: text is not a number, a number is not a date. What passes is
stored by both databases and reads back identically: no NUL or lone surrogate, no NaN, UTC instants,
exact decimals, lengths and ranges of the column.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import getitem
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    NaiveDatetime,
    PlainSerializer,
    TypeAdapter,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError, core_schema

from admin_app.declaration.fields import Kind, Shape

MIN_INT64, MAX_INT64 = -(2**63), 2**63 - 1
MAX_JSON_DEPTH = 64
"""Levels a JSON value may nest."""
TOO_DEEP = f"JSON nests deeper than {MAX_JSON_DEPTH} levels."
MIN_INTERVAL = timedelta(days=-719_162)
MAX_INTERVAL = timedelta(days=2_932_896)
"""SQLite keeps a duration as a date counted from 1970, which ends with the years 1 and 9999."""


_DECIMAL = re.compile(r"[+-]?\d{1,1000}(\.\d{1,1000})?([eE][+-]?\d{1,3})?", re.ASCII)
_SURE = 100
"""Digits before the point, and after it, with which a decimal is within every range."""
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"


def annotated(base: Any, *about: Any) -> Any:
    """``Annotated[base, *about]`` of a type that only the declaration knows."""
    return getitem(Annotated, (base, *about))


def list_of(item: Any) -> Any:
    """``list[item]``, likewise."""
    return getitem(list, item)  # type: ignore[call-overload]


@lru_cache(maxsize=4096)
def wire_type(shape: Shape) -> Any:
    """The annotated Python type of a shape, for pydantic; made once for each shape."""
    return _TYPES[shape.kind](shape)


@lru_cache(maxsize=4096)
def adapter_of(shape: Shape) -> TypeAdapter[Any]:
    """The validator and serializer of a shape's values; made once for each shape."""
    return TypeAdapter(wire_type(shape))


def _refuse(code: str, message: str) -> PydanticCustomError:
    # With no context nothing is interpolated, whatever braces the message has.
    return PydanticCustomError(code, message)


def storable_text(value: str) -> str:
    """Refuse what one of the databases cannot keep: NUL and lone surrogates."""
    if "\x00" in value:
        raise _refuse("text_nul", "Text cannot hold the NUL character.")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _refuse("text_surrogate", "Text cannot hold half of a surrogate pair.")
    return value


def storable_json(value: Any, depth: int = 1) -> Any:
    """Refuse JSON that would not read back: NaN, infinities, NUL, surrogates, too deep."""
    if depth > MAX_JSON_DEPTH:
        raise _refuse("too_deep", TOO_DEEP)
    if isinstance(value, str):
        storable_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _refuse("json_number", "JSON has no NaN and no infinity.")
    elif isinstance(value, list):
        for item in value:
            storable_json(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            storable_text(key)
            storable_json(item, depth + 1)
    return value


@dataclass(frozen=True, slots=True)
class _Written:
    """Take only text of one form, before pydantic reads it more generously."""

    pattern: str
    words: str
    dialect: Literal["rust-regex", "python-re"] = "rust-regex"
    """The first is much faster, and knows no look-ahead."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        end = "$" if self.dialect == "rust-regex" else r"\Z"
        form = core_schema.str_schema(
            strict=True, pattern=f"^(?:{self.pattern}){end}", regex_engine=self.dialect
        )
        told = core_schema.custom_error_schema(form, "format", custom_error_message=self.words)
        return core_schema.chain_schema([told, handler(source)])


def _integer(shape: Shape) -> Any:
    bits = "int64" if (shape.maximum or 0) >= 2**31 else "int32"
    return Annotated[
        int,
        Field(ge=shape.minimum, le=shape.maximum, strict=True, json_schema_extra={"format": bits}),
    ]


def _float(shape: Shape) -> Any:
    def same_everywhere(value: float) -> float:
        # SQLite has no negative zero; PostgreSQL's float4 has four bytes, SQLite's has eight.
        try:
            value = struct.unpack("<f", struct.pack("<f", value))[0] if shape.single else value
        except OverflowError as error:
            raise _refuse("float_range", "The number is out of range.") from error
        return value + 0.0

    return Annotated[
        float, Field(allow_inf_nan=False, strict=True), AfterValidator(same_everywhere)
    ]


def _decimal(shape: Shape) -> Any:
    limits: dict[str, Any] = {"allow_inf_nan": False}
    if shape.precision is not None:
        limits |= {"max_digits": shape.precision, "decimal_places": shape.scale or 0}

    def plain(value: Any) -> Any:
        if isinstance(value, str) and not _DECIMAL.fullmatch(value):
            raise _refuse("format", "Write a decimal number such as 12.50.")
        if isinstance(value, float) and not _kept_by_float(value):
            raise _refuse("decimal_as_number", "Send so many digits as text: a number loses some.")
        return value

    def bounded(value: Decimal) -> Decimal:
        if value and abs(value.adjusted()) > sys.float_info.max_10_exp - 1:  # SQLite's are floats.
            raise _refuse("decimal_range", "The number is out of range.")
        return value or abs(value)  # There is no negative zero.

    places = shape.scale or 0
    whole = max((shape.precision or 0) - places, 1)
    usual = re.compile(_digits(min(whole, _SURE), min(places, _SURE)), re.ASCII).fullmatch
    text: dict[str, Any] = {"type": "string", "format": "decimal"}
    if shape.precision is not None:
        text["pattern"] = f"^-?{_digits(whole, places)}$"

    def usually(value: Any, handler: Callable[[Any], Any]) -> Any:
        # To look at the digits again takes three times as long.
        return Decimal(value) if type(value) is str and usual(value) else handler(value)

    return Annotated[
        Decimal,
        Field(**limits),
        BeforeValidator(plain),
        AfterValidator(bounded),
        WrapValidator(usually),
        PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json"),
        WithJsonSchema(text, mode="serialization"),
        WithJsonSchema({"anyOf": [text, {"type": "number"}]}, mode="validation"),
    ]


def _digits(whole: int, places: int) -> str:
    """A pattern of so many digits before the point, and after it."""
    return rf"\d{{1,{whole}}}" + (rf"(\.\d{{1,{places}}})?" if places else "")


def _kept_by_float(value: float) -> bool:
    """Whether a JSON number has so few digits that reading it as a float has lost none."""
    if not math.isfinite(value):
        return True  # Refused as what it is.
    return len(Decimal(repr(value)).as_tuple().digits) <= sys.float_info.dig


def _text(shape: Shape) -> Any:
    return Annotated[
        str, Field(max_length=shape.max_length, strict=True), AfterValidator(storable_text)
    ]


def _boolean(_: Shape) -> Any:
    return Annotated[bool, Field(strict=True)]


def _date(_: Shape) -> Any:
    return Annotated[
        date,
        _Written(_DAY, "Write a date such as 2026-01-31."),
        WithJsonSchema({"type": "string", "format": "date"}),
    ]


def _time(_: Shape) -> Any:
    pattern = _TIME
    return Annotated[
        time,
        _Written(pattern, "Write a time such as 14:30 or 14:30:05.25, of no zone."),
        WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"}),
    ]


def _datetime(_: Shape) -> Any:
    return Annotated[
        NaiveDatetime,
        _Written(f"{_DAY}T{_TIME}", "Write a date and time such as 2026-01-31T14:30:00, no zone."),
        WithJsonSchema({"type": "string", "pattern": f"^{_DAY}T{_TIME}$"}),
    ]


def _instant(_: Shape) -> Any:
    def utc(value: datetime) -> datetime:
        try:
            return value.astimezone(UTC)
        except OverflowError as error:
            raise _refuse("instant_range", "The instant is out of range.") from error

    return Annotated[
        AwareDatetime,
        _Written(
            f"{_DAY}[Tt ]{_TIME}([Zz]|[+-][0-9]{{2}}:?[0-9]{{2}})",
            "Write an instant with its zone, such as 2026-01-31T14:30:00Z.",
        ),
        AfterValidator(utc),
        WithJsonSchema({"type": "string", "format": "date-time"}),
    ]


def _interval(_: Shape) -> Any:
    # No years and months: how long they are depends on where they begin.
    number = "[0-9]{1,9}"
    clock = rf"T(?=[0-9])({number}H)?({number}M)?({number}(\.[0-9]{{1,6}})?S)?"
    pattern = f"-?P(?=[0-9]|T)({number}W)?({number}D)?({clock})?"
    return Annotated[
        timedelta,
        Field(ge=MIN_INTERVAL, le=MAX_INTERVAL),
        _Written(
            pattern,
            "Write an ISO 8601 duration of days and times, such as P1DT2H30M.",
            dialect="python-re",
        ),
        PlainSerializer(_duration, return_type=str, when_used="json"),
        WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"}),
    ]


def _duration(value: timedelta) -> str:
    """ISO 8601; the days are not made into years, which other readers take for longer ones."""
    whole = abs(value)
    minutes, seconds = divmod(whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{whole.microseconds:06d}".rstrip("0") if whole.microseconds else ""
    parts = [(hours, "H", ""), (minutes, "M", ""), (seconds, "S", fraction)]
    time_ = "".join(f"{number}{rest}{unit}" for number, unit, rest in parts if number or rest)
    days = f"{whole.days}D" if whole.days else ""
    sign = "-" if value < timedelta() else ""
    return f"{sign}P{days}T{time_}" if time_ else f"{sign}P{days or 'T0S'}"


def _enum(shape: Shape) -> Any:
    named = {each.value: each for each in shape.enum_class or ()}
    # By type too: 1, 1.0 and true are equal and not the same.
    members = {(type(each), each): named.get(each, each) for each in shape.choices}

    def member(value: Any) -> Any:
        if shape.enum_class is not None and isinstance(value, shape.enum_class):
            return value
        try:
            return members[type(value), value]
        except (KeyError, TypeError) as error:
            expected = ", ".join(str(each) for each in shape.choices)
            raise _refuse("enum", f"Choose one of {expected}.") from error

    schema: dict[str, Any] = {"enum": list(shape.choices)}
    if len({kind for kind, _ in members}) == 1:
        schema["type"] = "integer" if isinstance(shape.choices[0], int) else "string"
    return Annotated[
        Any,
        BeforeValidator(member),
        PlainSerializer(lambda value: getattr(value, "value", value), when_used="always"),
        WithJsonSchema(schema),
    ]


def _json(_: Shape) -> Any:
    return Annotated[Any, AfterValidator(storable_json), AfterValidator(_number_alone)]


def _number_alone(value: Any) -> Any:
    # SQLite takes a JSON document that is a number for a number, and keeps 64 bits of it.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if value != int(value) or not MIN_INT64 <= value <= MAX_INT64:
        raise _refuse("json_number", "A number that stands alone must be whole and fit 64 bits.")
    return int(value)


def _uuid(_: Shape) -> Any:
    return Annotated[UUID, Field(strict=True)]


def _binary(shape: Shape) -> Any:
    def decode(value: Any) -> bytes:
        if not isinstance(value, str):
            raise _refuse("base64", "Bytes are sent as base64 text.")
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refuse("base64", "This is not base64 (RFC 4648, with padding).") from error
        if shape.max_length is not None and len(data) > shape.max_length:
            raise _refuse("bytes_too_long", f"At most {shape.max_length} bytes.")
        return data

    return Annotated[
        bytes,
        BeforeValidator(decode),
        PlainSerializer(
            lambda value: base64.b64encode(value).decode(), return_type=str, when_used="json"
        ),
        WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
    ]


def _array(shape: Shape) -> Any:
    item = wire_type(shape.item) if shape.item else Any
    # One mistake tells enough: a body has room for two million items.
    return annotated(list_of(item), Field(strict=True, fail_fast=True))


_TYPES: dict[Kind, Callable[[Shape], Any]] = {
    Kind.INTEGER: _integer,
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.STRING: _text,
    Kind.TEXT: _text,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.DATETIME: _datetime,
    Kind.INSTANT: _instant,
    Kind.INTERVAL: _interval,
    Kind.ENUM: _enum,
    Kind.JSON: _json,
    Kind.UUID: _uuid,
    Kind.BINARY: _binary,
    Kind.ARRAY: _array,
}


def from_text(shape: Shape, text: str) -> Any:
    """Read text, from a query string, a form or a cell, as the JSON data of the shape's type.

    What cannot be such data comes back as the text it is, for the type to refuse in its words.
    """
    reader = _READERS.get(shape.kind)
    if shape.kind is Kind.ENUM and all(isinstance(choice, int) for choice in shape.choices):
        reader = _whole_number
    if reader is None:
        return text
    try:
        return reader(text)
    except (ValueError, RecursionError):
        return text


def to_text(value: Any) -> str:
    """The text that ``from_text`` reads as this JSON data: a number, a text or a boolean."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str) -> float:
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        raise ValueError
    return float(text)


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,40}", text, re.ASCII):
        raise ValueError
    return int(text)


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError
    return text == "true"


_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.INTEGER: _whole_number,
    Kind.FLOAT: _number,
    Kind.BOOLEAN: _truth,
    Kind.JSON: json.loads,
    Kind.ARRAY: json.loads,
}
