"""Step-up: what could give rights away asks whoever is signed in to prove to be there still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from admin_app.declaration import Actor
from admin_app.errors import ConfirmationRequiredError

CONFIRMED_FOR = timedelta(minutes=15)
"""How long a proof (a sign-in, or the same again) counts."""


def confirmed(actor: Actor) -> bool:
    """Whether the person behind a session proved lately to be there; true where there is none.

    A token cannot be asked: it may do what it was made for, and making one asks.
    """
    if actor.session_id is None:
        return True
    return actor.confirmed_at is not None and datetime.now(UTC) - actor.confirmed_at < CONFIRMED_FOR


def require_confirmed(actor: Actor) -> None:
    """Raise ``ConfirmationRequiredError`` unless ``confirmed``."""
    if not confirmed(actor):
        msg = "Confirm that it is you before you change who may do what."
        raise ConfirmationRequiredError(msg)
