"""Users of the panel with a second factor, and their codes."""

from __future__ import annotations

from typing import Any

import pyotp
from panel import Client, Form, House, session_of
from sqlalchemy import update

from admin_app.access import actor_of_session, begin_enrolment, finish_enrolment
from admin_app.access.tables import User
from admin_app.declaration import Origin


async def change(made: House, statement: Any) -> None:
    await made.database.write(lambda transaction: transaction.execute(statement))


async def rows(made: House, statement: Any) -> list[Any]:
    found = await made.database.read(lambda connection: connection.execute(statement))
    return [tuple(each) for each in found]


async def enrolled(made: House, name: str = "ana") -> tuple[pyotp.TOTP, list[str]]:
    """Give somebody a second factor: what their device shows, and recovery codes."""
    actor = await actor_of_session(made.database, made.settings, session_of(name))
    assert actor is not None
    begun = await begin_enrolment(made.database, made.settings, actor)
    device = pyotp.TOTP(begun.secret)
    codes = await finish_enrolment(
        made.database, made.settings, actor, device.now(), origin=Origin("panel")
    )
    await change(made, update(User).values(totp_step=None))
    return device, codes


async def press(client: Client, do: str, **fields: str) -> Any:
    """Press a button of the account's section."""
    html = (await client.get("/admin/account")).text
    form = next(
        form
        for form in (Form(html, which) for which in range(html.count("<form")))
        if "/account/second_factor" in form.html
    )
    data = [*form.fields(*fields), ("do", do), *fields.items()]
    return await client.post("/admin/account/second_factor", data)
