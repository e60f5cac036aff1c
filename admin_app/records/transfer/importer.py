"""Import: rows through the write path, a few hundred in a transaction, all in one change set."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from admin_app.access.standing import require_standing
from admin_app.declaration import Actor, Key, Origin
from admin_app.errors import AppError, ContentTooLargeError
from admin_app.records.service import Records
from admin_app.records.transfer.files import Format, Row
from admin_app.records.transfer.mapping import Plan
from admin_app.records.transfer.run import Failure, Outcome, RowFailedError, Run, failure
from admin_app.records.transfer.values import Prepared, prepare
from admin_app.records.writes.writer import Writer

T = TypeVar("T")

CHUNK = 200
"""Rows of one transaction: enough to be quick, and over before other writers get impatient."""
MOST_ATOMIC = 10_000
"""Rows that a request may have kept all or none: others wait until they are written."""
MOST_WHOLE = 50_000
"""Rows of which all or none can be kept anywhere: they are all in memory until then."""


class _Sorted(NamedTuple):
    """Rows, sorted by what can be read of them."""

    good: list[Prepared]
    unreadable: list[Prepared]
    """With cells that are no values."""
    broken: list[Failure]
    """That could not be told into cells."""


class Import:
    """One import: every row creates or updates a record, as its actor may, or is a failure."""

    def __init__(
        self,
        records: Records,
        actor: Actor,
        plan: Plan,
        format_: Format,
        *,
        origin: Origin,
        atomic: bool = False,
        keep: bool = True,
    ) -> None:
        self._records = records
        self._registry = records.registry_for(actor)
        self._actor = actor
        self._plan = plan
        self._format = format_
        self._origin = origin
        self._atomic = atomic
        self._keep = keep
        self.change_set = uuid.uuid4()
        """The change set of the whole import."""
        self._seen: dict[Key, int] = {}

    async def run(self, rows: Iterable[Row]) -> AsyncIterator[Outcome]:
        """Take the rows in, chunk by chunk; each outcome is of rows that are kept by then.

        An atomic import is one chunk, of which nothing is kept if any row fails; without ``keep``
        nothing ever is. Raises ``ContentTooLargeError`` for one of too many rows, what
        ``Records.write`` raises, and what ``require_standing`` does of an actor who has lost
        something meanwhile; the chunks before stay, and the import can simply run again.
        """
        waiting = iter(rows)
        size = MOST_WHOLE + 1 if self._atomic else CHUNK
        # In a thread: a row may be long, or have much before it that is passed over.
        while chunk := await asyncio.to_thread(lambda: list(itertools.islice(waiting, size))):
            if len(chunk) > MOST_WHOLE:
                msg = f"At most {MOST_WHOLE:,} rows are kept all or none: send them in parts."
                raise ContentTooLargeError(msg)
            yield await (self._whole(chunk) if self._atomic else self._chunk(chunk))

    async def _whole(self, rows: Sequence[Row]) -> Outcome:
        try:
            return await self._written(lambda writer: self.within(writer, rows))
        except NothingKeptError as error:
            return Outcome(failures=error.failures)

    async def _chunk(self, rows: Sequence[Row]) -> Outcome:
        """Write the chunk all at once; if a row fails, again row by row, to find which.

        Most chunks have no bad row, and are written with a tenth of the statements.
        """
        sorted_ = self._sorted(rows)
        try:
            run = await self._attempt(sorted_, together=True)
        except RowFailedError:
            run = await self._attempt(sorted_, together=False)
        self._seen.update(run.seen)
        return run.outcome

    def _sorted(self, rows: Sequence[Row]) -> _Sorted:
        found = _Sorted([], [], [])
        for row in rows:
            try:
                prepared = prepare(self._plan, self._registry, self._format, row)
            except AppError as error:
                found.broken.append(failure(row, error))
            else:
                (found.unreadable if prepared.errors else found.good).append(prepared)
        return found

    async def _attempt(self, rows: _Sorted, *, together: bool) -> Run:
        async def work(writer: Writer) -> Run:
            await require_standing(writer.connection, self._actor)
            run = Run(writer, self._registry, self._plan, self._seen)
            await (run.together(rows.good) if together else run.one_by_one(rows.good))
            await _refuse(run, rows)
            return run

        return await self._written(work)

    async def _written(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        if not self._keep:
            return (await self._records.rehearse(self._actor, self._origin, work)).result
        return await self._records.write(
            self._actor, self._origin, work, change_set=self.change_set
        )

    async def within(self, writer: Writer, rows: Sequence[Row]) -> Outcome:
        """Take rows in as a part of other writes: an import that is atomic keeps all or raises.

        Raises ``NothingKeptError``, and what ``require_standing`` does.
        """
        whole = Outcome()
        for start in range(0, len(rows), CHUNK):
            await require_standing(writer.connection, self._actor)
            sorted_ = self._sorted(rows[start : start + CHUNK])
            run = Run(writer, self._registry, self._plan, self._seen)
            try:
                async with writer.savepoint():
                    await run.together(sorted_.good)
            except RowFailedError:
                run = Run(writer, self._registry, self._plan, self._seen)
                await run.one_by_one(sorted_.good)
            await _refuse(run, sorted_)
            # It may all run again: a row that meets itself is met for the first time.
            self._seen.update(run.seen)
            whole.add(run.outcome)
        if self._atomic and whole.failures:
            raise NothingKeptError(whole.failures)
        return whole


async def _refuse(run: Run, rows: _Sorted) -> None:
    """Note the rows that were not tried, each in its place."""
    if rows.unreadable:
        await run.refuse(rows.unreadable)
    run.outcome.failures += rows.broken
    run.outcome.failures.sort(key=lambda each: each.row.line)


class NothingKeptError(Exception):
    """An atomic import had bad rows."""

    def __init__(self, failures: list[Failure]) -> None:
        super().__init__()
        self.failures = failures
