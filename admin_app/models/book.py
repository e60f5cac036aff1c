from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel
from sqlalchemy import Column, ForeignKey, Index, String, Table, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import (
    Base,
    Call,
    ExactDecimal,
    Inline,
    Record,
    ResourceOptions,
    Section,
    Widget,
    action,
    actor,
)
from admin_app.models.russian import RUSSIAN

if TYPE_CHECKING:
    from admin_app.models.author import Author
    from admin_app.models.comment import Comment

book_author = Table(
    "book_author",
    Base.metadata,
    Column("book_id", ForeignKey("book.id", ondelete="CASCADE"), primary_key=True),
    Column("author_id", ForeignKey("author.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class BookFormat(enum.Enum):
    HARDCOVER = "hardcover"
    PAPERBACK = "paperback"
    EBOOK = "ebook"
    AUDIOBOOK = "audiobook"


class Loss(BaseModel):
    """Since when a book is lost."""

    on: date


class Book(Record):
    __resource__ = ResourceOptions(
        list=["title", "authors", "year", "language", "format", "rating"],
        search=["title", "original_title", "authors.name"],
        full_text=True,
        filters=["language", "year", "format", "rating"],
        sort=["title"],
        detail="year",
        form=[
            Section("The book", ["title", "authors", "year", "original_title", "language"]),
            Section("This edition", ["format", "pages", "isbn", "rating", "description"]),
            Section("In the catalogue", ["source_id", "added_at", "lost_on"]),
            Section("What readers say", ["comments"]),
        ],
        labels={"isbn": "ISBN", "source_id": "Source number", "added_by_id": "Added by"},
        help={
            "year": "First publication; negative before the common era.",
            "source_id": "The record's number in the catalogue it was imported from.",
        },
        rules={"own": lambda book: book.added_by_id == actor.user_id},
        widgets=[
            Widget(title="Lost books", where={"lost_on__isnull": "false"}),
            Widget(title="Books by language", by="language"),
            Widget(title="Books by format", by="format"),
            Widget(title="New books a month", by="added_at", unit="month", limit=12),
        ],
        inlines=[Inline("comments", fields=["text", "reader", "stars"])],
        icon="book",
        translations={"ru": RUSSIAN},
    )

    # Of both: for lists of one language by years, and their counts.
    __table_args__ = (Index("ix_book_language_year", "language", "year"),)

    source_id: Mapped[int | None] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(String(300), index=True)
    original_title: Mapped[str | None] = mapped_column(String(300))
    year: Mapped[int | None] = mapped_column(index=True)
    language: Mapped[str | None] = mapped_column(String(16))
    pages: Mapped[int | None]
    format: Mapped[BookFormat | None]
    rating: Mapped[Decimal | None] = mapped_column(ExactDecimal(3, 2))
    isbn: Mapped[str | None] = mapped_column(String(20), index=True)
    description: Mapped[str | None] = mapped_column(String(2000))
    lost_on: Mapped[date | None]
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())
    added_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("admin_user.id", ondelete="SET NULL"), info={"stamp": actor.user_id}
    )
    authors: Mapped[list[Author]] = relationship(secondary=book_author, back_populates="books")
    comments: Mapped[list[Comment]] = relationship(back_populates="book", passive_deletes=True)

    @action(parameters=Loss)
    @staticmethod
    async def mark_lost(call: Call[Loss]) -> None:
        """Note that the book is not where it belongs."""
        await call.writes.update("book", call.key, {"lost_on": call.parameters.on.isoformat()})

    @action(on="selection", returns=int)
    @staticmethod
    async def mark_found(call: Call[None]) -> int:
        """Note that books are back, and tell how many of them had been lost."""
        lost = 0
        for key in call.keys:
            book = await call.writes.get("book", key)
            lost += book["lost_on"] is not None
            await call.writes.update("book", key, {"lost_on": None})
        return lost
