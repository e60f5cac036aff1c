"""What is served: books with one author each, of which a caller sees those it owns."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import ExactDecimal, Record, ResourceOptions, actor


class Author(Record):
    __resource__ = ResourceOptions(list=["name", "country", "born"], search=["name"])

    name: Mapped[str] = mapped_column(String(100), index=True)
    country: Mapped[str] = mapped_column(String(2))
    born: Mapped[int]


class Book(Record):
    __resource__ = ResourceOptions(
        list=["title", "author", "pages", "price", "published", "in_print"],
        filters=["pages"],
        rules={"own": lambda book: book.owner_id == actor.user_id},
    )

    title: Mapped[str] = mapped_column(String(200))
    pages: Mapped[int] = mapped_column(index=True)
    price: Mapped[Decimal] = mapped_column(ExactDecimal(10, 2))
    published: Mapped[date]
    in_print: Mapped[bool]
    added_at: Mapped[datetime]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)
    owner_id: Mapped[int] = mapped_column(BigInteger, info={"stamp": actor.user_id})
    author: Mapped[Author] = relationship()
