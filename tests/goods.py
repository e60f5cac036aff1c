"""Models whose new records can be written at once, and such as each have something against it."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Double,
    Enum,
    ForeignKey,
    MetaData,
    SmallInteger,
    String,
    Text,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates
from zoo.kinds import Mood, Rank, Size

from admin_app import Base, ExactDecimal, Record, ResourceOptions, Write, actor
from admin_app.settings import Settings

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)


class Kept(Record):
    __abstract__ = True
    metadata = METADATA


class Shelf(Kept):
    __resource__ = ResourceOptions(plural="shelves", rules={"own": lambda e: e.owner == actor.name})

    name: Mapped[str] = mapped_column(String(20))
    owner: Mapped[str | None] = mapped_column(String(20))
    cost: Mapped[Decimal | None] = mapped_column(ExactDecimal(6, 2))


class Good(Kept):
    """One column of every type that is stored alike, with every sort of default."""

    __resource__ = ResourceOptions(
        sensitive=["secret"],
        title="name",
        rules={
            "own": lambda each: each.maker == actor.name,
            "shelved": lambda each: each.shelf_id.in_(
                select(Shelf.id).where(Shelf.owner == actor.name)
            ),
        },
    )

    name: Mapped[str] = mapped_column("called", String(40))
    small: Mapped[int | None] = mapped_column(SmallInteger)
    whole: Mapped[int | None]
    big: Mapped[int | None] = mapped_column(BigInteger)
    long: Mapped[str | None] = mapped_column(Text)
    flag: Mapped[bool | None]
    exact: Mapped[Decimal | None] = mapped_column(ExactDecimal(18, 4))
    money: Mapped[Decimal | None] = mapped_column(ExactDecimal(6, 2))
    day: Mapped[date | None] = mapped_column(Date)
    clock: Mapped[time | None]
    local: Mapped[datetime | None] = mapped_column(DateTime)
    instant: Mapped[datetime | None]
    mood: Mapped[Mood | None] = mapped_column(Enum(Mood))
    size: Mapped[Size | None]
    rank: Mapped[Rank | None] = mapped_column(Enum(Rank, native_enum=False))
    grade: Mapped[str | None] = mapped_column(String(4), info={"choices": ("a", "b+", "c")})
    secret: Mapped[str | None] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(40), default=lambda: uuid.uuid4().hex, unique=True)
    count: Mapped[int] = mapped_column(default=3)
    level: Mapped[int] = mapped_column(server_default=text("7"))
    made_at: Mapped[datetime] = mapped_column(
        default=lambda: datetime.now(UTC), info={"read_only": True}
    )
    changed_at: Mapped[datetime | None] = mapped_column(onupdate=lambda: datetime.now(UTC))
    maker: Mapped[str | None] = mapped_column(String(40), info={"stamp": actor.name})
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))
    shelf: Mapped[Shelf | None] = relationship()
    like_id: Mapped[int | None] = mapped_column(ForeignKey("good.id"))
    like: Mapped[Good | None] = relationship(remote_side="Good.id")


async def refuse_nothing(write: Write) -> None:
    """A hook that has no objection."""


class Hooked(Kept):
    __resource__ = ResourceOptions(plural="hooked", before_write=refuse_nothing)

    name: Mapped[str] = mapped_column(String(20))


class Reasoned(Kept):
    __resource__ = ResourceOptions(plural="reasoned", reason="required")

    name: Mapped[str] = mapped_column(String(20))


class Tidied(Kept):
    __resource__ = ResourceOptions(plural="tidied")

    name: Mapped[str] = mapped_column(String(20))

    @validates("name")
    def _tidy(self, _: str, value: str) -> str:
        return value.strip()


class Coded(Base):
    __resource__ = ResourceOptions(plural="coded", title="name")
    metadata = METADATA

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


class Weighed(Kept):
    __resource__ = ResourceOptions(plural="weighed")

    name: Mapped[str] = mapped_column(String(20))
    weight: Mapped[float | None] = mapped_column(Double)


class Dated(Kept):
    __resource__ = ResourceOptions(plural="dated")

    name: Mapped[str] = mapped_column(String(20))
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Untitled(Kept):
    __resource__ = ResourceOptions(plural="untitled", title="number")

    number: Mapped[int]


class Asked(Kept):
    __resource__ = ResourceOptions(plural="asked")

    name: Mapped[str] = mapped_column(String(20))
    other: Mapped[str | None] = mapped_column(
        String(20), default=lambda context: context.get_current_parameters()["name"]
    )


async def prepare(settings: Settings) -> None:
    """Make their tables beside the application's own, and the editor Ann."""
    from api import prepare_tables  # noqa: PLC0415 - it is what tests stand on

    await prepare_tables(settings, METADATA)


def items() -> list[dict[str, Any]]:
    """Records of goods with every sort of value, each in the form in which it is answered."""
    from zoo import sample  # noqa: PLC0415 - as above

    names = (
        *("small", "whole", "big", "flag", "exact", "money", "day", "clock", "local"),
        *("instant", "mood", "size", "rank", "grade"),
    )
    titles = ["plain", "é\u2028", "🦉", "<b>&amp;</b>", "'; --", "%_\\ %s %d", '"{}",', "日本"]
    found = []
    for index, each in enumerate(sample("specimen")):
        values = {name: each[name] for name in names}
        secret = None if index % 3 else "kept"
        long = {"long": each["text"]}
        title = titles[index % len(titles)]
        found.append({"name": title, "secret": secret, **values, **long})
    return found
