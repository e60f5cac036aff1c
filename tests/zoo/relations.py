"""Every relation: to oneself, one to one, one to many, many to many."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, String, Table, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, remote

from admin_app import ResourceOptions
from zoo.keys import Composite
from zoo.stock import METADATA, Kept, Plain


def link(name: str, one: str, other: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("one", ForeignKey(one, ondelete="CASCADE"), primary_key=True),
        Column("other", ForeignKey(other, ondelete="CASCADE"), primary_key=True),
    )


keeper_label = link("keeper_label", "keeper.id", "label.code")
friendship = link("friendship", "keeper.id", "keeper.id")
keeper_composite = Table(
    "keeper_composite",
    METADATA,
    Column("keeper_id", ForeignKey("keeper.id"), primary_key=True),
    Column("room", String(20), primary_key=True),
    Column("number", primary_key=True),
    ForeignKeyConstraint(["room", "number"], ["composite.room", "composite.number"]),
)


class Folder(Kept):
    """A tree; what is in a folder goes with it."""

    name: Mapped[str] = mapped_column(String(40))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("folder.id", ondelete="CASCADE"))
    parent: Mapped[Folder | None] = relationship(remote_side="Folder.id", back_populates="children")
    children: Mapped[list[Folder]] = relationship(back_populates="parent", passive_deletes=True)
    namesakes: Mapped[list[Folder]] = relationship(
        primaryjoin=lambda: and_(
            foreign(remote(Folder.name)) == Folder.name, remote(Folder.id) != Folder.id
        ),
        viewonly=True,
    )


class Label(Plain):
    __resource__ = ResourceOptions(title="name")

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(default=1)
    keepers: Mapped[list[Keeper]] = relationship(secondary=keeper_label, back_populates="labels")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's protocol


class Keeper(Kept):
    __resource__ = ResourceOptions(search=["name", "labels.name", "boss.name"])

    name: Mapped[str] = mapped_column(String(40))
    boss_id: Mapped[int | None] = mapped_column(ForeignKey("keeper.id", ondelete="SET NULL"))
    boss: Mapped[Keeper | None] = relationship(remote_side="Keeper.id", back_populates="staff")
    staff: Mapped[list[Keeper]] = relationship(back_populates="boss", passive_deletes=True)
    passport: Mapped[Passport | None] = relationship(back_populates="keeper")
    cages: Mapped[list[Cage]] = relationship(back_populates="keeper", lazy="joined")
    loans: Mapped[list[Loan]] = relationship(back_populates="keeper")
    labels: Mapped[list[Label]] = relationship(secondary=keeper_label, back_populates="keepers")
    composites: Mapped[list[Composite]] = relationship(secondary=keeper_composite)
    friends: Mapped[list[Keeper]] = relationship(
        secondary=friendship,
        primaryjoin=lambda: Keeper.id == friendship.c.one,
        secondaryjoin=lambda: Keeper.id == friendship.c.other,
        back_populates="friend_of",
    )
    friend_of: Mapped[list[Keeper]] = relationship(
        secondary=friendship,
        primaryjoin=lambda: Keeper.id == friendship.c.other,
        secondaryjoin=lambda: Keeper.id == friendship.c.one,
        back_populates="friends",
    )
    visited: Mapped[list[Label]] = relationship(secondary="visit", viewonly=True)


class Passport(Kept):
    """One to one: a keeper has at most one, and it goes with the keeper."""

    number: Mapped[str] = mapped_column(String(40), unique=True)
    keeper_id: Mapped[int] = mapped_column(ForeignKey("keeper.id", ondelete="CASCADE"), unique=True)
    keeper: Mapped[Keeper] = relationship(back_populates="passport", lazy="joined")


class Cage(Kept):
    """Stays when its keeper goes, and when its composite does."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["room", "number"], ["composite.room", "composite.number"], ondelete="SET NULL"
        ),
    )

    name: Mapped[str] = mapped_column(String(40))
    keeper_id: Mapped[int | None] = mapped_column(ForeignKey("keeper.id", ondelete="SET NULL"))
    room: Mapped[str | None] = mapped_column(String(20))
    number: Mapped[int | None]
    keeper: Mapped[Keeper | None] = relationship(back_populates="cages")
    composite: Mapped[Composite | None] = relationship()


class Loan(Kept):
    """Holds its keeper fast."""

    name: Mapped[str] = mapped_column(String(40))
    keeper_id: Mapped[int] = mapped_column(ForeignKey("keeper.id"))
    keeper: Mapped[Keeper] = relationship(back_populates="loans")


class Visit(Plain):
    """A many-to-many relation with something to say, so a resource of its own."""

    keeper_id: Mapped[int] = mapped_column(
        ForeignKey("keeper.id", ondelete="CASCADE"), primary_key=True
    )
    label_code: Mapped[str] = mapped_column(
        ForeignKey("label.code", ondelete="CASCADE"), primary_key=True
    )
    note: Mapped[str | None] = mapped_column(String(40))
    keeper: Mapped[Keeper] = relationship()
    label: Mapped[Label] = relationship()
