"""Models of which one value is long, pointed to by many, through a relation with a foreign name."""

from __future__ import annotations

from sqlalchemy import ForeignKey, MetaData, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import Base, Record, ResourceOptions
from admin_app.settings import Settings

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)


class Tome(Record):
    metadata = METADATA

    body: Mapped[str] = mapped_column(Text)
    листы: Mapped[list[Leaf]] = relationship(back_populates="tome")  # noqa: PLC2401 - as it is said


class Leaf(Record):
    __resource__ = ResourceOptions(plural="leaves")
    metadata = METADATA

    name: Mapped[str] = mapped_column(String(20))
    tome_id: Mapped[int | None] = mapped_column(ForeignKey("tome.id"), index=True)
    tome: Mapped[Tome | None] = relationship(back_populates="листы")


async def prepare(settings: Settings) -> None:
    """Make their tables beside the application's own, and the editor Ann."""
    from api import prepare_tables  # noqa: PLC0415 - it is what tests stand on

    await prepare_tables(settings, METADATA)
