"""What has happened to records, as people read it: who, when, by which door, field by field."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from admin_app.declaration import Key, Kind, Resource
from admin_app.panel.display import DOOR_WORDS, Shown, day, shortened, who, wire_shown
from admin_app.panel.language import mark, say, say_many, zone
from admin_app.panel.layout import covered
from admin_app.panel.links import Titles, link_to
from admin_app.panel.visit import Visit
from admin_app.records import PastChange
from admin_app.records.trail.changes import SENSITIVE_MARKER, Facts
from admin_app.records.trail.net import Net
from admin_app.records.trail.past import UndoneBy
from admin_app.records.trail.veil import member_key

LINKS_SHOWN = 50
MOST_WORDS = 600
"""The most words of a text that are compared word by word."""
_ACTIONS = {
    "create": mark("Created"),
    "update": mark("Changed"),
    "delete": mark("Deleted"),
}
_WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; ``kept`` if the other text has it too."""

    text: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A field before and after."""

    label: str
    names: str
    """The fields that it is, joined by commas; none where it cannot be put back by itself."""
    before: Shown
    after: Shown
    members: bool
    """Whether it is a set, of which these left and those came."""
    words: tuple[Sequence[Piece], Sequence[Piece]] = ((), ())
    """Of two texts, what of each is in the other."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change as the panel shows it."""

    change: PastChange
    who: str
    what: str
    door: str
    differences: tuple[Difference, ...]
    href: str
    """The address of its record's history."""

    @property
    def at(self) -> datetime:
        return self.change.at

    @property
    def day(self) -> date:
        return self.change.at.astimezone(zone()).date()

    @property
    def ago(self) -> str:
        return ago(self.change.at)

    @property
    def undone(self) -> UndoneBy | None:
        return self.change.undone


async def events(visit: Visit, changes: Sequence[PastChange]) -> list[Event]:
    """Changes with the names of what their relations pointed to."""
    by_resource: dict[str, list[PastChange]] = {}
    for each in changes:
        by_resource.setdefault(each.resource, []).append(each)
    facts = {
        name: await FactNames.of(visit, visit.registry[name], _facts(some))
        for name, some in by_resource.items()
    }
    return [_event(visit, each, facts[each.resource]) for each in changes]


def _facts(changes: Iterable[PastChange]) -> Iterable[Facts]:
    return (facts for each in changes for facts in (each.before, each.after))


def _event(visit: Visit, change: PastChange, facts: FactNames) -> Event:
    return Event(
        change,
        who=who(change.actor_name, change.impersonator),
        what=say(_ACTIONS.get(change.action, change.action)),
        door=say(DOOR_WORDS.get(change.source, change.source)),
        differences=tuple(facts.differences(change.before, change.after))
        if change.action == "update"
        else (),
        href=visit.urls.to(change.resource, "history", change.key),
    )


async def compared(visit: Visit, net: Net) -> list[Difference]:
    """What of a record differs between two of its states, long texts word by word."""
    before = {name: net.was[name] for name in net.changed}
    after = {name: net.left[name] for name in net.changed}
    before |= {name: [*net.lost[name]] for name in net.moved}
    after |= {name: [*net.gained[name]] for name in net.moved}
    facts = await FactNames.of(visit, net.resource, [before, after])
    return list(facts.differences(before, after, whole=True))


