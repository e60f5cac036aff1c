"""FastCRUD as its documentation shows it: ``crud_router``, schemas, a policy per request.

What it has no route for (many at once, CSV) is written with its methods.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse
from fastcrud import CreateConfig, FastCRUD, FilterConfig, PolicyConfig, crud_router
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from benchmarks.contestants.given import CALLER, hash_of
from benchmarks.contestants.tables import Book, make_engine

ENGINE = make_engine()
SESSIONS = async_sessionmaker(ENGINE, expire_on_commit=False)
OWNER = text(CALLER.format(":hash"))


class AuthorRead(BaseModel):
    """An author as it is answered."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    version: int
    name: str
    country: str
    born: int


class BookCreate(BaseModel):
    """A new book."""

    title: str = Field(max_length=200)
    pages: int
    price: Decimal = Field(max_digits=10, decimal_places=2)
    published: date
    in_print: bool
    added_at: datetime
    author_id: int


class BookUpdate(BaseModel):
    """What changes of a book."""

    title: str | None = Field(None, max_length=200)
    pages: int | None = None
    price: Decimal | None = Field(None, max_digits=10, decimal_places=2)
    published: date | None = None
    in_print: bool | None = None
    author_id: int | None = None


class BookRead(BookCreate):
    """A book as it is answered."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    version: int
    owner_id: int


class BookKey(BaseModel):
    """A book's key."""

    id: int


class BookWithAuthor(BookRead):
    """A book with its author inside."""

    author: AuthorRead | None = None


async def session() -> AsyncIterator[AsyncSession]:
    """A session for a request."""
    async with SESSIONS() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


async def caller(request: Request, db: Session) -> int:
    """Who sends the token."""
    hashed = hash_of(request.headers.get("authorization", ""))
    owner: int | None = await db.scalar(OWNER, {"hash": hashed})
    if owner is None:
        raise HTTPException(401)
    return owner


Caller = Annotated[int, Depends(caller)]


def own(owner: Caller) -> PolicyConfig:
    """Books belong to callers, who reach no others."""
    rule = Book.owner_id == owner
    return PolicyConfig(read=rule, create=True, create_check=rule, update=rule, delete=rule)


app = FastAPI()
books: Any = FastCRUD(Book)
common: dict[str, Any] = {
    "session": session,
    "model": Book,
    "create_schema": BookCreate,
    "update_schema": BookUpdate,
    "policy": own,
    "filter_config": FilterConfig(pages__gte=None),
}


def application() -> FastAPI:
    """The server's factory."""
    return app


@app.post("/books/bulk", status_code=201)
async def create_many(
    items: list[BookCreate], db: Session, owner: Caller, policy: Annotated[Any, Depends(own)]
) -> list[int]:
    """Make many books; their keys are answered."""
    crud = books.with_policy(policy)
    made = [
        await crud.create(
            db, item, commit=False, schema_to_select=BookKey, server_data={"owner_id": owner}
        )
        for item in items
    ]
    await db.commit()
    return [each["id"] for each in made]


@app.get("/books.csv")
async def export(db: Session, policy: Annotated[Any, Depends(own)]) -> PlainTextResponse:
    """All books."""
    found = await books.with_policy(policy).get_multi(
        db, limit=None, sort_columns="id", return_total_count=False
    )
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(found["data"][0]))
    writer.writeheader()
    writer.writerows(found["data"])
    return PlainTextResponse(buffer.getvalue(), media_type="text/csv")


app.include_router(
    crud_router(
        path="/books",
        select_schema=BookRead,
        create_config=CreateConfig(auto_fields={"owner_id": caller}, exclude_from_schema=[]),
        deleted_methods=["db_delete"],
        **common,
    )
)
app.include_router(
    crud_router(
        path="/books-with-author",
        select_schema=BookWithAuthor,
        include_relationships=["author"],
        included_methods=["read_multi"],
        **common,
    )
)
