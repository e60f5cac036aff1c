"""The form of a record as a page has it: its own questions, and its inlines."""

from __future__ import annotations

from admin_app.declaration import Resource
from admin_app.errors import AppError
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.forms.inlines import InlinePart
from admin_app.panel.forms.part import PREFIX, Purpose
from admin_app.panel.forms.parts import parts_of
from admin_app.panel.visit import Visit
from admin_app.records import Representation


def inline_parts(
    visit: Visit, resource: Resource, purpose: Purpose, record: Representation | None
) -> list[InlinePart]:
    """The inlines of a resource's form in which somebody may write something."""
    found = []
    for inline in resource.inlines:
        relation = resource.relations[inline.relation]
        target = visit.registry.target(relation)
        if relation.name in resource.fixed.get(purpose, ()) or not visit.may(target, "read"):
            continue
        part = InlinePart(visit, resource, inline, purpose, record)
        changes = purpose == "update" and (part.may("update") or part.may("delete"))
        if part.addable or changes:
            part.open()
            found.append(part)
    return found


def whole_form(
    visit: Visit,
    resource: Resource,
    purpose: Purpose,
    record: Representation | None = None,
    prefix: str = PREFIX,
) -> RecordForm:
    """The form of a resource; with its inlines where it is a page's own and not one beside it."""
    parts = parts_of(visit, resource, purpose)
    if prefix == PREFIX:
        parts += inline_parts(visit, resource, purpose, record)
    return RecordForm(visit, resource, purpose, prefix, parts)


async def answered_below(page: RecordForm, error: AppError) -> bool:
    """Take a refusal that is about a record of an inline; tell whether it was one."""
    for part in page.parts:
        if isinstance(part, InlinePart) and await part.answer(error):
            return True
    return False
