from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import Record, ResourceOptions
from admin_app.models.russian import RUSSIAN

if TYPE_CHECKING:
    from admin_app.models.book import Book
    from admin_app.models.reader import Reader


class Comment(Record):
    __resource__ = ResourceOptions(
        list=["text", "book", "reader", "stars", "posted_at"],
        search=["text"],
        filters=["stars", "posted_at"],
        sort=["-posted_at"],
        help={"stars": "From one to five."},
        icon="comment",
        trash="deleted_at",
        translations={"ru": RUSSIAN},
    )
    __table_args__ = (CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),)

    book_id: Mapped[int] = mapped_column(ForeignKey("book.id", ondelete="CASCADE"), index=True)
    reader_id: Mapped[int | None] = mapped_column(
        ForeignKey("reader.id", ondelete="SET NULL"), index=True
    )
    text: Mapped[str] = mapped_column(String(2000))
    stars: Mapped[int | None] = mapped_column(SmallInteger)
    posted_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    deleted_at: Mapped[datetime | None] = mapped_column(index=True)
    book: Mapped[Book] = relationship(back_populates="comments")
    reader: Mapped[Reader | None] = relationship(back_populates="comments")
