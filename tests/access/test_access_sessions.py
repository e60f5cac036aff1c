"""What is true of sign-in, sessions and sign-out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import argon2
import pytest
from people import disable_user, enable_user
from sqlalchemy import delete, event, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access import (
    actor_of_session,
    actor_of_token,
    create_token,
    create_user,
    csrf_matches,
    csrf_token,
    new_setup_link,
    passwords,
    set_password,
    sign_in,
    sign_out,
)
from admin_app.access.tables import Session, User
from admin_app.database import Database
from admin_app.declaration import Actor, Base, Origin
from admin_app.errors import UnauthenticatedError
from admin_app.settings import Settings

PASSWORD = "a long sentence, say"
OTHER = "another long sentence"
HERE = Origin("panel", address="192.0.2.1", user_agent="test")


async def enter(
    database: Database, settings: Settings, name: str = "ana", password: str = PASSWORD, **more: Any
) -> tuple[str, Actor]:
    secret, actor = await sign_in(database, settings, name, password, origin=HERE, **more)
    assert actor is not None
    return secret, actor


async def sessions(database: Database) -> list[Any]:
    async def work(connection: AsyncConnection) -> list[Any]:
        return list((await connection.execute(select(Session.__table__))).all())

    return await database.read(work)


async def set_times(database: Database, **values: datetime) -> None:
    await database.write(lambda transaction: transaction.execute(update(Session).values(**values)))


async def test_sign_in(database: Database, settings: Settings) -> None:
    """Who gives the right name, in any case, and password gets a session that knows them."""
    user_id = await create_user(database, "Ana", PASSWORD, ["viewer"])

    secret, actor = await enter(database, settings, "aNA")

    assert (actor.user_id, actor.name) == (user_id, "Ana")
    assert actor.roles == {"viewer"}
    assert actor.session_id is not None
    assert await actor_of_session(database, settings, secret) == actor
    (row,) = await sessions(database)
    assert (row.address, row.user_agent) == ("192.0.2.1", "test")
    assert row.expires_at - row.created_at == timedelta(days=14)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ana", OTHER),
        ("ana", ""),
        ("nobody", PASSWORD),
        ("bot", PASSWORD),
        ("gone", PASSWORD),
        ("till", PASSWORD),
        ("a\0b", "\ud800\0"),
        ("\ud800" * 1000, "x" * 10_000),
    ],
)
async def test_refusals_are_alike(
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    password: str,
) -> None:
    """Wrong password, unknown, disabled, password-less, a service: one answer, one verification."""
    await create_user(database, "ana", PASSWORD, [])
    await create_user(database, "bot", None, [])
    await create_user(database, "gone", PASSWORD, [])
    await disable_user(database, "gone")
    await create_user(database, "till", PASSWORD, [])
    service = update(User).where(User.name == "till").values(service=True)
    await database.write(lambda transaction: transaction.execute(service))
    verified = []
    verify = argon2.PasswordHasher.verify

    def spy(self: argon2.PasswordHasher, stored: str, given: bytes) -> bool:
        verified.append(argon2.extract_parameters(stored))
        return verify(self, stored, given)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", spy)

    with pytest.raises(UnauthenticatedError) as refused:
        await enter(database, settings, name, password)

    assert refused.value.detail == "The name or the password is not right."
    assert verified == [argon2.extract_parameters(passwords.HASHER.hash("x"))]
    assert await sessions(database) == []


async def test_rotation(database: Database, settings: Settings) -> None:
    """Each sign-in has a new secret, and the session it replaces ends; others go on."""
    await create_user(database, "ana", PASSWORD, [])
    elsewhere, _ = await enter(database, settings)
    before, _ = await enter(database, settings)

    after, _ = await enter(database, settings, replaces=before)

    assert len({elsewhere, before, after}) == 3
    assert await actor_of_session(database, settings, before) is None
    assert await actor_of_session(database, settings, after) is not None
    assert await actor_of_session(database, settings, elsewhere) is not None


async def test_sign_out(database: Database, settings: Settings) -> None:
    """Sign-out ends this session on the server, and may be repeated."""
    await create_user(database, "ana", PASSWORD, [])
    other, _ = await enter(database, settings)
    secret, _ = await enter(database, settings)

    await sign_out(database, secret, origin=HERE)
    await sign_out(database, secret, origin=HERE)

    assert await actor_of_session(database, settings, secret) is None
    assert await actor_of_session(database, settings, other) is not None


async def test_disabling(database: Database, settings: Settings) -> None:
    """Disabling ends every session at once; enabling does not bring them back."""
    await create_user(database, "ana", PASSWORD, [])
    secret, _ = await enter(database, settings)

    await disable_user(database, "ana")
    assert await actor_of_session(database, settings, secret) is None
    with pytest.raises(UnauthenticatedError):
        await enter(database, settings)

    await enable_user(database, "ana")
    assert await actor_of_session(database, settings, secret) is None
    await enter(database, settings)


async def test_inactive_is_enough(database: Database, settings: Settings) -> None:
    """A user made inactive by any hand is nobody, even with a session left in the table."""
    await create_user(database, "ana", PASSWORD, [])
    secret, _ = await enter(database, settings)

    await database.write(lambda transaction: transaction.execute(update(User).values(active=False)))

    assert await actor_of_session(database, settings, secret) is None


async def test_password_change(database: Database, settings: Settings) -> None:
    """A password change ends that user's sessions, nobody else's, and the old password."""
    await create_user(database, "ana", PASSWORD, [])
    await create_user(database, "bea", PASSWORD, [])
    first, _ = await enter(database, settings)
    second, _ = await enter(database, settings)
    beas, _ = await enter(database, settings, "bea")

    await set_password(database, "ana", OTHER)

    assert await actor_of_session(database, settings, first) is None
    assert await actor_of_session(database, settings, second) is None
    assert await actor_of_session(database, settings, beas) is not None
    with pytest.raises(UnauthenticatedError):
        await enter(database, settings)
    await enter(database, settings, password=OTHER)


async def test_password_change_meets_sign_in(database: Database, settings: Settings) -> None:
    """No sign-in with the old password outlives a change that happens at the same time."""
    await create_user(database, "ana", PASSWORD, [])

    outcomes = await asyncio.gather(
        set_password(database, "ana", OTHER),
        *(enter(database, settings) for _ in range(4)),
        return_exceptions=True,
    )

    refused = [each for each in outcomes if isinstance(each, BaseException)]
    assert {type(each) for each in refused} <= {UnauthenticatedError}
    assert await sessions(database) == []


async def test_sign_in_waits_for_a_password_change(database: Database, settings: Settings) -> None:
    """A sign-in that finds a password change not yet committed waits, and is then refused."""
    await create_user(database, "ana", PASSWORD, [])
    changed = asyncio.Event()

    async def slow_change(transaction: AsyncSession) -> None:
        await transaction.execute(update(User).values(password_hash=None))
        await transaction.execute(delete(Session))
        changed.set()
        await asyncio.sleep(1)

    change = asyncio.create_task(database.write(slow_change))
    await changed.wait()
    with pytest.raises(UnauthenticatedError):
        await enter(database, settings)
    await change

    assert await sessions(database) == []


async def test_idle_timeout(database: Database, settings: Settings) -> None:
    """A session rests for less than the idle time and is then over."""
    await create_user(database, "ana", PASSWORD, [])
    secret, _ = await enter(database, settings)
    idle = timedelta(seconds=settings.security.session_idle)
    moment = timedelta(seconds=5)

    await set_times(database, used_at=datetime.now(UTC) - idle - moment)
    assert await actor_of_session(database, settings, secret) is None

    await set_times(database, used_at=datetime.now(UTC) - idle + moment)
    assert await actor_of_session(database, settings, secret) is not None


async def test_absolute_timeout(database: Database, settings: Settings) -> None:
    """A session is over at its absolute end, however used; the next sign-in clears it away."""
    await create_user(database, "ana", PASSWORD, [])
    secret, _ = await enter(database, settings)

    await set_times(database, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert await actor_of_session(database, settings, secret) is None

    await enter(database, settings)
    assert len(await sessions(database)) == 1


async def test_last_use(database: Database, settings: Settings) -> None:
    """The last use is written when it is more than a minute old, and not before."""
    await create_user(database, "ana", PASSWORD, [])
    secret, _ = await enter(database, settings)
    recent = datetime.now(UTC) - timedelta(seconds=30)
    old = datetime.now(UTC) - timedelta(seconds=90)

    await set_times(database, used_at=recent)
    await actor_of_session(database, settings, secret)
    assert [row.used_at for row in await sessions(database)] == [recent]

    await set_times(database, used_at=old)
    await asyncio.gather(*(actor_of_session(database, settings, secret) for _ in range(4)))
    assert [row.used_at > recent for row in await sessions(database)] == [True]


async def test_cost(database: Database, settings: Settings) -> None:
    """To know who acts by a session or token in use costs one statement, and no write."""
    await create_user(database, "ana", PASSWORD, ["viewer", "editor"])
    secret, _ = await enter(database, settings)
    token = await create_token(database, "ana", "script", None)
    await actor_of_token(database, token)
    statements: list[str] = []

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def _note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    await actor_of_session(database, settings, secret)
    await actor_of_token(database, token)

    assert [each.split()[0] for each in statements] == ["SELECT", "SELECT"]


@pytest.mark.parametrize("secret", ["", "x", "x" * 10_000, "\0", "\ud800", "é"])
async def test_made_up_cookies(database: Database, settings: Settings, secret: str) -> None:
    """A cookie that is no session's secret is nobody's."""
    await create_user(database, "ana", PASSWORD, [])
    await enter(database, settings)

    assert await actor_of_session(database, settings, secret) is None


async def test_rehash(database: Database, settings: Settings) -> None:
    """A hash of yesterday's parameters is replaced at the next sign-in."""
    await create_user(database, "ana", PASSWORD, [])
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await database.write(
        lambda transaction: transaction.execute(update(User).values(password_hash=weak))
    )

    await enter(database, settings)

    stored: Any = await database.read(
        lambda connection: connection.scalar(select(User.password_hash))
    )
    assert not passwords.HASHER.check_needs_rehash(stored)
    await enter(database, settings)


