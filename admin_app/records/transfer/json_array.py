"""The items of a JSON array, one in memory at a time: what is read takes many times its text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from admin_app.errors import BadRequestError, ContentTooLargeError

LARGEST_OBJECT = 4 * 2**20
"""Characters of an item: as many as the body of a list has."""
MOST_ITEMS = 2**20
"""As many rows as a sheet has."""
_SIZES = (2**10, 2**16, LARGEST_OBJECT)
"""Characters that are looked at, the fewest first: an item is no longer than it has to be."""
_SPACE = re.compile(r"[ \t\r\n]*")


def refuse_constant(name: str) -> float:
    """Refuse what Python reads and JSON has not: NaN and infinities. Raises ``ValueError``."""
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def items_of(text: str) -> Iterator[Any]:
    """The items of an array, one in memory at a time.

    Raises ``BadRequestError`` where it is none, and ``ContentTooLargeError``.
    """
    place = _after_space(text, 0)
    if not text.startswith("[", place):
        raise BadRequestError("The file is not an array of JSON objects.")
    place = _after_space(text, place + 1)
    more, count = not text.startswith("]", place), 0
    while more:
        item, place = _decoded_at(text, place)
        count += 1
        if count > MOST_ITEMS:
            msg = f"A file has at most {MOST_ITEMS:,} objects here. Send them as lines of JSON."
            raise ContentTooLargeError(msg)
        yield item
        place = _after_space(text, place)
        more = text.startswith(",", place)
        if more:
            place = _after_space(text, place + 1)
    if not text.startswith("]", place) or _after_space(text, place + 1) < len(text):
        raise _refusal(text, place)


def _decoded_at(text: str, place: int) -> tuple[Any, int]:
    """The JSON value that begins at a place, and where it ends. Raises ``BadRequestError``."""
    for size in _SIZES:
        part = text[place : place + size]
        whole = place + size >= len(text)
        try:
            item, end = _DECODER.raw_decode(part)
        except RecursionError as error:
            raise _refusal(text, None) from error
        except ValueError as error:
            if whole:
                at = error.pos + place if isinstance(error, json.JSONDecodeError) else None
                raise _refusal(text, at) from error
        else:
            # A number might go on after the part.
            if whole or end < len(part):
                return item, place + end
    where = _where(text, place)
    msg = f"This is not JSON, or longer than {LARGEST_OBJECT:,} characters{where}."
    raise BadRequestError(msg)


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _refusal(text: str, place: int | None) -> BadRequestError:
    where = "" if place is None else _where(text, place)
    return BadRequestError(f"The file is not JSON{where}.")


def _where(text: str, place: int) -> str:
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    return f" (line {line}, column {column})"
