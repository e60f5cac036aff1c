"""Taking many records out of the trash at once, after a look at which of them can come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from uuid import UUID

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.errors import AppError, NotFoundError, StaleVersionError
from admin_app.panel.declared import counted
from admin_app.panel.display import Link
from admin_app.panel.language import retold, say
from admin_app.panel.lists.bulk import CHANGED_MEANWHILE
from admin_app.panel.lists.bulk_delete import STATE
from admin_app.panel.lists.previewing import SAMPLES, Refusal, link_of, refused, rehearsing
from admin_app.panel.lists.selecting import Chosen, chosen, selection_in, sent_form
from admin_app.panel.notices import redirect_with
from admin_app.panel.rendering import render
from admin_app.panel.sent_forms import text_in
from admin_app.panel.visit import Visit, visiting
from admin_app.records import Writer
from admin_app.records.writes.bulk.items import Outcome
from admin_app.records.writes.bulk.removals import restore_items


@dataclass(frozen=True, slots=True)
class Plan:
    """Which records of a selection can come back, and why others cannot."""

    free: Chosen
    names: tuple[Link, ...] = ()
    """The first of those that can."""
    refusals: tuple[Refusal, ...] = ()

    @property
    def refused(self) -> int:
        """How many cannot."""
        return sum(each.count for each in self.refusals)


async def restore(admin: Admin, request: Request, resource: Resource) -> Response:
    """Restore the records of a selection, those that can come back."""
    visit = visiting(request)
    visit.require(resource, "delete")
    form = await sent_form(visit, resource)
    selection = selection_in(resource, request.query_params if form is None else form)
    if not selection.trashed:
        raise NotFoundError(resource.absent)
    found = await chosen(visit, selection, trashed=True)
    plan = await _planned(visit, found)
    problem, status = "", HTTPStatus.OK.value
    if form is not None and plan.free.records:
        try:
            if text_in(form, STATE) != plan.free.state:
                raise StaleVersionError(CHANGED_MEANWHILE)  # noqa: TRY301 - as a write would
            return await _restore(visit, plan.free)
        except StaleVersionError:
            problem, status = say(CHANGED_MEANWHILE), HTTPStatus.CONFLICT
            found = await chosen(visit, selection, trashed=True)
            plan = await _planned(visit, found)
        except AppError as error:
            problem, status = retold(error.detail), error.status
    return await render(
        admin,
        request,
        "lists/bulk_restore.html",
        status,
        resource=resource,
        chosen=found,
        plan=plan,
        problem=problem,
        back=selection.back(visit),
    )


async def _planned(visit: Visit, found: Chosen) -> Plan:
    """Rehearse it."""
    if not found.records:
        return Plan(found)

    async def work(writer: Writer) -> Sequence[Outcome]:
        return await restore_items(writer, found.resource, found.items(), atomic=False)

    outcomes = (await visit.records.rehearse(visit.actor, rehearsing(visit), work)).result
    pairs = zip(found.records, outcomes, strict=True)
    free = replace(found, records=tuple(each for each, done in pairs if done.error is None))
    return Plan(
        free,
        tuple(link_of(visit, each) for each in free.records[:SAMPLES]),
        tuple(refused(visit, found.records, outcomes)),
    )


async def _restore(visit: Visit, free: Chosen) -> Response:
    """Restore them, all or none, in one change set."""

    async def work(writer: Writer) -> UUID:
        await restore_items(writer, free.resource, free.items())
        return writer.change_set

    change_set = await visit.records.write(visit.actor, visit.origin, work)
    title = counted(len(free.records), free.resource)
    return redirect_with(visit, free.selection.back(visit), "restored", title, change_set)
