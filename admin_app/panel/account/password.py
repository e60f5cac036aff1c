"""One's own password."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData

from admin_app.access import change_password
from admin_app.panel.sent_forms import text_in
from admin_app.panel.visit import Visit


async def shown(visit: Visit) -> None:
    """Nothing: of a password nothing can be shown."""
    del visit


async def done(visit: Visit, form: FormData) -> dict[str, Any]:
    """Change the password. Raises what ``change_password`` does."""
    await change_password(
        visit.request.state.database,
        visit.actor,
        text_in(form, "current"),
        text_in(form, "new"),
        visit.origin,
    )
    return {"changed": True}
