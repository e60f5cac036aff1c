"""The installation's secret: from the settings, or for a try-out generated once beside them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from admin_app.errors import SetupError
from admin_app.settings import SHORTEST_SECRET, Settings

SECRET_FILE = ".secret"  # noqa: S105 - its name, not what is in it


def installation_secret(settings: Settings) -> bytes:
    """The secret that signs what clients carry; the same for every worker and every start.

    Production has refused to start without one of its own (see ``Settings``). Raises ``SetupError``
    for a file that holds none.
    """
    if settings.security.secret is not None:
        return settings.security.secret.get_secret_value().encode()
    file = settings.root / SECRET_FILE
    if not file.exists():
        _generate(file)
    secret = file.read_bytes()
    if len(secret) < SHORTEST_SECRET:
        msg = f"{file} holds no secret. Delete it, and the next start makes one."
        raise SetupError(msg)
    return secret


def _generate(file: Path) -> None:
    """Write it whole under another name first: of several starts at once, one wins."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secrets.token_urlsafe(48).encode())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
