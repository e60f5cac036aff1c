"""``Idempotency-Key``: a repeated request gets the first answer, and nothing is done twice.

A key is claimed by a row, in the transaction of the write that it names. So the row is there when
the write is, and only then, whichever worker did it: a refused write leaves none, and of two
requests at once the second waits a moment for the first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    LargeBinary,
    String,
    delete,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from admin_app.access.tables import upsert
from admin_app.database.violations import is_locked
from admin_app.declaration import Actor, Base, Grant
from admin_app.errors import IdempotencyInFlightError, IdempotencyKeyReusedError

KEY_LENGTH = 255
RETENTION = timedelta(hours=24)
MAX_KEPT = 256 * 1024
"""Bytes of a body that is kept; one that is longer is not given again."""
SWEEP_EVERY = 60.0
"""Seconds between two sweeps of a worker."""
SWEEP = 1_000
"""Rows of one sweep."""


class IdempotentRequest(Base):
    """A write that was asked for with a key, and what it was answered.

    ``request`` is a digest of all that was asked, ``grants`` of what the user might do then.
    """

    __tablename__ = "admin_idempotent_request"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))
    grants: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    """None until the transaction that claims the key has done its work."""
    headers: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    """None where it was too long to be kept."""
    created_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """A key, and a digest of the request that it is to stand for."""

    key: str
    request: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A response in a form that can be stored."""

    status: int
    headers: dict[str, str]
    body: bytes | None
    """None where it cannot be given again."""
    replayed: bool = False


def digest(parts: Iterable[bytes]) -> str:
    """One digest of several texts, in which their boundaries count."""
    found = hashlib.sha256()
    for each in parts:
        found.update(len(each).to_bytes(8, "big") + each)
    return found.hexdigest()


async def claim(session: AsyncSession, actor: Actor, wanted: Claim) -> Reply | None:
    """Claim a key for the write that follows; if it was done before, what it was answered.

    The body is left out for somebody who may do other things now than then. Raises
    ``IdempotencyInFlightError`` and ``IdempotencyKeyReusedError``.
    """
    connection = await session.connection()
    if await _insert(connection, actor, wanted):
        return None
    statement = select(IdempotentRequest.__table__).where(*_is(actor, wanted))
    row = (await connection.execute(statement)).one_or_none()
    if row is None or row.status is None:
        raise IdempotencyInFlightError
    if row.request != wanted.request:
        msg = "This Idempotency-Key was sent with another request. Make a new one for this."
        raise IdempotencyKeyReusedError(msg)
    same = row.grants == _grants(actor.grants)
    return Reply(row.status, row.headers, row.body if same else None, replayed=True)


async def remember(session: AsyncSession, actor: Actor, claimed: Claim, reply: Reply) -> None:
    """Keep what the claimed request is answered."""
    body = reply.body
    kept = body if body is None or len(body) <= MAX_KEPT else None
    connection = await session.connection()
    await connection.execute(
        update(IdempotentRequest)
        .where(*_is(actor, claimed))
        .values(status=reply.status, headers=reply.headers, body=kept)
    )


async def sweep(session: AsyncSession) -> None:
    """Delete some of the rows that have had their time."""
    key = (IdempotentRequest.user_id, IdempotentRequest.key)
    over = (
        select(*key)
        .where(IdempotentRequest.created_at <= datetime.now(UTC) - RETENTION)
        .order_by(IdempotentRequest.created_at)
        .limit(SWEEP)
        .with_for_update(skip_locked=True)
    )
    connection = await session.connection()
    await connection.execute(delete(IdempotentRequest).where(tuple_(*key).in_(over)))


async def _insert(connection: AsyncConnection, actor: Actor, wanted: Claim) -> bool:
    """Whether the key was free, or its time was over."""
    now = datetime.now(UTC)
    fresh: dict[str, Any] = {
        "request": wanted.request,
        "grants": _grants(actor.grants),
        "status": None,
        "headers": None,
        "body": None,
        "created_at": now,
    }
    statement = (
        upsert(connection.dialect.name, IdempotentRequest)
        .values(user_id=actor.user_id, key=wanted.key, **fresh)
        .on_conflict_do_update(
            index_elements=[IdempotentRequest.user_id, IdempotentRequest.key],
            set_=fresh,
            where=IdempotentRequest.created_at <= now - RETENTION,
        )
        .returning(IdempotentRequest.user_id)
    )
    patient = connection.dialect.name != "sqlite"
    try:
        if patient:
            await connection.execute(_SOON)
        found = (await connection.execute(statement)).first() is not None
    except DBAPIError as error:
        if is_locked(error):
            raise IdempotencyInFlightError from error
        raise
    if patient:
        await connection.execute(_AS_USUAL)
    return found


_SOON = text("SET LOCAL lock_timeout = '250ms'")
"""Long enough for most writes to be over, and not so long that repeats hold up a pool."""
_AS_USUAL = text("SET LOCAL lock_timeout TO DEFAULT")


def _is(actor: Actor, wanted: Claim) -> tuple[Any, ...]:
    return IdempotentRequest.user_id == actor.user_id, IdempotentRequest.key == wanted.key


def _grants(grants: Iterable[Grant]) -> str:
    rows = sorted(
        [each.resource, each.action, each.rule or "", *sorted(each.without)] for each in grants
    )
    return digest([json.dumps(rows).encode()])
