"""Where in a request's body a refusal is at home, when the body holds several writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TypeVar

from admin_app.declaration.schemas import INVALID
from admin_app.errors import AppError, FieldError, InvalidInputError

T = TypeVar("T")
Place = tuple[str | int, ...]
"""The way from the root of a body to one of its parts."""


class at:  # noqa: N801 - read as a word of its own
    """Let every refusal inside say that it is about the part at ``place``.

    What it says of a record's own fields is about ``data`` within that part.
    """

    __slots__ = ("_data", "_place")

    def __init__(self, place: Place, *, data: Place = ()) -> None:
        self._place = place
        self._data = data

    def __enter__(self) -> None:
        """Begin the part."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Tell a refusal where it is at home."""
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
