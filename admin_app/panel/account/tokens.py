"""One's own API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.datastructures import FormData

from admin_app.access import (
    TokenInfo,
    check_known,
    create_token,
    list_tokens_for,
    revoke_token,
    rotate_token,
    scopable,
)
from admin_app.access.confirmation import confirmed
from admin_app.declaration import Resource
from admin_app.errors import BadRequestError, InvalidInputError
from admin_app.panel.language import mark
from admin_app.panel.sent_forms import text_in, texts_in
from admin_app.panel.visit import Visit, id_from

LIVES = {
    "7": mark("7 days"),
    "30": mark("30 days"),
    "90": mark("90 days"),
    "365": mark("a year"),
    "": mark("for ever"),
}
"""The lifetimes offered for a token: days, and words."""
USUAL_LIFE = "90"
EVERYTHING = "everything"
MOST_ENDED = 50
"""The most ended tokens that are listed."""


@dataclass(frozen=True, slots=True)
class Row:
    """A resource that a token can be narrowed to; each cell holds the scopes that a tick means."""

    label: str
    read: str
    write: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the form for a new token."""

    name: str = ""
    life: str = USUAL_LIFE
    reach: str = ""
    ticked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """One's tokens, and what the form for a new one is filled with: as it was sent, or afresh."""

    active: list[TokenInfo]
    ended: list[TokenInfo]
    rows: list[Row]
    confirmed: bool
    sent: Filled
    blank: Filled
    lives: Mapping[str, str]


async def shown(visit: Visit) -> Shown:
    """One's tokens, and what a new one can be narrowed to."""
    found = await list_tokens_for(visit.request.state.database, visit.actor)
    sent = getattr(visit.request.state, "form", None)
    form = sent if isinstance(sent, FormData) else FormData()
    may = scopable(visit.registry, visit.actor).values()
    return Shown(
        active=[each for each in found if each.state == "active"],
        ended=[each for each in found if each.state != "active"][:MOST_ENDED],
        rows=[_row(visit, each) for each in sorted(may, key=lambda each: each.label_plural)],
        confirmed=confirmed(visit.actor),
        sent=Filled(
            text_in(form, "name"),
            text_in(form, "life") if "life" in form else USUAL_LIFE,
            text_in(form, "reach"),
            frozenset(texts_in(form, "scope")),
        ),
        blank=Filled(),
        lives=LIVES,
    )


async def done(visit: Visit, form: FormData) -> dict[str, Any] | None:
    """Make, rotate or revoke a token; a new one is told once.

    Raises what these do, and ``BadRequestError`` for a button there is not.
    """
    database = visit.request.state.database
    who: dict[str, Any] = {"actor": visit.actor, "origin": visit.origin}
    which = id_from(text_in(form, "token"))
    match text_in(form, "do"):
        case "make":
            scopes = _scopes(form)
            check_known(scopes, visit.registry, visit.actor)
            name, life = text_in(form, "name"), _life(text_in(form, "life"))
            made = await create_token(database, visit.actor.name, name, life, scopes=scopes, **who)
        case "rotate":
            made = await rotate_token(database, which, **who)
        case "revoke":
            await revoke_token(database, which, **who)
            return None
        case _:
            msg = "There is no such button here."
            raise BadRequestError(msg)
    return {"token": made}


def _row(visit: Visit, resource: Resource) -> Row:
    allowed = visit.records.allowed(visit.actor, resource)
    scopes = [f"{resource.name}:{each}" for each in resource.actions if each in allowed]
    read = f"{resource.name}:read"
    writes = [each for each in scopes if each != read]
    return Row(resource.label_plural, read if read in scopes else "", " ".join(writes))


def _scopes(form: FormData) -> list[str] | None:
    if text_in(form, "reach") == EVERYTHING:
        return None
    scopes = [scope for each in texts_in(form, "scope") for scope in each.split()]
    if not scopes:
        detail = "Tick what it may do."
        raise InvalidInputError.about(("scopes",), "required", detail)
    return scopes


def _life(text: str) -> timedelta | None:
    if text not in LIVES:
        detail = "Choose one of these."
        raise InvalidInputError.about(("expires",), "choice", detail)
    return timedelta(days=int(text)) if text else None
