"""``/access/matrix``: what every role may do to every resource, on one page, and changed there.

A form holds what it showed. Only what differs from that is done, in one transaction, and only where
what is stored is still what was shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from sqladmin import Admin
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from admin_app.access import RoleInfo
from admin_app.access.confirmation import require_confirmed
from admin_app.declaration import EVERY_RESOURCE
from admin_app.errors import (
    AppError,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    StaleVersionError,
    UniqueConflictError,
)
from admin_app.panel.granted import GRANTS
from admin_app.panel.language import mark
from admin_app.panel.notices import redirect_with
from admin_app.panel.people.matrix_table import Place, Stored, matrix_table
from admin_app.panel.rendering import render
from admin_app.panel.sent_forms import read_form, texts_in
from admin_app.panel.visit import Visit, id_from, visiting
from admin_app.records import Representation, Writer

TITLE = mark("Rights by role")
CHECKED = "grant"
SHOWN = "was"
MEANWHILE = "Somebody else has changed this meanwhile, so nothing was saved."


async def page(admin: Admin, request: Request) -> Response:
    """The matrix, or with ``?role=`` the rights of one; with ``?edit=1`` as a form.

    Raises ``ForbiddenError``, and ``ConfirmationRequiredError`` for the form.
    """
    visit = visiting(request)
    roles = await visit.records.roles(visit.actor)  # Refuses who may not read them.
    if request.method == "POST":
        return await _saved(admin, visit, await read_form(request))
    editing = bool(request.query_params.get("edit"))
    if editing:
        _require_editing(visit)
        require_confirmed(visit.actor)
    chosen = _chosen(visit, roles)
    table = matrix_table(visit.records.registry, [chosen] if chosen else roles)
    return await _rendered(admin, visit, roles=roles, chosen=chosen, table=table, editing=editing)


async def _saved(admin: Admin, visit: Visit, form: FormData) -> Response:
    _require_editing(visit)
    wanted, shown = _read(form)
    changed = wanted ^ shown.keys()
    roles = await visit.records.roles(visit.actor)
    chosen = _chosen(visit, roles)
    here = visit.urls.to("access", "matrix", pairs=[("role", str(chosen.id))] if chosen else [])
    if not changed:
        return redirect_with(visit, here, "unchanged", TITLE)
    clashes: set[Place] = set()
    try:
        clashes = await _write(visit, changed, wanted, shown)
    except (NotFoundError, StaleVersionError, UniqueConflictError):
        # What was looked at a moment ago is no longer so; there is no telling which.
        problem: AppError = ConflictError(MEANWHILE)
    except AppError as error:
        problem = error
    else:
        if not clashes:
            return redirect_with(visit, here, "saved", TITLE)
        problem = ConflictError(MEANWHILE)
    roles = await visit.records.roles(visit.actor)
    told = {each: each in wanted for each in changed}
    shown_ = [each for each in roles if chosen is None or each.id == chosen.id]
    table = matrix_table(visit.records.registry, shown_, told, clashes)
    context = {"roles": roles, "chosen": chosen, "table": table, "editing": True}
    return await _rendered(admin, visit, problem.status, **context, problem=problem)


def _chosen(visit: Visit, roles: Iterable[RoleInfo]) -> RoleInfo | None:
    """The one role that the page is about, where it is about one."""
    wanted = id_from(visit.request.query_params.get("role", ""))
    return next((each for each in roles if each.id == wanted), None)


async def _write(
    visit: Visit, changed: Iterable[Place], wanted: set[Place], shown: Mapping[Place, Stored]
) -> set[Place]:
    """Do what is wanted; nothing, but to tell where, if what is stored is not what was shown."""
    resource = visit.records.registry[GRANTS]
    places = sorted(changed, key=str)

    async def work(writer: Writer) -> set[Place]:
        stored = await _stored(writer, visit, {each.role for each in places})
        clashes, todo = set(), []
        for place in places:
            there = stored.get(place)
            now = there[1] if there else None
            if now == (Stored() if place in wanted else None):
                continue  # Somebody else has done the same.
            if now != shown.get(place):
                clashes.add(place)
            todo.append((place, there))
        if clashes:
            return clashes
        for place, there in todo:
            if there is None:
                await writer.create(resource, place.wire())
            else:
                found = there[0]
                await writer.delete(resource, found.key, if_match=[found.etag])
        return set()

    return await visit.records.write(visit.actor, visit.origin, work)


async def _stored(
    writer: Writer, visit: Visit, roles: Iterable[int]
) -> dict[Place, tuple[Representation, Stored]]:
    """The grants of some roles as they are now."""
    resource = visit.registry[GRANTS]
    found = await writer.find(
        resource, [resource.fields["role_id"]], [(each,) for each in roles], sets=False
    )
    return {
        Place(row["role_id"], row["resource"], row["action"], row["rule"]): (
            Representation(resource, row),
            Stored(row["without"] or ()),
        )
        for rows in found.values()
        for row in rows
    }


def may_edit(visit: Visit) -> bool:
    """Whether the matrix is a form for this person."""
    return {"create", "delete"} <= visit.records.allowed(
        visit.actor, visit.records.registry[GRANTS]
    )


def _require_editing(visit: Visit) -> None:
    if not may_edit(visit):
        msg = "You may not change what roles grant."
        raise ForbiddenError(msg)


def _read(form: FormData) -> tuple[set[Place], dict[Place, Stored]]:
    """What is checked, and what the form showed as granted. Raises ``BadRequestError``."""
    try:
        wanted = {Place.read(each)[0] for each in texts_in(form, CHECKED)}
        shown = dict(Place.read(each) for each in texts_in(form, SHOWN))
    except ValueError as error:
        msg = "This is not the form of the page. Open it again."
        raise BadRequestError(msg) from error
    return wanted, shown


async def _rendered(
    admin: Admin, visit: Visit, status: int = HTTPStatus.OK, **context: Any
) -> Response:
    return await render(
        admin,
        visit.request,
        "matrix.html",
        status,
        title=TITLE,
        may_edit=may_edit(visit),
        every=EVERY_RESOURCE,
        grants=visit.records.registry[GRANTS],
        **context,
    )
