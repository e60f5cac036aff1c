"""One column of every type."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    REAL,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    Time,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from admin_app import ExactDecimal, ResourceOptions, When
from zoo.stock import Kept


class Mood(enum.Enum):
    """Stored by name, as SQLAlchemy does by default."""

    CALM = "calm"
    WILD = "wild & free"


class Size(enum.Enum):
    """Stored by value, as ``Base`` does for an annotated enum."""

    SMALL = "S"
    LARGE = "L"


class Rank(enum.IntEnum):
    FIRST = 1
    SECOND = 2


class Specimen(Kept):
    __resource__ = ResourceOptions(
        title="short",
        help={"lapse": "How long it sleeps."},
        units={"money": "thalers"},
        colors={"mood": {"calm": "good", "wild & free": "bad"}, "sure": {True: "info"}},
        shown_when={"level": When("mood", ["wild & free"])},
    )

    short: Mapped[str] = mapped_column(String(12))
    sure: Mapped[bool] = mapped_column(Boolean, default=False)
    small: Mapped[int | None] = mapped_column(SmallInteger)
    whole: Mapped[int | None] = mapped_column(Integer)
    big: Mapped[int | None] = mapped_column(BigInteger)
    name: Mapped[str | None] = mapped_column(String(20))
    text: Mapped[str | None] = mapped_column(Text)
    flag: Mapped[bool | None] = mapped_column(Boolean)
    exact: Mapped[Decimal | None] = mapped_column(ExactDecimal(18, 4))
    money: Mapped[Decimal | None] = mapped_column(ExactDecimal(6, 2))
    units: Mapped[Decimal | None] = mapped_column(ExactDecimal(18, 0))
    ratio: Mapped[float | None] = mapped_column(Float)
    double: Mapped[float | None] = mapped_column(Double)
    single: Mapped[float | None] = mapped_column(REAL)
    day: Mapped[date | None] = mapped_column(Date)
    clock: Mapped[time | None] = mapped_column(Time)
    local: Mapped[datetime | None] = mapped_column(DateTime)
    instant: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lapse: Mapped[timedelta | None] = mapped_column(Interval)
    mood: Mapped[Mood | None] = mapped_column(Enum(Mood))
    size: Mapped[Size | None]
    rank: Mapped[Rank | None] = mapped_column(Enum(Rank, native_enum=False))
    colour: Mapped[str | None] = mapped_column(Enum("red", "deep blue", "grün", name="colour"))
    grade: Mapped[str | None] = mapped_column(String(4), info={"choices": ("a", "b+", "c")})
    level: Mapped[int | None] = mapped_column(Integer, info={"choices": (1, 2, 3)})
    document: Mapped[Any | None] = mapped_column(JSON)
    token: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    blob: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    tags: Mapped[list[str] | None] = mapped_column(
        ARRAY(String(10)).with_variant(JSON(none_as_null=True), "sqlite")
    )
    numbers: Mapped[list[int] | None] = mapped_column(
        ARRAY(Integer).with_variant(JSON(none_as_null=True), "sqlite")
    )