async def test_hostile_headers(database: Database, settings: Settings) -> None:
    """A user agent of any length and content is kept as visible text of bounded length."""
    await create_user(database, "ana", PASSWORD, [])

    hostile = Origin("panel", address="unix:\0", user_agent="a\0\r\n\ud800" * 999)
    await sign_in(database, settings, "ana", PASSWORD, origin=hostile)

    (row,) = await sessions(database)
    assert row.user_agent == "a????" * 60
    assert row.address == "unix:?"


async def test_csrf_token() -> None:
    """A session's form token is its own, does not show its secret, and is compared safely."""
    token = csrf_token("one")

    assert csrf_matches("one", token)
    assert not csrf_matches("two", token)
    assert not any(csrf_matches("one", each) for each in ("", "é", "\ud800", token[:-1]))
    assert "one" not in token


async def test_no_secret_is_stored(database: Database, settings: Settings) -> None:
    """No table holds a password, cookie, API token, form token or setup link in clear."""
    link = await new_setup_link(database)
    await create_user(database, "ana", PASSWORD, ["viewer"])
    cookie, _ = await enter(database, settings)
    token = await create_token(database, "ana", "script", None)
    typed = "typed a password as a name"
    with pytest.raises(UnauthenticatedError):
        await enter(database, settings, typed)
    secrets = [link, PASSWORD, cookie, csrf_token(cookie), token, token[13:56], typed]

    async def work(connection: AsyncConnection) -> str:
        ours = [each for each in Base.metadata.sorted_tables if each.name.startswith("admin_")]
        found = [(await connection.execute(select(each))).all() for each in ours]
        return repr(found)

    stored = await database.read(work)
    assert "script" in stored
    assert [each for each in secrets if each is None or each in stored] == []
