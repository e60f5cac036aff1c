"""Programs that tests start as processes of their own: ``python tests/programs.py count 2``.

Settings come as JSON, one line for each database; what was found out is printed, a line each.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app import BigKey, ExactDecimal
from admin_app.database import Database
from admin_app.database.migrations import Migrations
from admin_app.settings import Settings

WRITERS = 16

TABLES = sa.MetaData()
COUNTER = sa.Table(
    "counter",
    TABLES,
    sa.Column("id", BigKey, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
VALUE = sa.Table(
    "value",
    TABLES,
    sa.Column("id", BigKey, primary_key=True),
    sa.Column("instant", sa.DateTime(timezone=True)),
    sa.Column("exact", ExactDecimal(18, 6)),
    sa.Column("whole", sa.BigInteger),
)


async def two_counters(settings: Settings) -> None:
    """Make two counters at zero, and a table of values."""
    database = Database(settings)

    async def work(session: AsyncSession) -> None:
        await (await session.connection()).run_sync(TABLES.create_all)
        await session.execute(COUNTER.insert(), [{"id": 1, "value": 0}, {"id": 2, "value": 0}])

    await database.write(work)
    await database.close()


async def increment(session: AsyncSession, counter: int = 1) -> None:
    """Read, compute here, write: what loses updates when two do it at once."""
    row = COUNTER.c.id == counter
    value = await session.scalar(sa.select(COUNTER.c.value).where(row).with_for_update())
    assert value is not None
    await session.execute(COUNTER.update().where(row).values(value=value + 1))


async def count(database: Database, seconds: float) -> None:
    """Increment for some time, then print how many writes were acknowledged."""
    end = time.monotonic() + seconds
    done = 0

    async def writer() -> None:
        nonlocal done
        while time.monotonic() < end:
            await database.write(increment)
            done += 1

    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    print(done)  # noqa: T201 - the answer


async def acknowledge(database: Database) -> None:
    """Write until killed, and print the key of each row that was acknowledged."""

    async def both(session: AsyncSession) -> int:
        await increment(session)
        added = sa.insert(VALUE).values(whole=1).returning(VALUE.c.id)
        return int(await session.scalar(added) or 0)

    async def writer() -> None:
        while True:
            print(await database.write(both), flush=True)  # noqa: T201 - the answer

    await asyncio.gather(*(writer() for _ in range(WRITERS)))


def migrate(settings: Settings, processes: int) -> None:
    """Migrate from several processes at the same moment; print what each applied."""
    fork = multiprocessing.get_context("fork")
    together, answers = fork.Barrier(processes), fork.SimpleQueue()

    def start() -> None:
        together.wait()
        runner = Migrations(settings, sa.MetaData())
        answers.put(" ".join(asyncio.run(runner.upgrade_embedded())))

    started = [fork.Process(target=start) for _ in range(processes)]
    for each in started:
        each.start()
    for each in started:
        each.join()
        print(answers.get() if each.exitcode == 0 else "failed")  # noqa: T201 - the answer


async def write(program: str, settings: Settings, *arguments: str) -> None:
    database = Database(settings)
    if program == "count":
        await count(database, float(arguments[0]))
    else:
        await acknowledge(database)
    await database.close()


def main(program: str, *arguments: str) -> None:
    for line in sys.stdin:
        settings = Settings.model_validate_json(line)
        if program == "migrate":
            migrate(settings, int(arguments[0]))
        else:
            asyncio.run(write(program, settings, *arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
