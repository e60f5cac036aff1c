"""Every way to be known: by a UUID, a text, a date, or several parts."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import ForeignKeyConstraint, Integer, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import ResourceOptions
from zoo.stock import Plain


class Unique(Plain):
    """A key that is made here unless it is given."""

    __resource__ = ResourceOptions(plural="uniques")

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    name: Mapped[str | None] = mapped_column(String(40))


class Text(Plain):
    __tablename__ = "text_keyed"
    __resource__ = ResourceOptions(name="text")

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(40))


class Dated(Plain):
    __resource__ = ResourceOptions(plural="dated")

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(40))


class Composite(Plain):
    room: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str | None] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(default=1)
    parts: Mapped[list[Part]] = relationship(back_populates="composite", passive_deletes=True)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's protocol


class Part(Plain):
    """A key of which two parts are a foreign key."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["room", "number"], ["composite.room", "composite.number"], ondelete="CASCADE"
        ),
    )

    room: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str | None] = mapped_column(String(40))
    composite: Mapped[Composite] = relationship(back_populates="parts")