class FactNames:
    """Reads the facts of changes: relations by title, values as the record's page shows them."""

    def __init__(self, visit: Visit, resource: Resource) -> None:
        self._visit = visit
        self._resource = resource
        self._relations = {**covered(resource), **resource.sets}
        self._titles: dict[str, Titles] = {}

    @classmethod
    async def of(cls, visit: Visit, resource: Resource, facts: Iterable[Facts]) -> FactNames:
        """Read the titles of all records that facts speak of: one statement a resource."""
        made = cls(visit, resource)
        wanted: dict[str, set[Key]] = {}
        for each in facts:
            for name in each.keys() & made._relations.keys():
                target = made._relations[name].target
                wanted.setdefault(target, set()).update(made._keys(name, each)[:LINKS_SHOWN])
        for target, keys in wanted.items():
            made._titles[target] = await visit.records.titles(
                visit.actor, visit.registry[target], keys
            )
        return made

    def differences(
        self, before: Facts, after: Facts, *, whole: bool = False
    ) -> Iterable[Difference]:
        """Every field that facts speak of, a relation once; ``whole``: without leaving any out."""
        for label, names in self._labels({**before, **after}).items():
            first = names[0]
            known = [name for name in names if name in self._resource.fields]
            given = [name for name in known if self._resource.fields[name].updatable]
            puttable = ",".join(names if first in self._resource.sets else given)
            old, new = self._shown(first, before, whole), self._shown(first, after, whole)
            is_text = whole and self._is_text(first)
            yield Difference(
                label,
                puttable,
                old,
                new,
                first in self._resource.sets,
                word_by_word(old.text, new.text) if is_text else ((), ()),
            )

    def _labels(self, facts: Facts) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in facts:
            source = self._relations.get(name) or self._resource.fields.get(name)
            found.setdefault(source.label if source else name, []).append(name)
        return found

    def _is_text(self, name: str) -> bool:
        field = self._resource.fields.get(name)
        return field is not None and field.kind in {Kind.STRING, Kind.TEXT, Kind.JSON}

    def _shown(self, name: str, facts: Mapping[str, Any], whole: bool) -> Shown:
        if name not in facts:
            return Shown()
        if name in self._relations:
            relation = self._relations[name]
            target = self._visit.registry.target(relation)
            titles = self._titles.get(relation.target, {})
            keys = self._keys(name, facts)
            links = tuple(link_to(self._visit, target, key, titles) for key in keys[:LINKS_SHOWN])
            return Shown(links=links, more=len(keys) - len(links))
        field = self._resource.fields.get(name)
        if field is None or facts[name] == SENSITIVE_MARKER:
            return Shown(str(facts[name]))
        value = wire_shown(field, facts[name])
        return value if whole else shortened(value)

    def _keys(self, name: str, facts: Mapping[str, Any]) -> list[Key]:
        relation = self._relations[name]
        target = self._visit.registry.target(relation)
        if relation.keyed:
            given = list(facts.get(name) or ())
        else:
            parts = [facts.get(each) for each in relation.fields]
            # A change of part of a foreign key does not say which record it pointed to.
            given = [] if None in parts or len(parts) > 1 else parts
        return [key for each in given if (key := member_key(target, each)) is not None]


def word_by_word(old: str, new: str) -> tuple[Sequence[Piece], Sequence[Piece]]:
    """Compare two texts word by word; empty where they are too long."""
    ours, theirs = _WORD.findall(old), _WORD.findall(new)
    if not ours or not theirs or max(len(ours), len(theirs)) > MOST_WORDS:
        return (), ()
    left: list[Piece] = []
    right: list[Piece] = []
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for tag, start, end, other, last in matcher.get_opcodes():
        kept = tag == "equal"
        if start < end:
            left.append(Piece("".join(ours[start:end]), kept))
        if other < last:
            right.append(Piece("".join(theirs[other:last]), kept))
    return left, right


_STEPS: tuple[tuple[int, int, Literal["now", "minutes", "hours", "days"]], ...] = (
    (60, 1, "now"),
    (3600, 60, "minutes"),
    (86400, 3600, "hours"),
    (86400 * 30, 86400, "days"),
)


def ago(at: datetime) -> str:
    """How long ago something was, while that says more than the date."""
    seconds = int((datetime.now(UTC) - at).total_seconds())
    for most, one, unit in _STEPS:
        if seconds < most:
            count = seconds // one
            if unit == "now":
                return say("just now")
            if unit == "minutes":
                return say_many("{count} minute ago", "{count} minutes ago", count)
            if unit == "hours":
                return say_many("{count} hour ago", "{count} hours ago", count)
            return say_many("{count} day ago", "{count} days ago", count)
    return day(at.astimezone(zone()).date().isoformat())
