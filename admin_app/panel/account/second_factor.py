"""One's own second factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from textwrap import wrap
from typing import Any

import segno
from starlette.datastructures import FormData

from admin_app.access import (
    begin_enrolment,
    finish_enrolment,
    new_recovery_codes,
    remove_second_factor,
    second_factor_of,
)
from admin_app.errors import BadRequestError
from admin_app.panel.sent_forms import text_in
from admin_app.panel.visit import Visit


@dataclass(frozen=True, slots=True)
class Shown:
    """How it stands; ``qr`` and ``grouped`` show a secret that has been made and not proved yet."""

    enabled_at: datetime | None
    codes_left: int
    demanded: bool
    qr: str = ""
    grouped: str = ""


async def shown(visit: Visit) -> Shown:
    """How one's second factor stands."""
    state = visit.request.state
    found = await second_factor_of(state.database, state.settings, visit.actor)
    shown = Shown(found.enabled_at, found.codes_left, found.demanded)
    if found.enrolment is None:
        return shown
    grouped = " ".join(wrap(found.enrolment.secret, 4))
    return replace(shown, qr=qr_code(found.enrolment.uri), grouped=grouped)


async def done(visit: Visit, form: FormData) -> dict[str, Any] | None:
    """Set it up in two steps, make recovery codes, remove it: what the button pressed says.

    Raises what these do, and ``BadRequestError`` for a button there is not.
    """
    state, actor, origin = visit.request.state, visit.actor, visit.origin
    match text_in(form, "do"):
        case "begin":
            await begin_enrolment(state.database, state.settings, actor)
        case "finish":
            code = text_in(form, "code")
            codes = await finish_enrolment(
                state.database, state.settings, actor, code, origin=origin
            )
            return {"codes": codes, "enabled": True}
        case "codes":
            return {"codes": await new_recovery_codes(state.database, actor, origin=origin)}
        case "remove":
            await remove_second_factor(state.database, actor, origin=origin)
        case _:
            msg = "There is no such button."
            raise BadRequestError(msg)
    return None


def qr_code(uri: str) -> str:
    """A picture of the address as the address of a picture, dark on light in any colours."""
    picture: str = segno.make_qr(uri).svg_data_uri(border=4, light="white", omitsize=True)
    return picture
