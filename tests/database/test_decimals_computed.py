"""What SQL computes of exact decimals is the same number on both databases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database import Database, ExactDecimal, InexactError

PRICE: sa.ColumnElement[Any] = sa.literal(Decimal("19.90"), ExactDecimal(10, 2))
RATE: sa.ColumnElement[Any] = sa.literal(Decimal("0.500"), ExactDecimal(10, 3))
COUNT: sa.ColumnElement[Any] = sa.literal(3, sa.Integer())
COMPUTED: dict[str, tuple[sa.ColumnElement[Any], str]] = {
    "a sum": (PRICE + RATE, "20.400"),
    "a sum with a number": (PRICE + 1, "20.90"),
    "a difference": (RATE - PRICE, "-19.400"),
    "a difference with a count": (PRICE - COUNT, "16.90"),
    "what is left of a number": (100 - PRICE, "80.10"),
    "a product": (PRICE * RATE, "9.95000"),
    "a product with a count": (COUNT * PRICE, "59.70"),
    "the double": (PRICE * 2, "39.80"),
    "twice": (2 * PRICE, "39.80"),
    "a discount": (PRICE * Decimal("0.9"), "17.910"),
    "several": ((PRICE - RATE) * COUNT * Decimal("1.5"), "87.3000"),
    "a sum of products": (sa.func.sum(PRICE * RATE), "9.95000"),
    "nothing": (sa.func.coalesce(sa.null(), sa.literal_column("0"), type_=PRICE.type), "0.00"),
}
HELD = {
    "more": PRICE > RATE,
    "less": RATE * 10 < PRICE,
    "as much": PRICE + Decimal("0.10") == COUNT * 5 * PRICE - Decimal("278.50"),
    "more than a count": PRICE > COUNT,
    "not the same": PRICE != RATE,
}


async def test_computed(database: Database) -> None:
    """Sums, differences and products are exact, with as many places on either database."""

    async def ask(connection: AsyncConnection) -> Any:
        columns = [each.label(f"c{number}") for number, (each, _) in enumerate(COMPUTED.values())]
        return (await connection.execute(sa.select(*columns))).one()

    found = await database.read(ask)
    assert [str(each) for each in found] == [text for _, text in COMPUTED.values()]


async def test_too_large(database: Database) -> None:
    """What has more digits than a decimal can have is null, and no error of everything else."""
    most = sa.literal(Decimal("9999999999999999.99"), ExactDecimal(18, 2))

    async def ask(connection: AsyncConnection) -> Any:
        columns = (most * 1000, most + most, most * most, most - most, most)
        if database.engine.dialect.name == "sqlite":
            total = sa.func.sum(sa.literal(2**31, sa.BigInteger()) * most)
            assert await connection.scalar(sa.select(sa.func.coalesce(total, 0))) is None
        return (await connection.execute(sa.select(*columns))).one()

    found = await database.read(ask)
    assert [*found] == [None, None, None, Decimal("0.00"), Decimal("9999999999999999.99")]


async def test_compared(database: Database) -> None:
    """Decimals of different scales compare as the numbers they are."""

    async def ask(connection: AsyncConnection) -> Any:
        columns = [each.label(f"c{number}") for number, each in enumerate(HELD.values())]
        return (await connection.execute(sa.select(*columns))).one()

    assert [*await database.read(ask)] == [True] * len(HELD)


def test_refused() -> None:
    """What cannot be exact is refused where it is written."""
    with pytest.raises(InexactError, match="divide"):
        PRICE / 2
    with pytest.raises(InexactError, match="18 places"):
        RATE * sa.literal(Decimal(1), ExactDecimal(18, 16))
