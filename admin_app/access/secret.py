"""Random secrets, and what is kept of them.

A secret of 32 random bytes cannot be guessed, so a plain SHA-256 is enough at rest (OWASP ASVS
5.0, 11.4.1); slow hashes are for what people choose.
"""

from __future__ import annotations

import hashlib
import secrets
import string

SECRET_BYTES = 32

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def new_secret() -> str:
    """32 random bytes as 43 characters that are safe in a cookie and in a URL."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> str:
    """SHA-256 of any text, in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def base62(number: int, width: int) -> str:
    """A number as ``width`` letters and digits, zeros first."""
    digits = ""
    while number:
        number, rest = divmod(number, len(_BASE62))
        digits = _BASE62[rest] + digits
    return digits.rjust(width, _BASE62[0])
