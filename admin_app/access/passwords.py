"""Passwords: the rule for new ones, and argon2id (RFC 9106, the low-memory profile).

Hashing takes 64 MiB and some 50 ms on purpose, so it runs in threads of its own: the loop goes on,
and a flood of sign-ins cannot take more memory than those few threads do.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from admin_app.errors import InvalidInputError

T = TypeVar("T")

SHORTEST = 12
LONGEST = 1024
LOOKED_AT = 72
"""How much of the beginning is compared with what is guessed first; more would take long."""
GUESSED_LATE = 3
"""zxcvbn's estimate of at least 10^8 guesses."""

HASHER = PasswordHasher()
_THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="password")
# One alone: zxcvbn keeps a call's words in a global, and is slow enough to keep sign-ins waiting.
_CRITIC = ThreadPoolExecutor(max_workers=1, thread_name_prefix="password-rule")


async def check_password(password: str, name: str) -> None:
    """Raise ``InvalidInputError`` at ``password`` unless the user ``name`` may choose it.

    It has 12 to 1024 characters and is not among those that are guessed first: common ones, rows
    of keys, repetitions, the user's own name. Nothing is said of its composition (NIST SP
    800-63B-4, 3.1.1.2).
    """
    composed = unicodedata.normalize("NFC", password)
    if len(composed) < SHORTEST:
        raise _refused("too_short", f"A password has at least {SHORTEST} characters.")
    if len(composed) > LONGEST:
        raise _refused("too_long", f"A password has at most {LONGEST} characters.")
    if await _in_thread(lambda: _score(composed, name), _CRITIC) < GUESSED_LATE:
        raise _refused(
            "too_common",
            "This password is among the first that are guessed. Add another word or two; uncommon "
            "words are better.",
        )


async def hash_password(password: str) -> str:
    """Hash with a fresh salt, in a thread."""
    return await _in_thread(lambda: HASHER.hash(_prepared(password)))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether ``stored`` is the hash of ``password``; ``None`` takes the same time and is not."""
    return await _in_thread(lambda: _matches(stored or _nobodys_hash(), _prepared(password)))


def needs_rehash(stored: str) -> bool:
    """Whether ``stored`` was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)


def _nobodys_hash() -> str:
    """Well-formed, at today's cost, of no known password: verifying it takes as long as any."""
    cost = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${'A' * 22}${'A' * 43}"


async def _in_thread(work: Callable[[], T], threads: ThreadPoolExecutor = _THREADS) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _score(password: str, name: str) -> int:
    found: int = zxcvbn(password[:LOOKED_AT], user_inputs=[name, *name.split()])["score"]
    return found


def _matches(stored: str, password: bytes) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _prepared(password: str) -> bytes:
    # RFC 8265, 4.2: keyboards differ in how they compose the same character.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _refused(code: str, detail: str) -> InvalidInputError:
    return InvalidInputError.about(("password",), code, detail)
