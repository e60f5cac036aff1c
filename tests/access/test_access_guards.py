"""What holds for users, roles, grants and sessions as records, beyond their columns."""

from __future__ import annotations

from typing import Any

import pytest
from accounts import enter

from admin_app.access import actor_of_session, create_user, new_password_link, user_of_password_link
from admin_app.database import Database
from admin_app.declaration import COMMAND_LINE, SYSTEM, Base, Registry
from admin_app.errors import NotFoundError
from admin_app.records import Records
from admin_app.settings import Settings


@pytest.mark.parametrize("change", [{"active": False}, {"service": True}])
async def test_who_cannot_sign_in(
    database: Database, settings: Settings, change: dict[str, Any]
) -> None:
    """Disabling somebody, or making them a service, ends sessions and password links for good."""
    user = await create_user(database, "vic", None, [])
    await create_user(database, "bea", None, [])
    theirs, another = [
        await new_password_link(database, SYSTEM, name, COMMAND_LINE) for name in ("vic", "bea")
    ]
    session = await enter(database, "vic")
    registry = Registry.from_base(Base, ["admin_app.models"])
    records = Records(database, registry, b"x" * 32)

    back = {name: not value for name, value in change.items()}
    for body in (change, back):
        await records.update(SYSTEM, registry["admin_user"], (user,), body, origin=COMMAND_LINE)

    with pytest.raises(NotFoundError):
        await user_of_password_link(database, theirs)
    assert await user_of_password_link(database, another) == "bea"
    assert await actor_of_session(database, settings, session) is None
