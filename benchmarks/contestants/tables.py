"""The tables as SQLAlchemy models, for those who are written with SQLAlchemy.

On SQLite the types read what ours writes: exact decimals as integers, instants in UTC. On
PostgreSQL they are SQLAlchemy's own.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, Numeric, String, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from benchmarks.contestants.given import CONNECTIONS, PRAGMAS, SQLITE, URL


class Cents(TypeDecorator[Decimal]):
    """How ours keeps a decimal on SQLite."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, _dialect: Any) -> int | None:
        return None if value is None else int(value.scaleb(2))

    def process_result_value(self, value: int | None, _dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-2)


class InUtc(TypeDecorator[datetime]):
    """How ours keeps an instant on SQLite."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


Key = BigInteger().with_variant(Integer, "sqlite")
Price = Numeric(10, 2).with_variant(Cents(), "sqlite")
Instant = DateTime(timezone=True).with_variant(InUtc(), "sqlite")


class Base(DeclarativeBase):
    """The declarative base of the hand-written contestants."""


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    name: Mapped[str] = mapped_column(String(100))
    country: Mapped[str] = mapped_column(String(2))
    born: Mapped[int]

    def __str__(self) -> str:
        return self.name


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(String(200))
    pages: Mapped[int]
    price: Mapped[Decimal] = mapped_column(Price)
    published: Mapped[date]
    in_print: Mapped[bool]
    added_at: Mapped[datetime] = mapped_column(Instant)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    author: Mapped[Author] = relationship()


def make_engine() -> AsyncEngine:
    """The engine of the given database."""
    pool: dict[str, Any] = {"pool_size": CONNECTIONS, "max_overflow": 0}
    if not SQLITE:
        return create_async_engine(URL, **pool)
    engine = create_async_engine(URL, connect_args={"timeout": 15}, **pool)

    @event.listens_for(engine.sync_engine, "connect")
    def _set(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for each in PRAGMAS:
            cursor.execute(f"PRAGMA {each}")
        cursor.close()

    return engine
