"""What is true of API tokens."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from people import disable_user, enable_user
from sqlalchemy import select
from tokens import HERE, new_token, seated, set_times

from admin_app.access import (
    actor_of_session,
    actor_of_token,
    create_token,
    create_user,
    is_token,
    list_tokens,
    revoke_token,
    rotate_token,
)
from admin_app.access.secret import digest
from admin_app.access.tables import SecurityEvent
from admin_app.database import Database
from admin_app.errors import (
    InvalidInputError,
    NotFoundError,
)
from admin_app.settings import Settings


async def test_life(database: Database) -> None:
    """A token acts as its user and is listed by its beginning, with its owner."""
    token = await new_token(database, timedelta(days=30))

    actor = await actor_of_token(database, token)
    (info,) = await list_tokens(database)

    assert actor is not None
    assert (actor.name, actor.token_id) == ("bot", info.id)
    assert actor.roles == {"viewer"}
    assert (info.user_name, info.name, info.revoked_at) == ("bot", "script", None)
    assert token.startswith(info.prefix)
    assert info.expires_at == info.created_at + timedelta(days=30)
    assert await list_tokens(database, "somebody else") == []
    assert [each.id for each in await list_tokens(database, "BOT")] == [info.id]


async def test_form(database: Database) -> None:
    """A token is recognised by its form and checksum, and any one wrong character is noticed."""
    token = await new_token(database)

    assert re.fullmatch(r"adm_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", token)
    assert is_token(token)
    wrong = [
        token[:at] + other + token[at + 1 :]
        for at in range(len(token))
        for other in "aZ0"
        if token[at] != other
    ]
    assert not any(map(is_token, wrong))
    assert not any(
        map(is_token, ["", token + "\n", token[:-1], token + "0", "\ud800", token.upper()])
    )


async def test_unknown(database: Database, settings: Settings) -> None:
    """What is no token is nobody's, and neither is a token's digest, nor a token as a cookie."""
    token = await new_token(database)

    assert await actor_of_token(database, "adm_nothing") is None
    assert await actor_of_token(database, "\0\ud800") is None
    assert await actor_of_token(database, digest(token)) is None
    assert await actor_of_session(database, settings, token) is None


async def test_revocation(database: Database) -> None:
    """A revoked token is nobody's at once, and revoking again changes nothing."""
    token = await new_token(database)
    other = await create_token(database, "bot", "other", None)
    keys = {each.name: each for each in await list_tokens(database)}

    await revoke_token(database, keys["script"].prefix)
    first = [each.revoked_at for each in await list_tokens(database)]
    await revoke_token(database, keys["script"].id)

    assert await actor_of_token(database, token) is None
    assert await actor_of_token(database, other) is not None
    assert [each.revoked_at for each in await list_tokens(database)] == first
    await revoke_token(database, other)
    assert await actor_of_token(database, other) is None


@pytest.mark.parametrize("which", [0, 99, -1, 2**70, "adm_unknown1", "", "\0", "\ud800"])
async def test_revoking_nothing(database: Database, which: int | str) -> None:
    """Revoking what is not there is refused as not found."""
    with pytest.raises(NotFoundError):
        await revoke_token(database, which)


async def test_expiry(database: Database) -> None:
    """A token is good until it expires."""
    token = await new_token(database, timedelta(days=1))

    await set_times(database, expires_at=datetime.now(UTC) + timedelta(seconds=5))
    assert await actor_of_token(database, token) is not None

    await set_times(database, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert await actor_of_token(database, token) is None


async def test_disabled_user(database: Database) -> None:
    """A disabled user's token refuses at once, works again when enabled, and none can be made."""
    token = await new_token(database)

    await disable_user(database, "bot")
    assert await actor_of_token(database, token) is None
    with pytest.raises(InvalidInputError, match="disabled"):
        await create_token(database, "bot", "more", None)

    await enable_user(database, "bot")
    assert await actor_of_token(database, token) is not None


async def test_last_use(database: Database) -> None:
    """The first use is written, then none until a minute has gone."""
    token = await new_token(database)

    async def last_use() -> datetime | None:
        await actor_of_token(database, token)
        return (await list_tokens(database))[0].last_used_at

    first = await last_use()
    assert first is not None
    assert await last_use() == first
    old = datetime.now(UTC) - timedelta(seconds=90)
    await set_times(database, last_used_at=old)
    again = await last_use()
    assert again is not None
    assert again > first


@pytest.mark.parametrize(
    ("name", "expires_in", "field"),
    [
        ("", None, "name"),
        ("x" * 101, None, "name"),
        ("a\0b", None, "name"),
        ("script", timedelta(), "expires"),
        ("script", timedelta(days=-1), "expires"),
        ("script", timedelta.max, "expires"),
    ],
)
async def test_bad_input(
    database: Database, name: str, expires_in: timedelta | None, field: str
) -> None:
    """A token with no name or an impossible expiry is refused at the field."""
    await create_user(database, "bot", None, [])

    with pytest.raises(InvalidInputError) as refused:
        await create_token(database, "bot", name, expires_in)

    assert [each.path for each in refused.value.errors] == [(field,)]


async def test_no_user(database: Database) -> None:
    """A token for nobody is refused as not found."""
    with pytest.raises(NotFoundError):
        await create_token(database, "nobody", "script", None)


async def test_security_log(database: Database) -> None:
    """Making, rotating and revoking are told of once each, with how the token begins alone."""
    person = await seated(database, "ana", "editor")
    token = await create_token(
        database, "ana", "script", None, scopes=["book:read"], actor=person, origin=HERE
    )
    new = await rotate_token(database, token, actor=person, origin=HERE)
    for _ in range(2):
        await revoke_token(database, new, actor=person, origin=HERE)
    told = [each for each in await events(database) if each.event.startswith("token_")]
    assert [each.event for each in told] == ["token_created", "token_rotated", "token_revoked"]
    for each in told:
        assert (each.actor_name, each.subject, each.address) == ("ana", "ana", HERE.address)
        assert token not in str(each.details)
        assert new not in str(each.details)
    assert told[0].details == {
        "token": token[:12],
        "name": "script",
        "scopes": ["book:read"],
        "expires_at": None,
    }
    assert (told[1].details["replaces"], told[1].details["token"]) == (token[:12], new[:12])


async def events(database: Database) -> list[Any]:
    statement = select(SecurityEvent.__table__).order_by(SecurityEvent.id)

    async def work(connection: Any) -> list[Any]:
        return list((await connection.execute(statement)).all())

    return await database.read(work)
