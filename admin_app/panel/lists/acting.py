"""Declared actions: a form of their parameters, what they would do, and their run."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pydantic_core
from sqladmin import Admin
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from admin_app.access.policies import require
from admin_app.declaration import DeclaredAction, Resource
from admin_app.errors import AppError, NotFoundError, StaleVersionError
from admin_app.panel.display import Link, Shown, shortened, wire_shown
from admin_app.panel.forms.filled import Filled
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.language import say
from admin_app.panel.lists.bulk import CHANGED_MEANWHILE
from admin_app.panel.lists.parameters import Parameter, as_json, parameters_of
from admin_app.panel.lists.previewing import (
    SAMPLES,
    Difference,
    Preview,
    Sample,
    count_words,
    preview_alone,
    rehearsing,
)
from admin_app.panel.lists.selecting import Chosen, Selection, chosen, selection_in, sent_form
from admin_app.panel.notices import redirect_with
from admin_app.panel.rendering import render
from admin_app.panel.sent_forms import text_in
from admin_app.panel.texts import TextError
from admin_app.panel.visit import Visit, visiting
from admin_app.records import Claim, Rehearsal, RehearsedChange, Reply, Writer
from admin_app.records.writes.actions import run_action
from admin_app.records.writes.idempotency import digest as digest_of

RUN, STATE, ONCE = "_run", "_state", "_once"
"""Names of controls: the button, the digest of versions, and the key of one run."""
CHANGE_SET = "Change-Set"
_ONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class Acting:
    """An action about to be run: on what, with which answers."""

    visit: Visit
    action: DeclaredAction
    found: Chosen
    form: RecordForm
    filled: Filled
    parts: list[Parameter]

    @property
    def resource(self) -> Resource:
        return self.found.resource

    @property
    def act(self) -> str:
        """What the button says."""
        if self.action.on != "selection":
            return self.action.label
        return say("{action}: {records}", action=self.action.label, records=self.found.words)

    def parsed(self) -> tuple[bytes, Any] | None:
        """The parameters; none where some are wrong, which is noted."""
        data: dict[str, Any] = {}
        for each in self.parts:
            try:
                data |= each.wire(self.filled.texts[each.name])
            except TextError as error:
                self.filled.errors[each.name] = [str(error)]
        if self.filled.errors:
            return None
        body = as_json(self.parts, data) if self.action.parameters is not None else b""
        try:
            return body, self.action.parse(body)
        except AppError as error:
            self.form.refuse(self.filled, error)
            return None

    @property
    def back(self) -> str:
        """Where to go when it is not run."""
        if self.action.on == "record":
            (record,) = self.found.records
            return self.visit.urls.details(self.resource, record.key)
        return self.found.selection.back(self.visit)


async def act(admin: Admin, request: Request, resource: Resource) -> Response:
    """Run a declared action, after a look at what it would do."""
    visit = visiting(request)
    action = resource.declared.get(request.path_params["action"])
    if action is None:
        raise HTTPException(404)
    require(visit.actor, resource, action.name)
    form = await sent_form(visit, resource)
    found = await _subject(visit, resource, action, request, form)
    acting = _acting(visit, action, found, form)
    if found.too_many or (form is None and acting.parts):
        return await _page(admin, request, acting)
    parsed = acting.parsed()
    if parsed is None:
        return await _page(admin, request, acting, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    body, given = parsed
    stale = form is not None and text_in(form, STATE) != found.state
    try:
        if form is not None and form.get(RUN):
            return await _run(acting, body, given, text_in(form, ONCE), stale=stale)
        rehearsed = await visit.records.rehearse(
            visit.actor, rehearsing(visit), _work(acting, given)
        )
    except NotFoundError:
        raise
    except StaleVersionError:
        acting.found = await _subject(visit, resource, action, request, form)
        acting.filled.problems.append(say(CHANGED_MEANWHILE))
        return await _page(admin, request, acting, status=HTTPStatus.CONFLICT)
    except AppError as error:
        acting.form.refuse(acting.filled, error)
        return await _page(admin, request, acting, status=error.status)
    return await _page(admin, request, acting, preview=_preview(acting, rehearsed))


async def _subject(
    visit: Visit,
    resource: Resource,
    action: DeclaredAction,
    request: Request,
    form: FormData | None,
) -> Chosen:
    """The records to run on. Raises ``NotFoundError``, and ``BadRequestError`` for no selection."""
    given = request.query_params if form is None else form
    if action.on == "resource":
        return Chosen(Selection(resource, "", everything=True), ())
    if action.on == "selection":
        return await chosen(visit, selection_in(resource, given))
    text = str(given.get("key", ""))
    record = await visit.records.get(visit.actor, resource, resource.parse_key(text))
    return Chosen(Selection(resource, "", everything=False, texts=(text,)), (record,))


def _acting(visit: Visit, action: DeclaredAction, found: Chosen, given: FormData | None) -> Acting:
    parts = parameters_of(action)
    form = RecordForm(visit, found.resource, "update", parts=parts)
    filled = form.opened(None)
    if given is not None:
        sent = {each.name: each.sent(given) for each in parts}
        filled.texts |= {name: text for name, text in sent.items() if text is not None}
    return Acting(visit, action, found, form, filled, parts)


def _work(acting: Acting, given: Any) -> Any:
    async def work(writer: Writer) -> Any:
        return await run_action(writer, acting.resource, acting.action, acting.found.keys, given)

    return work


async def _run(acting: Acting, body: bytes, given: Any, once: str, *, stale: bool) -> Response:
    """Run it, once however often the form is sent, and say what came of it."""
    visit, action, found = acting.visit, acting.action, acting.found
    tags = [each["if_match"] for each in found.items()] if action.on == "record" else None

    async def work(writer: Writer) -> Reply:
        if stale:  # Unless this is a repetition, which is answered before.
            raise StaleVersionError(CHANGED_MEANWHILE)
        result = await run_action(writer, found.resource, action, found.keys, given, if_match=tags)
        told = pydantic_core.to_json(action.answers.dump_python(result, mode="json"))
        made = {CHANGE_SET: str(writer.change_set)} if writer.changed else {}
        return Reply(HTTPStatus.OK, made, told)

    request = digest_of(
        [
            found.resource.name.encode(),
            action.name.encode(),
            json.dumps(found.selection.carried).encode(),
            body,
        ]
    )
    key = once if _ONCE.fullmatch(once) else uuid.uuid4().hex
    reply = await visit.records.write_once(
        visit.actor, visit.origin, Claim(f"panel:{key}", request), work
    )
    url = acting.back
    if action.on == "record":
        (record,) = found.records
        try:
            await visit.records.get(visit.actor, found.resource, record.key)
        except AppError:
            url = visit.urls.list(found.resource)
    made = reply.headers.get(CHANGE_SET)
    change_set = uuid.UUID(made) if made else None
    return redirect_with(visit, url, "ran", _told(acting, reply), change_set)


def _told(acting: Acting, reply: Reply) -> str:
    """A sentence about what was done and what the action returned."""
    title = acting.act
    if acting.action.on == "record":
        title = say("{action}: {record}", action=title, record=acting.found.records[0].title)
    result = json.loads(reply.body) if reply.body else None
    if result is None:
        return title
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return say("{what} · result: {result}", what=title, result=text)


def _preview(acting: Acting, rehearsed: Rehearsal[Any]) -> Preview:
    """Preview the run by a rehearsal."""
    visit = acting.visit
    lines = count_words(visit, rehearsed.counts)
    own = [each for each in rehearsed.changes if each.resource == acting.resource.name]
    samples = [
        sample for each in (own or rehearsed.changes)[:SAMPLES] if (sample := _sample(visit, each))
    ]
    return Preview(
        acting.act,
        sum(sum(each.values()) for each in rehearsed.counts.values()),
        tuple(lines) or (say("Nothing would change."),),
        tuple(samples),
    )


def _sample(visit: Visit, change: RehearsedChange) -> Sample | None:
    resource = visit.registry[change.resource]
    before, after = change.before or {}, change.after or {}
    title = shortened(Shown(change.title)).text
    if change.action != "update":
        words = say("created") if change.action == "create" else say("deleted")
        return Sample(Link(f"{title} · {words}"), ())
    link = Link(title, visit.urls.details(resource, resource.parse_key(change.key)))
    return Sample(link, tuple(_differences(resource, before, after)))


def _differences(
    resource: Resource, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Sequence[Difference]:
    found = []
    for name in {**before, **after}:
        field, relation = resource.fields.get(name), resource.relations.get(name)
        if field is not None and name != resource.version:
            found.append(
                Difference(
                    field.label,
                    shortened(wire_shown(field, before.get(name))),
                    shortened(wire_shown(field, after.get(name))),
                )
            )
        elif relation is not None:
            found.append(
                Difference(relation.label, _counted(before.get(name)), _counted(after.get(name)))
            )
    return found


def _counted(keys: Any) -> Shown:
    return Shown(say("{count} links", count=len(keys))) if keys else Shown()


async def _page(
    admin: Admin,
    request: Request,
    acting: Acting,
    *,
    status: int = HTTPStatus.OK,
    preview: Preview | None = None,
) -> Response:
    shown: dict[str, Any] = {
        "resource": acting.resource,
        "chosen": acting.found,
        "acting": acting,
        "form": acting.form,
        "filled": acting.filled,
        "preview": preview,
    }
    return await preview_alone(admin, request, status, **shown) or await render(
        admin,
        request,
        "record/action.html",
        status,
        **shown,
        action=acting.action,
        shapes=await acting.form.shapes(acting.filled),
        once=uuid.uuid4().hex,
        record=None,
        first=acting.found.records[:SAMPLES],
    )
