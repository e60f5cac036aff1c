"""Fast path of creates: new rows and their changes by one statement, or by a few.

The database puts the changes together as well, by the expressions that reads are written with.
Validity, rights and sight are decided as ever. Whatever this cannot do, or the database refuses, is
left to the ordinary way, which writes one by one and says what is wrong with which.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Literal

from admin_app.database import asked, fetch, run_columns, savepoint
from admin_app.declaration import Field, Key, Kind, Resource, stamped
from admin_app.declaration.fields import TEXTUAL
from admin_app.errors import AppError
from admin_app.records.reads.reader import Values
from admin_app.records.writes.differences import attends
from admin_app.records.writes.fast.sql import (
    Outcome,
    Written,
    facts,
    on_postgresql,
    on_sqlite,
    one_on_postgresql,
)
from admin_app.records.writes.reach import out_of_reach
from admin_app.records.writes.refusals import computes, explained
from admin_app.records.writes.statements import statements_of
from admin_app.records.writes.transaction import RepeatError, Transaction
from admin_app.records.writes.triggers import untouched

FEWEST = 2
"""Records from which on the rows of a list are inserted together."""
Obstacle = Literal[
    "few",
    "told",
    "hooks",
    "reason",
    "model",
    "key",
    "types",
    "title",
    "sets",
    "forms",
    "defaults",
    "rules",
    "triggers",
]
_PRINTED = re.compile("[!-~]")
Columns = dict[str, Sequence[Any]]
"""The values of each row by the key of their column."""
_Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Given:
    """Records as they are given."""

    fields: Columns
    """Their values by field, of all that any of them gives."""
    sometimes: Collection[str]
    """The fields that not all of them give."""
    count: int


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows that are to be inserted."""

    columns: Columns
    count: int


