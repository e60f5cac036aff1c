"""Where a page begins: the sort values of the row before it, as opaque signed text."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pydantic_core
from pydantic import ValidationError
from sqlalchemy import BindParameter, ColumnElement, Enum, String, and_, cast, false, literal, or_

from admin_app.declaration import Field
from admin_app.declaration.values import adapter_of
from admin_app.errors import BadRequestError, FieldError
from admin_app.records.queries.query import Sort

_SIGNATURE = 12
"""Bytes of the signature that are kept: enough to notice a change, short in a URL."""


_ENCODER = json.JSONEncoder(separators=(",", ":"))
_PLAIN = frozenset({int, str, bool})
"""Types whose values are JSON as they are."""
_CARRIED = 1_500
"""Bytes of sort values that a cursor carries: it stands in URLs and headers."""


@dataclass(frozen=True, slots=True)
class Position:
    """The place beside a row: after it, or before it when walking back."""

    values: tuple[Any, ...]
    backward: bool
    whole: bool = True
    """Otherwise only the values of the key are there: others were too long, or not to be said."""


def write_cursor(
    secret: bytes, resource: str, sort: Sequence[Sort], row: Mapping[str, Any], *, backward: bool
) -> str:
    """Make the cursor of the page that starts beside ``row``."""
    values = [
        value
        if value is None or type(value) in _PLAIN
        else adapter_of(each.field.shape).dump_python(value, mode="json")
        for each in sort
        for value in (row[each.field.name],)
    ]
    body = _body(backward, values)
    if len(body) > _CARRIED or not all(map(_is_said, values)):
        values = [
            value if each.field.primary_key else None
            for each, value in zip(sort, values, strict=True)
        ]
        body = _body(backward, values, 1)
    return _signed(secret, resource, sort, body)


def read_cursor(secret: bytes, resource: str, sort: Sequence[Sort], text: str) -> Position:
    """Read a cursor.

    Raises ``BadRequestError`` when it was not made by us for this resource and this order.
    """
    try:
        backward, values, *short = _opened(secret, resource, sort, text)
        return Position(
            tuple(
                None
                if value is None
                else adapter_of(each.field.shape).validate_json(pydantic_core.to_json(value))
                for each, value in zip(sort, values, strict=True)
            ),
            bool(backward),
            whole=not short,
        )
    except (ValueError, TypeError, ValidationError) as error:
        raise bad_cursor() from error


def write_place(secret: bytes, resource: str, place: int) -> str:
    """Make the cursor of the page that begins at a place of a list of best matches.

    How well a record fits is no value of it, so there is no row to begin beside.
    """
    return _signed(secret, resource, (), _body(False, place))


def read_place(secret: bytes, resource: str, text: str) -> int:
    """Read such a cursor. Raises ``BadRequestError`` as ``read_cursor`` does."""
    try:
        _, place = _opened(secret, resource, (), text)
        return int(place)
    except (ValueError, TypeError) as error:
        raise bad_cursor() from error


def bad_cursor() -> BadRequestError:
    """Make the refusal of a cursor that leads nowhere."""
    detail = "This cursor is not from a list with this order. Start without one."
    return BadRequestError(detail, errors=[FieldError(("cursor",), "bad_cursor", detail)])


def _body(*parts: Any) -> bytes:
    return _ENCODER.encode([int(parts[0]), *parts[1:]]).encode()


def _is_said(value: Any) -> bool:
    """Whether JSON has a word for a value."""
    return not isinstance(value, float) or isfinite(value)


def beyond(sort: Sequence[Sort], position: Position) -> ColumnElement[bool]:
    """The condition of the rows on the far side of ``position``."""
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for term, value in zip(sort, position.values, strict=True):
        column = term.field.expression
        further = _further(term, value, backward=position.backward)
        if further is not None:
            alternatives.append(and_(*equal, further))
        equal.append(column.is_(None) if value is None else column == value)
    return or_(*alternatives) if alternatives else false()


def _here(field: Field) -> Any:
    return field.expression


def order(
    sort: Sequence[Sort], *, backward: bool, column: Callable[[Field], Any] = _here
) -> list[ColumnElement[Any]]:
    """The ORDER BY terms; walking back, each is turned round. ``column``: what a field is there."""
    terms: list[ColumnElement[Any]] = []
    for each in sort:
        value = in_order(column(each.field))
        term = value.desc() if each.descending != backward else value.asc()
        if each.field.optional:
            term = term.nulls_last() if _ends_in_nulls(each, backward) else term.nulls_first()
        terms.append(term)
    return terms


def _further(term: Sort, value: Any, *, backward: bool) -> ColumnElement[bool] | None:
    column = term.field.expression
    to_nulls = _ends_in_nulls(term, backward)
    if value is None:
        return None if to_nulls else column.is_not(None)
    # As a bind, whatever it is: SQLAlchemy takes a bare True or False for a keyword.
    bound = value if isinstance(value, BindParameter) else literal(value, column.type)
    place, ordered = in_order(bound), in_order(column)
    beyond_value: ColumnElement[bool] = (
        ordered < place if term.descending != backward else ordered > place
    )
    if term.field.optional and to_nulls:
        return or_(beyond_value, column.is_(None))
    return beyond_value


def _ends_in_nulls(term: Sort, backward: bool) -> bool:
    """Whether who walks so comes to the rows without a value last."""
    return term.nulls_first == backward


def in_order(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """PostgreSQL orders its own enums by their declaration; as text they have one order."""
    native = isinstance(value.type, Enum) and value.type.native_enum
    return cast(value, String) if native else value


def _signed(secret: bytes, resource: str, sort: Sequence[Sort], body: bytes) -> str:
    data = _sign(secret, resource, sort, body) + body
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _opened(secret: bytes, resource: str, sort: Sequence[Sort], text: str) -> Any:
    # What is not of the alphabet is ignored here: the signature is of what was read.
    data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    signature, body = data[:_SIGNATURE], data[_SIGNATURE:]
    if not hmac.compare_digest(signature, _sign(secret, resource, sort, body)):
        raise ValueError  # every way to be wrong has one answer
    return json.loads(body)


def _sign(secret: bytes, resource: str, sort: Sequence[Sort], body: bytes) -> bytes:
    terms = ",".join(each.text for each in sort)
    message = f"{resource}\n{terms}\n".encode() + body
    # Keyed, as RFC 7693 has it: a message authentication code at a third of what HMAC costs.
    return hashlib.blake2b(message, key=secret[:64], digest_size=_SIGNATURE).digest()
