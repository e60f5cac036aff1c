"""What a token looks like: ``adm_<8>_<43><6>`` — public part, secret, checksum, all alphanumeric.

The form is GitHub's ("Behind GitHub's new authentication token formats", 2021): the beginning and
the checksum let a scanner recognise a leaked token with hardly a false alarm, and a mistyped one is
refused without asking the database. The secret is 32 random bytes.
"""

from __future__ import annotations

import re
import secrets
import zlib

from admin_app.access.secret import SECRET_BYTES, base62

TOKEN_PATTERN = re.compile(r"(adm_[0-9A-Za-z]{8}_[0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)
"""The whole of a token; the second group is the checksum of the first."""


def is_token(text: str) -> bool:
    """Whether ``text`` has a token's form and its checksum is right."""
    match = TOKEN_PATTERN.fullmatch(text)
    return match is not None and _checksum(match[1]) == match[2]


def new_token() -> str:
    """A token that nobody has."""
    public = base62(secrets.randbelow(62**8), 8)
    secret = base62(int.from_bytes(secrets.token_bytes(SECRET_BYTES)), 43)
    body = f"adm_{public}_{secret}"
    return body + _checksum(body)


def prefix_of(token: str) -> str:
    """How a token begins: by that people tell tokens apart, and it is no secret."""
    return token[: len("adm_") + 8]


def _checksum(body: str) -> str:
    return base62(zlib.crc32(body.encode()), 6)
