"""What the ceiling answers: structs that msgspec writes."""

from __future__ import annotations

from typing import Any

import msgspec

BOOK = (
    "book.id, book.version, title, pages, price, published, in_print, added_at, author_id, owner_id"
)
AUTHOR = "author.id, author.version, author.name, author.country, author.born"
MADE = "version, title, pages, price, published, in_print, added_at, author_id, owner_id"
"""The columns of a new book."""


Fast: Any = msgspec.defstruct("Fast", [], gc=False)
"""Structs that the garbage collector need not look at, since nothing of theirs leads in a ring."""


class Author(Fast):
    """An author as it is answered."""

    id: int
    version: int
    name: str
    country: str
    born: int


class Book(Fast):
    """A book as it is answered; each database gives some values in a form of its own."""

    id: int
    version: int
    title: str
    pages: int
    price: Any
    published: Any
    in_print: bool
    added_at: Any
    author_id: int
    owner_id: int


class BookWithAuthor(Book):
    """A book with its author inside."""

    author: Author
