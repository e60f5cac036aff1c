"""What a write of many records would do, in words: from a rehearsal under the policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Origin, Relation
from admin_app.panel.answers import json_answer, wants_json
from admin_app.panel.declared import counted
from admin_app.panel.display import Link, Shown, shortened, shown
from admin_app.panel.forms.part import Part
from admin_app.panel.forms.parts import FieldPart
from admin_app.panel.forms.relations import RelationPart
from admin_app.panel.language import lowered, mark_many, retold, say, say_many
from admin_app.panel.links import related, titles_of
from admin_app.panel.lists.selecting import Chosen
from admin_app.panel.rendering import rendered
from admin_app.panel.visit import Visit
from admin_app.records import Representation, Writer
from admin_app.records.writes.bulk.items import Outcome, update_items

SAMPLES = 5
NAMED = 3
"""The most records named of each outcome, and of each relation; the others are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field before and after."""

    label: str
    before: Shown
    after: Shown


@dataclass(frozen=True, slots=True)
class Sample:
    """A record that would change, and how."""

    link: Link
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Records that would be refused for the same reason, the first of them by name."""

    words: str
    count: int
    links: tuple[Link, ...]

    @property
    def more(self) -> int:
        """Those that are not named."""
        return self.count - len(self.links)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a write of many records would do."""

    act: str
    """What the button says."""
    count: int
    """The records that would change."""
    lines: tuple[str, ...]
    samples: tuple[Sample, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def refused(self) -> int:
        """The number of records that would be refused."""
        return sum(each.count for each in self.refusals)


async def changed_preview(
    visit: Visit, found: Chosen, parts: Sequence[Part], data: Mapping[str, Any]
) -> Preview:
    """What giving every record of a selection ``data`` would do."""
    resource = found.resource
    items = found.items(data)

    async def work(writer: Writer) -> Sequence[Outcome]:
        return await update_items(writer, resource, items, atomic=False)

    rehearsed = await visit.records.rehearse(visit.actor, rehearsing(visit), work)
    changed: list[tuple[Representation, Representation]] = []
    same = 0
    for before, outcome in zip(found.records, rehearsed.result, strict=True):
        if outcome.record is None:
            continue
        if outcome.record.state == before.state:
            same += 1
        else:
            changed.append((before, outcome.record))
    refusals = refused(visit, found.records, rehearsed.result)
    count = len(changed)
    lines = [
        say_many("{records} changes.", "{records} change.", count, records=counted(count, resource))
    ]
    if same:
        lines.append(
            say_many(
                "{count} is like that already.",
                "{count} are like that already.",
                same,
            )
        )
    others = {name: each for name, each in rehearsed.counts.items() if name != resource.name}
    lines += count_words(visit, others)
    return Preview(
        act_words([each.label for each in parts], counted(count, resource)),
        count,
        tuple(lines),
        tuple(await _samples(visit, changed[:SAMPLES], parts)),
        tuple(refusals),
    )


async def preview_alone(
    admin: Admin, request: Request, status: int, **context: Any
) -> Response | None:
    """The preview, for the script that asks for no more; none where the page is asked for."""
    if request.method != "POST" or not wants_json(request):
        return None
    html = await rendered(admin, request, "lists/preview.html", status=status, **context)
    return json_answer({"html": html})


def rehearsing(visit: Visit) -> Origin:
    """The origin of a rehearsal, which needs no reason."""
    return replace(visit.origin, reason=visit.origin.reason or "-")


def act_words(labels: Sequence[str], records: str) -> str:
    """What a bulk edit does, for its button: ``Set language of 257 books``."""
    if len(labels) == 1:
        return say("Set {field} of {records}", field=lowered(labels[0]), records=records)
    return say("Set {count} fields of {records}", count=len(labels), records=records)


def refused(
    visit: Visit, records: Iterable[Representation], outcomes: Iterable[Outcome]
) -> list[Refusal]:
    """The records that were refused, by reason."""
    by_words: dict[str, list[Representation]] = {}
    for record, outcome in zip(records, outcomes, strict=True):
        if outcome.error is not None:
            told = [each.detail for each in outcome.error.errors] or [outcome.error.detail]
            details = [retold(each) for each in told]
            by_words.setdefault(" ".join(dict.fromkeys(details)), []).append(record)
    return [
        Refusal(words, len(those), tuple(link_of(visit, each) for each in those[:NAMED]))
        for words, those in by_words.items()
    ]


def link_of(visit: Visit, record: Representation) -> Link:
    """A record by its title."""
    title = shortened(Shown(record.title)).text
    return Link(title, visit.urls.details(record.resource, record.key))


def count_words(visit: Visit, counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What happens to how many records of each resource."""
    words = {
        "create": mark_many("{records} is created.", "{records} are created."),
        "update": mark_many("{records} changes.", "{records} change."),
        "delete": mark_many("{records} is deleted.", "{records} are deleted."),
    }
    return [
        say_many(*words[action], count, records=counted(count, visit.registry[name]))
        for name, actions in counts.items()
        for action, count in actions.items()
    ]


async def _samples(
    visit: Visit, changed: Sequence[tuple[Representation, Representation]], parts: Sequence[Part]
) -> Iterable[Sample]:
    titles: dict[str, Any] = {}
    rows = [each.values for pair in changed for each in pair]
    for part in parts:
        if isinstance(part, RelationPart):
            titles[part.name] = await titles_of(visit, part.relation, rows, most=NAMED)

    def cell(part: Part, record: Representation) -> Shown:
        if isinstance(part, RelationPart):
            relation: Relation = part.relation
            names = titles[part.name]
            return related(visit, relation, record.values, names, most=NAMED)
        if isinstance(part, FieldPart):
            return shortened(shown(record.resource, part.field, record.values))
        return Shown()

    return [
        Sample(
            link_of(visit, after),
            tuple(
                Difference(each.label, then, now)
                for each in parts
                if (then := cell(each, before)) != (now := cell(each, after))
            ),
        )
        for before, after in changed
    ]
