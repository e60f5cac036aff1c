"""What is true of passwords."""

from __future__ import annotations

import asyncio
import time
import unicodedata

import argon2
import pytest

from admin_app.access.passwords import (
    check_password,
    hash_password,
    needs_rehash,
    verify_password,
)
from admin_app.errors import InvalidInputError

PASSWORD = "a long sentence, say"


async def test_round_trip() -> None:
    """A password matches its own hash, which is argon2id's, and no other matches it."""
    stored = await hash_password(PASSWORD)

    assert stored.startswith("$argon2id$")
    assert await verify_password(stored, PASSWORD)
    assert not await verify_password(stored, PASSWORD + "!")


async def test_salt() -> None:
    """The same password is hashed differently each time."""
    assert await hash_password(PASSWORD) != await hash_password(PASSWORD)


async def test_nobody_takes_as_long_as_somebody() -> None:
    """Verifying against no hash is refused after the work of verifying against one."""
    stored = await hash_password(PASSWORD)

    async def fastest(candidate: str | None) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            assert not await verify_password(candidate, "something else")
            times.append(time.perf_counter() - began)
        return min(times)

    assert await fastest(None) > 0.5 * await fastest(stored)


async def test_loop_goes_on() -> None:
    """While passwords are hashed the loop serves others."""
    hashing = asyncio.gather(*(hash_password(PASSWORD) for _ in range(4)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    await hashing

    assert turns > 4


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 1025])
def test_length(password: str) -> None:
    """A password of less than 12 or more than 1024 characters is refused at its field."""
    with pytest.raises(InvalidInputError) as refused:
        check_password(password)

    assert [each.path for each in refused.value.errors] == [("password",)]


@pytest.mark.parametrize("password", ["x" * 12, "x" * 1024, "é" * 12, "한국어 비밀번호 열두자"])
def test_length_is_in_characters(password: str) -> None:
    """From 12 to 1024 characters of any script are taken."""
    check_password(password)


async def test_composition() -> None:
    """It does not matter how a keyboard composes a character."""
    typed = "café crème brûlée"
    stored = await hash_password(unicodedata.normalize("NFC", typed))

    assert await verify_password(stored, unicodedata.normalize("NFD", typed))


async def test_odd_input_is_only_wrong() -> None:
    """A lone surrogate, a NUL or a broken hash is a wrong password and no error."""
    stored = await hash_password(PASSWORD)

    assert not await verify_password(stored, "\ud800" * 12)
    assert not await verify_password(stored, "\0" * 12)
    assert not await verify_password("not a hash", PASSWORD)


def test_needs_rehash() -> None:
    """A hash of weaker parameters than today's is told apart."""
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

    assert needs_rehash(weak.hash(PASSWORD))
    assert not needs_rehash(argon2.PasswordHasher().hash(PASSWORD))
