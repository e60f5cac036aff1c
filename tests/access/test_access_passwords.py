"""What is true of passwords."""

from __future__ import annotations

import asyncio
import contextlib
import time
import unicodedata

import argon2
import pytest
from conftest import REAL_COST

from admin_app.access import passwords
from admin_app.access.passwords import (
    check_password,
    hash_password,
    needs_rehash,
    verify_password,
)
from admin_app.errors import InvalidInputError

PASSWORD = "a long sentence, say"


@pytest.fixture(autouse=True)
def real_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a password costs an installation, which other tests do not pay."""
    monkeypatch.setattr(passwords, "HASHER", REAL_COST)


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
        for _ in range(3):
            began = time.process_time()  # What others do on the machine is no part of it.
            assert not await verify_password(candidate, "something else")
            times.append(time.process_time() - began)
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


LONG = "한국어 비밀번호 열두자 é" * 80


@pytest.mark.parametrize(
    ("password", "code"),
    [("", "too_short"), (PASSWORD[:11], "too_short"), (LONG[:1025], "too_long")],
)
async def test_length(password: str, code: str) -> None:
    """A password of less than 12 or more than 1024 characters is refused at its field."""
    with pytest.raises(InvalidInputError) as refused:
        await check_password(password, "ana")

    assert [(each.path, each.code) for each in refused.value.errors] == [(("password",), code)]


@pytest.mark.parametrize("password", [LONG[:12], LONG[:1024], "vtkhqzmwplxe", PASSWORD])
async def test_length_is_in_characters(password: str) -> None:
    """From 12 to 1024 characters of any script and of any kind alone are taken."""
    await check_password(password, "ana")


COMMON = (
    "password1234", "Password123!", "qwertyuiop12", "123456789012", "iloveyou1234",
    "letmeinplease", "administrator", "xxxxxxxxxxxx", "abcabcabcabc", "\ud800" * 12, "\0" * 12,
    "x" * 1024, "P@$$w0rdP@$$w0rd",
)  # fmt: skip


@pytest.mark.parametrize("password", COMMON)
async def test_common(password: str) -> None:
    """What is guessed first, whatever signs it is dressed up with, is refused with advice."""
    with pytest.raises(InvalidInputError, match="Add another word or two") as refused:
        await check_password(password, "ana")

    assert [each.code for each in refused.value.errors] == ["too_common"]


async def test_own_name() -> None:
    """A password made of the user's own name is refused, to that user alone, also at once."""
    password = "Zebulon Quixby99"

    async def code(name: str) -> str:
        try:
            await check_password(password, name)
        except InvalidInputError as refused:
            return refused.errors[0].code
        return ""

    names = ["zebulon quixby", "somebody else"] * 8
    assert await asyncio.gather(*(code(name) for name in names)) == ["too_common", ""] * 8


async def test_only_the_beginning_is_looked_at() -> None:
    """However long a password is and whatever it holds, judging it takes a moment."""
    began = time.process_time()
    with contextlib.suppress(InvalidInputError):
        await check_password("4@8({[<369&#!1/|0$5+7%2" * 44, "ana")

    assert time.process_time() - began < 10


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
