"""Cursors: where a page begins, given by the sort values of the row before it, signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pydantic_core
from pydantic import ValidationError
from sqlalchemy import BindParameter, ColumnElement, Enum, String, and_, cast, false, literal, or_

from admin_app.declaration import Field
from admin_app.declaration.values import adapter_of
from admin_app.errors import BadRequestError
from admin_app.records.queries.query import Sort

_SIGNATURE = 12
"""Bytes of the signature that are kept: enough to notice a change, short in a URL."""
_PLAIN = frozenset({int, str, bool})
"""Types whose values are JSON as they are."""
_CARRIED = 1_500
"""The most bytes of sort values in a cursor, which stands in URLs and headers."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position beside a row: after it, or before it when paging backward."""

    values: tuple[Any, ...]
    backward: bool
    whole: bool = True
    """Whether all sort values are there; otherwise only the key's: others were too long for JSON.
    """


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
    """Make an offset cursor, for a list of best matches.

    How well a record matches is no value of it, so there is no row to begin beside.
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
    """Make the error for an invalid cursor."""
    detail = "This cursor is not from a list with this order. Start without one."
    return BadRequestError.about(("cursor",), "bad_cursor", detail)


def _body(*parts: Any) -> bytes:
    return pydantic_core.to_json([int(parts[0]), *parts[1:]])


def _is_said(value: Any) -> bool:
    """Whether a value can be written in JSON."""
    return not isinstance(value, float) or isfinite(value)


def beyond(
    sort: Sequence[Sort], position: Position, present: Collection[str] = ()
) -> ColumnElement[bool]:
    """The condition of the rows on the far side of ``position``; ``present`` as for ``order``."""
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for term, value in zip(sort, position.values, strict=True):
        column = term.field.expression
        nulls = term.field.optional and term.field.name not in present
        further = _further(term, value, backward=position.backward, nulls=nulls)
        if further is not None:
            alternatives.append(and_(*equal, further))
        equal.append(column.is_(None) if value is None else column == value)
    if not alternatives:
        return false()
    return and_(or_(*alternatives), *_no_nearer(sort, position, present))


def _no_nearer(
    sort: Sequence[Sort], position: Position, present: Collection[str]
) -> Iterator[ColumnElement[bool]]:
    """That the first value is none before that of ``position``, which follows from the rest.

    An index is entered there: what begins with an ``OR`` would be read from its start.
    """
    term, value = sort[0], position.values[0]
    nulls = term.field.optional and term.field.name not in present
    if len(sort) == 1 or value is None or (nulls and ends_in_nulls(term, position.backward)):
        return
    column = term.field.expression
    bound = value if isinstance(value, BindParameter) else literal(value, column.type)
    place, ordered = in_order(bound), in_order(column)
    yield ordered <= place if term.descending != position.backward else ordered >= place


def _here(field: Field) -> Any:
    return field.expression


def order(
    sort: Sequence[Sort],
    *,
    backward: bool,
    column: Callable[[Field], Any] = _here,
    present: Collection[str] = (),
) -> list[ColumnElement[Any]]:
    """The ORDER BY terms; walking back, each is turned round. ``column``: what a field is there.

    ``present`` are the names of fields that are null in no row: where nulls stand need not be said
    of them, so that PostgreSQL reads an index of them downward as well.
    """
    terms: list[ColumnElement[Any]] = []
    for each in sort:
        value = in_order(column(each.field))
        term = value.desc() if each.descending != backward else value.asc()
        if each.field.optional and each.field.name not in present:
            term = term.nulls_last() if ends_in_nulls(each, backward) else term.nulls_first()
        terms.append(term)
    return terms


def _further(term: Sort, value: Any, *, backward: bool, nulls: bool) -> ColumnElement[bool] | None:
    column = term.field.expression
    to_nulls = ends_in_nulls(term, backward)
    if value is None:
        return None if to_nulls else column.is_not(None)
    # As a bind, whatever it is: SQLAlchemy takes a bare True or False for a keyword.
    bound = value if isinstance(value, BindParameter) else literal(value, column.type)
    place, ordered = in_order(bound), in_order(column)
    beyond_value: ColumnElement[bool] = (
        ordered < place if term.descending != backward else ordered > place
    )
    if nulls and to_nulls:
        return or_(beyond_value, column.is_(None))
    return beyond_value


def ends_in_nulls(term: Sort, backward: bool) -> bool:
    """Whether nulls come last in this direction."""
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
