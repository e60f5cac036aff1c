"""Two people changed one record: what it was, what each made of it, and what is to be kept.

What a form was opened with is known by its fingerprints alone. The texts behind them are found by
walking back through the record's changes until the fingerprints agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from admin_app.declaration import Key, Resource
from admin_app.declaration.keys import join_key
from admin_app.panel.display import who
from admin_app.panel.forms.filled import Conflict, Filled, Merge, Side
from admin_app.panel.forms.form import RecordForm
from admin_app.panel.forms.part import Part, fingerprint
from admin_app.panel.forms.parts import wire_values
from admin_app.panel.forms.relations import RelationPart
from admin_app.panel.sent_forms import text_in
from admin_app.records import PastChange, Representation

CONFLICT = "_conflict"
CHOOSE = "Choose which of the two is to be kept."
CHANGES_READ = 50
_SIDES = ("theirs", "mine")


def decide(page: RecordForm, form: FormData, filled: Filled, now: Filled) -> dict[str, str]:
    """Read the choices of a merge that came back, and say by part which is still to be made."""
    names = form.getlist(CONFLICT)
    undecided = {}
    for part in page.parts:
        if part.name not in names:
            continue
        choice = text_in(form, f"{part.control}-keep")
        if choice not in _SIDES:
            undecided[part.name] = CHOOSE
            continue
        if choice == "mine" and part.again and part.name not in filled.sent:
            undecided[part.name] = part.again
        filled.choices[part.name] = choice
        if choice == "theirs":
            filled.texts[part.name] = now.texts[part.name]
            for each in (filled.sent, filled.lost):
                each.discard(part.name)
    return undecided


async def merge(
    page: RecordForm, filled: Filled, record: Representation, base: Mapping[str, str] | None = None
) -> None:
    """Put the form on top of the record as it now is, and say what differs and why.

    ``base``: the fingerprints that both began with, where it is not the form's own.
    """
    base = filled.fingerprints if base is None else base
    now = page.opened(record)
    mine = {each.name for each in page.changed(filled)} | {
        name for name, choice in filled.choices.items() if choice == "theirs"
    }
    theirs = {name for name, known in now.fingerprints.items() if known != base.get(name)}
    past = await page.visit.records.history(
        page.visit.actor, page.resource, record.key, CHANGES_READ
    )
    wanted = {name: base[name] for name in theirs & base.keys()}
    recalled, walked = _recall(page, record, past, wanted)
    made = Merge(", ".join(dict.fromkeys(who(e.actor_name, e.impersonator) for e in walked)), base)
    before = {**now.texts, **recalled}
    for part in page.parts:
        name = part.name
        known = name not in theirs or name in recalled
        began = await page.words(part, before[name]) if known else None
        stored, yours = now.texts[name], filled.texts[name]
        if name in mine & theirs and (
            name in filled.choices or part.same(yours) != part.same(stored)
        ):
            seen = now.fingerprints[name] == filled.fingerprints[name]
            made.conflicts.append(
                Conflict(
                    part,
                    began,
                    await page.words(part, stored),
                    await page.words(part, yours),
                    filled.choices.get(name, "") if seen else "",
                )
            )
        elif name in theirs:
            made.taken.append(Side(part.label, began, await page.words(part, stored)))
        elif name in mine:
            made.kept.append(Side(part.label, began, await page.words(part, yours)))
    for name, text in now.texts.items():
        if name not in mine:
            filled.texts[name] = text
    filled.fingerprints = now.fingerprints
    filled.etag = now.etag
    filled.merge = made


def _recall(
    page: RecordForm, record: Representation, past: Sequence[PastChange], wanted: Mapping[str, str]
) -> tuple[dict[str, str], list[PastChange]]:
    """The texts behind fingerprints, and the changes that have been made since."""
    resource = page.resource
    facts: dict[str, Any] = wire_values(page.visit, resource, record.values)
    parts = {each.name: each for each in page.parts if each.name in wanted}
    found: dict[str, str] = {}
    walked: list[PastChange] = []
    for change in past:
        if change.action != "update" or found.keys() == parts.keys():
            break
        walked.append(change)
        _take_back(resource, facts, change, parts)
        for name, part in parts.items():
            text = _text(part, facts) if name not in found else None
            if text is not None and fingerprint(part.same(text)) == wanted[name]:
                found[name] = text
    return found, walked if found.keys() == parts.keys() else []


def _take_back(
    resource: Resource, facts: dict[str, Any], change: PastChange, parts: Mapping[str, Part]
) -> None:
    facts |= {name: each for name, each in change.before.items() if name not in resource.sets}
    for name in resource.sets.keys() & {*change.before, *change.after} & parts.keys():
        part = parts[name]
        if isinstance(part, RelationPart):
            lost, came = (_members(part, side.get(name)) for side in (change.before, change.after))
            facts[name] = [key for key in facts[name] if key not in came] + lost


def _members(part: RelationPart, values: Any) -> list[Key]:
    single = len(part.target.key) == 1
    texts = [join_key([str(each)]) if single else str(each) for each in values or ()]
    return list(part.target.keys_among(texts))


def _text(part: Part, facts: Mapping[str, Any]) -> str | None:
    """A part's text in a state of the record; none of what cannot be told from changes."""
    if not isinstance(part, RelationPart):
        try:
            return part.stored(facts)
        except (KeyError, ValueError, TypeError, AttributeError):
            return None
    if part.many:
        return part.stored(facts)
    values = [facts.get(name) for name in part.relation.fields]
    if None in values:
        return part.stored({part.name: []})
    key = part.target.key_or_none(join_key([str(each) for each in values]))
    return None if key is None else part.stored({part.name: [key]})
