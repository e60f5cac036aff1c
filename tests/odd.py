"""Models with names like those in our own statements, and a relation that asks for more."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, String, Table, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, remote

from admin_app import Base, Record, ResourceOptions
from admin_app.settings import Settings

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)

page_tag = Table(
    "page_tag",
    METADATA,
    Column("page_id", ForeignKey("page.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Tag(Record):
    metadata = METADATA

    name: Mapped[str] = mapped_column(String(20))


class Page(Record):
    __resource__ = ResourceOptions(
        rules={"five": lambda page: page.value == 5}, filters=["value", "record"]
    )
    metadata = METADATA

    value: Mapped[int]
    record: Mapped[str] = mapped_column(String(20))
    text: Mapped[str | None]
    tags: Mapped[list[Tag]] = relationship(secondary=page_tag)


class Town(Record):
    metadata = METADATA

    name: Mapped[str] = mapped_column(String(20))
    active: Mapped[bool]


def _alive() -> Any:
    return and_(foreign(House.town_id) == remote(Town.id), Town.active)


class House(Record):
    metadata = METADATA

    town_id: Mapped[int | None] = mapped_column(ForeignKey("town.id"))
    town: Mapped[Town | None] = relationship()
    living_town: Mapped[Town | None] = relationship(primaryjoin=_alive, viewonly=True)


async def prepare(settings: Settings) -> None:
    """Make their tables beside the application's own, and the editor Ann."""
    from api import prepare_tables  # noqa: PLC0415 - it is what tests stand on

    await prepare_tables(settings, METADATA)
