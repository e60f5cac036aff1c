"""Models whose promises are kept late, or only for who says what they mean."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, MetaData, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from admin_app import Base, ExactDecimal, Record, ResourceOptions
from admin_app.settings import Settings

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)


class Guarded(Record):
    """Changed over REST by who has read it only."""

    __resource__ = ResourceOptions(plural="guarded", require_if_match=True)
    metadata = METADATA

    name: Mapped[str] = mapped_column(String(20))


class Promise(Record):
    """Points to a keeper of it that need not be there before the end."""

    metadata = METADATA

    name: Mapped[str] = mapped_column(String(20))
    other_id: Mapped[int | None] = mapped_column(
        ForeignKey("promise.id", deferrable=True, initially="DEFERRED")
    )


class Defaulted(Base):
    """Every way to have a default, under a key that is given."""

    __resource__ = ResourceOptions(plural="defaulted", sensitive=["secret"])
    metadata = METADATA

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    note: Mapped[str | None] = mapped_column(String(20))
    plain: Mapped[int] = mapped_column(default=3)
    made: Mapped[str] = mapped_column(String(20), default=lambda: "made")
    price: Mapped[Decimal] = mapped_column(ExactDecimal(9, 2), default=0)
    number: Mapped[int] = mapped_column(server_default=text("7"))
    worded: Mapped[int] = mapped_column(server_default="8")
    words: Mapped[str | None] = mapped_column(String(20), server_default="it's")
    sure: Mapped[bool] = mapped_column(server_default=text("true"))
    summed: Mapped[int] = mapped_column(default=text("1 + 1"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    secret: Mapped[str | None] = mapped_column(String(20))


async def prepare(settings: Settings) -> None:
    """Make their tables beside the application's own, and the editor Ann."""
    from api import prepare_tables  # noqa: PLC0415 - it is what tests stand on

    await prepare_tables(settings, METADATA)
