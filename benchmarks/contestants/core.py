"""FastAPI and SQLAlchemy Core, as a careful team writes them by hand.

Statements are made once, reads commit by themselves, rows become bytes through one adapter. No
version is checked and no change is written down.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter
from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response
from typing_extensions import TypedDict

from benchmarks.contestants import tables
from benchmarks.contestants.given import CALLER, Callers

ENGINE = tables.make_engine()
READS = ENGINE.execution_options(isolation_level="AUTOCOMMIT")


class AuthorOut(TypedDict):
    """An author as it is answered."""

    id: int
    version: int
    name: str
    country: str
    born: int


class BookOut(TypedDict):
    """A book as it is answered."""

    id: int
    version: int
    title: str
    pages: int
    price: Decimal
    published: date
    in_print: bool
    added_at: datetime
    author_id: int
    owner_id: int


class BookWithAuthor(BookOut):
    """A book with its author inside."""

    author: AuthorOut


class BookIn(BaseModel, extra="forbid"):
    """A new book."""

    title: str = Field(max_length=200)
    pages: int = Field(ge=-(2**31), lt=2**31)
    price: Decimal = Field(max_digits=10, decimal_places=2)
    published: date
    in_print: bool
    added_at: AwareDatetime
    author_id: int = Field(ge=1, lt=2**63)


class BookChange(BaseModel, extra="forbid"):
    """What changes of a book; what is not sent stays."""

    title: str = Field("", max_length=200)
    pages: int = Field(0, ge=-(2**31), lt=2**31)
    price: Decimal = Field(Decimal(0), max_digits=10, decimal_places=2)
    published: date = date.min
    in_print: bool = False
    author_id: int = Field(1, ge=1, lt=2**63)


class Many(BaseModel, extra="forbid"):
    """New books."""

    items: Annotated[list[BookIn], Field(min_length=1, max_length=1000)]


ONE = TypeAdapter(BookOut)
LIST = TypeAdapter(list[BookOut])
NESTED = TypeAdapter(list[BookWithAuthor])

BOOK: Any = tables.Book.__table__
AUTHOR: Any = tables.Author.__table__
NAMES = tuple(BookOut.__annotations__)
AUTHOR_NAMES = tuple(AuthorOut.__annotations__)
COLUMNS = tuple(BOOK.c[name] for name in NAMES)

OWN = BOOK.c.owner_id == bindparam("owner")
BY_PAGES = BOOK.c.pages >= bindparam("pages")
THIS = BOOK.c.id == bindparam("key")
GET = select(*COLUMNS).where(THIS, OWN)
PAGE = select(*COLUMNS).where(OWN).order_by(BOOK.c.id).limit(bindparam("limit"))
FILTERED = (
    select(*COLUMNS)
    .where(OWN, BY_PAGES)
    .order_by(BOOK.c.pages, BOOK.c.id)
    .limit(bindparam("limit"))
)
COUNT = select(func.count()).select_from(BOOK).where(OWN, BY_PAGES)
WITH_AUTHOR = (
    select(*COLUMNS, *(AUTHOR.c[name] for name in AUTHOR_NAMES))
    .join(AUTHOR, AUTHOR.c.id == BOOK.c.author_id)
    .where(OWN)
    .order_by(BOOK.c.id)
    .limit(bindparam("limit"))
)
ALL = select(*COLUMNS).where(OWN).order_by(BOOK.c.id)
CREATE = insert(BOOK).returning(*COLUMNS)
CREATE_MANY = insert(BOOK).returning(BOOK.c.id, sort_by_parameter_order=True)
CHANGE = update(BOOK).where(THIS, OWN).returning(*COLUMNS)
OWNER = text(CALLER.format(":hash"))


async def rows(statement: Any, **binds: Any) -> Sequence[Any]:
    """The rows of a read."""
    async with READS.connect() as connection:
        return (await connection.execute(statement, binds)).all()


async def _owner_of(hashed: str) -> int | None:
    return next((int(row.id) for row in await rows(OWNER, hash=hashed)), None)


CALLERS = Callers(_owner_of)


async def caller(request: Request) -> int:
    """Who sends the token."""
    owner = await CALLERS.owner(request.headers.get("authorization", ""))
    if owner is None:
        raise HTTPException(401)
    return owner


Caller = Annotated[int, Depends(caller)]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close the pool at the end."""
    yield
    await ENGINE.dispose()


