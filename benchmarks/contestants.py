"""The applications that are measured: same schema, same rows, same answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import insert, select, update
from starlette.responses import Response

from admin_app.access import actor_of_token
from admin_app.app import create_app
from admin_app.database import Database
from admin_app.errors import UnauthenticatedError
from admin_app.models.author import Author
from admin_app.settings import Settings

Application = Callable[..., Awaitable[None]]


def ours(settings: Settings) -> FastAPI:
    """The generated API: token, policy, versions and changes on."""
    return create_app(settings)


def by_hand(settings: Settings) -> FastAPI:
    """FastAPI with SQLAlchemy Core, as a careful team writes it.

    It checks the same token on every request; it has no policy, no version check and no changes.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        database = Database(settings)
        yield {"database": database}
        await database.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    table: Any = Author.__table__
    columns = list(table.columns)
    names = [column.name for column in columns]
    rows = TypeAdapter(list[AuthorOut])
    one = TypeAdapter(AuthorOut)

    async def signed_in(request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if await actor_of_token(request.state.database, token) is None:
            raise UnauthenticatedError

    @app.get("/api/v1/authors/{key}")
    async def get(key: int, request: Request) -> Response:
        await signed_in(request)
        statement = select(*columns).where(table.c.id == key)
        row = await request.state.database.read(lambda c: _first(c, statement))
        return _json(one.dump_json(_author(names, row)))

    @app.get("/api/v1/authors")
    async def page(request: Request, limit: int = 25) -> Response:
        await signed_in(request)
        statement = select(*columns).order_by(table.c.name, table.c.id).limit(limit)
        found = await request.state.database.read(lambda c: _all(c, statement))
        return _json(rows.dump_json([_author(names, row) for row in found]))

    @app.post("/api/v1/authors", status_code=201)
    async def create(body: AuthorIn, request: Request) -> Response:
        await signed_in(request)
        statement = insert(table).values(version=1, **body.model_dump()).returning(*columns)
        row = await request.state.database.write(lambda s: _first(s, statement))
        return _json(one.dump_json(_author(names, row)))

    @app.patch("/api/v1/authors/{key}")
    async def patch(key: int, body: AuthorIn, request: Request) -> Response:
        await signed_in(request)
        values = body.model_dump(exclude_unset=True)
        statement = update(table).where(table.c.id == key).values(**values).returning(*columns)
        row = await request.state.database.write(lambda s: _first(s, statement))
        return _json(one.dump_json(_author(names, row)))

    return app


class AuthorIn(BaseModel):
    """What the hand-written handlers take."""

    name: str
    country: str | None = None
    born: int | None = None
    died: int | None = None
    bio: str | None = None


class AuthorOut(AuthorIn):
    """What they answer; the generated API adds the keys of the author's books."""

    id: int
    version: int


def _author(names: list[str], row: Any) -> AuthorOut:
    return AuthorOut(**dict(zip(names, row, strict=True)))


async def _first(connection: Any, statement: Any) -> Any:
    return (await connection.execute(statement)).first()


async def _all(connection: Any, statement: Any) -> Any:
    return (await connection.execute(statement)).all()


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
