"""Doing many things at once, where none of it stays if any of it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

from admin_app.errors import AppError
from admin_app.records.writes.writer import Writer

T = TypeVar("T")

FEWEST = 8
"""Things of which it is not worth while to find out which half is refused."""


async def tried(writer: Writer, together: Callable[[], Awaitable[list[T] | None]]) -> list[T]:
    """Do work in a savepoint; empty, and nothing of it stays, where it is refused.

    The caller then does it one by one, which says what is refused and why.
    """
    try:
        async with writer.savepoint():
            return await together() or []
    except AppError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return []


async def by_halves(
    writer: Writer,
    count: int,
    together: Callable[[range], Awaitable[list[T] | None]],
    one: Callable[[int], Awaitable[T]],
) -> list[T]:
    """Do so many things, in turn: together where that can be done, else one by one.

    Where some are refused together, half of them are tried, then the other half. ``together``
    answers None where they can only be done one by one, whichever they are.
    """
    done: list[T] = []
    alone = False
    waiting = [range(count)]
    while waiting:
        portion = waiting.pop()
        if len(portion) > 1 and not alone:
            try:
                async with writer.savepoint():
                    made = await together(portion)
            except AppError as error:
                if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                if len(portion) >= 2 * FEWEST:
                    middle = portion.start + len(portion) // 2
                    waiting += [range(middle, portion.stop), range(portion.start, middle)]
                    continue
            else:
                if made is not None:
                    done += made
                    continue
                alone = True
        for index in portion:
            done.append(await one(index))
    return done
