"""SQLAdmin as its documentation shows it, on the library's own models, with all it has for size."""

from __future__ import annotations

from typing import Any, ClassVar

from fastapi import FastAPI
from sqladmin import Admin, ModelView

from admin_app.models import Author, Book
from benchmarks.contestants.tables import make_engine


class BookAdmin(ModelView, model=Book):
    """The books, their authors found by typing: as a list of options they would all be loaded."""

    column_list: ClassVar[Any] = [
        *(Book.title, Book.authors, Book.year, Book.language, Book.format, Book.rating)
    ]
    column_searchable_list: ClassVar[Any] = [Book.title, Book.original_title]
    column_sortable_list: ClassVar[Any] = [Book.title, Book.year]
    column_default_sort = "title"
    form_columns: ClassVar[Any] = [
        *(Book.title, Book.original_title, Book.year, Book.language, Book.pages, Book.format),
        *(Book.rating, Book.isbn, Book.description, Book.authors),
    ]
    form_ajax_refs: ClassVar[Any] = {"authors": {"fields": ("name",), "order_by": "name"}}
    page_size = 25
    export_max_rows = 100_000


class AuthorAdmin(ModelView, model=Author):
    """The authors."""

    column_list: ClassVar[Any] = [Author.name, Author.country]


def application() -> FastAPI:
    """The server's factory."""
    app = FastAPI()
    admin = Admin(app, make_engine())
    admin.add_view(BookAdmin)
    admin.add_view(AuthorAdmin)
    return app
