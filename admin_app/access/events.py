"""The security log: what happened to access, in the transaction in which it happened.

Rows are only ever added. Nobody's password is in them, typed where a name belongs or not: a name is
written down when it is a user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access.tables import (
    ADDRESS_LENGTH,
    NAME_LENGTH,
    USER_AGENT_LENGTH,
    Event,
    SecurityEvent,
)
from admin_app.declaration import Actor, Origin


async def log_event(
    transaction: AsyncSession,
    event: Event,
    actor: Actor,
    origin: Origin,
    *,
    subject: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add ``event`` to the security log; ``subject`` is the user or role it happened to.

    ``details`` are JSON data without secrets.
    """
    await transaction.execute(
        insert(SecurityEvent).values(
            at=datetime.now(UTC),
            event=event,
            actor_id=actor.user_id,
            actor_name=actor.name[:NAME_LENGTH],
            impersonator=actor.impersonator,
            subject=subject[:NAME_LENGTH],
            source=origin.source,
            address=visible(origin.address, ADDRESS_LENGTH),
            user_agent=visible(origin.user_agent, USER_AGENT_LENGTH),
            request_id=origin.request_id,
            details=dict(details or {}),
        )
    )


def visible(text: str, length: int) -> str:
    """The beginning of a text that a client sent, characters that cannot be seen as ``?``."""
    return "".join(each if each.isprintable() else "?" for each in text[:length])