class FastInsert:
    """Inserts records of one transaction together with their changes, where that is possible."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._session = transaction.session
        self._connection = transaction.connection
        self._registry = transaction.registry
        self._rows = transaction.rows
        self._references = transaction.references
        self._journal = transaction.journal

    async def insert(
        self, resource: Resource, seen: Resource, items: Sequence[Values]
    ) -> list[Values] | None:
        """Insert valid records that the actor may create; what the statement returns of each.

        ``None`` where nothing is done and they have to go the ordinary way.
        """
        found = await self._insert(resource, seen, items, brief=False)
        return None if found is None else _read(*found)

    async def insert_for_keys(
        self, resource: Resource, seen: Resource, items: Sequence[Values]
    ) -> list[Key] | None:
        """``insert``, for whom the keys are enough."""
        found = await self._insert(resource, seen, items, brief=True)
        if found is None:
            return None
        _, rows = found
        return [*map(tuple, rows)]  # Other keys have an obstacle in their declaration.

    async def _insert(
        self, resource: Resource, seen: Resource, items: Sequence[Values], *, brief: bool
    ) -> tuple[Written, _Rows] | None:
        if len(items) < FEWEST or self._transaction.attempt == "second":
            return None
        given = _given(items)
        if await self._obstacle(resource, given) is not None:
            return None
        if not await self._references.all_in_sight(resource, given.fields):
            return None
        batch = _Batch(_completed(resource, given), len(items))
        make = self._by_few if self._connection.dialect.name == "sqlite" else self._by_one
        alone = self._alone
        try:
            with explained(seen, self._registry):
                async with nullcontext() if alone else savepoint(self._session):
                    written, rows = await make(resource, batch, brief=brief)
                    _check(written, rows, batch.count)
        except (_RefusedError, AppError) as error:
            if isinstance(error, AppError) and error.status >= _SERVERS:
                raise
            if alone:
                raise RepeatError from error
            return None
        self._journal.recorded_elsewhere = True
        return written, rows

    @property
    def _alone(self) -> bool:
        """Whether a refusal can undo the whole transaction, which spares a savepoint.

        SQLite copies what a page was at a savepoint before it changes it.
        """
        return (
            self._transaction.attempt == "first"
            and not self._journal.recorded_elsewhere
            and not self._session.in_nested_transaction()
        )

    async def insert_one(self, resource: Resource, seen: Resource, values: Values) -> Values | None:
        """``insert``, for one record on PostgreSQL, without a savepoint.

        Raises ``ForbiddenError`` and what ``explained`` raises of ``seen``: what is refused now
        would be refused by the ordinary way as well, with the same words.
        """
        if self._connection.dialect.name == "sqlite":
            return None
        one = _given([values])
        if await self._obstacle(resource, one) is not None:
            return None
        columns = _completed(resource, one)
        reach = self._rows.reach.new(resource).returnable
        referring = self._references.referring(resource, values)
        written = one_on_postgresql(resource, tuple(columns), reach, referring)
        given = written.binds({key: each[0] for key, each in columns.items()})
        with explained(seen, self._registry):
            values = self._journal.common_values() | given
            rows = await fetch(self._connection, written.statement, values)
        if not rows:
            return None  # It refers to what is out of sight.
        self._journal.recorded_elsewhere = True
        try:
            _check(written, rows, 1)
        except _RefusedError:
            raise out_of_reach(resource) from None
        return _read(written, rows)[0]

    async def obstacle(self, resource: Resource, items: Sequence[Values]) -> Obstacle | None:
        """Why a list of records cannot be inserted so; ``None`` if it can."""
        return "few" if len(items) < FEWEST else await self._obstacle(resource, _given(items))

    async def _obstacle(self, resource: Resource, given: _Given) -> Obstacle | None:
        sqlite = self._connection.dialect.name == "sqlite"
        if resource.options.reason == "required":
            return "reason"
        found = _declared(resource, sqlite=sqlite) or _given_so(resource, given)
        if found is not None:
            return found
        if self._journal.listed or self._journal.entries:
            return "told"
        if not self._rows.reach.new(resource).known:
            return "rules"
        return None if await untouched(self._connection, resource.table) else "triggers"

    async def _by_one(
        self, resource: Resource, batch: _Batch, *, brief: bool
    ) -> tuple[Written, _Rows]:
        reach = self._rows.reach.new(resource).returnable
        written = on_postgresql(resource, tuple(batch.columns), reach, brief=brief)
        values = self._journal.common_values() | written.binds(batch.columns)
        rows = await fetch(self._connection, written.statement, values)
        if not brief:
            return written, rows
        ((numbers, reached),) = rows
        if reached != batch.count:
            raise _RefusedError
        return written, [*zip(numbers)]

    async def _by_few(
        self, resource: Resource, batch: _Batch, *, brief: bool
    ) -> tuple[Written, _Rows]:
        reach = self._rows.reach.new(resource).returnable
        written = on_sqlite(resource, reach)
        ((last,),) = await fetch(self._connection, written.last, {})
        await run_columns(self._connection, written.insert, batch.columns)
        after = written.after(last)
        await fetch(self._connection, written.tell, self._journal.common_values() | after)
        (row,) = await fetch(self._connection, written.outcome, after)
        made = Outcome(*row)
        if not made.told == made.rows == made.reached == batch.count:
            raise _RefusedError
        if not brief:
            return written, await fetch(self._connection, written.statement, after)
        keys = range(made.first or 0, (made.last or 0) + 1)
        return written, [*zip(keys)]


_SERVERS = 500


class _RefusedError(Exception):
    """Raised to undo what was written; the ordinary way then says why."""


def _check(written: Written, rows: _Rows, count: int) -> None:
    """Raise ``_RefusedError`` unless all rows are there and in reach."""
    if len(rows) != count or (written.reach and not all(row[-1] for row in rows)):
        raise _RefusedError


def _read(written: Written, rows: _Rows) -> list[Values]:
    return [dict(zip(written.names, row)) for row in rows]  # noqa: B905 - its reach comes after


@lru_cache(maxsize=1_024)
def _declared(resource: Resource, *, sqlite: bool) -> Obstacle | None:
    """The obstacle in the declaration, if any."""
    options, fields = resource.options, resource.fields
    number = statements_of(resource).number
    title = fields[resource.title]
    titled = title.column is not None and title.kind in TEXTUAL and not title.sensitive
    against: tuple[tuple[Obstacle, bool], ...] = (
        ("hooks", options.before_write is not None or options.after_commit is not None),
        ("model", attends(resource) or computes(resource)),
        ("key", number is None or resource.key[0].kind is not Kind.INTEGER),
        ("defaults", sqlite and any(map(_stored_otherwise, fields.values()))),
        ("title", not titled),
        ("types", facts(resource, resource.table.c, sqlite=sqlite) is None),
    )
    return next((name for name, holds in against if holds), None)


def _stored_otherwise(field: Field) -> bool:
    """Whether SQLite may give a field a default that is not stored as SQLAlchemy stores it."""
    given = field.column is not None and field.column.server_default is not None
    return given and field.kind not in _STORED_ALIKE


_STORED_ALIKE = TEXTUAL | {Kind.INTEGER, Kind.BOOLEAN, Kind.ENUM}


def _given_so(resource: Resource, given: _Given) -> Obstacle | None:
    """The obstacle in the records themselves, if any."""
    statements = statements_of(resource)
    if any(name not in statements.columns for name in given.fields):
        return "sets"
    keys = {statements.columns[name].key for name in given.sometimes}
    if keys - statements.unset.keys() or resource.key[0].name in given.fields:
        return "forms"
    title = resource.title
    if title not in given.fields or title in given.sometimes:
        return "title"
    unprinted = (text for text in given.fields[title] if not text or not _PRINTED.search(text))
    if not all(text and _is_title(resource, text) for text in unprinted):
        return "title"
    return None if _defaults(resource) is not None else "defaults"


def _is_title(resource: Resource, text: str) -> bool:
    nobody = dict.fromkeys((each.name for each in resource.key), 0)
    return resource.title_of({**nobody, resource.title: text}) == text


def _given(items: Sequence[Values]) -> _Given:
    """The values of records by field."""
    names = items[0].keys()
    if all(each.keys() == names for each in items):
        columns: Columns = {name: [*map(itemgetter(name), items)] for name in names}
        return _Given(columns, (), len(items))
    every = dict.fromkeys(name for each in items for name in each)
    sometimes = [name for name in every if not all(name in each for each in items)]
    columns = {name: [each.get(name) for each in items] for name in every}
    return _Given(columns, sometimes, len(items))


def _completed(resource: Resource, given: _Given) -> Columns:
    """The values by column, with defaults and stamps."""
    statements, count = statements_of(resource), given.count
    stamps: Columns = {
        each.name: [stamped(each.stamp)] * count
        for each in resource.fields.values()
        if each.stamp is not None
    }
    columns = {statements.columns[name].key: each for name, each in (given.fields | stamps).items()}
    if statements.version_key is not None:
        columns.setdefault(statements.version_key, [statements.first_version] * count)
    for key, ask in (_defaults(resource) or {}).items():
        if key not in columns:
            columns[key] = [ask() for _ in range(count)]
    return columns


@lru_cache(maxsize=1_024)
def _defaults(resource: Resource) -> Mapping[str, Any] | None:
    """The functions that compute the defaults of columns that are not given.

    ``None`` where only SQLAlchemy can compute one.
    """
    try:
        return {
            each.key: asked(each.default)
            for each in resource.table.columns
            if each.default is not None
        }
    except ValueError:
        return None
