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

from admin_app.errors import FieldError, InvalidInputError

T = TypeVar("T")

SHORTEST = 12
LONGEST = 1024

_HASHER = PasswordHasher()
_THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="password")

# Well-formed and of today's cost, and of no known password: verifying it takes as long as any.
_NOBODYS_HASH = (
    f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    f"${'A' * 22}${'A' * 43}"
)


def check_password(password: str) -> None:
    """Raise ``InvalidInputError`` at ``password`` unless it has 12 to 1024 characters."""
    length = len(unicodedata.normalize("NFC", password))
    if length < SHORTEST:
        raise _refused("too_short", f"A password has at least {SHORTEST} characters.")
    if length > LONGEST:
        raise _refused("too_long", f"A password has at most {LONGEST} characters.")


async def hash_password(password: str) -> str:
    """Hash with a fresh salt, in a thread."""
    return await _in_thread(lambda: _HASHER.hash(_prepared(password)))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether ``stored`` is the hash of ``password``; ``None`` takes the same time and is not."""
    return await _in_thread(lambda: _matches(stored or _NOBODYS_HASH, _prepared(password)))


def needs_rehash(stored: str) -> bool:
    """Whether ``stored`` was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def _matches(stored: str, password: bytes) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _prepared(password: str) -> bytes:
    # RFC 8265, 4.2: keyboards differ in how they compose the same character.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _refused(code: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, errors=[FieldError(("password",), code, detail)])
