"""What one database takes the other takes, and gives back alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from conftest import opened
from counters import stock  # noqa: F401 - what the databases hold
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from programs import VALUE
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.database import Database
from admin_app.settings import Settings

# The first and last day are left out: in UTC they may lie outside of what Python can hold.
instants = st.builds(
    lambda moment, minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes))),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - the zone comes next
    st.integers(-1439, 1439),
)


exact_decimals = st.integers(-(10**18) + 1, 10**18 - 1).map(lambda whole: Decimal(whole).scaleb(-6))


values = st.lists(
    st.fixed_dictionaries(
        {
            "instant": st.none() | instants,
            "exact": st.none() | exact_decimals,
            "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        }
    ),
    min_size=1,
    max_size=20,
)


class TestSameOnBoth:
    """What one database takes the other takes, and gives back alike."""

    @pytest.fixture
    async def both(self, sqlite: Settings, postgresql: Settings) -> AsyncIterator[list[Database]]:
        async with opened(sqlite) as one, opened(postgresql) as other:
            yield [one, other]

    @hypothesis_settings(
        max_examples=50,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(rows=values)
    async def test_round_trip(self, rows: list[dict[str, Any]], both: list[Database]) -> None:
        """Instants come back in UTC, decimals and 64-bit integers exactly, in the same order."""
        for number, row in enumerate(rows):
            row["id"] = number
        one, other = [await self._answers(each, rows) for each in both]

        assert one == other
        names = VALUE.c.keys()
        assert one[0] == [tuple(row[name] for name in names) for row in rows]
        assert {row[1].utcoffset() for row in one[0] if row[1]} <= {timedelta(0)}

    async def _answers(self, database: Database, rows: list[dict[str, Any]]) -> list[list[Any]]:
        """The rows as stored; keys by each column's order; keys at or above the first value."""

        async def fill(session: AsyncSession) -> None:
            await session.execute(VALUE.delete())
            await session.execute(VALUE.insert(), rows)

        async def ask(connection: AsyncConnection) -> list[list[Any]]:
            key = VALUE.c.id
            queries: list[sa.Select[Any]] = [sa.select(VALUE).order_by(key)]
            for column in (VALUE.c.instant, VALUE.c.exact, VALUE.c.whole):
                queries.append(sa.select(key).order_by(column.asc().nulls_last(), key))
                first = rows[0][column.name]
                if first is not None:
                    queries.append(sa.select(key).where(column >= first).order_by(key))
            return [[tuple(row) for row in await connection.execute(each)] for each in queries]

        await database.write(fill)
        return await database.read(ask)

    async def test_sums(self, database: Database) -> None:
        """A sum of decimals is exact."""

        async def fill(session: AsyncSession) -> None:
            await session.execute(VALUE.insert(), [{"exact": Decimal("0.1")}] * 10)

        await database.write(fill)
        total = await database.read(
            lambda connection: connection.scalar(sa.select(sa.func.sum(VALUE.c.exact)))
        )

        assert total == Decimal(1)

    @pytest.mark.parametrize("wrong", ["0.0000001", "NaN", "Infinity"])
    async def test_inexact_is_refused(self, wrong: str, database: Database) -> None:
        """A decimal with more places than the column has is refused, never rounded."""
        with pytest.raises(sa.exc.StatementError, match="decimal places"):
            await database.write(
                lambda session: session.execute(VALUE.insert().values(exact=Decimal(wrong)))
            )

    async def test_lower(self, database: Database) -> None:
        """Lower case means the same for every script."""
        found = await database.read(
            lambda connection: connection.scalar(sa.select(sa.func.lower("ÉÑÖ ЖΩ")))
        )

        assert found == "éñö жω"
