"""What is true of rotating a token: the new one is as the old, which stays for the overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from people import disable_user, enable_user
from tokens import granted, new_token, set_times

from admin_app.access import (
    actor_of_token,
    create_token,
    create_user,
    is_token,
    list_tokens,
    revoke_token,
    rotate_token,
)
from admin_app.database import Database
from admin_app.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
)


async def test_rotation(database: Database) -> None:
    """The new token is as the old one was made, which stays good for the overlap and no longer."""
    await create_user(database, "bot", None, ["viewer"])
    life = timedelta(days=30)
    old = await create_token(database, "bot", "script", life, scopes=["book:read"])
    new = await rotate_token(database, old, timedelta(hours=2))

    made, left = await list_tokens(database)
    assert is_token(new)
    assert (made.name, made.user_name, made.scopes) == ("script", "bot", ["book:read"])
    assert made.expires_at == made.created_at + life
    assert left.expires_at == made.created_at + timedelta(hours=2)
    assert await granted(database, old) == await granted(database, new) == {("book", "read")}

    third = await rotate_token(database, made.id, timedelta())
    assert await actor_of_token(database, new) is None
    assert await actor_of_token(database, third) is not None


async def test_rotation_never_prolongs(database: Database) -> None:
    """A token that would expire within the overlap does so; one that never would is rotated so."""
    old = await new_token(database, timedelta(hours=1))
    (before,) = await list_tokens(database)
    await rotate_token(database, old)
    made, left = await list_tokens(database)
    assert left.expires_at == before.expires_at
    other = await create_token(database, "bot", "other", None)
    await rotate_token(database, other)
    made, left, *_ = await list_tokens(database)
    assert (made.expires_at, left.expires_at) == (None, made.created_at + timedelta(days=1))


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31), timedelta.max])
async def test_bad_overlap(database: Database, overlap: timedelta) -> None:
    """An overlap is none to thirty days."""
    token = await new_token(database)
    with pytest.raises(InvalidInputError) as refused:
        await rotate_token(database, token, overlap)
    assert [each.path for each in refused.value.errors] == [("overlap",)]


async def test_rotating_what_is_over(database: Database) -> None:
    """A token that is revoked, expired, of a disabled user or nowhere is not rotated."""
    token = await new_token(database)
    await disable_user(database, "bot")
    with pytest.raises(ConflictError):
        await rotate_token(database, token)
    await enable_user(database, "bot")
    await set_times(database, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(ConflictError):
        await rotate_token(database, token)
    await set_times(database, expires_at=None)
    await revoke_token(database, token)
    with pytest.raises(ConflictError):
        await rotate_token(database, token)
    with pytest.raises(NotFoundError):
        await rotate_token(database, 99)
    assert len(await list_tokens(database)) == 1
