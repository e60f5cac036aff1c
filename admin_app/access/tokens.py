"""API tokens: ``adm_<8>_<43><6>`` — public part, secret, checksum, all letters and digits.

The form is GitHub's ("Behind GitHub's new authentication token formats", 2021): the beginning and
the checksum let a scanner recognise a leaked token with hardly a false alarm, and a mistyped one is
refused without asking the database. The secret is 32 random bytes; kept is its SHA-256.
"""

from __future__ import annotations

import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, false, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.actors import actor_from_token, fetch, mark_used, token_select
from admin_app.access.secret import SECRET_BYTES, base62, digest
from admin_app.access.tables import TOKEN_NAME_LENGTH, Token, User
from admin_app.access.users import has_name, no_user
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.errors import FieldError, InvalidInputError, NotFoundError

TOKEN_PATTERN = re.compile(r"(adm_[0-9A-Za-z]{8}_[0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)
"""The whole of a token; the second group is the checksum of the first."""

LONGEST_LIFE = timedelta(days=3660)

_GOOD = token_select().where(or_(Token.expires_at.is_(None), Token.expires_at > bindparam("now")))


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token as listed; of the token itself only how it begins."""

    id: int
    user_name: str
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


async def create_token(
    database: Database, user_name: str, name: str, expires_in: timedelta | None
) -> str:
    """Make a token for an active user and return it: this is the only time it can be seen.

    ``expires_in`` is more than nothing and at most ten years; ``None``: it does not expire.
    Raises ``InvalidInputError`` at ``user``, ``name`` or ``expires``, and ``NotFoundError``.
    """
    _check(name, expires_in)
    token = _new_token()

    async def work(transaction: AsyncSession) -> None:
        user = await transaction.scalar(select(User).where(has_name(user_name)))
        if user is None:
            raise no_user(user_name)
        if not user.active:
            raise _refused("user", "disabled", f"The user {user.name!r} is disabled.")
        now = datetime.now(UTC)
        transaction.add(
            Token(
                user_id=user.id,
                name=name,
                prefix=_prefix(token),
                token_hash=digest(token),
                created_at=now,
                expires_at=None if expires_in is None else now + expires_in,
            )
        )

    await database.write(work)
    return token


async def revoke_token(database: Database, which: int | str) -> None:
    """End a token, by its id or by how it begins (``adm_`` and eight characters, or more of it).

    One that is revoked already stays so. Raises ``NotFoundError``.
    """
    chosen = _is_token(which)

    async def work(transaction: AsyncSession) -> None:
        revoked = await transaction.scalar(
            update(Token)
            .where(chosen)
            .values(revoked_at=func.coalesce(Token.revoked_at, datetime.now(UTC)))
            .returning(Token.id)
        )
        if revoked is None:
            raise _no_token(which)

    await database.write(work)


async def list_tokens(database: Database, user_name: str | None = None) -> list[TokenInfo]:
    """Every token ever made, or one user's, newest first."""
    statement = (
        select(
            Token.id,
            User.name.label("user_name"),
            Token.name,
            Token.prefix,
            Token.created_at,
            Token.expires_at,
            Token.revoked_at,
            Token.last_used_at,
        )
        .join(User, User.id == Token.user_id)
        .order_by(Token.id.desc())
    )
    if user_name is not None:
        statement = statement.where(has_name(user_name))

    async def work(connection: AsyncConnection) -> list[TokenInfo]:
        return [TokenInfo(*row) for row in await connection.execute(statement)]

    return await database.read(work)


async def actor_of_token(database: Database, token: str) -> Actor | None:
    """Who the token stands for; ``None`` when it is mistyped, unknown, expired or revoked.

    Or when its user is disabled.
    """
    if not is_token(token):
        return None
    rows = await fetch(database, _GOOD, {"token_hash": digest(token), "now": datetime.now(UTC)})
    if not rows:
        return None
    await mark_used(database, Token, Token.last_used_at, rows[0])
    return actor_from_token(rows)


def is_token(text: str) -> bool:
    """Whether ``text`` has a token's form and its checksum is right."""
    match = TOKEN_PATTERN.fullmatch(text)
    return match is not None and _checksum(match[1]) == match[2]


def _new_token() -> str:
    public = base62(secrets.randbelow(62**8), 8)
    secret = base62(int.from_bytes(secrets.token_bytes(SECRET_BYTES)), 43)
    body = f"adm_{public}_{secret}"
    return body + _checksum(body)


def _checksum(body: str) -> str:
    return base62(zlib.crc32(body.encode()), 6)


def _prefix(token: str) -> str:
    return token[: len("adm_") + 8]


def _is_token(which: int | str) -> ColumnElement[bool]:
    if isinstance(which, int):
        return Token.id == which if 0 < which < 2**63 else false()
    return Token.prefix == _prefix(which) if which.isprintable() else false()


def _check(name: str, expires_in: timedelta | None) -> None:
    if not (0 < len(name) <= TOKEN_NAME_LENGTH and name.isprintable()):
        raise _refused("name", "length", f"A name has 1 to {TOKEN_NAME_LENGTH} visible characters.")
    if expires_in is not None and not timedelta() < expires_in <= LONGEST_LIFE:
        raise _refused("expires", "range", "A token expires after at most ten years, or never.")


def _refused(field: str, code: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, errors=[FieldError((field,), code, detail)])


def _no_token(which: int | str) -> NotFoundError:
    named = which if isinstance(which, int) else repr(_prefix(which))
    return NotFoundError(f"There is no token {named}.")
