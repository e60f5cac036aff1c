"""The example domain: a library of authors, books, readers and their comments."""

from admin_app.models.author import Author
from admin_app.models.book import Book
from admin_app.models.comment import Comment
from admin_app.models.reader import Reader

__all__ = ["Author", "Book", "Comment", "Reader"]
