"""The ceiling: bare ASGI, the driver and msgspec. Nobody builds a product so.

It checks the token and the row rule as all do. One connection serves SQLite, within the event
loop; PostgreSQL is reached through asyncpg's pool as its documentation shows.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec

from benchmarks.contestants.given import SQLITE, Callers

if SQLITE:
    from benchmarks.contestants import ceiling_sqlite as store
else:
    from benchmarks.contestants import ceiling_postgresql as store  # type: ignore[no-redef]

Send = Callable[[dict[str, Any]], Awaitable[None]]
JSON = b"application/json"


Strict: Any = msgspec.defstruct("Strict", [], forbid_unknown_fields=True)


class Book(Strict):
    """A new book."""

    title: Annotated[str, msgspec.Meta(max_length=200)]
    pages: Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
    price: decimal.Decimal
    published: dt.date
    in_print: bool
    added_at: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    author_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class Change(Strict):
    """What changes of a book; the title is all that is measured."""

    title: Annotated[str, msgspec.Meta(max_length=200)]


class Many(Strict):
    """New books."""

    items: Annotated[list[Book], msgspec.Meta(min_length=1, max_length=1000)]


BOOK = msgspec.json.Decoder(Book)
CHANGE = msgspec.json.Decoder(Change)
MANY = msgspec.json.Decoder(Many)
encode = msgspec.json.encode
CALLERS = Callers(store.owner_of)


def application() -> Any:
    """The server's factory."""
    return app


async def app(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """Answer one request, or begin and end."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    authorization = ""
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value.decode("latin-1")
    owner = await CALLERS.owner(authorization)
    if owner is None:
        await _answer(send, 401, b"{}")
        return
    try:
        await _route(scope, receive, send, owner)
    except (msgspec.ValidationError, ValueError):
        await _answer(send, 422, b"{}")


async def _route(scope: dict[str, Any], receive: Any, send: Send, owner: int) -> None:
    path, method = scope["path"], scope["method"]
    if path == "/books":
        if method == "POST":
            made = await store.create(BOOK.decode(await _body(receive)), owner)
            await _answer(send, 201, encode(made))
        else:
            await _page(send, dict(parse_qsl(scope["query_string"].decode())), owner)
    elif path == "/books-with-author":
        limit = int(dict(parse_qsl(scope["query_string"].decode()))["limit"])
        await _answer(send, 200, encode({"data": await store.nested(owner, limit)}))
    elif path == "/books/bulk":
        keys = await store.create_many(MANY.decode(await _body(receive)).items, owner)
        await _answer(send, 201, encode(keys))
    elif path == "/books.csv":
        await _export(send, owner)
    else:
        key = int(path.rpartition("/")[2])
        if method == "PATCH":
            found = await store.change(key, CHANGE.decode(await _body(receive)).title, owner)
        else:
            found = await store.get(key, owner)
        await _answer(send, 404 if found is None else 200, encode(found))


async def _page(send: Send, query: dict[str, str], owner: int) -> None:
    limit = int(query["limit"])
    if "pages_gte" in query:
        rows, total = await store.filtered(owner, int(query["pages_gte"]), limit)
        await _answer(send, 200, encode({"data": rows, "total": total}))
    else:
        await _answer(send, 200, encode({"data": await store.page(owner, limit)}))


async def _export(send: Send, owner: int) -> None:
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/csv")]}
    )

    async def write(part: bytes) -> None:
        await send({"type": "http.response.body", "body": part, "more_body": True})

    await store.export(owner, write)
    await send({"type": "http.response.body", "body": b""})


async def _body(receive: Any) -> bytes:
    message = await receive()
    body: bytes = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    return body


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", JSON), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _live(receive: Any, send: Send) -> None:
    await receive()
    await store.begin()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await store.end()
    await send({"type": "lifespan.shutdown.complete"})
