"""Where a page begins: the sort values of the row before it, as opaque signed text."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pydantic_core
from pydantic import ValidationError
from sqlalchemy import ColumnElement, Enum, String, and_, cast, false, literal, or_

from admin_app.declaration.values import adapter_of
from admin_app.errors import BadRequestError, FieldError
from admin_app.records.query import Sort

_SIGNATURE = 12
"""Bytes of the signature that are kept: enough to notice a change, short in a URL."""


_CARRIED = 1_500
"""Bytes of sort values that a cursor carries: it stands in URLs and headers."""


@dataclass(frozen=True, slots=True)
class Position:
    """The place beside a row: after it, or before it when walking back."""

    values: tuple[Any, ...]
    backward: bool
    whole: bool = True
    """Otherwise only the values of the key are there: the others were too long to carry."""


def write_cursor(
    secret: bytes, resource: str, sort: Sequence[Sort], row: Mapping[str, Any], *, backward: bool
) -> str:
    """Make the cursor of the page that starts beside ``row``."""
    values = [
        None
        if row[each.field.name] is None
        else adapter_of(each.field.shape).dump_python(row[each.field.name], mode="json")
        for each in sort
    ]
    body = _body(backward, values)
    if len(body) > _CARRIED:
        values = [
            value if each.field.primary_key else None
            for each, value in zip(sort, values, strict=True)
        ]
        body = _body(backward, values, 1)
    signature = _sign(secret, resource, sort, body)
    return base64.urlsafe_b64encode(signature + body).decode().rstrip("=")


def read_cursor(secret: bytes, resource: str, sort: Sequence[Sort], text: str) -> Position:
    """Read a cursor.

    Raises ``BadRequestError`` when it was not made by us for this resource and this order.
    """
    try:
        # What is not of the alphabet is ignored here: the signature is of what was read.
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        signature, body = data[:_SIGNATURE], data[_SIGNATURE:]
        if not hmac.compare_digest(signature, _sign(secret, resource, sort, body)):
            raise ValueError  # noqa: TRY301 - every way to be wrong has one answer
        backward, values, *short = json.loads(body)
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


def bad_cursor() -> BadRequestError:
    """Make the refusal of a cursor that leads nowhere."""
    detail = "This cursor is not from a list with this order. Start without one."
    return BadRequestError(detail, errors=[FieldError(("cursor",), "bad_cursor", detail)])


def _body(*parts: Any) -> bytes:
    return json.dumps([int(parts[0]), *parts[1:]], separators=(",", ":")).encode()


def beyond(sort: Sequence[Sort], position: Position) -> ColumnElement[bool]:
    """The condition of the rows on the far side of ``position``, nulls last."""
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for term, value in zip(sort, position.values, strict=True):
        column = term.field.expression
        further = _further(term, value, backward=position.backward)
        if further is not None:
            alternatives.append(and_(*equal, further))
        equal.append(column.is_(None) if value is None else column == value)
    return or_(*alternatives) if alternatives else false()


def order(sort: Sequence[Sort], *, backward: bool) -> list[ColumnElement[Any]]:
    """The ORDER BY terms; walking back, each is turned round."""
    terms: list[ColumnElement[Any]] = []
    for each in sort:
        column = _in_order(each.field.expression)
        term = column.desc() if each.descending != backward else column.asc()
        if each.field.optional:
            term = term.nulls_first() if backward else term.nulls_last()
        terms.append(term)
    return terms


def _further(term: Sort, value: Any, *, backward: bool) -> ColumnElement[bool] | None:
    column = term.field.expression
    if value is None:
        return column.is_not(None) if backward else None
    # As a bind, whatever it is: SQLAlchemy takes a bare True or False for a keyword.
    place, ordered = _in_order(literal(value, column.type)), _in_order(column)
    beyond_value: ColumnElement[bool] = (
        ordered < place if term.descending != backward else ordered > place
    )
    if term.field.optional and not backward:
        return or_(beyond_value, column.is_(None))
    return beyond_value


def _in_order(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """PostgreSQL orders its own enums by their declaration; as text they have one order."""
    native = isinstance(value.type, Enum) and value.type.native_enum
    return cast(value, String) if native else value


def _sign(secret: bytes, resource: str, sort: Sequence[Sort], body: bytes) -> bytes:
    terms = ",".join(f"{'-' if each.descending else ''}{each.field.name}" for each in sort)
    message = f"{resource}\n{terms}\n".encode() + body
    return hmac.new(secret, message, hashlib.sha256).digest()[:_SIGNATURE]
