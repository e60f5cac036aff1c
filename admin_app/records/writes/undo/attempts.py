"""Attempts to undo something: what refuses one is a conflict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any

from admin_app.errors import (
    AppError,
    ForbiddenError,
    InUseError,
    RevertConflictError,
)
from admin_app.records.trail.net import Net
from admin_app.records.writes.undo.obstacles import Obstacles
from admin_app.records.writes.undo.reversal import ConflictCode
from admin_app.records.writes.writer import Writer


class Attempts:
    """What is tried in one transaction by one writer."""

    def __init__(self, writer: Writer, obstacles: Obstacles) -> None:
        self._writer = writer
        self._obstacles = obstacles

    async def together(
        self, work: Callable[[], Awaitable[Any]], done: Callable[[Any], bool] = lambda _: True
    ) -> bool:
        """Do many things at once; where that is refused, none of it stays."""
        try:
            async with self._writer.savepoint():
                return done(await work())
        except AppError as error:
            _pass_on(error)
            return False

    async def one(self, net: Net, work: Callable[[], Awaitable[object]]) -> bool:
        """Do something for a record; whether it is done, where conflicts are skipped.

        Raises ``RevertConflictError`` where they are not.
        """
        try:
            async with self._writer.savepoint() if self._obstacles.skip else nullcontext():
                await work()
        except AppError as error:
            _pass_on(error)
            code: ConflictCode = "in_use" if isinstance(error, InUseError) else "refused"
            words = dict.fromkeys([error.detail, *(each.detail for each in error.errors)])
            names = {each.path[0] for each in error.errors if each.path}
            name = str(names.pop()) if len(names) == 1 else None
            known = name if name in {**net.resource.fields, **net.resource.sets} else None
            self._obstacles.add(net, code, known, detail=" ".join(words))
            self._obstacles.refuse()
            return False
        return True


def _pass_on(error: AppError) -> None:
    """Raise again what is no conflict."""
    own = isinstance(error, (ForbiddenError, RevertConflictError))
    if own or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
