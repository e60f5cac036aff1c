"""Where in a request's body a refusal is at home, when the body holds several writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TypeVar

from admin_app.declaration.schemas import INVALID
from admin_app.errors import AppError, FieldError, InvalidInputError

T = TypeVar("T")
Place = tuple[str | int, ...]
"""The way from the root of a body to one of its parts."""


@contextmanager
def at(place: Place, *, data: Place = ()) -> Iterator[None]:
    """Let every refusal inside say that it is about the part at ``place``.

    What it says of a record's own fields is about ``data`` within that part.
    """
    try:
        yield
    except AppError as error:
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR and (place or data):
            if error.errors:
                error.within(*place, *data)
            else:
                error.errors = (FieldError(place, error.code, error.detail),)
        raise


def all_at(work: Iterable[tuple[Place, Callable[[], T]]]) -> list[T]:
    """Do every piece of work and return its results, or raise one error of all that is invalid."""
    done: list[T] = []
    errors: list[FieldError] = []
    for place, each in work:
        try:
            with at(place):
                done.append(each())
        except InvalidInputError as error:
            errors += error.errors
    if errors:
        raise InvalidInputError(INVALID, errors=errors)
    return done
