"""Deleting one record: what goes with it, then the delete; out of the trash, for good."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import UUID

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.errors import AppError, NotFoundError, TooSlowError
from admin_app.panel.effects import Effect, deleted_beside, effects_in_words
from admin_app.panel.language import say
from admin_app.panel.notices import Event, redirect_with
from admin_app.panel.rendering import render
from admin_app.panel.sent_forms import read_form, text_in
from admin_app.panel.visit import Visit, visiting
from admin_app.records import Representation, Writer

TYPED_FROM = 20
"""Records deleted with one, beyond which its name has to be typed."""
LONGEST_TYPED = 40
TRASHED = "trash"
"""The parameter that says that a record in the trash is meant."""


@dataclass(slots=True)
class Plan:
    """What a delete would do, as far as it could be found out."""

    effects: list[Effect] = field(default_factory=list)
    beside: int = 0
    """Records that go with it."""
    possible: bool = True
    problem: AppError | None = None
    uncounted: bool = False
    """Whether it took too long to find out."""

    @property
    def grave(self) -> bool:
        """Whether a name has to be typed to confirm."""
        return self.possible and (self.beside > TYPED_FROM or self.uncounted)


async def delete(admin: Admin, request: Request, resource: Resource) -> Response:
    """What a delete would do, then the delete."""
    visit = visiting(request)
    visit.require(resource, "delete")
    form = await read_form(request) if request.method == "POST" else None
    given = request.query_params if form is None else form
    purge = given.get(TRASHED) == "only" and resource.options.trash is not None
    key = resource.parse_key(str(given.get("key", "")))
    record = await visit.records.get(visit.actor, resource, key, "only" if purge else "without")
    if form is None:
        visit.confirm_first(resource)
    plan = await planned(visit, record, purge=purge)
    word = word_of(record.title, record.key_text) if plan.grave else ""
    typed = text_in(form, "typed") if form is not None else ""
    problem: AppError | None = plan.problem
    mistyped = form is not None and bool(word) and typed.strip() != word
    if form is not None and not mistyped:
        try:
            change_set = await _delete(visit, record, text_in(form, "_etag"), purge=purge)
        except NotFoundError:
            raise
        except AppError as error:
            problem = error
        else:
            event: Event = "purged" if purge else "deleted"
            url = visit.urls.list(resource, [(TRASHED, "only")] if purge else [])
            return redirect_with(visit, url, event, record.title, change_set)
    status = problem.status if problem else HTTPStatus.UNPROCESSABLE_ENTITY
    return await render(
        admin,
        request,
        "delete.html",
        status if problem or mistyped else HTTPStatus.OK,
        resource=resource,
        record=record,
        plan=plan,
        purge=purge,
        to_trash=resource.options.trash is not None and not purge,
        word=word,
        mistyped=say("Type {word} to go on.", word=word) if mistyped else "",
        problem=problem,
    )


async def planned(visit: Visit, record: Representation, *, purge: bool) -> Plan:
    """Find out what deleting a record would do. Raises ``NotFoundError``."""
    resource, keys = record.resource, [record.key]
    try:
        found = await visit.records.delete_effects(visit.actor, resource, *keys, purge=purge)
    except NotFoundError:
        raise
    except TooSlowError:
        return Plan(uncounted=True)
    except AppError as error:
        return Plan(possible=False, problem=error)
    return Plan(
        await effects_in_words(visit, resource, keys, found),
        deleted_beside(resource, keys, found),
        possible=not found.blocked,
    )


async def _delete(visit: Visit, record: Representation, etag: str, *, purge: bool) -> UUID:
    """Do it; what it did is in the change set."""

    async def work(writer: Writer) -> UUID:
        remove = writer.purge if purge else writer.delete
        await remove(record.resource, record.key, if_match=[etag])
        return writer.change_set

    return await visit.records.write(visit.actor, visit.origin, work)


def word_of(title: str, otherwise: str) -> str:
    """The word to type as a confirmation: the title, where a keyboard has it."""
    typeable = len(title) <= LONGEST_TYPED and title.isprintable() and title == title.strip()
    return title if typeable else otherwise
