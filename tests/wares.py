"""A model whose values are computed of exact decimals and whole numbers, some of them too large."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, MetaData
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, column_property, mapped_column

from admin_app import Base, ExactDecimal, Record
from admin_app.settings import Settings

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)


class Ware(Record):
    metadata = METADATA

    price: Mapped[Decimal] = mapped_column(ExactDecimal(18, 2))
    amount: Mapped[int] = mapped_column(BigInteger)
    twice: Mapped[Decimal] = column_property(price * 2)

    @hybrid_property
    def total(self) -> Decimal:
        return self.price * self.amount

    @hybrid_property
    def worth(self) -> Decimal:
        return self.amount * self.price

    @hybrid_property
    def square(self) -> int:
        return self.amount * self.amount


async def prepare(settings: Settings) -> None:
    """Make their table beside the application's own, and the editor Ann."""
    from api import prepare_tables  # noqa: PLC0415 - it is what tests stand on

    await prepare_tables(settings, METADATA)
