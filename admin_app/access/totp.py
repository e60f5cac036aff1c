"""Time-based codes (RFC 6238: SHA-1, six digits, half a minute) and the sealed secrets they need.

A secret must be known to check a code, so it is sealed and not hashed: under a key of the
installation's secret, for one user. Whoever reads the database alone can make no code.
"""

from __future__ import annotations

import base64
import hmac
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from admin_app.secret import installation_secret
from admin_app.settings import Settings

logger = logging.getLogger(__name__)

STEP = 30
"""Seconds that a code stands."""
DRIFT = 1
"""Steps that a device's clock may be off, either way (RFC 6238, 5.2)."""
LONGEST_NAME = 64
"""Characters of a name in a provisioning URI: a QR code has no room for many more."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a device is set up with: the secret as text, and the same as an ``otpauth:`` URI."""

    secret: str
    uri: str


def new_totp_secret() -> str:
    """160 random bits in base 32."""
    return pyotp.random_base32()


def enrolment(settings: Settings, name: str, secret: str) -> Enrolment:
    """The secret as the device of the user ``name`` takes it."""
    uri = pyotp.TOTP(secret, interval=STEP).provisioning_uri(
        name=name[:LONGEST_NAME], issuer_name=settings.app.title[:LONGEST_NAME]
    )
    return Enrolment(secret, uri)


def step_of(secret: str, code: str) -> int | None:
    """The time step, of those that count now, whose code this is; the latest of several."""
    typed = "".join(code.split()).encode("utf-8", "surrogatepass")
    totp = pyotp.TOTP(secret, interval=STEP)
    now = int(datetime.now(UTC).timestamp()) // STEP
    for step in range(now + DRIFT, now - DRIFT - 1, -1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed):
            return step
    return None


def sealed(settings: Settings, user_id: int | None, secret: str) -> str:
    """The secret as it is kept."""
    return _fernet(settings, user_id).encrypt(secret.encode()).decode()


def unsealed(settings: Settings, user_id: int | None, kept: str) -> str | None:
    """The secret of what is kept; ``None`` when another key or user sealed it."""
    try:
        return _fernet(settings, user_id).decrypt(kept).decode()
    except InvalidToken:
        logger.warning("user %s: security.secret is not the second factor's any more", user_id)
        return None


def _fernet(settings: Settings, user_id: int | None) -> Fernet:
    # A key for each user (RFC 5869, 3.2), so that nobody's secret opens another's row.
    info = f"admin_app second factor {user_id}".encode()
    key = HKDF(SHA256(), length=32, salt=None, info=info).derive(installation_secret(settings))
    return Fernet(base64.urlsafe_b64encode(key))
