"""The report about all that is declared, read from the database's own plans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Table, func, literal, select
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database.explained import plan_of, reluctantly
from admin_app.declaration import Registry, acting
from admin_app.records.advice.cases import Case, Cases
from admin_app.records.advice.indexes import Wanted, finds
from admin_app.records.reads.reader import Reader

MOST_ROWS = 1_000_000
"""Rows of a table that are counted; more is as much."""
DECLARED = "nothing: the index is declared; admin-app db check tells what the database lacks"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a table lacks, and why."""

    table: str
    rows: int
    """``MOST_ROWS`` stands for as many or more."""
    why: tuple[str, ...]
    add: str
    """What is to be added to the declaration."""


async def advise(reader: Reader, connection: AsyncConnection, least_rows: int = 0) -> list[Advice]:
    """What the tables of at least so many rows lack, by table."""
    await reluctantly(connection)
    lacking: dict[Table, list[Case]] = {}
    async for case in Cases(reader, connection.dialect.name).all():
        if not await _served(connection, case):
            lacking.setdefault(case.table, []).append(case)
    found: list[Advice] = []
    for table in sorted(lacking, key=lambda each: each.name):
        rows = await _rows(connection, table)
        if rows >= least_rows:
            found += _of_table(reader.registry, table, rows, lacking[table])
    return found


async def _served(connection: AsyncConnection, case: Case) -> bool:
    if case.wanted is None and not case.instead:
        return True
    try:
        with acting(case.actor):
            return case.served(await plan_of(connection, case.statement))
    except StatementError as error:
        if isinstance(error, DBAPIError):
            raise
        return True  # A type of the project's own does not take the example.


def _of_table(
    registry: Registry, table: Table, rows: int, cases: Iterable[Case]
) -> Iterable[Advice]:
    reasons: dict[str, list[str]] = {}
    wanted = [each.wanted for each in cases if each.wanted is not None]
    for each in cases:
        line = each.instead
        if each.wanted is not None and not each.wanted.terms and finds(table, each.wanted.columns):
            line = DECLARED
        elif each.wanted is not None:
            line = _longest(each.wanted, wanted).line(registry)
        reasons.setdefault(line, []).append(each.why)
    return [Advice(table.name, rows, tuple(why), line) for line, why in reasons.items()]


def _longest(wanted: Wanted, others: Iterable[Wanted]) -> Wanted:
    """The one of all that are wanted that does what this one does, and more."""
    if wanted.terms and any(each.descending for each in wanted.terms):
        return wanted
    names = [each.name for each in wanted.columns]
    length = len(names)
    longer = (each for each in others if [one.name for one in each.columns[:length]] == names)
    return max(longer, key=lambda each: len(each.columns))


async def _rows(connection: AsyncConnection, table: Table) -> int:
    some = select(literal(1)).select_from(table).limit(MOST_ROWS)
    return await connection.scalar(select(func.count()).select_from(some.subquery())) or 0
