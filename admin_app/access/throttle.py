"""Throttling of passwords and codes: after some free failures each try waits twice as long.

Failures are counted for the account at the address, for the address, and for the account; those of
codes apart from those of passwords, so that who knows no password cannot make an account's owner
wait for the code as well. The count is in the database, so that workers share it, and an attempt is
counted *before* what was typed is looked at, so that a hundred at once are a hundred; a success
takes it back.

A count goes down by one every quarter of an hour, which is also the longest wait: an attacker who
keeps on gets about a hundred tries a day, and a person who forgot is soon welcome again.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.secret import digest
from admin_app.access.tables import DIGEST_LENGTH, SignInFailure, upsert
from admin_app.database import Database
from admin_app.errors import TooManyRequestsError

Guessed = Literal["password", "code"]

FREE_AT_ADDRESS = 5
"""Failures of one account from one address that cost no wait."""
FREE = 50
"""Failures of one account from anywhere, or of one address for anybody, that cost no wait."""
FIRST_WAIT = timedelta(seconds=4)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN = timedelta(days=1)
"""The age at which any count has long gone down to nothing."""
MAX_ROWS = 10_000
"""Counts kept; beyond them the oldest go, but none of codes."""
_CODE = "code "
"""How the keys of counts of codes begin. Few can add such a count, who have the password; could the
others push it out, made-up names from everywhere would buy guesses at a code of six digits."""


async def admit(
    database: Database, account: str, address: str, guessed: Guessed = "password"
) -> None:
    """Count an attempt at the password or code of ``account`` (a ``name_key``) from ``address``.

    Raises ``TooManyRequestsError`` when it comes too early; such an attempt is not counted.
    """
    free = _keys(account, address, guessed)

    async def work(transaction: AsyncSession) -> None:
        now = datetime.now(UTC)
        blank = [{"key": key, "failures": 0, "at": now} for key in sorted(free)]
        insert = upsert(database.dialect, SignInFailure).values(blank)
        await transaction.execute(insert.on_conflict_do_nothing())
        counts = await transaction.scalars(
            select(SignInFailure)
            .where(SignInFailure.key.in_(free))
            .order_by(SignInFailure.key)
            .with_for_update()
        )
        for count in counts.all():
            _refuse_early(count, free[count.key], now)
            count.failures = _drained(count, now) + 1
            count.at = now
        await transaction.flush()
        await _forget(transaction, now)

    await database.write(work)


async def forgive(transaction: AsyncSession, address: str, accounts: Mapping[Guessed, str]) -> None:
    """Take back the attempts that ``admit`` counted, and the accounts' earlier ones.

    ``accounts`` are by what was proved. The address keeps what others' accounts cost it, or an
    attacker would clear it with their own.
    """
    keys = [tuple(_keys(account, address, guessed)) for guessed, account in accounts.items()]
    own = [key for pair, _, account in keys for key in (pair, account)]
    of_address = [key for _, key, _ in keys]
    # In the order in which ``admit`` locks them, and none later: else the two would wait for each
    # other in a circle.
    found = await transaction.scalars(
        select(SignInFailure.key)
        .where(SignInFailure.key.in_([*own, *of_address]))
        .order_by(SignInFailure.key)
        .with_for_update()
    )
    locked = set(found)
    await transaction.execute(
        delete(SignInFailure).where(SignInFailure.key.in_(locked.intersection(own)))
    )
    for key in filter(locked.__contains__, of_address):
        await transaction.execute(
            update(SignInFailure)
            .where(SignInFailure.key == key, SignInFailure.failures > 0)
            .values(failures=SignInFailure.failures - 1)
        )


def _keys(account: str, address: str, guessed: Guessed) -> dict[str, int]:
    where = _network(address)
    kind = _CODE if guessed == "code" else ""

    def key(what: str) -> str:
        return (kind + digest(f"{guessed} {what}"))[:DIGEST_LENGTH]

    return {
        key(f"pair\0{account}\0{where}"): FREE_AT_ADDRESS,
        digest(f"address\0{where}"): FREE,
        key(f"account\0{account}"): FREE,
    }


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        # One customer has a whole /64 (RFC 6177) and could use a new address for each try.
        return str(ip.ipv4_mapped or int(ip) >> 64)
    return str(ip)


def _refuse_early(count: SignInFailure, free: int, now: datetime) -> None:
    failures = _drained(count, now)
    if failures < free:
        return
    wait = min(FIRST_WAIT * 2 ** min(failures - free, 20), LONGEST_WAIT)
    left = (count.at + wait - now).total_seconds()
    if left > 0:
        seconds = math.ceil(left)
        raise TooManyRequestsError(
            f"Too many failed attempts. Try again in {seconds} s.", retry_after=seconds
        )


def _drained(count: SignInFailure, now: datetime) -> int:
    return max(0, count.failures - max(0, (now - count.at) // LONGEST_WAIT))


async def _forget(transaction: AsyncSession, now: datetime) -> None:
    await transaction.execute(delete(SignInFailure).where(SignInFailure.at < now - FORGOTTEN))
    others = SignInFailure.key.not_like(f"{_CODE}%")
    newest_to_go = (
        select(SignInFailure.at)
        .where(others)
        .order_by(SignInFailure.at.desc())
        .offset(MAX_ROWS)
        .limit(1)
        .scalar_subquery()
    )
    await transaction.execute(delete(SignInFailure).where(SignInFailure.at <= newest_to_go, others))
