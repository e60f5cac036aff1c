from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import Record, ResourceOptions
from admin_app.models.book import book_author
from admin_app.models.russian import RUSSIAN

if TYPE_CHECKING:
    from admin_app.models.book import Book


class Author(Record):
    __resource__ = ResourceOptions(
        list=["name", "country", "born", "died", "books"],
        search=["name"],
        full_text=True,
        filters=["country", "born"],
        sort=["name"],
        detail=["country", "born"],
        labels={"bio": "Biography"},
        help={"born": "A year; negative before the common era."},
        icon="person",
        translations={"ru": RUSSIAN},
    )

    name: Mapped[str] = mapped_column(String(200), unique=True)
    country: Mapped[str | None] = mapped_column(String(80), index=True)
    born: Mapped[int | None]
    died: Mapped[int | None]
    bio: Mapped[str | None] = mapped_column(String(500))
    books: Mapped[list[Book]] = relationship(secondary=book_author, back_populates="authors")
