"""Deleting many records at once: what goes with them, what stands in the way, and the delete.

Out of the trash they are deleted for good.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from uuid import UUID

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.errors import AppError, StaleVersionError, TooSlowError
from admin_app.panel.declared import counted
from admin_app.panel.display import Link
from admin_app.panel.effects import Effect, deleted_beside, effects_in_words
from admin_app.panel.language import retold, say
from admin_app.panel.lists.bulk import CHANGED_MEANWHILE
from admin_app.panel.lists.previewing import SAMPLES, link_of
from admin_app.panel.lists.selecting import Chosen, chosen, selection_in, sent_form
from admin_app.panel.notices import redirect_with
from admin_app.panel.rendering import render
from admin_app.panel.sent_forms import text_in
from admin_app.panel.visit import Visit, visiting
from admin_app.records import Writer
from admin_app.records.writes.bulk.removals import delete_items
from admin_app.records.writes.deletes.effects import Effects

TYPED_FROM = 100
"""Records in all: where more than so many are deleted, their number has to be typed."""
STATE = "_state"
HELD_SHOWN = 20


@dataclass(slots=True)
class Plan:
    """What a delete of several records would do, as far as it could be found out."""

    free: Chosen
    """Those that can be deleted."""
    effects: list[Effect] = field(default_factory=list)
    names: list[Link] = field(default_factory=list)
    """The first of those."""
    held: list[Link] = field(default_factory=list)
    """The first of those that something holds fast."""
    held_count: int = 0
    total: int = 0
    """How many records are deleted in all."""
    problem: AppError | None = None
    uncounted: bool = False
    """Whether it took too long to find out what goes with them."""

    @property
    def possible(self) -> bool:
        """Whether any can be deleted."""
        return bool(self.free.records) and self.problem is None

    @property
    def typed(self) -> str:
        """What has to be typed; nothing where they are few."""
        many = self.total > TYPED_FROM or self.uncounted
        return str(len(self.free.records)) if many and self.possible else ""


async def delete(admin: Admin, request: Request, resource: Resource) -> Response:
    """Delete the records of a selection, those that nothing holds."""
    visit = visiting(request)
    visit.require(resource, "delete")
    form = await sent_form(visit, resource)
    selection = selection_in(resource, request.query_params if form is None else form)
    found = await chosen(visit, selection, trashed=True)
    plan = await planned(visit, found)
    problem = retold(plan.problem.detail) if plan.problem else ""
    status: int = plan.problem.status if plan.problem else HTTPStatus.OK
    if form is not None and plan.possible:
        if text_in(form, STATE) != plan.free.state:
            problem, status = say(CHANGED_MEANWHILE), HTTPStatus.CONFLICT
        elif plan.typed and text_in(form, "typed").strip() != plan.typed:
            problem = say("Type {word} to go on.", word=plan.typed)
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        else:
            try:
                return await _delete(visit, plan.free)
            except StaleVersionError:
                problem, status = say(CHANGED_MEANWHILE), HTTPStatus.CONFLICT
                plan = await planned(visit, await chosen(visit, selection, trashed=True))
            except AppError as error:
                problem, status = retold(error.detail), error.status
    return await render(
        admin,
        request,
        "lists/bulk_delete.html",
        status,
        resource=resource,
        chosen=found,
        plan=plan,
        purge=selection.trashed,
        problem=problem,
        back=selection.back(visit),
    )


async def planned(visit: Visit, found: Chosen) -> Plan:
    """Find out what deleting the records would do."""
    if not found.records:
        return Plan(found)
    resource, free = found.resource, found
    plan = Plan(free)
    purge = found.selection.trashed
    try:
        effects = await visit.records.delete_effects(
            visit.actor, resource, *found.keys, purge=purge
        )
        if effects.held:
            # What holds some of them back says nothing of what goes with the others.
            held = {*effects.held}
            bound = [each for each in found.records if each.key in held]
            plan.held = [link_of(visit, each) for each in bound[:HELD_SHOWN]]
            plan.held_count = len(bound)
            plan.effects = await _blocked(visit, found, effects)
            free = replace(found, records=tuple(e for e in found.records if e.key not in held))
            if free.records:
                effects = await visit.records.delete_effects(
                    visit.actor, resource, *free.keys, purge=purge
                )
        plan.free = free
        if free.records:
            plan.effects += await effects_in_words(visit, resource, free.keys, effects)
            plan.total = len(free.records) + deleted_beside(resource, free.keys, effects)
    except TooSlowError:
        plan.uncounted = True
    except AppError as error:
        plan.problem = error
    plan.names = [link_of(visit, each) for each in plan.free.records[:SAMPLES]]
    return plan


async def _blocked(visit: Visit, found: Chosen, effects: Effects) -> list[Effect]:
    words = await effects_in_words(visit, found.resource, effects.held, effects)
    return [each for each in words if each.kind == "blocked"]


async def _delete(visit: Visit, free: Chosen) -> Response:
    """Delete them, all or none, in one change set."""
    resource, purge = free.resource, free.selection.trashed

    async def work(writer: Writer) -> UUID:
        await delete_items(writer, resource, free.items(), purge=purge)
        return writer.change_set

    change_set = await visit.records.write(visit.actor, visit.origin, work)
    title = counted(len(free.records), resource)
    back = free.selection.back(visit)
    return redirect_with(visit, back, "purged" if purge else "deleted_many", title, change_set)
