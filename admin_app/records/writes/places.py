"""Places of errors in a request's body that holds several writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TypeVar

from admin_app.declaration.schemas import INVALID
from admin_app.errors import AppError, FieldError, InvalidInputError

T = TypeVar("T")
Place = tuple[str | int, ...]
"""The path from the root of a body to one of its parts."""


class at:  # noqa: N801 - read as a word of its own
    """Prefix the paths of every error raised inside with ``place``.

    Errors about a record's own fields are about ``data`` within that part.
    """

    __slots__ = ("_data", "_place")

    def __init__(self, place: Place, *, data: Place = ()) -> None:
        self._place = place
        self._data = data

    def __enter__(self) -> None:
        """Begin the part."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Prefix the path of an error raised inside."""
        place, data = self._place, self._data
        if not isinstance(error, AppError) or not (place or data):
            return
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            if error.errors:
                error.within(*place, *data)
            else:
                error.errors = (FieldError(place, error.code, error.detail),)


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
