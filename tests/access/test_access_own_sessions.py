"""What is true of the sessions that are open: seen and ended by their owner, or for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from accounts import HERE, enter, events, grown, inside

from admin_app.access import (
    actor_of_session,
    end_other_sessions,
    end_session,
    end_sessions,
    list_sessions,
)
from admin_app.database import Database
from admin_app.errors import (
    NotFoundError,
)
from admin_app.settings import Settings


async def test_list_sessions(database: Database, settings: Settings) -> None:
    """One sees one's own sessions that are open, last used first, and which of them this is."""
    await grown(database)
    now = datetime.now(UTC)
    await enter(database, "vic")
    await enter(database, "ana", expires_at=now - timedelta(seconds=1))
    idle = timedelta(seconds=settings.security.session_idle)
    await enter(database, "ana", used_at=now - idle)
    await enter(database, "ana", pending=True)
    older = now - timedelta(hours=1)
    await enter(database, "ana", used_at=older, address="192.0.2.7", user_agent="Old/1.0")
    _, ana = await inside(database, settings, "ana")

    this, other = await list_sessions(database, settings, ana)

    assert (this.id, this.current) == (ana.session_id, True)
    assert (other.current, other.used_at) == (False, older)
    assert (other.address, other.user_agent) == ("192.0.2.7", "Old/1.0")


async def test_end_session(database: Database, settings: Settings) -> None:
    """One ends one's own sessions, this or another, once; somebody else's is not there."""
    await grown(database)
    theirs, vic = await inside(database, settings, "vic")
    other, elsewhere = await inside(database, settings, "ana")
    secret, ana = await inside(database, settings, "ana")
    assert vic.session_id
    assert elsewhere.session_id
    assert ana.session_id

    for session in (vic.session_id, 0, -1, 10**15):
        with pytest.raises(NotFoundError):
            await end_session(database, ana, session, HERE)
    await end_session(database, ana, elsewhere.session_id, HERE)
    with pytest.raises(NotFoundError):
        await end_session(database, ana, elsewhere.session_id, HERE)

    assert await actor_of_session(database, settings, other) is None
    assert await actor_of_session(database, settings, theirs) is not None
    await end_session(database, ana, ana.session_id, HERE)
    assert await actor_of_session(database, settings, secret) is None
    found = await events(database, "session_ended")
    assert [(each.actor_name, each.subject) for each in found] == [("ana", "ana")] * 2


async def test_end_others(database: Database, settings: Settings) -> None:
    """All one's other sessions end at once, half-finished sign-ins included."""
    await grown(database)
    theirs = await enter(database, "vic")
    others = [await enter(database, "ana"), await enter(database, "ana", pending=True)]
    secret, ana = await inside(database, settings, "ana")

    assert await end_other_sessions(database, ana, HERE) == 2

    for each in others:
        assert await actor_of_session(database, settings, each) is None
    assert await actor_of_session(database, settings, secret) is not None
    assert await actor_of_session(database, settings, theirs) is not None
    (event,) = await events(database, "session_ended")
    assert event.details == {"sessions": 2}


async def test_end_anybodys(database: Database, settings: Settings) -> None:
    """An administrator ends all sessions of somebody, and nobody else's."""
    await grown(database)
    theirs = [await enter(database, "vic") for _ in range(2)]
    eds = await enter(database, "ed")
    _, ana = await inside(database, settings, "ana")

    assert await end_sessions(database, ana, "vic", HERE) == 2

    for each in theirs:
        assert await actor_of_session(database, settings, each) is None
    assert await actor_of_session(database, settings, eds) is not None
    (event,) = await events(database, "session_ended")
    assert (event.actor_name, event.subject, event.details) == ("ana", "vic", {"sessions": 2})
