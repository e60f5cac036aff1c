"""SQLAdmin as its documentation shows it, with a sign-in, for the list page of the panel."""

from __future__ import annotations

from typing import Any, ClassVar

from fastapi import FastAPI, Request
from sqladmin import Admin, ModelView
from sqladmin.authentication import AuthenticationBackend
from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import async_sessionmaker

from benchmarks.contestants.given import CALLER, hash_of
from benchmarks.contestants.tables import Author, Book, make_engine

ENGINE = make_engine()
SESSIONS = async_sessionmaker(ENGINE)
OWNER = text(CALLER.format(":hash"))
ACTIVE = text("SELECT active FROM admin_user WHERE id = :id")


class Backend(AuthenticationBackend):
    """A cookie that tells the user's id; the user must still be active."""

    async def login(self, request: Request) -> bool:
        form = await request.form()
        async with SESSIONS() as session:
            owner = await session.scalar(OWNER, {"hash": hash_of(str(form["password"]))})
        request.session.update({} if owner is None else {"user_id": owner})
        return owner is not None

    async def logout(self, request: Request) -> bool:
        request.session.clear()
        return True

    async def authenticate(self, request: Request) -> bool:
        owner = request.session.get("user_id")
        if owner is None:
            return False
        async with SESSIONS() as session:
            return bool(await session.scalar(ACTIVE, {"id": owner}))


def _own(statement: Select[Any], request: Request) -> Select[Any]:
    return statement.where(Book.owner_id == request.session["user_id"])


class BookAdmin(ModelView, model=Book):
    """The list of one's own books."""

    column_list: ClassVar[Any] = [
        *(Book.id, Book.title, Book.author, Book.pages, Book.price, Book.published, Book.in_print)
    ]
    column_searchable_list: ClassVar[Any] = [Book.title]
    column_sortable_list: ClassVar[Any] = [Book.title, Book.pages, Book.price, Book.published]
    page_size = 25
    page_size_options: ClassVar[Any] = [25, 50, 100]

    def list_query(self, request: Request) -> Select[Any]:
        return _own(select(Book), request)

    def count_query(self, request: Request) -> Select[Any]:
        return _own(select(func.count(Book.id)), request)


class AuthorAdmin(ModelView, model=Author):
    """The authors."""

    column_list: ClassVar[Any] = [Author.id, Author.name]


def application() -> FastAPI:
    """The server's factory."""
    app = FastAPI()
    backend = Backend(secret_key="signs a cookie of a benchmark")  # noqa: S106
    admin = Admin(app, ENGINE, authentication_backend=backend)
    admin.add_view(BookAdmin)
    admin.add_view(AuthorAdmin)
    return app
