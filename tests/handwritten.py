"""One resource of the zoo by hand: FastAPI and SQLAlchemy Core, as a careful team writes them.

It checks the same token, known for a second, and the same row rule; it knows no versions to match
and writes no changes. It is what the generated one is measured beside.
"""

from __future__ import annotations

import hashlib
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, Field, TypeAdapter
from sqlalchemy import bindparam, event, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from typing_extensions import TypedDict
from zoo import Ruled

from admin_app.access.tables import Token, User
from admin_app.settings import Settings

RULED: Any = Ruled.__table__
Short = Annotated[str | None, Field(max_length=20)]
Whole = Annotated[int | None, Field(ge=-(2**31), lt=2**31)]


class Out(TypedDict):
    """A record as it is answered."""

    id: int
    version: int
    code: str
    name: str | None
    town: str | None
    street: str | None
    low: int | None
    high: int | None
    owner: str | None


class In(BaseModel, extra="forbid"):
    """A new record."""

    code: Annotated[str, Field(max_length=20)]
    name: Short = None
    town: Short = None
    street: Short = None
    low: Whole = None
    high: Whole = None
    owner: Short = None


class Change(BaseModel, extra="forbid"):
    """What changes; what is not sent stays."""

    code: Annotated[str, Field(max_length=20)] = ""
    name: Short = None
    town: Short = None
    street: Short = None
    low: Whole = None
    high: Whole = None
    owner: Short = None


NAMES = tuple(Out.__annotations__)
COLUMNS = tuple(RULED.c[name] for name in NAMES)
ONE = TypeAdapter(Out)
LIST = TypeAdapter(list[Out])
OWN = RULED.c.owner == bindparam("caller")
THIS = RULED.c.id == bindparam("key")
GET = select(*COLUMNS).where(THIS, OWN)
PAGE = select(*COLUMNS).where(OWN).order_by(RULED.c.id).limit(bindparam("limit"))
CREATE = insert(RULED).returning(*COLUMNS)
CHANGE = update(RULED).where(THIS, OWN).returning(*COLUMNS)
CALLER = (
    select(User.name)
    .join(Token, Token.user_id == User.id)
    .where(Token.token_hash == bindparam("hash"), Token.revoked_at.is_(None), User.active)
)


def engine_of(settings: Settings) -> AsyncEngine:
    """An engine with the durability of ours, and otherwise as it comes."""
    url = settings.database_url
    if not url.drivername.startswith("sqlite"):
        return create_async_engine(url, pool_size=10, max_overflow=0)
    engine = create_async_engine(url, pool_size=10, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for each in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {each}")
        cursor.close()

    return engine


async def rows(request: Request, statement: Any, **binds: Any) -> Any:
    """The rows of a read, which commits by itself."""
    async with request.app.state.reads.connect() as connection:
        return (await connection.execute(statement, binds)).all()


async def caller(request: Request) -> str:
    """The name of who sends the token."""
    callers: dict[str, tuple[str, float]] = request.app.state.callers
    header = request.headers.get("authorization", "")
    name, until = callers.get(header, ("", 0.0))
    now = time.monotonic()
    if now < until:
        return name
    digest = hashlib.sha256(header.removeprefix("Bearer ").encode()).hexdigest()
    for row in await rows(request, CALLER, hash=digest):
        callers[header] = (row.name, now + 1)
        return str(row.name)
    raise HTTPException(401)


Caller = Annotated[str, Depends(caller)]
Limit = Annotated[int, Field(ge=1, le=200)]
routes = APIRouter()


@routes.get("/ruled/{key}")
async def get(request: Request, key: int, name: Caller) -> Response:
    """One record."""
    for row in await rows(request, GET, key=key, caller=name):
        return _json(ONE.dump_json(_out(row)))
    raise HTTPException(404)


@routes.get("/ruled")
async def page(request: Request, name: Caller, limit: Limit = 50) -> Response:
    """A page."""
    found = await rows(request, PAGE, caller=name, limit=limit)
    return _json(b'{"data":' + LIST.dump_json([_out(row) for row in found]) + b"}")


@routes.post("/ruled")
async def create(request: Request, body: In, name: Caller) -> Response:
    """A new record, which must be the caller's."""
    if body.owner != name:
        raise HTTPException(403)
    async with request.app.state.engine.begin() as connection:
        values = {**body.model_dump(), "version": 1}
        row = (await connection.execute(CREATE, values)).one()
    return _json(ONE.dump_json(_out(row)), 201)


@routes.patch("/ruled/{key}")
async def change(request: Request, key: int, body: Change, name: Caller) -> Response:
    """A changed record."""
    values = body.model_dump(exclude_unset=True)
    async with request.app.state.engine.begin() as connection:
        raised = CHANGE.values(**values, version=RULED.c.version + 1)
        row = (await connection.execute(raised, {"key": key, "caller": name})).one_or_none()
    if row is None:
        raise HTTPException(404)
    return _json(ONE.dump_json(_out(row)))


def by_hand(engine: AsyncEngine) -> FastAPI:
    """The application on an engine."""
    app = FastAPI(openapi_url=None)
    app.state.engine = engine
    app.state.reads = engine.execution_options(isolation_level="AUTOCOMMIT")
    app.state.callers = {}
    app.include_router(routes, prefix="/api/v1")
    return app


def _out(row: Any) -> Out:
    return dict(zip(NAMES, row, strict=True))  # type: ignore[return-value]


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")