app = FastAPI(lifespan=lifespan)


def application() -> FastAPI:
    """The server's factory."""
    return app


def book(row: Any) -> BookOut:
    """A row as an answer."""
    return dict(zip(NAMES, row, strict=True))  # type: ignore[return-value]


def with_author(row: Any) -> BookWithAuthor:
    """A row of both tables as an answer."""
    found: Any = dict(zip(NAMES, row[: len(NAMES)], strict=True))
    found["author"] = dict(zip(AUTHOR_NAMES, row[len(NAMES) :], strict=True))
    return found  # type: ignore[no-any-return]


def json(body: bytes, status: int = 200) -> Response:
    """Ready bytes as an answer."""
    return Response(body, status, media_type="application/json")


@app.get("/books/{key}")
async def get(key: int, owner: Caller) -> Response:
    """One book."""
    for row in await rows(GET, key=key, owner=owner):
        return json(ONE.dump_json(book(row)))
    raise HTTPException(404)


Limit = Annotated[int, Field(ge=1, le=200)]


@app.get("/books")
async def page(owner: Caller, limit: Limit = 50, pages_gte: int | None = None) -> Response:
    """A page; with a filter also how many there are."""
    total = b"null"
    if pages_gte is None:
        found = await rows(PAGE, owner=owner, limit=limit)
    else:
        async with READS.connect() as connection:
            binds = {"owner": owner, "pages": pages_gte}
            found = (await connection.execute(FILTERED, {**binds, "limit": limit})).all()
            total = b"%d" % (await connection.execute(COUNT, binds)).scalar_one()
    data = LIST.dump_json([book(row) for row in found])
    return json(b'{"data":' + data + b',"total":' + total + b"}")


@app.get("/books-with-author")
async def nested(owner: Caller, limit: Limit = 100) -> Response:
    """A page with each book's author."""
    found = await rows(WITH_AUTHOR, owner=owner, limit=limit)
    return json(b'{"data":' + NESTED.dump_json([with_author(row) for row in found]) + b"}")


@app.post("/books")
async def create(body: BookIn, owner: Caller) -> Response:
    """Make a book."""
    values = {**body.model_dump(), "version": 1, "owner_id": owner}
    try:
        async with ENGINE.begin() as connection:
            row = (await connection.execute(CREATE, values)).one()
    except IntegrityError as error:
        raise HTTPException(422) from error
    return json(ONE.dump_json(book(row)), 201)


@app.patch("/books/{key}")
async def change(key: int, body: BookChange, owner: Caller) -> Response:
    """Change a book."""
    values = body.model_dump(exclude_unset=True)
    try:
        async with ENGINE.begin() as connection:
            binds = {"key": key, "owner": owner}
            row = (await connection.execute(CHANGE.values(values), binds)).one_or_none()
    except IntegrityError as error:
        raise HTTPException(422) from error
    if row is None:
        raise HTTPException(404)
    return json(ONE.dump_json(book(row)))


@app.post("/books/bulk")
async def create_many(body: Many, owner: Caller) -> Response:
    """Make many books; their keys are answered."""
    values = [{**each.model_dump(), "version": 1, "owner_id": owner} for each in body.items]
    try:
        async with ENGINE.begin() as connection:
            keys = (await connection.execute(CREATE_MANY, values)).scalars().all()
    except IntegrityError as error:
        raise HTTPException(422) from error
    return json(TypeAdapter(list[int]).dump_json(list(keys)), 201)


@app.get("/books.csv")
async def export(owner: Caller) -> Response:
    """All books."""
    return StreamingResponse(lines(owner), media_type="text/csv")


async def lines(owner: int) -> AsyncIterator[str]:
    """CSV in pieces of a thousand rows."""
    buffer = io.StringIO()
    write = csv.writer(buffer).writerows
    write([NAMES])
    async with ENGINE.connect() as connection, connection.stream(ALL, {"owner": owner}) as result:
        async for part in result.partitions(1000):
            write(part)
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
