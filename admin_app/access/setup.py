"""The first administrator: no account is there by default, a link printed once makes one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access.passwords import check_password, hash_password
from admin_app.access.roles import ADMINISTRATOR
from admin_app.access.secret import digest, new_secret
from admin_app.access.tables import SetupLink, User, upsert
from admin_app.access.users import add_user, check_name, write_new_user
from admin_app.database import Database
from admin_app.declaration import ANONYMOUS, COMMAND_LINE, Origin
from admin_app.errors import NotFoundError

LINK_LIFE = timedelta(hours=24)

_THE_LINK = 1


async def new_setup_link(database: Database) -> str | None:
    """Make the secret of the setup link, good for 24 hours and one use; older ones end.

    ``None`` when there is a user: nobody needs it any more.
    """
    secret = new_secret()

    async def work(transaction: AsyncSession) -> str | None:
        if await transaction.scalar(select(exists().select_from(User))):
            return None
        now = datetime.now(UTC)
        link = {
            "token_hash": digest(secret),
            "created_at": now,
            "expires_at": now + LINK_LIFE,
            "used_at": None,
        }
        # One row, replaced in one statement: of workers that start together the last one's holds.
        insert = upsert(database.dialect, SetupLink).values(id=_THE_LINK, **link)
        await transaction.execute(insert.on_conflict_do_update(index_elements=["id"], set_=link))
        return secret

    return await database.write(work)


async def redeem_setup_link(
    database: Database, secret: str, name: str, password: str, origin: Origin = COMMAND_LINE
) -> int:
    """Make the first administrator and return its id.

    Raises ``NotFoundError`` when the link is unknown, used, expired or no longer needed, and
    ``InvalidInputError`` at ``name`` or ``password``, which leaves the link good.
    """
    # Looked at first, so that hashing cannot be had for nothing by those who have no link.
    await database.read(lambda connection: _refuse_bad_link(connection, secret))
    check_name(name)
    await check_password(password, name)
    hashed = await hash_password(password)

    async def work(transaction: AsyncSession) -> int:
        # The update locks the row: of two at once the second finds the link used.
        used = await transaction.scalar(
            update(SetupLink)
            .where(_good(secret))
            .values(used_at=datetime.now(UTC))
            .returning(SetupLink.id)
        )
        if used is None:
            raise _bad_link()
        return await add_user(transaction, name, hashed, (ADMINISTRATOR,), ANONYMOUS, origin)

    return await write_new_user(database, name, work)


def _good(secret: str) -> ColumnElement[bool]:
    return and_(
        SetupLink.token_hash == digest(secret),
        SetupLink.used_at.is_(None),
        SetupLink.expires_at > datetime.now(UTC),
        ~exists().select_from(User),
    )


async def _refuse_bad_link(connection: AsyncConnection, secret: str) -> None:
    if await connection.scalar(select(SetupLink.id).where(_good(secret))) is None:
        raise _bad_link()


def _bad_link() -> NotFoundError:
    return NotFoundError("This setup link is not, or no longer, good. A restart prints a new one.")
